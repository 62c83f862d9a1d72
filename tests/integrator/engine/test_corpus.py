"""Every YAML document below tests/corpus/mediation is a case: artifacts, requests, and what client and backend must see.

`covers` lists the ids of tests/integrator/coverage that it proves.
`in` is short for an API at /t whose only resource runs that XML; `{backend}` stands for the backend's address, `{host}` for its
host and port.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from tests.integrator.engine.harness import Answer, Backend, backend, integrator, write

CORPUS = Path(__file__).parents[2] / "corpus" / "mediation"
CASES = [
    pytest.param(case, id=f"{file.relative_to(CORPUS).with_suffix('')}-{number}")
    for file in sorted(CORPUS.rglob("*.yaml"))
    for number, case in enumerate(yaml.safe_load_all(file.read_text()), 1)
]
API = '<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET POST PUT DELETE PATCH" uri-template="/*">'  # noqa: E501


def artifacts(case: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Artifacts by kind and name, the short form written out."""
    found: dict[str, dict[str, str]] = {kind: dict(items) for kind, items in case.get("artifacts", {}).items()}
    if "in" in case:
        flows = "".join(
            f"<{element}>{case[key]}</{element}>"
            for key, element in (("in", "inSequence"), ("out", "outSequence"), ("fault", "faultSequence"))
            if key in case
        )
        found.setdefault("api", {})["t"] = f"{API}{flows}</resource></api>"
    return found


@pytest.mark.parametrize("case", CASES)
async def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    """Deploy, call, compare."""
    home = tmp_path / "home"
    async with backend(case.get("backend", [])) as stub:
        for kind, items in artifacts(case).items():
            for name, text in items.items():
                write(
                    home,
                    kind,
                    name,
                    text.replace("{backend}", f"http://127.0.0.1:{stub.port}")
                    .replace("{host}", f"127.0.0.1:{stub.port}")
                    .replace("{port}", str(stub.port))
                    .replace("{home}", str(home)),
                )
        async with integrator(home) as running:
            refused = [str(error) for error in running.service.engine.deployment.errors]
            assert refused == [] or case.get("refused"), refused
            for text in case.get("refused", []):
                assert any(text in error for error in refused), refused
            for step in case.get("steps", []):
                stub.seen.clear()
                given = step["request"]
                body = given.get("body")
                if isinstance(body, str):
                    body = (body.replace("{backend}", f"http://127.0.0.1:{stub.port}") * given.get("times", 1)).encode()
                elif "chunks" in given:
                    body = pieces(given["chunks"])
                answer = await running.call(
                    given.get("method", "POST" if body is not None else "GET"),
                    given.get("path", "/t"),
                    given.get("headers", {}),
                    body,
                )
                check(answer, step.get("expect", {}))
                check_backend(stub, step.get("backend"))


async def pieces(texts: list[str]) -> AsyncIterator[bytes]:
    """A body of unknown length."""
    for text in texts:
        yield text.encode()


def check(answer: Answer, expect: dict[str, Any]) -> None:
    """Compare what the client got."""
    assert answer.status == expect.get("status", 200), answer
    if "json" in expect:
        assert json.loads(answer.body) == expect["json"]
    if "xml" in expect:
        assert canonical(answer.body) == canonical(expect["xml"].encode())
    if "reason" in expect:
        assert answer.reason == expect["reason"]
    if "body" in expect:
        assert answer.body.decode() == expect["body"]
    for text in expect.get("contains", []):
        assert text in answer.body.decode(), answer.body
    for text in expect.get("missing", []):
        assert text not in answer.body.decode(), answer.body
    for name, value in expect.get("headers", {}).items():
        found = answer.headers.get(name.lower())
        assert found == value if value is not None else found is None, (name, found)


def check_backend(stub: Backend, expect: Any) -> None:
    """Compare what the backend got, in order."""
    if expect is None:
        return
    here = f"http://127.0.0.1:{stub.port}"
    assert [f"{seen.method} {seen.target}" for seen in stub.seen] == [
        item["line"].replace("{backend}", here) for item in expect
    ]
    for seen, item in zip(stub.seen, expect, strict=True):
        if "json" in item:
            assert json.loads(seen.body) == item["json"]
        if "xml" in item:
            assert canonical(seen.body) == canonical(item["xml"].encode())
        if "body" in item:
            assert seen.body.decode() == item["body"]
        if "latin" in item:
            assert seen.body.decode("latin-1") == item["latin"]
        if "holds" in item:
            assert item["holds"] in seen.body.decode(), seen.body
        for text in item.get("contains", []):
            assert text in seen.body.decode("latin-1"), seen.body
        for text in item.get("missing", []):
            assert text not in seen.body.decode("latin-1"), seen.body
        assert seen.version == item.get("version", seen.version)
        for name, value in item.get("headers", {}).items():
            found = seen.headers.get(name.lower())
            value = value.replace("{backend}", here) if isinstance(value, str) else value
            assert (found or "").startswith(value) if value is not None else found is None, (name, found)


def canonical(data: bytes) -> str:
    """XML without differences that mean nothing: prefixes stay, white space between elements goes."""
    root = etree.fromstring(data, etree.XMLParser(remove_blank_text=True))
    return etree.tostring(root, method="c14n").decode()
