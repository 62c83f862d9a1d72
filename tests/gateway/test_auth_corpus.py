"""The corpus of credentials, over a real gateway with real sockets and TLS: tests/corpus/gateway/auth/*.yaml.

A file is a list of APIs; each says how its record differs from the usual one and lists calls: `show` names the credentials
(tests/gateway/credentials.py), `expect` status and code. A new combination is a new row.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.credentials import Stage, staged

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "gateway" / "auth"
FILES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(CORPUS.glob("*.yaml"))}
APIS = [(name, api["name"]) for name, content in FILES.items() for api in content["apis"]]


@pytest.fixture(scope="module")
def stages(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, backend: Backend, signer: world.Signer
) -> Iterator[dict[str, Stage]]:
    """A gateway for each file, started when its first API comes."""
    running: dict[str, Any] = {}

    class Started(dict[str, Stage]):
        def __missing__(self, name: str) -> Stage:
            settings = FILES[name].get("settings", {})
            running[name] = staged(tmp_path_factory.mktemp(name), redis_url, backend, signer, **settings)
            self[name] = running[name].__enter__()
            return self[name]

    yield Started()
    for context in running.values():
        context.__exit__(None, None, None)


@pytest.mark.parametrize(("file", "name"), APIS)
def test_credentials(stages: dict[str, Stage], file: str, name: str) -> None:
    stage = stages[file]
    given = next(api for api in FILES[file]["apis"] if api["name"] == name)
    operations = [schema.Operation(**frozen(one)) for one in given.get("operations", ())]
    base = stage.offer(name, *operations, subscribed=given.get("subscribed", True), **frozen(given["api"]))
    for row in given["calls"]:
        answer = stage.call(base + row["get"], row["show"])
        seen = answer.json
        assert [answer.status, seen.get("code", "")] == row["expect"], (row, seen)
        assert answer.headers["activityid"]
        if answer.status == 401 and "challenge" in given:
            assert answer.headers["www-authenticate"] == given["challenge"], row
        if answer.status == 200:
            shown = {"authorization", "apikey", "x-key", "internal-key", "x-wso2-client-certificate"}
            private = {header for header in shown & seen["headers"].keys() if taken(given["api"], header)}
            assert not private, row
            assert seen["target"] == row.get("target", "/base" + row["get"]), row


def taken(api: dict[str, Any], header: str) -> bool:
    """Whether the API takes this header for a credential: then its backend must not see it."""
    schemes = set(api["security"])
    needs = {
        "authorization": {"oauth2", "basic_auth"},
        "x-wso2-client-certificate": {"mutualssl"},
        "internal-key": schemes,
    }
    needs[api.get("api_key_header", "apikey").lower()] = {"api_key"}
    return bool(schemes & needs.get(header, set()))


def frozen(value: Any) -> Any:
    """Lists as tuples, as records hold them."""
    if isinstance(value, dict):
        return {name: frozen(one) for name, one in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value
