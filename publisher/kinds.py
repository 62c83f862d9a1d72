"""The kinds of APIs: what their operations are, what they begin with, and how their definition is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

HTTP_VERBS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_PATH = re.compile(r"^/(?:[^\s{}?#\\]|\{[^\s{}/]+\})*$")
_PATH_HINT = "Begin with a slash; parameters stand in braces, as in /orders/{id}; no spaces, ? or #."
_NAME = re.compile(r"^[_A-Za-z][_0-9A-Za-z]*$")
_HTTP_TRANSPORTS = ("http", "https")


@dataclass(frozen=True)
class Kind:
    """One kind. `verbs` and `target` (with its hint) say what an operation may be, `start` what an API has without any.

    `document` is how its definition is written: openapi, graphql, wsdl or asyncapi.
    """

    name: str
    label: str
    verbs: tuple[str, ...] = HTTP_VERBS
    target: re.Pattern[str] = _PATH
    hint: str = _PATH_HINT
    start: tuple[dict[str, Any], ...] = field(default=())
    transports: tuple[str, ...] = _HTTP_TRANSPORTS
    document: str = "openapi"


def _all(verbs: tuple[str, ...], target: str) -> tuple[dict[str, Any], ...]:
    return tuple({"verb": verb, "target": target} for verb in verbs)


HTTP = Kind("HTTP", "REST", start=_all(("GET", "POST", "PUT", "DELETE", "PATCH"), "/*"))
SOAP = Kind("SOAP", "SOAP", verbs=("POST",), start=_all(("POST",), "/*"), document="wsdl")
SOAPTOREST = Kind("SOAPTOREST", "REST from SOAP", start=HTTP.start)
GRAPHQL = Kind(
    "GRAPHQL",
    "GraphQL",
    verbs=("QUERY", "MUTATION", "SUBSCRIPTION"),
    target=_NAME,
    hint="It must be the name of a field: letters, digits and underscores.",
    document="graphql",
)
_STREAMS = {"verbs": ("PUBLISH", "SUBSCRIBE"), "transports": ("http", "https", "ws", "wss"), "document": "asyncapi"}
WS = Kind("WS", "WebSocket", start=_all(("PUBLISH", "SUBSCRIBE"), "/*"), **_STREAMS)
SSE = Kind("SSE", "Server-sent events", start=_all(("SUBSCRIBE",), "/*"), **_STREAMS)
WEBSUB = Kind("WEBSUB", "WebSub", start=_all(("SUBSCRIBE",), "/*"), **_STREAMS)
PRODUCT = Kind("PRODUCT", "API product")

KINDS = {kind.name: kind for kind in (HTTP, SOAP, SOAPTOREST, GRAPHQL, WS, SSE, WEBSUB, PRODUCT)}


def of(name: str) -> Kind:
    """The kind of that name."""
    return KINDS[name]
