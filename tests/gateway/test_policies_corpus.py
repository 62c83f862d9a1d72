"""Policies, threat payloads and validators: every `tests/corpus/gateway/policies/*.yaml` is an API with cases, each one call.

A file: `api` (fields of the record), `operation` (its verb and target; GET or POST `/*` by default), `flows` (request, response,
fault: lists of name, parameters, definition). A case: `call` (method, path, headers, body or json), `backend` (status, headers,
body, cut), `expect` (status, json, contains, lacks, headers, no_headers, and `backend`: what it saw, null for not called).
Bodies may be given as `text`, as `repeat` (text, times) where they are long, or as `encoded` (text, as) in another encoding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.scripted import Script, Scripted

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "gateway" / "policies"
FILES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(CORPUS.glob("*.yaml"))}
CASES = [(stem, name) for stem, one in FILES.items() for name in one["cases"]]


def record(stem: str, given: dict[str, Any], url: str) -> schema.Api:
    """The API of a file."""
    flows = msgspec.convert(given.get("flows", {}), schema.Flows)
    places = given.get("operation") or [{"verb": "GET", "target": "/*"}, {"verb": "POST", "target": "/*"}]
    places = places if isinstance(places, list) else [places]
    operations = [schema.Operation(one["verb"], one["target"], auth="none", flows=flows) for one in places]
    changes = dict(given.get("api", {}))
    if isinstance(changes.get("definition"), dict):
        changes["definition"] = json.dumps(changes["definition"])
    return world.api(stem, url, *operations, **changes)


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    """The backend of all cases."""
    one = Scripted()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def ready(served: Served, scripted: Scripted) -> Served:
    """All files deployed."""
    for stem, given in FILES.items():
        served.publish(("api", f"Default:id-{stem}", record(stem, given, scripted.url(stem))))
    return served


def body_of(given: Any) -> bytes | None:
    """A body as a file gives it."""
    if given is None:
        return None
    if isinstance(given, dict) and "repeat" in given:
        before, text, times, after = (given["repeat"].get(key, "") for key in ("before", "text", "times", "after"))
        return f"{before}{text * times}{after}".encode()
    if isinstance(given, dict) and "encoded" in given:
        return given["encoded"]["text"].encode(given["encoded"]["as"])
    return given.encode() if isinstance(given, str) else json.dumps(given).encode()


@pytest.mark.parametrize(("stem", "name"), CASES, ids=lambda value: value)
def test_corpus(ready: Served, scripted: Scripted, stem: str, name: str) -> None:
    case = FILES[stem]["cases"][name]
    call, expected, backend = case.get("call", {}), case["expect"], case.get("backend", {})
    scripted.scripts[stem] = Script(
        backend.get("status", 200),
        backend.get("headers", {"content-type": "application/json"}),
        body_of(backend.get("body")),
        backend.get("cut", False),
    )
    before = scripted.calls(stem)
    body = body_of(call.get("body"))
    answer = ready.gateway.call(
        f"/{stem}/1.0{call.get('path', '/x')}",
        call.get("method", "GET" if body is None else "POST"),
        body=body,
        headers=call.get("headers", {"content-type": "application/json"} if body is not None else {}),
    )
    assert answer.status == expected["status"], answer.body
    if "json" in expected:
        assert answer.json == expected["json"]
    if "body" in expected:
        assert answer.body.decode() == expected["body"]
    for text in expected.get("contains", []):
        assert text.encode() in answer.body
    for text in expected.get("lacks", []):
        assert text.encode() not in answer.body
    for key, value in expected.get("headers", {}).items():
        assert answer.headers.get(key) == value
    for key in expected.get("no_headers", []):
        assert key not in answer.headers
    if "backend" in expected:
        wanted = expected["backend"]
        assert scripted.calls(stem) - before == (0 if wanted is None else wanted.get("calls", 1))
        if wanted is not None:
            check_seen(scripted, stem, wanted)


def check_seen(scripted: Scripted, stem: str, wanted: dict[str, Any]) -> None:
    """What the backend was to see."""
    seen = scripted.last(stem)
    assert seen.method == wanted.get("method", seen.method)
    assert seen.target == wanted.get("target", seen.target)
    for key, value in wanted.get("headers", {}).items():
        assert seen.headers.get(key) == value
    for key in wanted.get("no_headers", []):
        assert key not in seen.headers
    if "body" in wanted:
        assert seen.body.decode() == wanted["body"]
    if "json" in wanted:
        assert json.loads(seen.body) == wanted["json"]
