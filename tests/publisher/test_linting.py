"""The organisation's own rules for definitions: what each function finds, where, and what is said of rules that cannot be run."""

from __future__ import annotations

import json
import time

import pytest
from django.test import Client
from django.urls import reverse

from apim.configuration.models import TenantConfiguration
from publisher.linting import rulesets
from publisher.linting.run import lint_with
from publisher.openapi.reading import Source
from tests.publisher.make import make_api
from tests.support.people import make_user

DEFINITION = """openapi: 3.0.3
info:
  title: pizza shack
  version: 1.0.0
servers: []
tags: [{name: b}, {name: a}]
paths:
  /Orders:
    get:
      operationId: get_orders
      summary: Lists them
      responses: {'200': {description: ok}}
    post:
      responses: {'201': {description: made}}
"""


def found(rule, text=DEFINITION, **more):
    ruleset = {"rules": {"mine": rule}, **more}
    return [(one.path, one.message, one.severity, one.line) for one in lint_with(ruleset, Source(text))]


@pytest.mark.parametrize(
    ("given", "then", "paths"),
    [
        ("$.info", {"field": "contact", "function": "truthy"}, ["info.contact"]),
        ("$.info", {"field": "title", "function": "truthy"}, []),
        ("$.info", {"field": "title", "function": "falsy"}, ["info.title"]),
        ("$.info", {"field": "license", "function": "defined"}, ["info.license"]),
        ("$.info", {"field": "title", "function": "undefined"}, ["info.title"]),
        ("$.info.title", {"function": "pattern", "functionOptions": {"match": "^[A-Z]"}}, ["info.title"]),
        ("$.info.title", {"function": "pattern", "functionOptions": {"match": "/^PIZZA/i"}}, []),
        ("$.info.title", {"function": "pattern", "functionOptions": {"notMatch": "shack"}}, ["info.title"]),
        ("$.paths[*]~", {"function": "pattern", "functionOptions": {"match": "^[/a-z]+$"}}, ["paths./Orders"]),
        (
            "$.paths",
            {"field": "@key", "function": "pattern", "functionOptions": {"match": "^/[a-z]"}},
            ["paths./Orders"],
        ),
        ("$.paths[*][get,post]", {"field": "operationId", "function": "truthy"}, ["paths./Orders.post.operationId"]),
        ("$.paths[*][?(@property === 'get')]", {"field": "tags", "function": "truthy"}, ["paths./Orders.get.tags"]),
        (
            "$..operationId",
            {"function": "casing", "functionOptions": {"type": "camel"}},
            ["paths./Orders.get.operationId"],
        ),
        ("$..operationId", {"function": "casing", "functionOptions": {"type": "snake"}}, []),
        ("$.info.title", {"function": "length", "functionOptions": {"max": 5}}, ["info.title"]),
        ("$.servers", {"function": "length", "functionOptions": {"min": 1}}, ["servers"]),
        ("$.info.version", {"function": "enumeration", "functionOptions": {"values": ["2.0.0"]}}, ["info.version"]),
        ("$.tags", {"function": "alphabetical", "functionOptions": {"keyedBy": "name"}}, ["tags"]),
        ("$.info", {"function": "xor", "functionOptions": {"properties": ["title", "version"]}}, ["info"]),
        ("$.info", {"function": "or", "functionOptions": {"properties": ["contact", "license"]}}, ["info"]),
        ("$.info", {"function": "schema", "functionOptions": {"schema": {"required": ["contact"]}}}, ["info"]),
        ("$.nothing.there", {"function": "truthy"}, []),
        (["$.info.title", "$.info.version"], {"function": "falsy"}, ["info.title", "info.version"]),
    ],
)
def test_what_a_rule_finds(given, then, paths):
    assert [one[0] for one in found({"given": given, "then": then})] == paths


def test_a_finding_has_words_severity_and_line():
    rule = {
        "given": "$.info",
        "description": "Titles",
        "severity": "error",
        "message": "{{description}}: {{property}} {{error}} at {{path}} ({{value}})",
        "then": {"field": "title", "function": "pattern", "functionOptions": {"match": "^P"}},
    }
    text = "Titles: title 'pizza shack' must match the pattern '^P' at info.title (pizza shack)"
    assert found(rule) == [("info.title", text, "error", 3)]


def test_rules_of_other_formats_and_switched_off_ones_are_left_out():
    then = {"field": "contact", "function": "truthy"}
    assert found({"given": "$.info", "then": then, "formats": ["oas2"]}) == []
    assert len(found({"given": "$.info", "then": then, "formats": ["oas3"]})) == 1
    assert len(found({"given": "$.info", "then": then, "formats": ["oas3_0"]})) == 1
    assert found({"given": "$.info", "then": then, "severity": "off"}) == []
    assert lint_with({"extends": ["spectral:oas"], "rules": {"a": "off", "b": True}}, Source(DEFINITION)) == []


