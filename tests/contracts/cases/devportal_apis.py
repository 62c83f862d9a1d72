"""The portal's APIs, what they are described by, clients made of them, tags, search, topics."""

from __future__ import annotations

import pytest

from portal.sdk import generator
from publisher.models import Api
from tests.contracts.harness import Answer, case
from tests.contracts.world import World

SDL = "type Query { menu(size: Int!): [Pizza!]! } type Pizza { name: String price: Float }"
WSDL = """<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
 xmlns:tns="urn:p" xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:p">
 <wsdl:message name="In"><wsdl:part name="a" type="xsd:string"/></wsdl:message>
 <wsdl:portType name="P"><wsdl:operation name="Do"><wsdl:input message="tns:In"/></wsdl:operation></wsdl:portType>
 <wsdl:binding name="B" type="tns:P"><soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
  <wsdl:operation name="Do"><soap:operation soapAction="do"/><wsdl:input><soap:body use="literal" namespace="urn:p"/>
  </wsdl:input></wsdl:operation></wsdl:binding>
 <wsdl:service name="S"><wsdl:port name="Q" binding="tns:B"><soap:address location="http://b.example/p"/></wsdl:port>
 </wsdl:service></wsdl:definitions>"""


def _of_kind(w: World, **values: object) -> Api:
    """A published API made into another kind: what the portal reads is in the row alone."""
    api = w.published()
    Api.objects.filter(pk=api.pk).update(**values)
    return api


@case("devportal", "GET /apis")
def apis(w: World) -> Answer:
    w.published(tags=["food"])
    return w.devportal.get("/apis?limit=5&query=name:Api")


@case("devportal", "GET /apis/{apiId}")
def one_api(w: World) -> Answer:
    return w.devportal.get(f"/apis/{w.published().pk}")


@case("devportal", "GET /apis/{apiId}/swagger")
def swagger(w: World) -> Answer:
    return w.devportal.get(f"/apis/{w.published().pk}/swagger")


@case("devportal", "GET /apis/{apiId}/graphql-schema")
def graphql_schema(w: World) -> Answer:
    return w.devportal.get(f"/apis/{_of_kind(w, kind='GRAPHQL', definition=SDL).pk}/graphql-schema")


@case("devportal", "GET /apis/{apiId}/graphql-policies/complexity")
def complexity(w: World) -> Answer:
    costs = [{"type": "Query", "field": "menu", "value": 3}]
    api = _of_kind(w, kind="GRAPHQL", definition=SDL, complexities=costs)
    return w.devportal.get(f"/apis/{api.pk}/graphql-policies/complexity")


@case("devportal", "GET /apis/{apiId}/graphql-policies/complexity/types")
def complexity_types(w: World) -> Answer:
    return w.devportal.get(f"/apis/{_of_kind(w, kind='GRAPHQL', definition=SDL).pk}/graphql-policies/complexity/types")


@case("devportal", "getWSDLOfAPI")
def wsdl(w: World) -> Answer:
    return w.devportal.get(f"/apis/{_of_kind(w, kind='SOAP', wsdl=WSDL).pk}/wsdl")


@case("devportal", "GET /apis/{apiId}/subscription-policies")
def subscription_policies(w: World) -> Answer:
    return w.devportal.get(f"/apis/{w.published().pk}/subscription-policies")


@case("devportal", "GET /apis/{apiId}/topics")
def topics(w: World) -> Answer:
    api = _of_kind(w, kind="WEBSUB")
    api.operations.all().delete()
    api.operations.create(verb="SUBSCRIBE", target="/orders")
    return w.devportal.get(f"/apis/{api.pk}/topics")


@case("devportal", "GET /webhooks/subscriptions")
def webhooks(w: World) -> Answer:
    return w.devportal.get(f"/webhooks/subscriptions?applicationId={w.application().pk}")


@case("devportal", "GET /sdk-gen/languages")
def languages(w: World) -> Answer:
    return w.devportal.get("/sdk-gen/languages")


@case("devportal", "GET /apis/{apiId}/sdks/{language}")
def sdk(w: World) -> Answer:
    if not generator.available():
        pytest.skip("openapi-generator-cli is not installed here")
    return w.devportal.get(f"/apis/{w.published().pk}/sdks/python")


@case("devportal", "GET /tags")
def tags(w: World) -> Answer:
    w.published(tags=["food"])
    return w.devportal.get("/tags")


@case("devportal", "GET /search")
def search(w: World) -> Answer:
    w.published(tags=["food"])
    return w.devportal.get("/search?query=food")


@case("devportal", "GET /api-categories")
def categories(w: World) -> Answer:
    w.organisation.api_categories.create(name="Finance", description="Money")
    return w.devportal.get("/api-categories")
