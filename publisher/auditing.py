"""The security audit of an OpenAPI definition, worked out here: what in it leaves callers or data more room than it should.

Every finding costs points by its weight; the grade is what is left of 100.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from publisher.openapi.reading import Source, Unreadable

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
COSTS = {"error": 5.0, "warning": 1.0}
CAPS = {"error": 70.0, "warning": 30.0}
"""The most that findings of one severity cost together."""

MOST_FINDINGS = 500


@dataclass(frozen=True)
class Finding:
    """One weakness. `place` is a JSON pointer into the definition."""

    rule: str
    severity: str
    place: str
    message: str


@dataclass(frozen=True)
class Audit:
    """What an audit found."""

    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many of them are errors."""
        return sum(one.severity == "error" for one in self.findings)

    @property
    def grade(self) -> float:
        """0 to 100."""
        lost = 0.0
        for severity, cost in COSTS.items():
            count = sum(one.severity == severity for one in self.findings)
            lost += min(count * cost, CAPS[severity])
        return 100.0 - lost


def audit(text: str) -> Audit:
    """Audit a definition. One that cannot be read has one finding, an error."""
    try:
        document = Source(text).document
        if not isinstance(document, dict):
            raise Unreadable("It is no object.")
    except Unreadable as error:
        return Audit((Finding("readable", "error", "", f"The definition cannot be read: {error}"),))
    found = []
    for finding in _findings(document):
        found.append(finding)
        if len(found) >= MOST_FINDINGS:
            break
    return Audit(tuple(found))


def _findings(document: dict[str, Any]) -> Iterator[Finding]:
    schemes = _dict(document.get("securityDefinitions")) or _dict(
        _dict(document.get("components")).get("securitySchemes")
    )
    if not schemes:
        yield Finding("security-schemes", "error", "/components/securitySchemes", "No security scheme is described.")
    yield from _schemes(schemes)
    yield from _servers(document)
    for path, method, operation, shared in _operations(document):
        place = f"/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}"
        yield from _security(document, operation, place, bool(schemes))
        yield from _responses(operation, place)
        yield from _input(operation, shared, place)
    components = _dict(document.get("definitions")) or _dict(_dict(document.get("components")).get("schemas"))
    root = "/definitions" if "definitions" in document else "/components/schemas"
    for name, schema in components.items():
        yield from _schema(schema, f"{root}/{name}", 0)


def _schemes(schemes: dict[str, Any]) -> Iterator[Finding]:
    for name, scheme in schemes.items():
        kind = _dict(scheme)
        place = f"/components/securitySchemes/{name}"
        if kind.get("type") == "basic" or (kind.get("type") == "http" and kind.get("scheme") == "basic"):
            yield Finding("no-basic", "warning", place, "Basic authentication sends the password with every call.")
        if kind.get("type") == "apiKey" and kind.get("in") == "query":
            yield Finding("no-key-in-query", "warning", place, "A key in the query ends up in logs and histories.")


def _servers(document: dict[str, Any]) -> Iterator[Finding]:
    for number, server in enumerate(_list(document.get("servers"))):
        url = _dict(server).get("url")
        if isinstance(url, str) and url.lower().startswith("http://"):
            yield Finding("https-only", "error", f"/servers/{number}", f"{url[:200]} is not encrypted.")
    if "http" in _list(document.get("schemes")):
        yield Finding("https-only", "error", "/schemes", "The scheme http is not encrypted.")


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], list[Any]]]:
    for path, item in _dict(document.get("paths")).items():
        for method, operation in _dict(item).items():
            if method in METHODS and isinstance(operation, dict):
                yield str(path), method, operation, _list(_dict(item).get("parameters"))


def _security(document: dict[str, Any], operation: dict[str, Any], place: str, schemes: bool) -> Iterator[Finding]:
    security = operation.get("security", document.get("security"))
    if schemes and not security:
        yield Finding("operation-security", "error", place, "Anybody may call the operation: it asks for no security.")
    elif isinstance(security, list) and {} in security:
        yield Finding("operation-security", "warning", f"{place}/security", "Its security is optional.")


def _responses(operation: dict[str, Any], place: str) -> Iterator[Finding]:
    responses = _dict(operation.get("responses"))
    if not any(str(code).startswith(("4", "default")) for code in responses):
        yield Finding("error-responses", "warning", f"{place}/responses", "No refusal (4xx or default) is described.")
    for code, response in responses.items():
        answer = _dict(response)
        described = "$ref" in answer or "schema" in answer or "content" in answer
        if str(code) in ("200", "201", "203") and not described:
            yield Finding("response-schema", "warning", f"{place}/responses/{code}", "Its body is not described.")


def _input(operation: dict[str, Any], shared: list[Any], place: str) -> Iterator[Finding]:
    for number, parameter in enumerate([*shared, *_list(operation.get("parameters"))]):
        one = _dict(parameter)
        schema = one.get("schema") if isinstance(one.get("schema"), dict) else one
        if "$ref" not in one:
            yield from _schema(schema, f"{place}/parameters/{number}", 0)
    for kind, media in _dict(_dict(operation.get("requestBody")).get("content")).items():
        where = f"{place}/requestBody/content/{str(kind).replace('/', '~1')}"
        if not _dict(media).get("schema"):
            yield Finding("body-schema", "error", where, "Any body is taken: it has no schema.")
        else:
            yield from _schema(_dict(media)["schema"], f"{where}/schema", 0)


def _schema(schema: Any, place: str, depth: int) -> Iterator[Finding]:
    if not isinstance(schema, dict) or depth > 20 or "$ref" in schema:
        return
    kind = schema.get("type")
    if kind == "string" and not {"maxLength", "enum", "format", "pattern", "const"} & schema.keys():
        yield Finding("string-bounds", "warning", place, "A text of any length and form is taken.")
    elif kind in ("integer", "number") and not {"maximum", "exclusiveMaximum", "enum", "format"} & schema.keys():
        yield Finding("number-bounds", "warning", place, "A number of any size is taken.")
    elif kind == "array":
        if "maxItems" not in schema:
            yield Finding("array-bounds", "warning", place, "A list of any length is taken.")
        yield from _schema(schema.get("items"), f"{place}/items", depth + 1)
    elif kind == "object" and not schema.get("properties") and schema.get("additionalProperties", True) is True:
        yield Finding("object-form", "warning", place, "An object of any form is taken.")
    for name, below in _dict(schema.get("properties")).items():
        yield from _schema(below, f"{place}/properties/{name}", depth + 1)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
