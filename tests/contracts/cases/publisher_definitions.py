"""Definitions: checked, made into APIs, read and replaced; mock scripts, resource policies, costs of GraphQL fields."""

from __future__ import annotations

import json
from pathlib import Path

from publisher.actions.graphql import import_graphql
from publisher.actions.soap import import_wsdl
from publisher.actions.streaming import import_asyncapi
from publisher.models import Api
from publisher.wsdl.bundle import from_upload
from tests.contracts.cases.publisher_design import OPENAPI
from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.publisher import make

CORPUS = Path(__file__).parents[2] / "corpus"
WSDL = (CORPUS / "soap" / "films.wsdl").read_bytes()
CHAT = (CORPUS / "asyncapi" / "valid" / "chat.yaml").read_text()
SDL = "type Query { film(id: ID): Film }\ntype Film { id: ID title: String }\n"
WHO = {"name": "Films", "context": "/films", "version": "1.0"}


def properties(**more: object) -> dict[str, str]:
    return {"additionalProperties": json.dumps({**WHO, **more})}


def films(w: World, kind: str = "SOAP") -> Api:
    return import_wsdl(by=w.user, bundle=from_upload(WSDL), kind=kind, endpoint="http://films.example", **WHO)


def graph(w: World) -> Api:
    return import_graphql(by=w.user, text=SDL, endpoint="http://films.example/graphql", **WHO)


def chat(w: World) -> Api:
    make.plan(w.organisation, "AsyncUnlimited")
    return import_asyncapi(by=w.user, text=CHAT, kind="WS", **WHO)


@case("publisher", "validateOpenAPIDefinition")
def validate_openapi(w: World) -> Answer:
    return w.publisher.post("/apis/validate-openapi?returnContent=true", data={"inlineAPIDefinition": OPENAPI})


@case("publisher", "importOpenAPIDefinition")
def import_openapi(w: World) -> Answer:
    files = {"file": ("menu.json", OPENAPI.encode(), "application/json")}
    return w.publisher.post("/apis/import-openapi", data=properties(), files=files)


@case("publisher", "getAPISwagger")
def definition(w: World) -> Answer:
    return w.publisher.get(f"/apis/{w.api().pk}/swagger")


@case("publisher", "updateAPISwagger")
def replace_definition(w: World) -> Answer:
    return w.publisher.put(f"/apis/{w.api().pk}/swagger", data={"apiDefinition": OPENAPI})


@case("publisher", "generateMockScripts")
def mock_scripts(w: World) -> Answer:
    return w.publisher.post(f"/apis/{w.api(definition=OPENAPI).pk}/generate-mock-scripts")


@case("publisher", "getGeneratedMockScriptsOfAPI")
def shown_mock_scripts(w: World) -> Answer:
    return w.publisher.get(f"/apis/{w.api(definition=OPENAPI).pk}/generated-mock-scripts")


@case("publisher", "validateGraphQLSchema")
def validate_graphql(w: World) -> Answer:
    return w.publisher.post("/apis/validate-graphql-schema", files={"file": ("s.graphql", SDL.encode(), "text/plain")})


@case("publisher", "importGraphQLSchema")
def import_schema(w: World) -> Answer:
    files = {"file": ("s.graphql", SDL.encode(), "text/plain")}
    operations = [{"target": "film", "verb": "QUERY"}]
    return w.publisher.post("/apis/import-graphql-schema", data=properties(operations=operations), files=files)


@case("publisher", "getAPIGraphQLSchema")
def schema(w: World) -> Answer:
    return w.publisher.get(f"/apis/{graph(w).pk}/graphql-schema")


@case("publisher", "updateAPIGraphQLSchema")
def replace_schema(w: World) -> Answer:
    return w.publisher.put(f"/apis/{graph(w).pk}/graphql-schema", data={"schemaDefinition": SDL})


