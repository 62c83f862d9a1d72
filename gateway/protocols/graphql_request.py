"""GraphQL over HTTP: the request of a call, read so that the backend cannot read another one out of it.

A body in which a name stands twice, or a query in the address besides the one in the body, means different things to different
servers; what was checked here must be what is run there. So the first are refused, and members that no standard names are
left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from gateway.protocols.graphql_document import InvalidQuery

MEMBERS = ("query", "operationName", "variables", "extensions")
_NAMES = frozenset(name.lower() for name in MEMBERS)
_CHARSETS = frozenset({b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1"})
_DIVIDED = re.compile(rb"[&;]").split
MOST_PARAMETERS = 100


@dataclass(slots=True)
class Request:
    """What a caller asks for. `body`: the bytes for the backend when they differ from what came, else None."""

    query: str
    operation: str
    variables: dict[str, Any]
    body: bytes | None = None


def from_body(content_type: bytes, body: bytes) -> Request:
    """The request of a POST. Raises InvalidQuery saying what is wrong with it."""
    media = content_type.partition(b";")[0].strip().lower()
    if b";" in content_type:
        _refuse_charset(content_type)
    if media == b"application/graphql":
        return Request(_text(body), "", {})
    if media != b"application/json":
        raise InvalidQuery("Send the query as application/json.")
    given = _json(_text(body), "The body")
    if not isinstance(given, dict):
        raise InvalidQuery("The body must be a JSON object with a query; batches are not taken.")
    request = _request(given)
    if any(name not in MEMBERS for name in given):
        request.body = json.dumps({name: given[name] for name in MEMBERS if name in given}).encode()
    return request


def _refuse_charset(content_type: bytes) -> None:
    """Raises InvalidQuery for a charset in which the same bytes may be another text: UTF-7 hides quotes in letters."""
    for parameter in content_type.lower().split(b";")[1:]:
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"charset" and value.strip().strip(b"\"'") not in _CHARSETS:
            raise InvalidQuery("Send the query as UTF-8.")


def from_query(query: bytes) -> Request:
    """The request of a GET: `query`, `operationName`, and `variables` as JSON. Raises InvalidQuery."""
    given: dict[str, Any] = {}
    for name, value in _parameters(query):
        if name.lower() in _NAMES:
            if name not in MEMBERS or name in given:
                raise InvalidQuery(f"The parameter {name[:20]} is misspelt or there twice.")
            given[name] = value
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = _json(given[name], name)
    return _request(given)


def refuse_second(query: bytes) -> None:
    """Raises InvalidQuery when a POST has a request in its address too."""
    if query and any(name.lower() in _NAMES for name, _ in _parameters(query)):
        raise InvalidQuery("The query belongs into the body or into the address, not into both.")


def message(given: Any) -> Request:
    """The request in the payload of a WebSocket message. Raises InvalidQuery."""
    if not isinstance(given, dict):
        raise InvalidQuery("Invalid operation payload")
    return _request(given)


def _request(given: dict[str, Any]) -> Request:
    query, name, variables = given.get("query"), given.get("operationName"), given.get("variables")
    if not isinstance(query, str) or not query.strip():
        raise InvalidQuery("Invalid query parameter")
    if name is not None and not isinstance(name, str):
        raise InvalidQuery("operationName must be text.")
    if variables is not None and variables != "" and not isinstance(variables, dict):
        raise InvalidQuery("variables must be an object.")
    return Request(query, name or "", variables or {})


def _parameters(query: bytes) -> list[tuple[str, str]]:
    """Raises InvalidQuery also where servers that divide at `;` too would find another parameter of ours."""
    if b";" in query:
        known = [name for name in map(_name_of, query.split(b"&")) if name in _NAMES]
        if [name for name in map(_name_of, _DIVIDED(query)) if name in _NAMES] != known:
            raise InvalidQuery("Write a semicolon in the address as %3B.")
    try:
        return parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise InvalidQuery("The address holds too many parameters, or some that are not UTF-8.") from error


def _name_of(pair: bytes) -> str:
    return unquote_plus(pair.partition(b"=")[0].decode("latin-1")).strip().lower()


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidQuery("The body is not UTF-8.") from error


def strict_json(text: str | bytes) -> Any:
    """JSON in which no object has a name twice. Raises ValueError or RecursionError."""
    return json.loads(text, object_pairs_hook=_once)


def _json(text: str, what: str) -> Any:
    try:
        return strict_json(text)
    except (ValueError, RecursionError) as error:
        raise InvalidQuery(f"{what} is not valid JSON: {str(error)[:200]}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found
