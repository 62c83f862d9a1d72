"""APIs of every kind with much in them, and random ones: what round trips begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from apim.accounts.models import User
from publisher.actions.apis import update_api
from publisher.actions.documents import create_document, upload_document, write_document
from publisher.actions.graphql import import_graphql
from publisher.actions.policies import add_policy
from publisher.actions.products import create_product
from publisher.actions.soap import import_wsdl
from publisher.actions.streaming import create_streaming, import_asyncapi
from publisher.models import Api
from publisher.wsdl.bundle import from_upload
from tests.publisher.make import BACKEND, make_api, plan

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
FILMS = (CORPUS / "soap" / "films.wsdl").read_bytes()
CHAT = (CORPUS / "asyncapi" / "valid" / "chat.yaml").read_text()
SDL = "type Query { film(id: ID): Film\n films: [Film] }\ntype Film { id: ID title: String }\n"
DEFINITION = """openapi: 3.0.3
info: {title: Orders, version: "1.10"}
# kept word for word
paths:
  /orders/{id}:
    get: {parameters: [{name: id, in: path, required: true, schema: {type: string}}], responses: {'200': {description: OK}}}
    delete: {parameters: [{name: id, in: path, required: true, schema: {type: string}}], responses: {'204': {description: Gone}}}
"""
SPEC = {
    "name": "stamp",
    "version": "v2",
    "displayName": "Stamp",
    "applicableFlows": ["request", "response"],
    "policyAttributes": [
        {"name": "text", "required": True},
        {"name": "loud", "type": "Boolean", "defaultValue": "true"},
    ],
}
J2 = '<property name="stamp" value="{{text}}"/>'


def policy(by: User, api: Api | None = None, **fields: Any) -> None:
    """The policy `stamp` of the organisation, or of an API."""
    add_policy(by=by, api=api, spec=json.dumps(SPEC | fields), definition=J2)


def stamped(text: str = "now") -> dict[str, Any]:
    """A flow with it."""
    return {"request": [{"name": "stamp", "version": "v2", "parameters": {"text": text}}]}


def rest(by: User) -> Api:
    """REST with nearly everything that one can set."""
    policy(by)
    api = make_api(
        by,
        name="Orders",
        context="/orders",
        version="1.10",
        description='Zwölf Äpfel: "x"\n# not a comment\n - nor a list',
        definition=DEFINITION,
        operations=[
            {"verb": "GET", "target": "/orders/{id}", "scopes": ["read"], "policy": "10KPerMin", "flows": stamped()},
            {"verb": "DELETE", "target": "/orders/{id}", "auth": "user", "scopes": ["write"]},
        ],
        scope_roles={"write": ["Internal/creator"]},
        endpoints={
            "production": {
                "kind": "load_balance",
                "algorithm": "weighted",
                "session": "transport",
                "members": [
                    {"url": "http://a.example:1", "weight": 3, "timeout_ms": 4000},
                    {
                        "url": "http://b.example:2",
                        "suspension": {"codes": ["101500"], "initial_ms": 100, "factor": 1.5},
                    },
                ],
            },
        },
        tags=["a", "zwei"],
        cors={"origins": ["https://shop.example"], "credentials": True},
        visibility="RESTRICTED",
        visible_roles=["Internal/creator"],
        audiences=["shop"],
        throughput={"production": {"amount": 5, "seconds": 60}},
        cache_seconds=30,
        validate_schema=True,
        flows={"response": [{"name": "addHeader", "parameters": {"headerName": "x", "headerValue": "1.0"}}]},
        additional_properties=[{"name": "team", "value": "yes", "display": True}],
        business_owner="Ann",
        business_owner_email="ann@example.org",
        security=["oauth2", "api_key", "oauth_basic_auth_api_key_mandatory"],
        api_key_header="x-key",
        policy="",
    )
    policy(by, api, name="own")
    for name, fields, text in (
        ("Read me", {"source": "MARKDOWN"}, "# Hello\n"),
        ("a/b: c?", {"source": "INLINE", "kind": "OTHER", "other_kind": "Notes"}, ""),
        ("..", {"source": "URL", "url": "https://docs.example/x"}, None),
    ):
        row = create_document(by=by, api=api, **{"name": name, "kind": "HOWTO", "visibility": "PRIVATE", **fields})
        if text is not None:
            write_document(by=by, document=row, text=text)
    row = create_document(by=by, api=api, name="Manual", kind="SAMPLES", source="FILE", visibility="API_LEVEL")
    upload_document(by=by, document=row, name="manual v1.pdf", content=b"%PDF-1.4 \x00\xff")
    return api


def secured(by: User) -> Api:
    """REST whose backend asks for a password that the archive does not hold, with a failover on the other side."""
    basic = {"url": "https://a.example", "security": {"kind": "basic", "username": "u", "password": "p"}}
    spare = {"kind": "failover", "members": [{"url": "http://a.example"}, {"url": "http://b.example"}]}
    return make_api(by, name="Secured", context="/{version}/secured", endpoints={"production": basic, "sandbox": spare})


def bare(by: User) -> Api:
    """REST with nothing at all."""
    return make_api(by, name="Bare", context="/bare", plans=[], endpoints={})


def graphql(by: User) -> Api:
    """GraphQL with costs."""
    api = import_graphql(by=by, text=SDL, name="Films", context="/films", version="1.0", endpoint="http://x.example")
    return update_api(by=by, api=api, complexities=[{"type": "Query", "field": "film", "value": 7}])


def soap(by: User) -> Api:
    """SOAP passed through."""
    return import_wsdl(by=by, bundle=from_upload(FILMS), name="Soap", context="/soap", version="1.0")


def soap_to_rest(by: User) -> Api:
    """REST from SOAP, one sequence edited."""
    made = import_wsdl(
        by=by, bundle=from_upload(FILMS), kind="SOAPTOREST", name="SoapRest", context="/soaprest", version="1.0"
    )
    rows = made.resource_policies
    rows[0] = rows[0] | {"content": '<sequence xmlns="http://ws.apache.org/ns/synapse"><log level="full"/></sequence>'}
    return update_api(by=by, api=made, resource_policies=rows)


def websocket(by: User) -> Api:
    """WebSocket from AsyncAPI."""
    return import_asyncapi(
        by=by, text=CHAT, kind="WS", name="Chat", context="/chat", version="1.0", endpoint="ws://x.example"
    )


def sse(by: User) -> Api:
    """Server-sent events from scratch."""
    topics = [{"verb": "SUBSCRIBE", "target": "/news"}]
    return create_streaming(
        by=by, kind="SSE", name="News", context="/news", version="1.0", endpoint="http://x.example", operations=topics
    )


def websub(by: User) -> Api:
    """WebSub with a signature."""
    plan(by.organisation, "AsyncWHUnlimited")
    api = create_streaming(
        by=by, kind="WEBSUB", name="Hooks", context="/hooks", version="1.0", plans=["AsyncWHUnlimited"],
        operations=[{"verb": "SUBSCRIBE", "target": "/paid"}, {"verb": "SUBSCRIBE", "target": "/sent"}],
    )  # fmt: skip
    options = api.gateway_options | {"websub_algorithm": "SHA256", "subscriber_verification": "true"}
    return update_api(by=by, api=api, gateway_options=options)


KINDS = (rest, bare, graphql, soap, soap_to_rest, websocket, sse, websub)


def product(by: User) -> Api:
    """Resources of two APIs."""
    first, second = make_api(by, name="First", context="/first"), rest(by)
    resources = [
        {"api": str(second.pk), "operations": [{"verb": "GET", "target": "/orders/{id}"}]},
        {"api": str(first.pk), "operations": [{"verb": "GET", "target": "/*"}, {"verb": "POST", "target": "/*"}]},
    ]
    return create_product(
        by=by, name="Shop", context="/shop", version="1.0.0", resources=resources, plans=["Gold"], tags=["both"]
    )


_words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)
_names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True)
_targets = st.from_regex(r"(/[a-z0-9._-]*[a-z][a-z0-9]*|/\{[a-z]{1,5}\}){1,3}(/\*)?", fullmatch=True)
_operations = st.lists(
    st.fixed_dictionaries(
        {
            "verb": st.sampled_from(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")),
            "target": _targets,
            "auth": st.sampled_from(("any", "application", "user", "none")),
            "scopes": st.lists(_names, max_size=2, unique=True),
        }
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda one: (one["verb"], one["target"]),
)
_address = st.fixed_dictionaries(
    {"url": st.sampled_from(("http://a.example", "https://b.example:8443/x"))},
    optional={
        "timeout_ms": st.integers(1, 600_000),
        "timeout_action": st.sampled_from(("fault", "discard")),
        "retries": st.integers(0, 10),
        "kind": st.sampled_from(("http", "soap")),
        "suspension": st.fixed_dictionaries(
            {"codes": st.lists(st.sampled_from(("101503", "101504")), unique=True)},
            optional={
                "retries": st.integers(0, 9),
                "initial_ms": st.integers(1, 9000),
                "factor": st.sampled_from((1.0, 2.5)),
            },
        ),
    },
)
_group = st.fixed_dictionaries(
    {"kind": st.sampled_from(("load_balance", "failover")), "members": st.lists(_address, min_size=1, max_size=3)}
)
_backend = st.one_of(_address, _group, st.just({"kind": "dynamic"}), st.just({"url": "wss://a.example/x"}))
random_design = st.fixed_dictionaries(
    {"operations": _operations},
    optional={
        "description": _words,
        "tags": st.lists(_words.filter(str.strip).map(str.strip), max_size=3, unique=True),
        "endpoints": st.dictionaries(st.sampled_from(("production", "sandbox")), _backend, min_size=1),
        "transports": st.lists(st.sampled_from(("http", "https")), unique=True),
        "cors": st.fixed_dictionaries({"enabled": st.booleans()}, optional={"methods": st.just(["GET"])}),
        "validate_schema": st.booleans(),
        "cache_seconds": st.integers(0, 86_400),
        "audiences": st.lists(_names.filter(lambda one: one != "all"), max_size=2, unique=True),
        "additional_properties": st.lists(
            st.fixed_dictionaries({"name": _names, "value": _words, "display": st.booleans()}),
            max_size=3, unique_by=lambda one: one["name"],
        ),
        "throughput": st.fixed_dictionaries(
            {}, optional={"sandbox": st.fixed_dictionaries({"amount": st.integers(1, 99), "seconds": st.sampled_from((1, 60))})}
        ),
        "is_default_version": st.booleans(),
        "business_owner": _words,
        "authorization_header": st.sampled_from(("Authorization", "X-Auth")),
    },
)  # fmt: skip
"""Fields of a REST API, as `create_api` takes them."""

__all__ = ["BACKEND", "KINDS", "product", "random_design", "secured"]
