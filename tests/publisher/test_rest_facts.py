"""What else one can ask about an API: paths, plans, AWS functions, environment properties, its audit, certificates by type."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from publisher import lambdas
from publisher.actions.client_certificates import add_certificate
from publisher.auditing import audit
from publisher.models import Api, GatewayEnvironment
from tests.publisher.make import deploy, make_api
from tests.support.client_certificate import make_client_certificate
from tests.support.people import make_user

ARN = "arn:aws:lambda:eu-west-1:1:function:"
KEYS = {"access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "region": "eu-west-1"}


@pytest.fixture
def client(publisher_user: Any, rest: Any) -> Any:
    return rest(publisher_user)


@pytest.fixture
def server() -> Iterator[Any]:
    """An HTTP server: `pages` by target, `seen` the requests' targets and headers."""

    class Handler(BaseHTTPRequestHandler):
        pages: dict[str, tuple[int, str]] = {}
        seen: list[tuple[str, dict[str, str]]] = []

        def do_GET(self) -> None:
            self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            status, text = self.pages.get(self.path, (404, ""))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", text)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            pass

    Handler.pages, Handler.seen = {}, []
    one = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=one.serve_forever, daemon=True).start()
    Handler.url = f"http://127.0.0.1:{one.server_port}"
    yield Handler
    one.shutdown()
    one.server_close()


def functions(by: Any, url: str = "") -> Api:
    side = {
        "kind": "aws_lambda",
        "url": url,
        "properties": [list(pair) for pair in KEYS.items()],
        "functions": [{"verb": "GET", "target": "/*", "name": f"{ARN}used"}],
    }
    return make_api(by, endpoints={"production": side, "sandbox": side})


def test_functions_are_asked_of_aws_page_by_page_and_signed(client, publisher_user, server) -> None:
    path = "/2015-03-31/functions/?"
    server.pages[f"{path}MaxItems=50"] = (
        200,
        json.dumps({"Functions": [{"FunctionArn": f"{ARN}b"}], "NextMarker": "m/1"}),
    )
    server.pages[f"{path}Marker=m%2F1&MaxItems=50"] = (200, json.dumps({"Functions": [{"FunctionArn": f"{ARN}a"}]}))
    body = client.call("get", f"/apis/{functions(publisher_user, server.url).pk}/amznResourceNames").json()
    assert body == {"count": 2, "list": [f"{ARN}a", f"{ARN}b"]}
    _, headers = server.seen[1]
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert KEYS["secret_key"] not in str(server.seen)


def test_the_signature_is_that_of_aws_own_example() -> None:
    """`get-vanilla` of the Signature Version 4 test suite differs from ours only in the name of the service."""
    moment = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    found = lambdas.signature("example.amazonaws.com", "/", "", KEYS | {"region": "us-east-1"}, moment, "service")
    assert found["authorization"].endswith("Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")


@pytest.mark.parametrize("answer", [(403, "{}"), (200, "[]"), (200, "no json"), (302, "http://127.0.0.1:9/")])
def test_aws_that_does_not_tell(client, publisher_user, server, answer) -> None:
    server.pages["/2015-03-31/functions/?MaxItems=50"] = answer
    body = client.call("get", f"/apis/{functions(publisher_user, server.url).pk}/amznResourceNames").json()
    assert (body["error"], body["list"]) == (True, [])
    assert KEYS["access_key"] not in body["message"]


def test_where_clouds_keep_credentials_nothing_is_asked(client, publisher_user) -> None:
    api = functions(publisher_user, "http://169.254.169.254")
    body = client.call("get", f"/apis/{api.pk}/amznResourceNames").json()
    assert body["error"] and "link-local" in body["message"]


def test_an_api_without_functions_has_none(client, publisher_user) -> None:
    assert client.call("get", f"/apis/{make_api(publisher_user).pk}/amznResourceNames").json() == {
        "count": 0,
        "list": [],
    }


def test_paths_and_plans(client, publisher_user) -> None:
    api = make_api(publisher_user, operations=[{"verb": "GET", "target": "/a"}, {"verb": "POST", "target": "/b"}])
    page = client.call("get", f"/apis/{api.pk}/resource-paths?limit=1&offset=1").json()
    assert [(one["resourcePath"], one["httpVerb"]) for one in page["list"]] == [("/b", "POST")]
    assert page["pagination"]["total"] == 2
    plans = client.call("get", f"/apis/{api.pk}/subscription-policies").json()
    assert [one["name"] for one in plans] == ["Gold"]
    assert client.call("get", f"/apis/{api.pk}/subscription-policies?requestedTenant=acme.com").json() == []


def test_properties_of_an_environment(client, publisher_user, creator, rest, developer) -> None:
    api = make_api(publisher_user)
    environment = GatewayEnvironment.objects.get(organisation=api.organisation)
    place = f"/apis/{api.pk}/environments/{environment.pk}/keys"
    assert client.call("get", place).json() == {}
    first = client.call("get", f"/apis/{api.pk}")
    assert client.call("put", place, {"region": "eu"}).json() == {"region": "eu"}
    assert client.call("put", place, {"region": "us"}, HTTP_IF_MATCH=first["ETag"]).status_code == 412
    wrong = client.call("put", place, {"region": 7})
    assert (wrong.status_code, wrong.json()["error"][0]["field"]) == (400, "region")
    assert client.call("get", f"/apis/{api.pk}/environments/nowhere/keys").status_code == 404
    assert rest(developer).call("put", place, {}).status_code == 403
    assert client.call("get", place).json() == {"region": "eu"}