def test_aliases():
    rule = {"given": "#Info.title", "then": {"function": "falsy"}}
    assert [one[0] for one in found(rule, aliases={"Info": ["$.info"]})] == ["info.title"]


@pytest.mark.parametrize(
    "rule",
    [
        {"given": "$.info"},
        {"given": "$.info", "then": {"function": "fly"}},
        {"given": "$[", "then": {"function": "truthy"}},
        {"given": "#Nothing", "then": {"function": "truthy"}},
        {"given": "$", "severity": "fatal", "then": {"function": "truthy"}},
        {"given": "$", "then": {"function": "casing"}},
        {"given": "$", "then": {"function": "pattern", "functionOptions": {"match": "("}}},
        {"given": "$", "then": {"function": "pattern", "functionOptions": {"match": "(?=a)"}}},
        {"given": "$." + "a" * 600, "then": {"function": "truthy"}},
    ],
)
def test_a_rule_that_cannot_be_run_is_named(rule):
    (one,) = lint_with({"rules": {"broken": rule}}, Source(DEFINITION))
    assert (one.rule, one.severity) == ("broken", "warning")
    assert "cannot be run" in one.message


@pytest.mark.parametrize("ruleset", ["{", "[]", "rules: 5", "x", {"rules": []}, "\x00", "&a [*a]"])
def test_a_ruleset_that_is_none_breaks_nothing(ruleset):
    lint_with(ruleset, Source(DEFINITION))


@pytest.mark.parametrize(
    "options",
    [
        {"function": "length", "functionOptions": {"min": "x"}},
        {"function": "schema", "functionOptions": {"schema": {"type": 5}}},
        {"function": "schema", "functionOptions": {"schema": {"$ref": "http://127.0.0.1:1/secret"}}},
    ],
)
def test_options_that_make_no_sense_are_told(options):
    (one,) = lint_with({"rules": {"odd": {"given": "$.info.title", "then": options}}}, Source(DEFINITION))
    assert "cannot be run" in one.message


def test_patterns_cannot_take_forever():
    rule = {"given": "$.info.title", "then": {"function": "pattern", "functionOptions": {"match": "^(a+)+$"}}}
    begun = time.process_time()
    found(rule, DEFINITION.replace("pizza shack", "a" * 5000 + "!"))
    assert time.process_time() - begun < 5


def test_findings_are_bounded(monkeypatch):
    monkeypatch.setattr("publisher.linting.run.MOST_FINDINGS", 3)
    assert len(found({"given": "$..*", "then": {"function": "falsy"}})) == 3


def test_the_definition_page_and_the_rest_api_have_the_rules(rest, creator, other_organisation):
    rules = {"rules": {"contact": {"given": "$.info", "then": {"field": "contact", "function": "truthy"}}}}
    TenantConfiguration.objects.update_or_create(
        organisation=creator.organisation, defaults={"content": {"LinterCustomRules": rules}}
    )
    assert json.loads(rest(creator).call("get", "/linter-custom-rules").json()) == rules
    stranger = make_user(other_organisation, "admin")
    assert rest(stranger).call("get", "/linter-custom-rules").json() == ""
    client = Client()
    client.force_login(creator)
    api = make_api(creator, definition=DEFINITION)
    page = client.get(reverse("publisher:definition", args=[api.pk])).content.decode()
    assert "info.contact" in page
    assert "1 finding of this organisation" in page


def test_rulesets_are_read_once():
    text = json.dumps({"rules": {"a": {"given": "$", "then": {"function": "truthy"}}}})
    assert rulesets.read(text) is rulesets.read(text)


def test_an_alias_bomb_as_a_ruleset_is_told_not_unfolded():
    layers = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    bomb = "\n".join([*layers, "rules: {mine: {given: $.info, message: *a39, then: {function: truthy}}}"])
    assert "aliases counted" in rulesets.read(bomb).mistakes[""]


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ("$.paths[?search(@.get.summary, 'Li.ts')]", ["paths./Orders"]),
        ("$.paths[?match(@.get.summary, 'Li.ts')]", []),
        ("$.paths[?search(@.get.summary, '(')]", []),
    ],
)
def test_patterns_in_places_are_followed(given, paths):
    rule = {"given": given, "then": {"field": "nothing", "function": "truthy"}}
    assert [path.removesuffix(".nothing") for path, *_ in found(rule)] == paths


def test_no_pattern_in_a_place_takes_forever():
    text = DEFINITION.replace("Lists them", "a" * 60 + "!")
    rule = {"given": "$.paths[?search(@.get.summary, '^(a+)+$')]", "then": {"function": "truthy"}}
    begun = time.process_time()
    assert found(rule, text) == []
    assert time.process_time() - begun < 20, "60 letters keep a backtracking engine busy for ages"
    assert "=~" in rulesets.read({"rules": {"mine": rule | {"given": "$.paths[?@.x =~ /(a+)+$/]"}}}).mistakes["mine"]
