"""APIs without a backend: answers from the definition's examples and schemas, and from its scripts."""

from __future__ import annotations

import json
from itertools import count

import pytest

from gateway import schema
from gateway.endpoints.mock import operations
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.process import Answer

_names = count(1)

GENERATED = """
var responseCode = mc.getProperty('query.param.responseCode');
var responseCodeSC;
var responses = [];
if (!responses[200]) {
 responses [200] = [];
}
responses[200]["application/json"] = { "id" : 10, "name" : "doggie" };
if (mc.getProperty('uri.var.petId') == 1) {
  responses[200]["application/json"] = { "id" : 1, "name" : "German Shepherd" };
}
responses[501] = [];
responses[501]["application/json"] = { "code" : 501, "description" : "Not Implemented"};
if (responseCode == null) {
 responseCode = 200;
}
if (!responses[responseCode]) {
 responseCode = 501;
}
if (responseCode === "default") {
  responseCodeSC = mc.getProperty('query.param.responseCode');
} else {
  responseCodeSC = responseCode;
}
mc.setProperty('CONTENT_TYPE', 'application/json');
mc.setProperty('HTTP_SC', responseCodeSC + "");
mc.setPayloadJSON(responses[responseCode]["application/json"]);
"""

PET = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 3},
        "name": {"type": "string", "example": "Rex"},
        "born": {"type": "string", "format": "date"},
        "parent": {"$ref": "#/components/schemas/Pet"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
        "secret": {"type": "string", "writeOnly": True},
    },
}


def described(**operations: object) -> str:
    paths: dict[str, dict[str, object]] = {}
    for name, operation in operations.items():
        paths[f"/{name}"] = {"get": operation}
    paths["/pet/{petId}"] = {"get": {"responses": {}, "x-mediation-script": GENERATED}}
    document = {"openapi": "3.0.1", "info": {}, "paths": paths, "components": {"schemas": {"Pet": PET}}}
    return json.dumps(document)


