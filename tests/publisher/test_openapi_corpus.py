"""OpenAPI definitions from tests/corpus/openapi: valid ones with what they suggest, broken ones with place and message.

A broken YAML says what it expects in its first line, a broken JSON in a file beside it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from publisher.actions.definitions import import_openapi, validate_openapi
from publisher.errors import BadDefinition
from publisher.openapi.writing import in_step
from publisher.queries import api as read_api
from tests.publisher.make import plan

CORPUS = Path(__file__).parent.parent / "corpus" / "openapi"
VALID = sorted(path for path in (CORPUS / "valid").iterdir() if ".expect" not in path.name)
BROKEN = sorted(path for path in (CORPUS / "broken").iterdir() if path.suffix != ".expect")


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.name)
def test_a_valid_definition_suggests_its_api(path):
    report = validate_openapi(path.read_text())
    assert report.mistakes == []
    expected = json.loads(
        path.with_suffix("").with_suffix(path.suffix).with_name(path.stem + ".expect.json").read_text()
    )
    assert (report.openapi, report.suggestion) == (expected["openapi"], expected["suggestion"])


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.name)
def test_import_keeps_the_text_as_it_is(path, creator):
    for level in ("10KPerMin", "20KPerMin"):
        plan(creator.organisation, level, "api")
    text = path.read_text()
    api = read_api(creator, import_openapi(by=creator, text=text, plans=["Unlimited"]).pk)
    expected = validate_openapi(text).suggestion
    assert api.definition == text
    assert (api.name, api.version, api.context) == (expected["name"], expected["version"], expected["context"])
    assert [o.target for o in api.operations.all()] == [o["target"] for o in expected["operations"]]
    assert api.endpoints["production"]["url"] == expected["endpoints"]["production"]["url"]


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
def test_a_broken_definition_is_refused_with_place_and_reason(path, creator):
    text = path.read_text()
    line = path.with_suffix(".expect").read_text() if path.suffix == ".json" else text.partition("\n")[0]
    place, message = line.removeprefix("# expect: ").strip().split(" | ")
    found = [(mistake.place, mistake.message) for mistake in validate_openapi(text).mistakes]
    assert any(where.endswith(place) and message in what for where, what in found), found
    with pytest.raises(BadDefinition):
        import_openapi(by=creator, text=text)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.name)
def test_in_step_is_valid_and_changes_only_what_it_must(path):
    text = path.read_text()
    operations = validate_openapi(text).suggestion["operations"]
    assert in_step(text, operations) is text
    wanted = [*operations[1:], {"verb": "POST", "target": "/new/{thing}"}]
    changed = validate_openapi(in_step(text, wanted))
    assert changed.mistakes == []
    found = {(o["verb"], o["target"]) for o in changed.suggestion["operations"]}
    assert found == {(o["verb"], o["target"]) for o in wanted}
    assert changed.document["info"] == validate_openapi(text).document["info"]


def test_size_is_bounded():
    report = validate_openapi("openapi: 3.0.0\n#" + "x" * (5 * 1024 * 1024))
    assert "larger than 5 MB" in report.mistakes[0].message


def test_yaml_words_keep_their_meaning():
    text = "openapi: 3.0.0\ninfo: {title: a, version: '1', x-a: [yes, 010, 1:30, 2024-01-01, 0.5, ~]}\npaths: {}\n"
    assert validate_openapi(text).document["info"]["x-a"] == ["yes", 10, "1:30", "2024-01-01", 0.5, None]


def test_all_mistakes_are_told_up_to_fifty():
    paths = "".join(f"  /p{n}: {{get: {{}}}}\n" for n in range(80))
    report = validate_openapi(f"openapi: 3.0.0\ninfo: {{title: a, version: '1'}}\npaths:\n{paths}")
    assert len(report.mistakes) == 50
    assert [int(re.search(r"\d+", mistake.place)[0]) for mistake in report.mistakes[:3]] == [4, 5, 6]