OPEN = """{"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "servers": [{"url": "http://x.example"}],
"paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {}}}, "responses": {"200": {"description": "d"}},
"parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}]}}}}"""
CLOSED = """{"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "servers": [{"url": "https://x.example"}],
"security": [{"o": []}], "components": {"securitySchemes": {"o": {"type": "http", "scheme": "bearer"}}},
"paths": {"/a": {"get": {"responses": {"204": {"description": "d"}, "401": {"description": "no"}},
"parameters": [{"name": "q", "in": "query", "schema": {"type": "string", "maxLength": 9}}]}}}}"""


def test_the_audit_grades_a_definition(client, publisher_user) -> None:
    found = {(one.rule, one.severity) for one in audit(OPEN).findings}
    assert found == {
        ("security-schemes", "error"),
        ("https-only", "error"),
        ("body-schema", "error"),
        ("error-responses", "warning"),
        ("response-schema", "warning"),
        ("string-bounds", "warning"),
    }
    assert (audit(CLOSED).findings, audit(CLOSED).grade) == ((), 100.0)
    body = client.call("get", f"/apis/{make_api(publisher_user, definition=OPEN).pk}/auditapi").json()
    assert (body["grade"], body["numErrors"]) == ("82", 3)
    assert len(json.loads(body["report"])["findings"]) == 6


STRANGE = (
    "", "7", "[", "a: [", '{"paths": 7, "components": 7, "servers": {"a": 1}}',
    '{"paths": {"/a": 7, "/b": {"get": {"parameters": 7}}}}',
)  # fmt: skip


@pytest.mark.parametrize("text", STRANGE)
def test_the_audit_takes_any_text(text) -> None:
    assert 0 <= audit(text).grade <= 100


def test_certificates_by_key_type(client, publisher_user, tmp_path) -> None:
    api = make_api(publisher_user)
    for kind, name in (("PRODUCTION", "alice"), ("SANDBOX", "bob")):
        pem = make_client_certificate(tmp_path, name).pem.encode()
        body = {"alias": name, "tier": "Gold", "certificate": SimpleUploadedFile("c.crt", pem)}
        made = client.call("post", f"/apis/{api.pk}/client-certs/{kind}", body, format="multipart")
        assert made.status_code == 200, made.json()
        assert made["Location"] == f"/apis/{api.pk}/client-certs/{kind}/{name}"
    assert api.client_certificates.get(alias="bob").key_type == "SANDBOX"
    place = f"/apis/{api.pk}/client-certs"
    assert [one["alias"] for one in client.call("get", f"{place}/sandbox").json()["certificates"]] == ["bob"]
    assert client.call("get", f"/apis/{api.pk}/client-certificates").json()["count"] == 2
    assert client.call("get", f"{place}/PRODUCTION/bob").status_code == 404
    assert client.call("get", f"{place}/SANDBOX/bob").json()["status"] == "Active"
    wrong = client.call("get", f"{place}/BOTH")
    assert (wrong.status_code, wrong.json()["error"][0]["field"]) == (400, "keyType")
    assert client.call("put", f"{place}/SANDBOX/bob", {"tier": "Silver"}, format="multipart").json()["tier"] == "Silver"
    assert client.call("delete", f"{place}/SANDBOX/bob").status_code == 200
    assert not api.client_certificates.filter(alias="bob").exists()


def test_nothing_of_another_organisation(publisher_user, other_organisation, rest, tmp_path) -> None:
    api = make_api(publisher_user)
    pem = make_client_certificate(tmp_path, "alice").pem.encode()
    add_certificate(by=publisher_user, api=api, alias="alice", content=pem, tier="Gold")
    environment = GatewayEnvironment.objects.get(organisation=api.organisation)
    stranger = rest(make_user(other_organisation, "admin", username="boss"))
    for path in (
        "resource-paths", "subscription-policies", "amznResourceNames", "auditapi", "external-stores",
        f"environments/{environment.pk}/keys", "client-certs/PRODUCTION", "client-certs/PRODUCTION/alice",
    ):  # fmt: skip
        assert stranger.call("get", f"/apis/{api.pk}/{path}").status_code == 404, path
    own = make_api(make_user(other_organisation, "Internal/creator"))
    assert stranger.call("get", f"/apis/{own.pk}/environments/{environment.pk}/keys").status_code == 404


def test_no_deployment_waits_for_approval(client, publisher_user) -> None:
    api = make_api(publisher_user)
    revision = deploy(publisher_user, api)
    place = f"/apis/{api.pk}/cancel-revision-workflow"
    assert client.call("delete", f"{place}/{revision.pk}/Default").status_code == 200
    assert client.call("delete", f"{place}/{revision.pk}/Nowhere").status_code == 404
    assert client.call("delete", f"{place}/{api.pk}/Default").status_code == 404
    assert api.deployments.count() == 1


def test_definitions_are_fetched_by_address(client, publisher_user, server, settings) -> None:
    server.pages["/api.json"] = (200, CLOSED)
    sent = {"url": f"{server.url}/api.json", "additionalProperties": json.dumps({"name": "F", "context": "/f"})}
    refused = client.call("post", "/apis/import-openapi", sent, format="multipart")
    assert (refused.status_code, refused.json()["error"][0]["field"], server.seen) == (400, "url", [])
    settings.APIM.fetch_inner = True
    try:
        made = client.call("post", "/apis/import-openapi", sent, format="multipart")
        assert made.status_code == 201, made.json()
        report = client.call("post", "/apis/validate-openapi", {"url": sent["url"]}, format="multipart").json()
        assert report["isValid"] is True
        put = client.call("put", f"/apis/{made.json()['id']}/swagger", {"url": sent["url"]}, format="multipart")
        assert put.status_code == 200
        server.pages["/api.json"] = (302, "http://127.0.0.1:9/")
        assert client.call("post", "/apis/import-openapi", sent, format="multipart").status_code == 400
    finally:
        settings.APIM.fetch_inner = False
    assert len(server.seen) == 4