@case("publisher", "getGraphQLPolicyComplexityOfAPI")
def complexity(w: World) -> Answer:
    return w.publisher.get(f"/apis/{graph(w).pk}/graphql-policies/complexity")


@case("publisher", "updateGraphQLPolicyComplexityOfAPI")
def set_complexity(w: World) -> Answer:
    costs = {"list": [{"type": "Film", "field": "title", "complexityValue": 4}]}
    return w.publisher.put(f"/apis/{graph(w).pk}/graphql-policies/complexity", costs)


@case("publisher", "getGraphQLPolicyComplexityTypesOfAPI")
def complexity_types(w: World) -> Answer:
    return w.publisher.get(f"/apis/{graph(w).pk}/graphql-policies/complexity/types")


@case("publisher", "validateWSDLDefinition")
def validate_wsdl(w: World) -> Answer:
    return w.publisher.post("/apis/validate-wsdl", files={"file": ("films.wsdl", WSDL, "text/xml")})


@case("publisher", "importWSDLDefinition")
def import_soap(w: World) -> Answer:
    files = {"file": ("films.wsdl", WSDL, "text/xml")}
    return w.publisher.post("/apis/import-wsdl", data=properties() | {"implementationType": "SOAP"}, files=files)


@case("publisher", "getWSDLInfoOfAPI")
def wsdl_info(w: World) -> Answer:
    return w.publisher.get(f"/apis/{films(w).pk}/wsdl-info")


@case("publisher", "getWSDLOfAPI")
def wsdl(w: World) -> Answer:
    return w.publisher.get(f"/apis/{films(w).pk}/wsdl")


@case("publisher", "updateWSDLOfAPI")
def replace_wsdl(w: World) -> Answer:
    return w.publisher.put(f"/apis/{films(w).pk}/wsdl", files={"file": ("films.wsdl", WSDL, "text/xml")})


@case("publisher", "getAPIResourcePolicies")
def resource_policies(w: World) -> Answer:
    return w.publisher.get(f"/apis/{films(w, 'SOAPTOREST').pk}/resource-policies?sequenceType=in")


def sequence(w: World) -> str:
    api = films(w, "SOAPTOREST")
    return f"/apis/{api.pk}/resource-policies/{api.resource_policies[0]['id']}"


@case("publisher", "getAPIResourcePoliciesByPolicyId")
def resource_policy(w: World) -> Answer:
    return w.publisher.get(sequence(w))


@case("publisher", "updateAPIResourcePoliciesByPolicyId")
def replace_resource_policy(w: World) -> Answer:
    place = sequence(w)
    return w.publisher.put(place, {"content": w.publisher.get(place).json()["content"]})


@case("publisher", "validateAsyncAPISpecification")
def validate_asyncapi(w: World) -> Answer:
    files = {"file": ("chat.yaml", CHAT.encode(), "application/yaml")}
    return w.publisher.post("/apis/validate-asyncapi?returnContent=true", files=files)


@case("publisher", "importAsyncAPISpecification")
def import_async(w: World) -> Answer:
    make.plan(w.organisation, "AsyncUnlimited")
    files = {"file": ("chat.yaml", CHAT.encode(), "application/yaml")}
    return w.publisher.post("/apis/import-asyncapi", data=properties(type="WS"), files=files)


@case("publisher", "GET /apis/{apiId}/asyncapi")
def asyncapi(w: World) -> Answer:
    return w.publisher.get(f"/apis/{chat(w).pk}/asyncapi")


@case("publisher", "PUT /apis/{apiId}/asyncapi")
def replace_asyncapi(w: World) -> Answer:
    return w.publisher.put(f"/apis/{chat(w).pk}/asyncapi", data={"apiDefinition": CHAT})


@case("publisher", "updateTopics")
def topics(w: World) -> Answer:
    body = {"list": [{"name": "rooms", "mode": "SUBSCRIBE", "description": "Rooms"}], "count": 1}
    return w.publisher.put(f"/apis/{chat(w).pk}/topics", body)
