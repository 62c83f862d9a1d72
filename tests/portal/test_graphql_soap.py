"""GraphQL and SOAP APIs in the portal: schema, WSDL with the gateway's address, the console."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree
from rest_framework.test import APIClient

from apim.accounts.models import Organisation
from publisher.models import Api, Operation
from tests.portal.builders import browser, make_api

pytestmark = pytest.mark.django_db
PORTAL = "/devportal"
REST = "/api/am/devportal/v3"
WSDL = (Path(__file__).resolve().parents[1] / "corpus" / "soap" / "films.wsdl").read_text()
SDL = """type Query { film(id: ID!, lang: String, year: Int!): Film now: String }
type Film { id: ID title: String next: Film cast(first: Int): [String] }
"""


@pytest.fixture
def films(organisation: Organisation) -> Api:
    """A GraphQL API."""
    api = make_api(organisation, "Films", kind="GRAPHQL", definition=SDL)
    api.operations.all().delete()
    Operation.objects.create(api=api, verb="QUERY", target="film", scopes=["look"])
    Api.objects.filter(pk=api.pk).update(complexities=[{"type": "Film", "field": "title", "value": 4}])
    return api


@pytest.fixture
def soap(organisation: Organisation) -> Api:
    """A SOAP API."""
    api = make_api(organisation, "Soap", kind="SOAP", definition="", wsdl=WSDL)
    api.operations.all().delete()
    Operation.objects.create(api=api, verb="POST", target="/*")
    return api


def test_the_schema_is_offered_and_shown(films: Api) -> None:
    page = browser().get(f"{PORTAL}/apis/{films.pk}/").content.decode()
    assert f"/devportal/apis/{films.pk}/schema.graphql" in page
    assert "OpenAPI JSON" not in page
    answer = browser().get(f"{PORTAL}/apis/{films.pk}/schema.graphql")
    assert answer.content.decode() == SDL
    assert answer["content-disposition"] == 'attachment; filename="Films-1-0.graphql"'


def test_the_console_begins_with_a_query_that_fits_the_schema(films: Api) -> None:
    page = browser().get(f"{PORTAL}/apis/{films.pk}/tryout/").content.decode()
    assert "query { film(id: &quot;1&quot;, year: 1) { id title } }" in page
    assert "portal/graphql.js" in page
    assert 'id="swagger"' not in page
    assert "&#x27;{&quot;query&quot;" in page, "the command line asks the same"


def test_rest_gives_schema_and_costs(films: Api) -> None:
    base = f"{REST}/apis/{films.pk}"
    client = APIClient()
    assert client.get(f"{base}/graphql-schema").json()["schemaDefinition"] == SDL
    assert client.get(f"{base}/graphql-policies/complexity").json() == {
        "list": [{"type": "Film", "field": "title", "complexityValue": 4}]
    }
    types = client.get(f"{base}/graphql-policies/complexity/types").json()["typeList"]
    assert types[0] == {"type": "Query", "fieldList": ["film", "now"]}
    assert client.get(f"{base}/wsdl").status_code == 404


def test_the_wsdl_names_the_gateway(soap: Api) -> None:
    for path in (f"{PORTAL}/apis/{soap.pk}/service.wsdl", f"{REST}/apis/{soap.pk}/wsdl"):
        answer = browser().get(path)
        assert answer["content-type"] == "application/wsdl+xml", path
        root = etree.fromstring(answer.content)
        assert {one.get("location") for one in root.iter() if one.get("location")} == {
            "https://localhost:8243/soap/1.0"
        }
    assert b"old.example" not in browser().get(f"{PORTAL}/apis/{soap.pk}/service.wsdl").content


def test_pages_of_a_soap_api_open(soap: Api) -> None:
    assert "service.wsdl" in browser().get(f"{PORTAL}/apis/{soap.pk}/").content.decode()
    console = browser().get(f"{PORTAL}/apis/{soap.pk}/tryout/").content.decode()
    assert "SOAPAction" in console
    assert browser().get(f"{PORTAL}/apis/{soap.pk}/schema.graphql").status_code == 404
    document = APIClient().get(f"{REST}/apis/{soap.pk}/swagger").json()
    assert list(document["paths"]) == ["/*"]


def test_what_the_portal_does_not_show_is_not_downloaded(soap: Api, films: Api) -> None:
    Api.objects.update(visibility="RESTRICTED", visible_roles=["nobody"])
    assert browser().get(f"{PORTAL}/apis/{soap.pk}/service.wsdl").status_code == 404
    assert browser().get(f"{PORTAL}/apis/{films.pk}/schema.graphql").status_code == 404
    assert APIClient().get(f"{REST}/apis/{films.pk}/graphql-schema").status_code == 404
