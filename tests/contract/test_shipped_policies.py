"""Policies from the publisher to the gateway: what ships is known there by name, and what is saved can be compiled."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import schema
from gateway.compile import CompiledApi, Compiler
from gateway.policies.catalogue import ALIASES, NATIVE
from gateway.services import Services
from gateway.settings import Settings
from tests.gateway import world

SHIPPED = json.loads((Path(__file__).resolve().parents[2] / "publisher/policies/shipped.json").read_text())
NEEDED = {
    "headerName": "X-A", "headerValue": "b", "value": "http://backend.example/x", "paramKey": "a", "paramValue": "b",
    "httpMethod": "PUT", "newResourcePath": "/x", "serverUrl": "http://opa.example", "policy": "p", "rule": "allow",
    "scope": "OTT", "interceptorServiceURL": "http://interceptor.example", "includes": "request_headers",
}  # fmt: skip
"""Values for attributes that have no default."""


def values(specification: dict[str, Any]) -> dict[str, Any]:
    """The defaults, and what has none."""
    found = {}
    for attribute in specification["policyAttributes"]:
        if "defaultValue" in attribute:
            found[attribute["name"]] = attribute["defaultValue"]
        elif attribute["required"]:
            found[attribute["name"]] = NEEDED[attribute["name"]]
    return found


@pytest.mark.parametrize("specification", SHIPPED, ids=lambda one: one["name"])
async def test_a_shipped_policy_compiles_in_every_flow_it_may_stand_in(specification: dict[str, Any]) -> None:
    use = schema.PolicyUse(specification["name"], specification["version"], values(specification))
    for flow in ("request", "response", "fault"):
        operation = schema.Operation("GET", "/x", auth="none", flows=schema.Flows(**{flow: (use,)}))
        record = world.api("x", "http://127.0.0.1:1", operation)
        if flow in specification["applicableFlows"]:
            Compiler(Services(Settings())).api(record, {})
        else:
            kind = NATIVE[ALIASES.get(use.name, (use.name,))[0]]
            assert flow not in kind.flows or specification["name"] == "applyAcceptHeader"


def test_every_policy_of_the_gateway_ships() -> None:
    names = {one["name"] for one in SHIPPED}
    assert {name for name in NATIVE if name not in names} == {"callInterceptorService"}


def test_what_the_publisher_saves_the_gateway_runs(publisher_user: Any) -> None:
    from apim.eventhub.models import Current
    from publisher.actions.policies import add_policy
    from tests.publisher.make import deploy, make_api
    from tests.publisher.test_policies import DEFINITION, SPEC

    add_policy(by=publisher_user, spec=json.dumps(SPEC), definition=DEFINITION)
    flows = {
        "request": [{"name": "tagRequest", "parameters": {"tag": "abc"}}, {"name": "regexPolicy"}],
        "fault": [{"name": "jsonFault"}],
    }
    operations = [{"verb": "GET", "target": "/a", "flows": flows}]
    whole = {"response": [{"name": "xmlToJson"}]}
    api = make_api(publisher_user, operations=operations, flows=whole, validate_schema=True, cache_seconds=5)
    deploy(publisher_user, api)
    saved = Current.objects.get(kind="api", key=f"Default:{api.pk}").record
    record = msgspec.json.decode(saved, type=schema.Api)

    async def compiled() -> CompiledApi:
        return Compiler(Services(Settings())).api(record, {})

    made = asyncio.run(compiled())
    found = made.resources.find(b"GET", b"/a")
    assert found is not None and "request_policies" in found.stages
    assert [use.name for use in found.record.flows.request] == ["tagRequest", "regexPolicy"]
    assert any("no definition" in note for note in made.notes)
