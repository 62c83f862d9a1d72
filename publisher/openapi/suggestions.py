"""What an API made from a definition would be: name, version, context, endpoint, and the `x-wso2-*` extensions."""

from __future__ import annotations

import re
from typing import Any

from publisher.checks.basics import Problems
from publisher.checks.endpoints import http_url
from publisher.checks.identity import NAME_LENGTH
from publisher.openapi import paths
from publisher.openapi.reading import Source
from publisher.openapi.report import Mistake, Report, pointer

_BAD_NAME = re.compile(r"[~!@#;:%^*()+={}|\\<>\"',&$\[\]/\s]+")
_BAD_SEGMENT = re.compile(r"[^a-z0-9._~-]+")
_BAD_VERSION = re.compile(r"[^A-Za-z0-9._-]+")
_BAD_TARGET = re.compile(r"[\s?#\\]")


def suggest(source: Source, report: Report) -> None:
    """Fill `suggestion`, `addresses` and the warnings of a valid `report`."""
    document = report.document
    info = document["info"]
    title = str(info.get("title", ""))
    report.addresses = _addresses(document)
    report.suggestion = {
        "name": _BAD_NAME.sub("", title)[:NAME_LENGTH] or "API",
        "version": _BAD_VERSION.sub("-", str(info.get("version", ""))).strip("-")[:30] or "1.0.0",
        "context": _context(document, title),
        "description": str(info.get("description") or "")[:20_000],
        "tags": _tags(document),
        "operations": _operations(source, report),
        **_extensions(document, report),
    }


def _context(document: dict[str, Any], title: str) -> str:
    given = document.get("x-wso2-basePath")
    if isinstance(given, str) and given.startswith("/") and len(given) <= 200:
        version = str(document["info"].get("version", ""))
        return given.removesuffix(f"/{version}").removesuffix("/{version}") or "/api"
    return "/" + (_BAD_SEGMENT.sub("-", title.lower()).strip("-.")[:100] or "api")


def _tags(document: dict[str, Any]) -> list[str]:
    tags = document.get("tags")
    found = (
        [tag["name"] for tag in tags if isinstance(tag, dict) and isinstance(tag.get("name"), str)]
        if isinstance(tags, list)
        else []
    )
    return [tag[:60] for tag in dict.fromkeys(found) if tag.strip()][:20]


def _operations(source: Source, report: Report) -> list[dict[str, Any]]:
    found = []
    for operation in paths.operations(report.document):
        if _BAD_TARGET.search(operation["target"]):
            place = ("paths", operation["target"])
            report.warnings.append(
                Mistake(pointer(place), source.line(place), "A path with ?, # or spaces is left out.")
            )
        else:
            found.append(operation)
    return found


def _addresses(document: dict[str, Any]) -> list[str]:
    return _swagger_addresses(document) if "swagger" in document else _server_addresses(document)


def _swagger_addresses(document: dict[str, Any]) -> list[str]:
    host = document.get("host")
    if not isinstance(host, str) or not host:
        return []
    schemes = [scheme for scheme in document.get("schemes") or ["https"] if scheme in ("http", "https")]
    base = str(document.get("basePath") or "").rstrip("/")
    return [address for scheme in sorted(schemes, reverse=True) if _usable(address := f"{scheme}://{host}{base}")]


def _server_addresses(document: dict[str, Any]) -> list[str]:
    servers = document.get("servers")
    found = [_fill_in(server) for server in servers if isinstance(server, dict)] if isinstance(servers, list) else []
    return [address for address in found if _usable(address)]


def _fill_in(server: dict[str, Any]) -> str:
    address = str(server.get("url", ""))
    variables = server.get("variables")
    for name, variable in variables.items() if isinstance(variables, dict) else []:
        if isinstance(variable, dict):
            address = address.replace(f"{{{name}}}", str(variable.get("default", "")))
    return address.rstrip("/")


def _usable(address: str) -> bool:
    problems = Problems()
    http_url(problems, "url", address)
    return not problems.found


def _extensions(document: dict[str, Any], report: Report) -> dict[str, Any]:
    """The document-wide `x-wso2-*` fields that an API takes over."""
    found: dict[str, Any] = {}
    production = _first_url(document.get("x-wso2-production-endpoints")) or next(iter(report.addresses), "")
    sandbox = _first_url(document.get("x-wso2-sandbox-endpoints"))
    urls = {"production": production, "sandbox": sandbox}
    found["endpoints"] = {name: {"url": url} for name, url in urls.items() if url and _usable(url)}
    if isinstance(transports := document.get("x-wso2-transports"), list):
        found["transports"] = [name for name in ("http", "https") if name in transports]
    if isinstance(header := document.get("x-wso2-auth-header"), str) and header:
        found["authorization_header"] = header
    if isinstance(policy := document.get("x-wso2-throttling-tier"), str):
        found["policy"] = policy
    if cors := _cors(document.get("x-wso2-cors")):
        found["cors"] = cors
    return found


def _first_url(value: Any) -> str:
    urls = value.get("urls") if isinstance(value, dict) else None
    first = urls[0] if isinstance(urls, list) and urls else ""
    return first if isinstance(first, str) else ""


def _cors(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    plain = {"corsConfigurationEnabled": "enabled", "accessControlAllowCredentials": "credentials"}
    found: dict[str, Any] = {
        ours: value[theirs] for theirs, ours in plain.items() if isinstance(value.get(theirs), bool)
    }
    for theirs, ours in {"Origins": "origins", "Headers": "headers", "Methods": "methods"}.items():
        given = value.get(f"accessControlAllow{theirs}")
        if isinstance(given, list) and all(isinstance(item, str) for item in given):
            found[ours] = given
    return found
