"""Pages of GraphQL and SOAP APIs: the two doors, definitions, costs, sequences."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from publisher.actions.graphql import import_graphql
from publisher.actions.soap import import_wsdl
from publisher.models import Api
from publisher.wsdl.bundle import from_upload

FILMS = (Path(__file__).resolve().parents[1] / "corpus" / "soap" / "films.wsdl").read_bytes()
SDL = "type Query { film(id: ID): Film }\ntype Film { id: ID title: String }\n"
WHO = {"name": "Films", "context": "/films", "version": "1.0"}


@pytest.fixture
def page(client, publisher_user):
    client.force_login(publisher_user)
    return client


@pytest.fixture
def graphql_api(publisher_user):
    return import_graphql(by=publisher_user, text=SDL, endpoint="http://a.example/graphql", **WHO)


@pytest.fixture
def rest_api(publisher_user):
    return import_wsdl(by=publisher_user, bundle=from_upload(FILMS), kind="SOAPTOREST", **WHO)


def test_the_doors_lead_to_both(page):
    text = page.get("/publisher/create/").content.decode()
    assert "/publisher/create/graphql/" in text
    assert "/publisher/create/wsdl/" in text


def test_a_graphql_api_is_made_from_pasted_text(page):
    answer = page.post("/publisher/create/graphql/", {**WHO, "text": SDL, "endpoint": "http://a.example/graphql"})
    assert answer.status_code == 302
    api = Api.objects.get()
    assert (api.kind, api.definition) == ("GRAPHQL", SDL)
    assert api.endpoints["production"]["url"] == "http://a.example/graphql"


def test_mistakes_of_a_schema_are_shown_with_their_lines(page):
    answer = page.post("/publisher/create/graphql/", {**WHO, "text": "type Query {\n  film: Filn\n}"})
    assert answer.status_code == 400
    text = answer.content.decode()
    assert "Unknown type" in text
    assert 'href="#L2"' in text
    assert not Api.objects.exists()


def test_inner_addresses_are_refused_on_the_page(page):
    answer = page.post("/publisher/create/graphql/", {**WHO, "url": "http://127.0.0.1/schema"})
    assert answer.status_code == 400
    assert "inner network" in answer.content.decode()


@pytest.mark.parametrize("kind", ["SOAP", "SOAPTOREST"])
def test_a_soap_api_is_made_from_a_file(page, kind):
    sent = {**WHO, "kind": kind, "file": SimpleUploadedFile("films.wsdl", FILMS)}
    assert page.post("/publisher/create/wsdl/", sent).status_code == 302
    api = Api.objects.get()
    assert (api.kind, api.operations.count()) == (kind, 1 if kind == "SOAP" else 3)
    assert api.endpoints["production"]["url"] == "http://old.example/films"


def test_what_is_no_wsdl_is_told_at_its_field(page):
    answer = page.post(
        "/publisher/create/wsdl/", {**WHO, "kind": "SOAP", "file": SimpleUploadedFile("a.wsdl", b"<a/>")}
    )
    assert answer.status_code == 400
    assert "not that of a WSDL" in answer.content.decode()
    assert page.post("/publisher/create/wsdl/", {**WHO, "kind": "SOAP"}).status_code == 400


def test_every_tab_of_a_graphql_api_opens(page, graphql_api):
    for tab in ("", "info/", "operations/", "endpoints/", "plans/", "definition/", "deployments/", "lifecycle/",
                "operations/complexity/"):  # fmt: skip
        answer = page.get(f"/publisher/apis/{graphql_api.pk}/{tab}")
        assert answer.status_code == 200, tab
    assert (
        "<option selected>QUERY</option>" in page.get(f"/publisher/apis/{graphql_api.pk}/operations/").content.decode()
    )


def test_every_tab_of_soap_apis_opens(page, publisher_user, rest_api):
    soap = import_wsdl(by=publisher_user, bundle=from_upload(FILMS), name="Soap", context="/soap", version="1")
    for api in (rest_api, soap):
        for tab in ("", "info/", "operations/", "endpoints/", "plans/", "definition/", "deployments/", "lifecycle/"):
            assert page.get(f"/publisher/apis/{api.pk}/{tab}").status_code == 200, (api.kind, tab)
    assert "FilmPort" in page.get(f"/publisher/apis/{soap.pk}/definition/").content.decode()
    assert page.get(f"/publisher/apis/{soap.pk}/definition/download/").content == FILMS
    assert page.get(f"/publisher/apis/{rest_api.pk}/definition/download/?wsdl").content == FILMS


def test_a_schema_is_replaced_on_its_page(page, graphql_api):
    path = f"/publisher/apis/{graphql_api.pk}/definition/"
    assert page.post(path, {"text": "type Query { other: Int }"}).status_code == 302
    assert list(graphql_api.operations.values_list("target", flat=True)) == ["other"]
    wrong = page.post(path, {"text": "type Query {"})
    assert wrong.status_code == 400
    assert "Syntax Error" in wrong.content.decode()
    download = page.get(f"{path}download/")
    assert download.content == b"type Query { other: Int }"
    assert download["content-disposition"].endswith('.graphql"')


def test_costs_are_set_on_their_page(page, graphql_api):
    path = f"/publisher/apis/{graphql_api.pk}/operations/complexity/"
    sent = {"field": ["Query.film", "Film.id", "Film.title"], "cost": ["1", "1", "7"]}
    assert page.post(path, sent).status_code == 302
    graphql_api.refresh_from_db()
    assert graphql_api.complexities == [{"type": "Film", "field": "title", "value": 7}]
    assert page.post(path, {"field": ["Film.title"], "cost": ["much"]}).status_code == 400


def test_sequences_are_edited_on_their_page(page, rest_api):
    path = f"/publisher/apis/{rest_api.pk}/operations/sequences/"
    one = rest_api.resource_policies[0]
    assert "web:GetFilm" in page.get(path).content.decode()
    edited = '<sequence xmlns="http://ws.apache.org/ns/synapse"/>'
    assert page.post(path, {"policy": one["id"], "content": edited}).status_code == 302
    rest_api.refresh_from_db()
    assert rest_api.resource_policies[0]["content"] == edited
    wrong = page.post(path, {"policy": one["id"], "content": "<sequence"})
    assert wrong.status_code == 400
    assert "&lt;sequence" in wrong.content.decode()


def test_other_kinds_have_no_such_pages(page, rest_api):
    assert page.get(f"/publisher/apis/{rest_api.pk}/operations/complexity/").status_code == 404


def test_readers_may_not_create(client, developer):
    client.force_login(developer)
    for door in ("graphql", "wsdl"):
        assert client.get(f"/publisher/create/{door}/").status_code == 403