DEFINITION = described(
    example={
        "responses": {
            "200": {
                "headers": {"X-Total": {"schema": {"type": "integer"}, "example": 7}},
                "content": {
                    "application/json": {"example": {"from": "json"}},
                    "application/xml": {
                        "schema": {"type": "object", "properties": {"a": {"example": "<b>"}}, "xml": {"name": "r"}}
                    },
                },
            },
            "404": {
                "content": {
                    "application/json": {"examples": {"gone": {"value": {"gone": 1}}, "never": {"value": {"never": 1}}}}
                }
            },
            "5XX": {"content": {"text/plain": {"example": "broken"}}},
        }
    },
    schema={"responses": {"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}}},
    empty={"responses": {"204": {"description": "nothing"}}},
    loop={"responses": {"200": {}}, "x-mediation-script": "while (true) {}"},
    memory={"responses": {"200": {}}, "x-mediation-script": "var a = []; while (true) a.push('x'.repeat(10000));"},
    regex={"responses": {"200": {}}, "x-mediation-script": "/^(a+)+$/.test('a'.repeat(60) + '!')"},
    broken={"responses": {"200": {}}, "x-mediation-script": "this is no script"},
    reach={
        "responses": {"200": {}},
        "x-mediation-script": "mc.setPayloadJSON({seen: [typeof require, typeof process, typeof fetch, typeof std, typeof os]});",
    },
    odd={"responses": {"200": {}}, "x-mediation-script": "mc.setProperty('HTTP_SC', null); mc.setPayloadJSON({});"},
    endless={"responses": {"200": {}}, "x-mediation-script": "mc.setProperty('HTTP_SC', 'Infinity');"},
    nothing={"responses": {"200": {}}, "x-mediation-script": "__out = undefined;"},
    custom={
        "responses": {"200": {}},
        "x-mediation-script": "mc.setProperty('HTTP_SC', '202'); mc.setHeader('X-Made', mc.getHeader('X-Sent'));"
        "mc.setPayloadXML('<a/>');",
    },
    split={
        "responses": {"200": {}},
        "x-mediation-script": "mc.setHeader('X-A', 'a\\r\\nX-B: b'); mc.setPayloadJSON({});",
    },
)


@pytest.fixture(scope="module")
def mocked(served: Served) -> str:
    """An API that is mocked; its context."""
    return publish(served, DEFINITION)


def publish(served: Served, definition: str, **changes: object) -> str:
    name = f"mock{next(_names)}"
    paths = json.loads(definition)["paths"]
    listed = tuple(schema.Operation(verb.upper(), target) for target, item in paths.items() for verb in item)
    endpoint = schema.Endpoint("", kind="mock", **changes)  # type: ignore[arg-type]
    record = world.api(name, "", *listed, production=endpoint, definition=definition)
    served.publish(("api", f"Default:id-{name}", record), world.subscription(name))
    return f"/{name}/1.0"


def call(served: Served, path: str, **headers: str) -> Answer:
    return served.gateway.call(path, "GET", served.signer.token(), headers=headers)


def test_examples_by_type_and_status(served: Served, mocked: str) -> None:
    answer = call(served, f"{mocked}/example")
    assert (answer.status, answer.json, answer.headers["x-total"]) == (200, {"from": "json"}, "7")
    xml = call(served, f"{mocked}/example", Accept="application/xml;q=0.9, application/json;q=0.1")
    assert xml.body == b'<?xml version="1.0" encoding="UTF-8"?><r><a>&lt;b&gt;</a></r>'
    assert xml.headers["content-type"] == "application/xml"
    assert call(served, f"{mocked}/example?responseCode=404").json == {"gone": 1}
    named = call(served, f"{mocked}/example", Prefer="code=404, example=never")
    assert (named.status, named.json) == (404, {"never": 1})
    assert (call(served, f"{mocked}/example?responseCode=503").body) == b"broken"
    unknown = call(served, f"{mocked}/example?responseCode=418")
    assert (unknown.status, unknown.json) == (501, {"code": 501, "description": "Not Implemented"})
    assert call(served, f"{mocked}/example?responseCode=99999999").status == 501


def test_values_made_up_from_schemas(served: Served, mocked: str) -> None:
    answer = call(served, f"{mocked}/schema")
    assert answer.status == 201
    pet = answer.json
    assert (pet["id"], pet["name"], pet["born"], pet["tags"]) == (3, "Rex", "2024-01-31", ["a"])
    assert "secret" not in pet
    empty = call(served, f"{mocked}/empty")
    assert (empty.status, empty.body) == (204, b"")


def test_generated_scripts(served: Served, mocked: str) -> None:
    assert call(served, f"{mocked}/pet/7").json == {"id": 10, "name": "doggie"}
    assert call(served, f"{mocked}/pet/1").json == {"id": 1, "name": "German Shepherd"}
    other = call(served, f"{mocked}/pet/1?responseCode=500")
    assert (other.status, other.json["code"]) == (501, 501)


def test_scripts_change_status_headers_and_type(served: Served, mocked: str) -> None:
    many = "&".join(f"q{number}=1" for number in range(1500))
    answer = call(served, f"{mocked}/custom?{many}", **{"X-Sent": "hello"})
    assert (answer.status, answer.body) == (202, b"<a/>")
    assert (answer.headers["content-type"], answer.headers["x-made"]) == ("application/xml", "hello")


def test_scripts_reach_nothing_but_the_message(served: Served, mocked: str) -> None:
    assert call(served, f"{mocked}/reach").json == {"seen": ["undefined"] * 5}


@pytest.mark.parametrize("name", ["loop", "memory", "regex", "broken", "split", "odd", "endless", "nothing"])
def test_scripts_that_misbehave_are_ended_and_others_go_on(served: Served, mocked: str, name: str) -> None:
    answer = call(served, f"{mocked}/{name}")
    assert (answer.status, answer.json["code"]) == (500, "101510")
    assert "x-b" not in answer.headers
    assert call(served, f"{mocked}/example").status == 200
    assert call(served, f"{mocked}/pet/7").json == {"id": 10, "name": "doggie"}


def test_without_scripts(served: Served) -> None:
    context = publish(served, DEFINITION, properties=(("implementation", "MOCKED_OAS"),))
    assert call(served, f"{context}/loop").status == 200


def test_a_definition_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="neither JSON nor YAML"):
        operations("{", True)
    assert operations("", True) == {}


def test_definitions_of_two_and_in_yaml() -> None:
    text = """
swagger: "2.0"
produces: [application/json]
paths:
  /a:
    get: {responses: {"200": {schema: {$ref: "#/definitions/A"}}}}
    post: {responses: {"200": {examples: {"text/plain": "hello"}}}}
definitions: {A: {type: object, properties: {n: {type: number}, flag: {type: boolean}}}}
"""
    found = operations(text, True)
    assert json.loads(found["GET", "/a"].samples["200"][0].body or b"") == {"n": 0, "flag": True}
    assert found["POST", "/a"].samples["200"][0].body == b"hello"


def test_what_yaml_takes_for_dates_and_truth_is_text() -> None:
    text = """
paths:
  /a:
    get:
      responses:
        200:
          content:
            application/json:
              example:
                {day: 2026-01-01, none: 2026-13-45, at: 2026-01-01T10:00:00Z, no: NO, 2026-01-01: yes, n: 0o17, b: !!binary aGk=}
"""
    expected = {
        "day": "2026-01-01",
        "none": "2026-13-45",
        "at": "2026-01-01T10:00:00Z",
        "no": "NO",
        "2026-01-01": "yes",
    }
    found = operations(text, True)["GET", "/a"].samples["200"][0].body or b""
    assert json.loads(found) == expected | {"n": "0o17", "b": "aGk="}


@pytest.mark.parametrize(
    "made",
    [
        {"$ref": "#/components/schemas/Loop"},
        {"allOf": [{"$ref": "#/components/schemas/Loop"}]},
        {"oneOf": [{"type": "array", "items": {"$ref": "#/components/schemas/Loop"}}]},
    ],
)
def test_schemas_that_refer_to_themselves_end(made: object) -> None:
    names = [f"S{number}" for number in range(40)]
    each = {name: {"$ref": f"#/components/schemas/{name}"} for name in names}
    loop = {"type": "object", "properties": {"again": made, "all": {"type": "array", "items": made}} | each}
    document = {
        "paths": {"/a": {"get": {"responses": {"200": {"content": {"application/json": {"schema": made}}}}}}},
        "components": {"schemas": {"Loop": loop} | {name: {"properties": dict(each)} for name in names}},
    }
    body = operations(json.dumps(document), True)["GET", "/a"].samples["200"][0].body
    assert body is not None
    assert len(body) < 1_000_000


def test_headers_of_samples_cannot_break_out_of_their_line() -> None:
    headers = {
        "X-A": {"example": "a\r\nX-B: b"}, "X-C\r\nX-D": {"example": "c"}, "X:E": {"example": "e"},
        "Content-Length": {"example": 3}, "X-Fine": {"example": "yes"},
    }  # fmt: skip
    document = {"paths": {"/a": {"get": {"responses": {"204": {"headers": headers}}}}}}
    sample = operations(json.dumps(document), True)["GET", "/a"].samples["204"][0]
    assert sample.headers == ((b"x-fine", b"yes"),)
