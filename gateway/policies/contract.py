"""Schema validation: requests and answers of an operation against its definition (reference A12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from gateway import faults
from gateway.call import Call
from gateway.faults import Fault
from gateway.message import Answer
from gateway.plan import Plan
from gateway.policies import body
from gateway.policies.base import Failure
from gateway.policies.openapi import Definition, Direction, escaped
from gateway.policies.templates import matcher, names
from gateway.stages import Step
from integrator.engine.content import media

REQUEST = "Schema validation failed in the Request: "
RESPONSE = "Schema validation failed in the Response: "
MOST_SHOWN = 10
"""Problems named in a refusal."""

LONGEST_SHOWN = 300

Texts = list[str]
"""Values of one parameter, as they came."""


def definition(plan: Plan) -> Definition | None:
    """The API's definition, parsed once for all its operations; None when it has none. Raises ValueError for a broken one."""

    def make() -> Definition | None:
        if not plan.record.definition:
            plan.note("schema validation is on, but the API has no definition: its calls are not validated")
            return None
        return Definition(plan.record.definition)

    return plan.once("openapi", make)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: where it is, its validator, and how its text becomes a value."""

    place: str
    name: str
    required: bool
    validator: Any
    kind: str
    items: str
    explode: bool

    def problems(self, values: Texts | None, path: str) -> list[str]:
        """What is wrong with the values given, None for none."""
        if values is None:
            if not self.required:
                return []
            return [
                f"{self.place.title()} parameter '{self.name}' is required on path '{path}' but not found in request."
            ]
        found = problems(self.validator, self.value(values))
        return [f"{self.place.title()} parameter '{self.name}': {one}" for one in found]

    def value(self, values: Texts) -> Any:
        """The values as the schema means them; text that does not fit its type stays text, and the validator says so."""
        if self.kind == "json":
            try:
                return msgspec.json.decode(values[0])
            except (msgspec.DecodeError, RecursionError):
                return values[0]
        if self.kind != "array":
            return typed(values[0], self.kind)
        if len(values) == 1 and not (self.explode and self.place == "query"):
            values = values[0].split(",") if values[0] else []
        return [typed(one, self.items) for one in values]


def typed(text: str, kind: str) -> Any:
    """Text as a value of a JSON type, if it is one."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind in ("integer", "number"):
        try:
            return (
                int(text)
                if text.lstrip("-").isdecimal() and len(text) < 40
                else float(text)
                if kind == "number"
                else text
            )
        except ValueError:
            return text
    return text


def problems(validator: Any, value: Any) -> list[str]:
    """What a validator has against a value, in words; empty when it is valid."""
    if validator.is_valid(value):
        return []
    found: list[str] = []
    missing: dict[str, list[str]] = {}
    for error in validator.iter_errors(value):
        where = "".join(f"/{part}" for part in error.instance_path)
        details = error.kind.as_dict()
        if error.kind.name == "required":
            missing.setdefault(where, []).append(str(details.get("property")))
            continue
        text = str(error.message)
        if error.kind.name == "type":
            allowed = ",".join(f'"{one}"' for one in details.get("types", ()))
            text = f"Instance type ({_kind(error.instance)}) does not match any allowed primitive type (allowed: [{allowed}])"
        found.append(_at(where, text))
        if len(found) >= MOST_SHOWN:
            break
    for where, properties in missing.items():
        listed = ",".join(f'"{one}"' for one in sorted(properties))
        found.append(_at(where, f"Object has missing required properties ([{listed}])"))
    return found[:MOST_SHOWN] or ["the value is not valid"]


def _at(where: str, text: str) -> str:
    shown = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
    return f"[Path '{where}'] {shown}" if where else shown


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds: dict[type, str] = {dict: "object", list: "array", str: "string", int: "integer", float: "number"}
    return kinds.get(type(value), "null")


@dataclass(frozen=True, slots=True)
class Content:
    """The bodies of a request or of one status: media type → validator, None where any will do."""

    required: bool
    kinds: dict[str, Any]

    def problems(self, data: bytes, content_type: str) -> list[str]:
        """What is wrong with a body that is there."""
        kind = media.media_type(content_type)
        if kind not in self.kinds and not any(_fits(one, kind) for one in self.kinds):
            allowed = ", ".join(sorted(self.kinds))
            shown = f"Request Content-Type header '[{content_type[:100]}]' does not match any allowed types."
            return [f"{shown} Must be one of: [{allowed}]."]
        validator = next((held for one, held in self.kinds.items() if _fits(one, kind)), None)
        return [] if validator is None or media.family(kind) != media.JSON else json_problems(validator, data)


def json_problems(validator: Any, data: bytes) -> list[str]:
    """What is wrong with a JSON body."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ["Unable to parse JSON"]
    return problems(validator, value)


def _fits(pattern: str, kind: str) -> bool:
    if pattern in ("*/*", kind):
        return True
    return pattern.endswith("/*") and kind.startswith(pattern[:-1])


def request_step(plan: Plan) -> Step | None:
    """The check of an operation's requests; None when the definition says nothing of it. Raises ValueError."""
    known = definition(plan)
    if known is None:
        return None
    found = known.operation(plan.operation.verb, plan.operation.target)
    if found is None:
        plan.note(
            f"{plan.operation.verb} {plan.operation.target} is not in the definition: its calls are not validated"
        )
        return None
    pointer, operation, path = found
    parameters = [one for one in (_parameter(known, *pair) for pair in known.parameters(pointer)) if one is not None]
    content = _request_content(known, operation, pointer)
    if not parameters and content is None:
        return None
    return _checker(plan, parameters, content, path)


