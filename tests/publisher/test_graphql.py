"""GraphQL APIs in the publisher: from a schema to operations, rights, costs and what gateways get."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apim.eventhub.models import Current
from publisher.models import Api
from tests.publisher.make import deploy, plan

SDL = """type Query {
  film(id: ID): Film
  films: [Film] @cost(weight: 5)
}
type Mutation { rate(id: ID!, stars: Int): Film }
type Subscription { released: Film }
interface Named { title: String }
type Film implements Named { id: ID title: String }
"""


@pytest.fixture
def client(publisher_user, rest):
    plan(publisher_user.organisation)
    return rest(publisher_user)


def upload(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("schema.graphql", text.encode())


def made(client, text: str = SDL, **more) -> dict:
    body = {
        "name": "Films",
        "context": "/films",
        "version": "1.0",
        "policies": ["Gold"],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": "http://films.example/graphql"}},
    } | more
    sent = {"file": upload(text), "additionalProperties": json.dumps(body)}
    answer = client.call("post", "/apis/import-graphql-schema", sent, format="multipart")
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_a_schema_becomes_an_api_with_an_operation_for_each_root_field(client):
    api = made(client)
    assert api["type"] == "GRAPHQL"
    assert [(one["verb"], one["target"]) for one in api["operations"]] == [
        ("QUERY", "film"),
        ("QUERY", "films"),
        ("MUTATION", "rate"),
        ("SUBSCRIPTION", "released"),
    ]
    assert client.call("get", f"/apis/{api['id']}/graphql-schema").json()["schemaDefinition"] == SDL


def test_rights_given_with_the_import_stay_with_their_field(client):
    secured = {
        "verb": "QUERY",
        "target": "film",
        "authType": "None",
        "scopes": ["look"],
        "throttlingPolicy": "Unlimited",
    }
    api = made(client, operations=[secured])
    assert len(api["operations"]) == 4
    assert (api["operations"][0]["authType"], api["operations"][0]["scopes"]) == ("None", ["look"])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("type Query {\n  film: Filn\n}", "line 2, column 9: Unknown type 'Filn'."),
        ("type Query {\n  film: String\n", "line 3, column 1: Syntax Error: Expected Name, found <EOF>."),
        ("type Film { id: ID }", "Query root type must be provided."),
        ("type Query { a: String a: Int }", "line 1, column 14: Field 'Query.a' can only be defined once."),
        (" ", "line 1, column 2: Syntax Error: Unexpected <EOF>."),
    ],
)
def test_mistakes_are_told_with_line_and_column(client, text, place):
    answer = client.call("post", "/apis/validate-graphql-schema", {"file": upload(text)}, format="multipart")
    assert answer.json()["isValid"] is False
    assert place in answer.json()["errorMessage"]
    sent = {"file": upload(text), "additionalProperties": '{"name": "A", "context": "/a", "version": "1"}'}
    refused = client.call("post", "/apis/import-graphql-schema", sent, format="multipart")
    assert refused.status_code == 400
    assert not Api.objects.exists()


def test_a_valid_schema_is_reported_with_its_operations(client):
    answer = client.call("post", "/apis/validate-graphql-schema", {"file": upload(SDL)}, format="multipart").json()
    assert answer["isValid"] is True
    assert len(answer["graphQLInfo"]["operations"]) == 4


def test_a_new_schema_keeps_what_was_set_where_fields_stay(client):
    api = made(client)
    operations = [one | {"scopes": ["x"]} for one in api["operations"]]
    assert client.call("put", f"/apis/{api['id']}", {"operations": operations}).status_code == 200
    costs = [
        {"type": "Film", "field": "title", "complexityValue": 4},
        {"type": "Query", "field": "films", "complexityValue": 9},
    ]
    path = f"/apis/{api['id']}/graphql-policies/complexity"
    assert client.call("put", path, {"list": costs}).status_code == 200
    shorter = "type Query { film: Film more: Int } type Film { title: String }"
    answer = client.call("put", f"/apis/{api['id']}/graphql-schema", {"schemaDefinition": shorter}, format="multipart")
    assert answer.status_code == 200
    after = client.call("get", f"/apis/{api['id']}").json()["operations"]
    assert [(one["target"], one["scopes"]) for one in after] == [("film", ["x"]), ("more", [])]
    assert client.call("get", path).json() == {"list": [costs[0]]}


def test_costs_are_checked_against_the_schema(client):
    api = made(client)
    path = f"/apis/{api['id']}/graphql-policies/complexity"
    types = client.call("get", path + "/types").json()["typeList"]
    assert types[0] == {"type": "Mutation", "fieldList": ["rate"]}
    assert {"type": "Film", "fieldList": ["id", "title"]} in types
    for wrong in (
        {"type": "Film", "field": "length", "complexityValue": 1},
        {"type": "Film", "field": "title", "complexityValue": -1},
        {"type": "Film", "field": "title", "complexityValue": "5"},
        {"type": "Film", "field": "title", "complexityValue": True},
    ):
        answer = client.call("put", path, {"list": [wrong]})
        assert answer.status_code == 400
        assert answer.json()["error"]
    assert client.call("put", path, {"list": "no"}).status_code == 400


def test_fields_are_names_and_verbs_those_of_graphql(client):
    api = made(client)
    for wrong in ({"verb": "GET", "target": "film"}, {"verb": "QUERY", "target": "/film"}):
        answer = client.call("put", f"/apis/{api['id']}", {"operations": [wrong]})
        assert answer.status_code == 400


def test_gateways_get_schema_and_costs(client, publisher_user):
    body = made(client)
    costs = {"list": [{"type": "Film", "field": "title", "complexityValue": 4}]}
    client.call("put", f"/apis/{body['id']}/graphql-policies/complexity", costs)
    api = Api.objects.get(pk=body["id"])
    deploy(publisher_user, api)
    record = Current.objects.get(kind="api", key=f"Default:{api.pk}").record
    record = json.loads(record) if isinstance(record, str) else record
    assert record["kind"] == "GRAPHQL"
    assert record["definition"] == SDL
    assert record["complexities"] == [{"type": "Film", "field": "title", "value": 4}]


def test_a_copy_is_graphql_again(client):
    api = made(client)
    copied = client.call("post", f"/apis/copy-api?apiId={api['id']}&newVersion=2.0").json()
    assert copied["type"] == "GRAPHQL"
    assert client.call("get", f"/apis/{copied['id']}/graphql-schema").json()["schemaDefinition"] == SDL


def test_the_openapi_of_a_graphql_api_is_its_one_resource(client):
    api = made(client)
    document = client.call("get", f"/apis/{api['id']}/swagger").json()
    assert list(document["paths"]) == ["/*"]


def test_other_kinds_have_no_schema(client):
    api = client.call("post", "/apis", {"name": "Plain", "context": "/plain", "version": "1"}).json()
    assert client.call("get", f"/apis/{api['id']}/graphql-schema").status_code == 400


@pytest.fixture
def address():
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            """Says nothing."""

        def do_GET(self):
            """The schema, a redirect, or an error."""
            if self.path == "/away":
                self.send_response(302)
                self.send_header("location", "/schema")
                self.send_header("content-length", "0")
                self.end_headers()
                return
            body = b"x" * (6 * 1024 * 1024) if self.path == "/large" else SDL.encode()
            self.send_response(404 if self.path == "/nothing" else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_schema_is_fetched_from_an_address(client, address, settings):
    settings.APIM = settings.APIM.model_copy(update={"fetch_inner": True})
    answer = client.call("post", "/apis/validate-graphql-schema", {"url": f"{address}/schema"}, format="multipart")
    assert answer.json()["isValid"] is True
    for path in ("/away", "/nothing", "/large"):
        refused = client.call("post", "/apis/validate-graphql-schema", {"url": address + path}, format="multipart")
        assert refused.status_code == 400, path
        assert refused.json()["error"][0]["message"].startswith("url") or "url" in json.dumps(refused.json())


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "http://localhost/", "http://169.254.169.254/latest", "http://[::1]/", "http://10.0.0.1/",
     "file:///etc/passwd", "gopher://x/", "http://user:pw@example.org/", "http://[", "http://2130706433/"],
)  # fmt: skip
def test_inner_addresses_are_never_asked(client, url):
    answer = client.call("post", "/apis/validate-graphql-schema", {"url": url}, format="multipart")
    assert answer.status_code == 400


def test_only_designers_import(rest, developer):
    reader = rest(developer)
    sent = {"file": upload(SDL), "additionalProperties": '{"name": "A", "context": "/a", "version": "1"}'}
    answer = reader.call("post", "/apis/import-graphql-schema", sent, format="multipart")
    assert answer.status_code == 403
