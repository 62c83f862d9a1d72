"""The routing corpus, over a real gateway: one file under tests/corpus/gateway/routes/ is one world of APIs and its calls.

A call says `path` (and `host`, `method`), and what must come: the `api`, `version`, `resource` and backend `target` of a call
that passes, or `status`, `allow` and `description` of one that does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.hub import FakeHub
from tests.gateway.process import Answer, running_gateway

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "gateway" / "routes"
FILES = sorted(CORPUS.glob("*.yaml"))


def operation(text: Any, place: str) -> schema.Operation:
    """Each operation has a backend of its own, so that the backend's target says which one was found."""
    if isinstance(text, dict):
        scopes = tuple(text["scopes"])
        return schema.Operation(text["verb"], text["target"], "any", scopes, production=schema.Endpoint(place))
    verb, _, target = text.partition(" ")
    return schema.Operation(verb, target, auth="none", production=schema.Endpoint(place))


def publish(hub: FakeHub, given: dict[str, Any], backend: Backend) -> None:
    for one in given.get("domains", ()):
        hub.publish("domain", one["host"], schema.Domain(**one), hint=False)
    for number, one in enumerate(given["apis"]):
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in one.items()}
        name, texts = fields.pop("name"), fields.pop("operations")
        operations = [operation(text, f"http://127.0.0.1:{backend.port}/{number}:{n}") for n, text in enumerate(texts)]
        hub.publish(
            "api", f"Default:{number}", world.api(name, "", *operations, id=str(number), production=None, **fields)
        )


def check(given: dict[str, Any], apis: list[dict[str, Any]], answer: Answer) -> None:
    assert answer.status == given.get("status", 200), (given, answer)
    if answer.status != 200:
        assert answer.headers.get("allow") == given.get("allow"), given
        assert given.get("description", answer.json["description"]) == answer.json["description"], given
        return
    place, slash, target = answer.json["target"].removeprefix("/").partition("/")
    place, question, query = place.partition("?")
    api, number = (int(part) for part in place.split(":"))
    found = {
        "api": apis[api]["name"],
        "version": apis[api].get("version", "1.0"),
        "resource": str(apis[api]["operations"][number]).partition(" ")[2],
        "target": slash + target + question + query,
    }
    assert {name: given.get(name, value) for name, value in found.items()} == found, given


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_calls_go_where_the_corpus_says(file: Path, var: Path, redis_url: str, backend: Backend) -> None:
    given = yaml.safe_load(file.read_text())
    hub = FakeHub(redis_url).start()
    publish(hub, given, backend)
    with running_gateway(var, hub.url, redis_url, GATEWAY_ACCESS_LOG="1") as gateway:
        gateway.until_sequence(hub.sequence)
        assert gateway.ready()["apis"] == len(given["apis"]), [one.refusals for one in hub.statuses]
        for call in given["calls"]:
            headers = {"host": call["host"]} if "host" in call else {}
            check(call, given["apis"], gateway.call(call["path"], call.get("method", "GET"), headers=headers))
    hub.stop()
