"""Answers made up from an API's definition: its examples, its schemas, or the scripts that stand in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway import definitions
from gateway.call import Call
from gateway.endpoints import script
from gateway.endpoints.target import ANSWER_LIMIT, Failed, Outcome, Shape, deliver
from gateway.message import Answer
from gateway.schema import Api, Endpoint
from gateway.schema.samples import Document, Sample, samples
from wire.heads import Header

NOT_IMPLEMENTED = b'{"code":501,"description":"Not Implemented"}'
JSON = b"application/json"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Mocked:
    """One operation: its samples by status ("200", "4XX", "default"), and its script if it has one."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    usual: str = ""
    script: str = ""


class Mock:
    """The target of an API without a backend. Everything is made up when the API arrives, but for what scripts say."""

    __slots__ = ("__weakref__", "_operations")

    def __init__(self, record: Endpoint, api: Api) -> None:
        scripts = dict(record.properties).get("implementation", "INLINE") == "INLINE"
        self._operations = operations(api.definition, scripts)

    def relay(self, call: Call, shape: Shape) -> Outcome:
        """Answers from what was made up, or runs the script beside the loop."""
        mocked = self._mocked(call)
        return self._run(call, mocked) if mocked.script else deliver(call, answer(call, mocked))

    async def fetch(self, call: Call, shape: Shape, limit: int = ANSWER_LIMIT) -> Answer:
        """The made-up answer. Raises Failed for a script that fails."""
        mocked = self._mocked(call)
        return await script.run(call, mocked.script) if mocked.script else answer(call, mocked)

    async def _run(self, call: Call, mocked: Mocked) -> bool:
        try:
            made = await script.run(call, mocked.script)
        except Failed as failure:
            return call.refuse(failure.fault, failure.cause)
        return deliver(call, made)

    def _mocked(self, call: Call) -> Mocked:
        operation = call.operation.record if call.operation is not None else None
        found = self._operations.get((operation.verb, operation.target)) if operation is not None else None
        return found or Mocked()


def operations(definition: str, scripts: bool) -> dict[Key, Mocked]:
    """What each operation answers. Raises ValueError for a definition that is neither JSON nor YAML."""
    document = _document(definition)
    found: dict[Key, Mocked] = {}
    paths = document.root.get("paths")
    for target, item in paths.items() if isinstance(paths, dict) else ():
        for verb, operation in item.items() if isinstance(item, dict) else ():
            if isinstance(operation, dict) and verb in ("get", "put", "post", "delete", "patch", "head", "options"):
                found[verb.upper(), str(target)] = _mocked(document, operation, scripts)
    return found


def _mocked(document: Document, operation: dict[str, Any], scripts: bool) -> Mocked:
    text = operation.get("x-mediation-script") if scripts else None
    found = samples(document, operation)
    good = sorted(status for status in found if status.startswith("2"))
    usual = good[0] if good else "default" if "default" in found else min(found, default="")
    return Mocked(found, usual, text if isinstance(text, str) else "")


def _document(definition: str) -> Document:
    try:
        root = definitions.read(definition or "{}")
    except ValueError as error:
        raise ValueError(f"of a mocked API: {error}") from error
    return Document(root if isinstance(root, dict) else {})


def answer(call: Call, mocked: Mocked) -> Answer:
    """The sample for the status and type the caller prefers; 501 for a status that is not described."""
    asked, example = wishes(call)
    status, listed = _listed(mocked, asked)
    if listed is None:
        return Answer(501, [(b"content-type", JSON)], NOT_IMPLEMENTED)
    found = chosen(listed, call.exchange.fields.get(b"accept", b"*/*"), example)
    if found is None:
        return Answer(status, [])
    headers: list[Header] = [*found.headers]
    if found.body is not None:
        headers.append((b"content-type", found.type))
    return Answer(status, headers, found.body or b"")


def wishes(call: Call) -> tuple[str, str]:
    """Status and name of an example that the caller asks for: `?responseCode=404`, or `Prefer: code=404, example=none`."""
    query = call.exchange.query.split(b"&")
    asked = next((part[13:] for part in query if part.startswith(b"responseCode=")), b"").decode("latin-1")
    example = ""
    for part in call.exchange.fields.get(b"prefer", b"").decode("latin-1").replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        if name == "code":
            asked = asked or value.strip('"')
        elif name == "example":
            example = value.strip('"')
    return asked, example


def _listed(mocked: Mocked, asked: str) -> tuple[int, list[Sample] | None]:
    key = asked or mocked.usual
    if key in mocked.samples:
        return _number(key), mocked.samples[key]
    if asked.isdecimal() and len(asked) == 3 and "200" <= asked <= "599":
        for other in (f"{asked[0]}XX", "default"):
            if other in mocked.samples:
                return int(asked), mocked.samples[other]
    return 501, None


def _number(key: str) -> int:
    if key.isdecimal() and "200" <= key <= "599":
        return int(key)
    return int(key[0]) * 100 if key[:1] in "2345" and key[1:].upper() == "XX" else 200


def chosen(listed: list[Sample], accept: bytes, example: str) -> Sample | None:
    """The sample of this name, or of the type that `accept` likes best; the first when it likes none."""
    named = [one for one in listed if example and one.name == example] or listed
    if not named:
        return None
    wanted = []
    for position, part in enumerate(accept.lower().split(b",")[:50]):
        kind, _, parameters = part.strip().partition(b";")
        wanted.append((-_weight(parameters), position, kind.strip()))
    for weight, _, kind in sorted(wanted):
        if weight:
            found = next((one for one in named if _matches(kind, one.type.split(b";")[0])), None)
            if found is not None:
                return found
    return named[0]


def _weight(parameters: bytes) -> float:
    for part in parameters.split(b";"):
        name, _, value = part.strip().partition(b"=")
        if name == b"q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _matches(wanted: bytes, offered: bytes) -> bool:
    if wanted in (b"*/*", b"*", offered):
        return True
    return wanted.endswith(b"/*") and offered.startswith(wanted[:-1])
