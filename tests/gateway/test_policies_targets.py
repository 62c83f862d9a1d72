"""Policies before and after every kind of backend: dynamic ones, groups, mocks, protected ones, those that are suspended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.scripted import Script, Scripted
from tests.support.ports import free_port


def use(name: str, **parameters: Any) -> schema.PolicyUse:
    """A policy in a flow."""
    return schema.PolicyUse(name, parameters=parameters)


FAULTS = (use("addHeader", headerName="X-Fault", headerValue="1"), use("jsonFault"))
WHOLE = (use("xmlToJson"),)
HEAD = (use("addHeader", headerName="X-Answer", headerValue="1"),)


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    """A backend with answers of the tests' own."""
    one = Scripted()
    yield one
    one.stop()


def deploy(served: Served, name: str, endpoint: schema.Endpoint, flows: schema.Flows) -> str:
    """An API with this backend; gives its path."""
    operations = [schema.Operation(verb, "/*", auth="none", flows=flows) for verb in ("GET", "POST", "HEAD")]
    served.publish(("api", f"Default:id-{name}", world.api(name, "", *operations, production=endpoint)))
    return f"/{name}/1.0/x"


def address(url: str, **changes: Any) -> schema.Endpoint:
    """A backend's address."""
    return schema.Endpoint(url, **{"connect_timeout_ms": 1000, "timeout_ms": 2000} | changes)


@pytest.mark.parametrize("response", [(), HEAD, WHOLE], ids=["streams", "head", "whole"])
def test_set_to_header_chooses_a_dynamic_backend(served: Served, scripted: Scripted, response: Any) -> None:
    name = f"dynamic{len(response)}{response == WHOLE}".lower()
    flows = schema.Flows(
        request=(use("setToHeader", value=scripted.url("chosen") + "/${header.X-Where}"),), response=response
    )
    path = deploy(served, name, address(scripted.url("default"), kind="dynamic"), flows)
    scripted.scripts["chosen"] = Script(headers={"content-type": "application/xml"}, body=b"<a>1</a>")
    answer = served.gateway.call(path, headers={"X-Where": "here"})
    assert answer.status == 200, answer.body
    assert scripted.last("chosen").target.startswith("/here")
    assert scripted.calls("default") == 0
    assert answer.headers.get("x-answer") == ("1" if response == HEAD else None)


@pytest.mark.parametrize("response", [(), HEAD, WHOLE], ids=["streams", "head", "whole"])
def test_the_fault_flow_runs_when_a_whole_group_fails(served: Served, response: Any) -> None:
    name = f"group{len(response)}{response == WHOLE}".lower()
    members = tuple(address(f"http://127.0.0.1:{free_port()}") for _ in range(2))
    group = schema.Endpoint("", kind="failover", members=members)
    path = deploy(served, name, group, schema.Flows(response=response, fault=FAULTS))
    answer = served.gateway.call(path)
    assert answer.status >= 500 and answer.headers["x-fault"] == "1"
    assert str(answer.json["fault"]["code"])[:3] in ("101", "303")
    assert "x-answer" not in answer.headers


@pytest.mark.parametrize("response", [HEAD, WHOLE], ids=["head", "whole"])
def test_the_second_of_a_group_answers_through_the_response_flow(
    served: Served, scripted: Scripted, response: Any
) -> None:
    name = f"second{response == WHOLE}".lower()
    scripted.scripts[name] = Script(headers={"content-type": "application/xml"}, body=b"<a>1</a>")
    members = (address(f"http://127.0.0.1:{free_port()}"), address(scripted.url(name)))
    path = deploy(
        served,
        name,
        schema.Endpoint("", kind="failover", members=members),
        schema.Flows(response=response, fault=FAULTS),
    )
    answer = served.gateway.call(path)
    assert answer.status == 200 and "x-fault" not in answer.headers
    assert answer.body == (b"<a>1</a>" if response == HEAD else b'{"a":1}')


def test_a_suspended_backend_runs_the_fault_flow(served: Served) -> None:
    endpoint = address(f"http://127.0.0.1:{free_port()}", suspension=schema.Suspension(initial_ms=60_000))
    path = deploy(served, "suspended", endpoint, schema.Flows(fault=FAULTS))
    codes = [served.gateway.call(path).json["fault"]["code"] for _ in range(4)]
    assert codes[0] == 101503 and 303001 in codes


def test_a_protected_backend_is_shown_its_credentials_on_both_ways(served: Served, scripted: Scripted) -> None:
    security = schema.EndpointSecurity("basic", username="u", password="p")
    for response, name in ((HEAD, "protected-head"), (WHOLE, "protected-whole")):
        scripted.scripts[name] = Script(headers={"content-type": "application/xml"}, body=b"<a>1</a>")
        path = deploy(served, name, address(scripted.url(name), security=security), schema.Flows(response=response))
        assert served.gateway.call(path).status == 200
        assert scripted.last(name).headers["authorization"] == "Basic dTpw"


def test_a_head_call_of_a_whole_answer_has_no_body(served: Served, scripted: Scripted) -> None:
    scripted.scripts["heads"] = Script(headers={"content-type": "application/xml", "x-back": "1"}, body=b"<a>1</a>")
    path = deploy(served, "heads", address(scripted.url("heads")), schema.Flows(response=WHOLE))
    answer = served.gateway.call(path, "HEAD")
    assert (answer.status, answer.body, answer.headers["x-back"]) == (200, b"", "1")
    assert answer.headers.get("content-length") != "0"
