"""Nothing a caller sends is answered by a 5xx: random documents, random fields."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.actions.definitions import validate_openapi
from publisher.openapi.reading import Source, Unreadable
from publisher.openapi.writing import in_step
from tests.publisher.make import plan

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["#/paths", "/a/{b}", "get", "string"])
)
WORDS = st.sampled_from(
    [
        "openapi",
        "swagger",
        "info",
        "title",
        "version",
        "paths",
        "/a",
        "/a/{b}",
        "get",
        "post",
        "responses",
        "200",
        "$ref",
        "servers",
        "url",
    ]
    + [
        "x-auth-type",
        "x-throttling-tier",
        "x-wso2-cors",
        "x-wso2-basePath",
        "security",
        "tags",
        "parameters",
        "components",
        "definitions",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(WORDS, VALUES, max_size=6)
BASE = {
    "openapi": "3.0.0",
    "info": {"title": "a", "version": "1"},
    "paths": {"/a": {"get": {"responses": {"200": {"description": "ok"}}}}},
}
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@given(DOCUMENTS, st.booleans(), st.sampled_from([{}, BASE, {"swagger": "2.0"}, {"openapi": "3.1.0"}]))
@settings(QUICK, max_examples=150)
def test_any_document_gets_a_report(document, as_yaml, base):
    merged = {**document, **base}
    text = yaml.safe_dump(merged, allow_unicode=False) if as_yaml else json.dumps(merged)
    report = validate_openapi(text)
    assert report.valid or report.mistakes[0].message
    if report.valid:
        in_step(text, report.suggestion["operations"][1:])


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
@settings(QUICK, max_examples=300)
def test_any_text_gets_a_report(text):
    assert validate_openapi(text).mistakes


@given(VALUES)
@QUICK
def test_lines_never_fail(value):
    text = json.dumps({"a": value}, indent=1)
    try:
        source = Source(text)
    except Unreadable:
        return
    for path in ((), ("a",), ("a", 0), ("a", "get", 5), ("zzz",)):
        assert source.line(path) >= 0


@pytest.mark.parametrize("depth", [100, 5_000, 200_000])
@pytest.mark.parametrize("bracket", ["[", '{"a":', "- ", "a: {b: "])
def test_depth_is_bounded(depth, bracket):
    assert validate_openapi(bracket * depth).mistakes


@given(st.dictionaries(WORDS, VALUES, max_size=3), st.sampled_from([{}, BASE]))
@QUICK
@pytest.mark.django_db
def test_any_import_is_answered_below_500(publisher_user, rest, document, base):
    client = rest(publisher_user)
    text = json.dumps({**base, **document} if base else document)
    form = {"inlineAPIDefinition": text, "additionalProperties": json.dumps(document)}
    assert client.call("post", "/apis/validate-openapi", form, format="multipart").status_code < 500
    assert client.call("post", "/apis/import-openapi", form, format="multipart").status_code < 500


@pytest.mark.parametrize("target", ["/a/../b", "/..", "/./a", "/%2e%2E/a", "/a/..;x", "/%zz", "/a%", "/%00"])
@pytest.mark.django_db
def test_a_resource_no_call_can_reach_is_refused(publisher_user, rest, target):
    body = {"name": "A", "context": "/a", "version": "1", "operations": [{"verb": "GET", "target": target}]}
    answer = rest(publisher_user).call("post", "/apis", body)
    assert (answer.status_code, answer.json()["error"][0]["field"]) == (400, "operations[0].target")


@pytest.mark.parametrize("version", [".", ".."])
@pytest.mark.django_db
def test_a_version_that_is_a_dot_segment_is_refused(publisher_user, rest, version):
    answer = rest(publisher_user).call("post", "/apis", {"name": "A", "context": "/a", "version": version})
    assert (answer.status_code, answer.json()["error"][0]["field"]) == (400, "version")


@pytest.mark.parametrize("target", ["/.well-known", "/a..b/{c}", "/a%20b", "/..."])
@pytest.mark.django_db
def test_dots_and_escapes_that_mean_themselves_are_kept(publisher_user, rest, target):
    body = {"name": "A", "context": "/a", "version": "1", "operations": [{"verb": "GET", "target": target}]}
    answer = rest(publisher_user).call("post", "/apis", body)
    assert answer.json()["operations"][0]["target"] == target


FIELDS = st.sampled_from(
    [
        "description",
        "operations",
        "policies",
        "tags",
        "transport",
        "securityScheme",
        "authorizationHeader",
        "apiThrottlingPolicy",
    ]
    + [
        "visibility",
        "visibleRoles",
        "isDefaultVersion",
        "additionalProperties",
        "audiences",
        "endpointConfig",
        "corsConfiguration",
    ]
    + ["businessInformation", "keyManagers", "type", "name", "context", "version"]
)
PARTS = st.sampled_from(
    [
        "production_endpoints",
        "url",
        "config",
        "actionDuration",
        "verb",
        "target",
        "GET",
        "/a",
        "authType",
        "scopes",
        "name",
        "value",
    ]
)
FIELD_VALUES = st.recursive(
    SCALARS | PARTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PARTS, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(FIELDS, FIELD_VALUES, max_size=5), st.booleans())
@settings(QUICK, max_examples=120)
@pytest.mark.django_db
def test_any_api_is_answered_below_500(publisher_user, rest, body, named):
    plan(publisher_user.organisation)
    client = rest(publisher_user)
    whole = {**body, "name": "A", "context": "/a", "version": "1"} if named else body
    made = client.post("/api/am/publisher/v4/apis", json.dumps(whole), content_type="application/json")
    assert made.status_code < 500
    if made.status_code == 201:
        path = f"/apis/{made.json()['id']}"
        assert client.call("put", path, made.json()).status_code == 200
        assert client.call("delete", path).status_code == 200
