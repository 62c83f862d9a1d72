"""Reads an AsyncAPI 2.x definition: what is wrong with it and where, and what an API made from it would be."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from publisher.asyncapi.shape import SCHEMA
from publisher.checks.identity import NAME_LENGTH
from publisher.errors import BadDefinition
from publisher.kinds import WS
from publisher.openapi.paths import AUTH
from publisher.openapi.reading import Path, Source, Unreadable
from publisher.openapi.references import follow, reference_mistakes
from publisher.openapi.report import Mistake, Report, pointer

MOST_MISTAKES = 50
VERBS = {"subscribe": "SUBSCRIBE", "publish": "PUBLISH"}
_VERSION = re.compile(r"^2\.[0-6]\.\d+$")
_BAD_NAME = re.compile(r"[~!@#;:%^*()+={}|\\<>\"',&$\[\]/\s]+")
_BAD_SEGMENT = re.compile(r"[^a-z0-9._~-]+")
_BAD_VERSION = re.compile(r"[^A-Za-z0-9._-]+")
_PARAMETER = re.compile(r"\{([^{}/]*)\}")


class BadAsyncApi(BadDefinition):
    """The text is no AsyncAPI definition that we can take; `fields` name the places."""

    message = "The AsyncAPI definition is not valid"


def check(text: str) -> Report:
    """The report on `text`; its suggestion holds keywords of `create_api`, `kind` among them. Never raises, never fetches."""
    report = Report(text=text)
    try:
        source = Source(text)
    except Unreadable as error:
        report.mistakes.append(Mistake("/", error.line, error.message))
        return report
    if _identify(source, report):
        _mistakes(source, report)
    if report.valid:
        _suggest(source, report)
    return report


def valid(text: str) -> Report:
    """The report on a text that must be a definition. Raises BadAsyncApi naming every mistake with its place."""
    report = check(text)
    try:
        report.raise_if_invalid()
    except BadDefinition as error:
        raise BadAsyncApi(error.description, error.fields) from None
    return report


def _identify(source: Source, report: Report) -> bool:
    document = source.document
    if not isinstance(document, dict):
        report.mistakes.append(Mistake("/", 1, "An AsyncAPI definition is an object with asyncapi, info and channels."))
        return False
    found = document.get("asyncapi")
    if not isinstance(found, str) or not _VERSION.match(found):
        what = f"{found!r} is not a version we know" if "asyncapi" in document else "The field asyncapi is missing"
        report.mistakes.append(_at(source, ("asyncapi",), f"{what}; write asyncapi: 2.0.0 to 2.6.0."))
        return False
    report.openapi, report.document = f"AsyncAPI {found}", document
    return True


def _mistakes(source: Source, report: Report) -> None:
    report.mistakes += [_at(source, *found) for found in reference_mistakes(source.document)]
    if report.mistakes:
        # What refers to nothing, or to itself, cannot be checked further.
        return
    for error in Draft202012Validator(SCHEMA).iter_errors(source.document):
        report.mistakes.append(_at(source, tuple(error.absolute_path), str(error.message)[:300]))
    for name, channel in source.document["channels"].items() if report.valid else ():
        report.mistakes += _channel_mistakes(source, name, follow(source.document, channel))
    del report.mistakes[MOST_MISTAKES:]


def _channel_mistakes(source: Source, name: str, channel: dict[str, Any]) -> list[Mistake]:
    """Parameters that are declared must stand in the name of the channel."""
    used, declared = set(_PARAMETER.findall(name)), set(channel.get("parameters") or {})
    return [
        _at(source, ("channels", name, "parameters", extra), f"The channel has no {{{extra}}} in its name.")
        for extra in sorted(declared - used)
    ]


def _at(source: Source, path: Path, message: str) -> Mistake:
    return Mistake(pointer(path), source.line(path), message)


def _suggest(source: Source, report: Report) -> None:
    document = report.document
    info = document["info"]
    servers = [server for server in _servers(document) if server[1]]
    report.addresses = [address for _, address in servers]
    report.suggestion = {
        "name": _BAD_NAME.sub("", info["title"])[:NAME_LENGTH] or "API",
        "version": _BAD_VERSION.sub("-", info["version"]).strip("-")[:30] or "1.0.0",
        "context": "/" + (_BAD_SEGMENT.sub("-", info["title"].lower()).strip("-.")[:100] or "api"),
        "description": str(info.get("description") or "")[:20_000],
        "kind": _kind(document),
        "operations": _operations(source, report),
        "endpoints": {"production": {"url": report.addresses[0]}} if report.addresses else {},
    }
    if not report.suggestion["operations"]:
        report.mistakes.append(_at(source, ("channels",), "No channel has subscribe or publish: there are no topics."))


def _servers(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Protocol and address (empty when it has variables or another protocol) of each server."""
    found = []
    for server in (document.get("servers") or {}).values():
        server = follow(document, server)
        protocol, url = str(server.get("protocol", "")).lower(), str(server.get("url", ""))
        if "://" not in url:
            url = f"{protocol}://{url}"
        usable = urlsplit(url).scheme in ("ws", "wss", "http", "https") and "{" not in url
        found.append((protocol, url.rstrip("/") if usable else ""))
    return found


def _kind(document: dict[str, Any]) -> str:
    """Guessed from the servers: `ws` means WebSocket, plain http server-sent events."""
    protocols = {protocol for protocol, _ in _servers(document)}
    given = str(document.get("x-wso2-api-type") or "").upper()
    if given in ("WS", "SSE", "WEBSUB"):
        return given
    return "SSE" if protocols & {"http", "https", "sse"} and not protocols & {"ws", "wss"} else "WS"


def _operations(source: Source, report: Report) -> list[dict[str, Any]]:
    found = []
    document = report.document
    for name, channel in document["channels"].items():
        target = name if name.startswith("/") else f"/{name}"
        if not WS.target.match(target):
            report.warnings.append(_at(source, ("channels", name), "A channel with ?, # or spaces is left out."))
            continue
        item = follow(document, channel)
        found += [_operation(document, verb, target, item[verb]) for verb in VERBS if isinstance(item.get(verb), dict)]
    return found


def _operation(document: dict[str, Any], verb: str, target: str, given: dict[str, Any]) -> dict[str, Any]:
    scopes = [scope for scope in given.get("x-scopes") or () if isinstance(scope, str)]
    auth = AUTH.get(str(given.get("x-auth-type") or document.get("x-auth-type") or "any").lower(), "any")
    return {"verb": VERBS[verb], "target": target, "auth": auth, "scopes": scopes}