def _checker(plan: Plan, parameters: list[Parameter], content: Content | None, path: str) -> Step:
    template = names(path)
    in_path = matcher(plan.operation.target)
    limit = plan.services.settings.policy_body
    verb = plan.operation.verb

    def look(call: Call) -> list[str]:
        try:
            query = parse_qs(call.exchange.query.decode("latin-1"), keep_blank_values=True, max_num_fields=1000)
        except ValueError as error:
            return [f"the query cannot be read: {error}"]
        held = in_path(call.exchange.path[call.cut :]) or []
        places = dict(zip(template, ([unquote(one)] for one in held), strict=False))
        found = []
        for one in parameters:
            values: Texts | None
            if one.place == "query":
                values = query.get(one.name)
            elif one.place == "path":
                values = places.get(one.name)
            else:
                given = call.exchange.fields.get(one.name.lower().encode())
                values = None if given is None else [given.decode("latin-1")]
            found += one.problems(values, path)
        return found

    async def with_body(call: Call) -> bool | None:
        found = look(call)
        assert content is not None
        data = await body.of_request(call, limit)
        if data:
            found += content.problems(data, (call.edit().header(b"content-type") or b"").decode("latin-1"))
        elif content.required:
            found.append(f"A request body is required on path '{path}' but none found.")
        return refuse(call, found)

    def head(call: Call) -> bool | None:
        return refuse(call, look(call))

    return with_body if content is not None and verb not in ("GET", "HEAD") else head


def refuse(call: Call, found: list[str]) -> bool | None:
    """Refuses a call with problems."""
    if not found:
        return None
    return call.refuse(faults.threat(400, "Bad Request", REQUEST + "".join(f"{one}, " for one in found)))


def _parameter(known: Definition, found: dict[str, Any], pointer: str) -> Parameter | None:
    place, name = str(found.get("in")), str(found.get("name"))
    if place not in ("query", "path", "header"):
        return None
    if place == "header" and name.lower() in ("authorization", "accept", "content-type"):
        return None
    where, schema = pointer, found
    kind = ""
    if isinstance(found.get("schema"), dict):
        where = f"{pointer}/schema"
        schema, _ = known.resolve(found["schema"], where)
    elif isinstance(found.get("content"), dict) and found["content"]:
        where = f"{pointer}/content/{escaped(next(iter(found['content'])))}/schema"
        kind = "json"
    elif not known.is_2:
        return None
    kind = kind or _type(schema)
    if kind == "object":
        return None
    items = schema.get("items")
    inner = _type(known.resolve(items, f"{where}/items")[0]) if isinstance(items, dict) else "string"
    explode = found.get("explode", not known.is_2) if not known.is_2 else found.get("collectionFormat") == "multi"
    validator = known.validator(where, "request")
    return Parameter(
        place, name, place == "path" or found.get("required") is True, validator, kind, inner, bool(explode)
    )


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "string")
    return str(kind)


def _request_content(known: Definition, operation: dict[str, Any], pointer: str) -> Content | None:
    if known.is_2:
        for found, where in known.parameters(pointer):
            if found.get("in") == "body":
                kinds = operation.get("consumes") or known.document.get("consumes") or ["application/json"]
                validator = known.validator(f"{where}/schema", "request")
                return Content(found.get("required") is True, dict.fromkeys(map(str, kinds), validator))
        return None
    if "requestBody" not in operation:
        return None
    found, where = known.resolve(operation["requestBody"], f"{pointer}/requestBody")
    return Content(found.get("required") is True, _kinds(known, found, where, "request"))


def _kinds(known: Definition, found: dict[str, Any], where: str, direction: Direction) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for kind, held in (found.get("content") or {}).items():
        has_schema = isinstance(held, dict) and isinstance(held.get("schema"), dict)
        place = f"{where}/content/{escaped(kind)}/schema"
        made[media.media_type(kind)] = known.validator(place, direction) if has_schema else None
    return made


ResponseCheck = Callable[[Call, Answer], None]


def response_check(plan: Plan) -> ResponseCheck | None:
    """The check of an operation's answers, which raises Failure; None when the definition says nothing of them."""
    known = definition(plan)
    found = None if known is None else known.operation(plan.operation.verb, plan.operation.target)
    if known is None or found is None:
        return None
    pointer, operation, path = found
    contents: dict[str, dict[str, Any]] = {}
    for status, held in (operation.get("responses") or {}).items():
        answer, where = known.resolve(held, f"{pointer}/responses/{escaped(str(status))}")
        if known.is_2 and isinstance(answer.get("schema"), dict):
            contents[str(status).upper()] = {"application/json": known.validator(f"{where}/schema", "response")}
        elif not known.is_2:
            contents[str(status).upper()] = _kinds(known, answer, where, "response")
    if not any(contents.values()):
        return None
    limit, verb = plan.services.settings.policy_body, plan.operation.verb

    def check(call: Call, answer: Answer) -> None:
        kinds = contents.get(str(answer.status)) or contents.get(f"{answer.status // 100}XX") or contents.get("DEFAULT")
        if not kinds or call.exchange.method == b"HEAD" or answer.status in (204, 304):
            return
        kind = media.media_type((answer.header(b"content-type") or b"").decode("latin-1"))
        validator = next((held for one, held in kinds.items() if _fits(one, kind)), None)
        if validator is None or media.family(kind) != media.JSON:
            return
        if not answer.body:
            wrong = [f"{verb} operation on path '{path}' defines a response schema but no response body found."]
        else:
            data = body.inflate(answer.body, answer.header(b"content-encoding") or b"", limit)
            wrong = json_problems(validator, data)
        if wrong:
            raise Failure(response_fault(wrong), "the answer does not follow the definition")

    return check


def response_fault(found: list[str]) -> Fault:
    """The 500 for an answer that does not follow the definition."""
    return Fault(500, "500", "Bad Response", RESPONSE + "".join(f"{one}, " for one in found))
