"""The pages of policies through Django's client: the picture of the flows, forms made from specifications, run-time settings."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apim.accounts.models import User
from publisher.actions.access import etag
from publisher.actions.apis import update_api
from publisher.models import Api, OperationPolicy
from tests.publisher.make import make_api
from tests.publisher.test_policies import DEFINITION, SPEC, files


@pytest.fixture
def api(publisher_user: User) -> Api:
    return make_api(publisher_user, operations=[{"verb": "GET", "target": "/a"}, {"verb": "POST", "target": "/b"}])


@pytest.fixture
def pages(client: Any, publisher_user: User) -> Any:
    client.force_login(publisher_user)
    return client


def url(name: str, *arguments: Any) -> str:
    return reverse(f"publisher:{name}", args=arguments)


def policy(name: str) -> OperationPolicy:
    return OperationPolicy.objects.get(name=name, organisation__domain="carbon.super", api=None)


def step(pages: Any, api: Api, do: str, at: str = "0", flow: str = "request", **values: Any) -> Any:
    api.refresh_from_db()
    sent = {"at": at, "flow": flow, "do": do, "expected": etag(api)} | values
    return pages.post(url("policies_change", api.pk), sent)


def names(api: Api, position: int = 0, flow: str = "request") -> list[str]:
    return [use["name"] for use in list(api.operations.all())[position].flows.get(flow, [])]


def test_the_page_shows_the_three_flows_and_what_may_be_added(pages: Any, api: Api, publisher_user: User) -> None:
    uses = [{"name": "addHeader", "parameters": {"headerName": "X-A", "headerValue": "b"}}]
    update_api(by=publisher_user, api=api, operations=[{"verb": "GET", "target": "/a", "flows": {"request": uses}}])
    page = pages.get(url("policies", api.pk)).content.decode()
    assert [lane in page for lane in ('data-lane="request"', 'data-lane="response"', 'data-lane="fault"')] == [True] * 3
    assert "Header Name: X-A" in page and "GET /a (1)" in page
    assert "Set To Header" in page and 'aria-label="Add JSON Fault to the Fault flow"' in page
    assert pages.get(url("policies", api.pk) + "?at=7").status_code == 404
    assert pages.get(url("policies", api.pk) + "?at=api").status_code == 200


def test_a_policy_without_attributes_is_added_at_once(pages: Any, api: Api) -> None:
    answer = step(pages, api, "add", flow="fault", new=str(policy("jsonFault").pk))
    assert answer.status_code == 302 and answer.url.endswith("?at=0")
    assert names(api, flow="fault") == ["jsonFault"]
    assert names(api, 1, "fault") == []


def test_attributes_are_asked_for_by_a_form_made_from_the_specification(pages: Any, api: Api) -> None:
    new = policy("rewriteResourcePath")
    form = pages.get(f"{url('policies', api.pk)}?at=1&flow=request&new={new.pk}").content.decode()
    assert 'name="value-newResourcePath"' in form and re.search(
        r'type="checkbox" name="value-includeQueryParams"[^>]*checked', form
    )
    refused = step(pages, api, "add", at="1", new=str(new.pk))
    assert refused.status_code == 400 and "This field is required" in refused.content.decode()
    wanted = {"value-newResourcePath": "/x", "value-includeQueryParams": "on"}
    assert step(pages, api, "add", at="1", new=str(new.pk), **wanted).status_code == 302
    found = list(api.operations.all())[1].flows["request"][0]
    assert found["parameters"] == {"newResourcePath": "/x", "includeQueryParams": True}
    edit = pages.get(f"{url('policies', api.pk)}?at=1&flow=request&edit=0").content.decode()
    assert 'value="/x"' in edit
    assert step(pages, api, "save", at="1", index="0", **{"value-newResourcePath": "/y"}).status_code == 302
    found = list(api.operations.all())[1].flows["request"][0]
    assert found["parameters"] == {"newResourcePath": "/y", "includeQueryParams": False}


def test_policies_are_moved_and_removed(pages: Any, api: Api) -> None:
    for name in ("disableChunking", "jsonToXML", "addLogMessage"):
        step(pages, api, "add", new=str(policy(name).pk))
    assert names(api) == ["disableChunking", "jsonToXML", "addLogMessage"]
    step(pages, api, "later", index="0")
    assert names(api) == ["jsonToXML", "disableChunking", "addLogMessage"]
    step(pages, api, "earlier", index="2")
    assert names(api) == ["jsonToXML", "addLogMessage", "disableChunking"]
    step(pages, api, "move", index="2", to="0")
    assert names(api) == ["disableChunking", "jsonToXML", "addLogMessage"]
    step(pages, api, "add", new=str(policy("xmlToJson").pk), to="1")
    assert names(api)[1] == "xmlToJson"
    step(pages, api, "remove", index="1")
    assert names(api) == ["disableChunking", "jsonToXML", "addLogMessage"]
    assert step(pages, api, "remove", index="9").status_code == 302
    assert step(pages, api, "dance").status_code == 404
    assert step(pages, api, "remove", flow="sideways").status_code == 404


def test_the_whole_api_has_flows_of_its_own(pages: Any, api: Api) -> None:
    step(pages, api, "add", at="api", new=str(policy("jsonToXML").pk))
    api.refresh_from_db()
    assert [use["name"] for use in api.flows["request"]] == ["jsonToXML"] and names(api) == []


def test_a_secret_is_never_shown_and_stays_when_it_is_left_empty(pages: Any, api: Api) -> None:
    wanted = {
        "value-serverUrl": "http://opa",
        "value-policy": "p",
        "value-rule": "allow",
        "value-accessKey": "hush-hush",
    }
    step(pages, api, "add", new=str(policy("opaPolicy").pk), **wanted)
    shown = pages.get(url("policies", api.pk)).content.decode()
    edit = pages.get(f"{url('policies', api.pk)}?at=0&flow=request&edit=0").content.decode()
    assert "hush-hush" not in shown + edit and "sealed:" not in shown + edit and "Leave it empty" in edit
    before = list(api.operations.all())[0].flows["request"][0]["parameters"]["accessKey"]
    step(pages, api, "save", index="0", **wanted | {"value-accessKey": "", "value-rule": "other"})
    after = list(api.operations.all())[0].flows["request"][0]["parameters"]
    assert (after["accessKey"], after["rule"]) == (before, "other")


def test_somebody_elses_change_is_not_overwritten(pages: Any, api: Api) -> None:
    sent = {"at": "0", "flow": "request", "do": "add", "new": str(policy("jsonToXML").pk), "expected": '"old"'}
    assert pages.post(url("policies_change", api.pk), sent).status_code in (302, 400)
    assert names(api) == []


def test_those_who_may_only_look_find_no_tools(client: Any, api: Api, make_user: Any, organisation: Any) -> None:
    client.force_login(make_user(organisation, "Internal/devops"))
    for name in ("policies", "runtime"):
        page = client.get(url(name, api.pk))
        assert page.status_code == 200 and 'draggable="true"' not in page.content.decode()
    assert "palette" not in client.get(url("policies", api.pk)).content.decode().replace("policies.css", "")
    assert step(client, api, "add", new=str(policy("jsonToXML").pk)).status_code == 403


def test_schema_validation_and_caching_are_switched(pages: Any, api: Api) -> None:
    page = pages.get(url("runtime", api.pk)).content.decode()
    assert "Regex Policy" in page and "JSON Validator" in page
    sent = {"expected": etag(api), "validate_schema": "on", "caching": "on", "cache_seconds": "60"}
    assert pages.post(url("runtime", api.pk), sent).status_code == 302
    api.refresh_from_db()
    assert (api.validate_schema, api.cache_seconds) == (True, 60)
    assert pages.post(url("runtime", api.pk), {"expected": etag(api), "cache_seconds": "60"}).status_code == 302
    api.refresh_from_db()
    assert (api.validate_schema, api.cache_seconds) == (False, 0)
    assert pages.post(url("runtime", api.pk), {"caching": "on", "cache_seconds": "999999"}).status_code == 400


def test_common_policies_are_listed_added_downloaded_and_deleted(pages: Any) -> None:
    page = pages.get(url("policy_list")).content.decode()
    assert "22 of 22" in page and "Regex Policy" in page
    assert "Nothing matches" in pages.get(url("policy_list") + "?q=zzz").content.decode()
    parts = files()
    sent = {"specification": parts["policySpecFile"], "definition": parts["synapsePolicyDefinitionFile"]}
    assert pages.post(url("policy_add"), sent).status_code == 302
    made = policy("tagRequest")
    assert pages.get(url("policy_download", made.pk)).content[:2] == b"PK"
    wrong = {
        "specification": SimpleUploadedFile("a.json", b"{"),
        "definition": SimpleUploadedFile("a.j2", DEFINITION.encode()),
    }
    refused = pages.post(url("policy_add"), wrong)
    assert refused.status_code == 400 and "neither JSON nor YAML" in refused.content.decode()
    assert pages.post(url("policy_delete", made.pk)).status_code == 302
    assert not OperationPolicy.objects.filter(name=SPEC["name"]).exists()


def test_a_policy_of_one_api_is_added_on_its_page(pages: Any, api: Api) -> None:
    parts = files()
    sent = {"specification": parts["policySpecFile"], "definition": parts["synapsePolicyDefinitionFile"]}
    answer = pages.post(f"{url('policy_add')}?api={api.pk}", sent)
    assert answer.status_code == 302 and answer.url == url("policies", api.pk)
    assert "Of this API only" in pages.get(url("policies", api.pk)).content.decode()
    assert api.own_policies.get().name == "tagRequest"
