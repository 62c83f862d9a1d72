"""The pages of backends and of their certificates."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apim.eventhub.models import Current
from gateway import schema
from gateway.endpoints.mock import operations
from publisher.models import Api, EndpointCertificate
from tests.publisher.make import deploy, make_api
from tests.support.certificate import make_certificate

pytestmark = pytest.mark.django_db
SECRET = "s3cr3t-of-the-backend"


@pytest.fixture
def pages(client, publisher_user):
    client.force_login(publisher_user)
    return client


@pytest.fixture
def listening() -> Iterator[str]:
    """A server that answers HEAD with 204."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def do_HEAD(self) -> None:
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def page(api: Api) -> str:
    return reverse("publisher:endpoints", args=[api.pk])


def test_several_addresses_in_their_order(pages, publisher_user):
    api = make_api(publisher_user)
    sent = {
        "part": "form", "kind": "load_balance", "algorithm": "weighted", "session": "transport", "session_ms": "60000",
        "failover": "on", "production_url": ["http://a", "", "http://c"], "production_weight": ["3", "1", "2"],
        "production_order": ["2", "", "1"], "production_timeout_ms": "900", "production_suspend": "on",
        "production_codes": "101504", "production_initial_ms": "500", "production_factor": "2",
        "production_health_path": "/up", "production_connections": "7",
    }  # fmt: skip
    answer = pages.post(page(api), sent)
    assert answer.status_code == 302, answer.context["form"].errors
    api.refresh_from_db()
    group = api.endpoints["production"]
    assert (group["kind"], group["algorithm"], group["session"], group["session_ms"]) == (
        "load_balance", "weighted", "transport", 60_000,
    )  # fmt: skip
    assert [(one["url"], one["weight"], one["timeout_ms"]) for one in group["members"]] == [
        ("http://c", 2, 900), ("http://a", 3, 900),
    ]  # fmt: skip
    first = group["members"][0]
    assert first["suspension"] == {"codes": ["101504"], "initial_ms": 500, "factor": 2.0}
    assert (first["health"]["path"], first["breaker"]) == ("/up", {"connections": 7})
    shown = pages.get(page(api)).content.decode()
    assert shown.index("http://c") < shown.index("http://a")
    again = _sent_again(shown)
    assert pages.post(page(api), again).status_code == 302
    before = api.endpoints
    api.refresh_from_db()
    assert api.endpoints == before, "saving what is shown changes nothing"


def _sent_again(text: str) -> dict[str, list[str]]:
    """What a browser sends when the shown form is saved as it is."""
    text = text[text.index("data-endpoints") : text.rindex("Save backends")]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", text):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if given.get("type") == "checkbox" and " checked" not in tag:
            continue
        if "name" in given and given["name"] != "csrfmiddlewaretoken":
            value = given.get("value", "on" if given.get("type") == "checkbox" else "")
            found.setdefault(given["name"], []).append(unescape(value))
    for name, inside in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        found[name] = [chosen[1] if chosen else ""]
    return found


def test_secrets_are_never_shown_and_stay(pages, publisher_user):
    api = make_api(publisher_user)
    sent = {"part": "form", "kind": "http", "production_url": "http://a", "production_security": "basic",
            "production_username": "u", "production_password": SECRET}  # fmt: skip
    assert pages.post(page(api), sent).status_code == 302
    api.refresh_from_db()
    stored = api.endpoints["production"]["security"]["password"]
    text = pages.get(page(api)).content.decode()
    assert SECRET not in text
    assert stored not in text
    assert pages.post(page(api), sent | {"production_password": "", "production_username": "v"}).status_code == 302
    api.refresh_from_db()
    assert api.endpoints["production"]["security"] == {"kind": "basic", "username": "v", "password": stored}
    wrong = pages.post(page(api), sent | {"production_url": "nope"})
    assert SECRET not in wrong.content.decode()


def test_mistakes_stand_at_their_fields(pages, publisher_user):
    api = make_api(publisher_user)
    sent = {"part": "form", "kind": "http", "production_url": "http://a", "production_security": "oauth",
            "production_suspend": "on", "production_codes": "12"}  # fmt: skip
    errors = pages.post(page(api), sent).context["form"].errors
    assert {"production_token_url", "production_client_id", "production_client_secret", "production_codes"} <= set(
        errors
    )


def test_mistakes_of_an_address_stand_in_its_row(pages, publisher_user):
    """In the order of the rows, all of them at once, in words without internal places."""
    api = make_api(publisher_user)
    sent = {"part": "form", "kind": "load_balance", "production_url": ["http://a", "nope"],
            "production_weight": ["1", "1"], "production_order": ["2", "1"]}  # fmt: skip
    form = pages.post(page(api), sent | {"production_timeout_ms": "5000"}).context["form"]
    assert [bool(row.error) for row in form.rows["production"]] == [False, True], form.errors
    assert form.non_field_errors() == ["Some rows are not valid; see below."]
    form = pages.post(page(api), sent | {"production_weight": ["-3", "0"]}).context["form"]
    assert [row.error.split(" is")[0] for row in form.rows["production"]] == ["'-3'", "'0'"]


def test_a_function_with_a_strange_timeout_is_not_dropped(pages, publisher_user):
    api = make_api(publisher_user, operations=[{"verb": "GET", "target": "/a"}])
    sent = {"part": "form", "kind": "aws_lambda", "function_0": "arn:f", "function_timeout_0": "soon"}
    answer = pages.post(page(api), sent | {"region": "eu-west-1"})
    assert answer.status_code == 400
    assert "soon" in answer.context["form"].functions[0].error
    keys = {"access_key": "AKIA", "secret_key": "hush"}
    form = pages.post(page(api), sent | keys | {"function_timeout_0": "5"}).context["form"]
    assert set(form.errors) == {"region"}


def test_what_the_form_does_not_show_of_addresses_stays(pages, publisher_user):
    """Members that came over REST keep their kind and patience until somebody changes it here."""
    health = {"path": "/up", "seconds": 5.0, "unhealthy": 7}
    members = [{"url": "http://a", "kind": "http", "timeout_ms": 1000, "health": health},
               {"url": "http://b", "kind": "soap", "timeout_ms": 2000}]  # fmt: skip
    api = make_api(publisher_user, endpoints={"production": {"kind": "load_balance", "members": members}})
    api.refresh_from_db()
    before = api.endpoints["production"]
    sent = _sent_again(pages.get(page(api)).content.decode()) | {"part": "form"}
    assert pages.post(page(api), sent).status_code == 302
    api.refresh_from_db()
    assert api.endpoints["production"]["members"] == before["members"]
    assert pages.post(page(api), sent | {"expected": "", "production_timeout_ms": ["3000"]}).status_code == 302
    api.refresh_from_db()
    first, second = api.endpoints["production"]["members"]
    assert (first["timeout_ms"], second["timeout_ms"], second["kind"]) == (3000, 3000, "soap")
    assert first["health"]["unhealthy"] == 7


def test_functions_and_mocks(pages, publisher_user):
    api = make_api(publisher_user, operations=[{"verb": "GET", "target": "/a"}])
    sent = {"part": "form", "kind": "aws_lambda", "region": "eu-west-1", "access_key": "AKID", "secret_key": SECRET,
            "function_0": "arn:f", "function_timeout_0": "3000"}  # fmt: skip
    assert pages.post(page(api), sent).status_code == 302
    assert "arn:f" in pages.get(page(api)).content.decode()
    assert pages.post(page(api), {"part": "form", "kind": "mock_oas"}).status_code == 302
    api.refresh_from_db()
    assert api.endpoints["sandbox"] == {"url": "", "kind": "mock", "properties": [["implementation", "MOCKED_OAS"]]}


def test_an_address_is_tested_without_saving(pages, publisher_user, listening):
    api = make_api(publisher_user)
    before = api.endpoints
    sent = {"part": "form", "kind": "http", "production_url": listening, "sandbox_url": "http://127.0.0.1:1"}
    good = pages.post(page(api), sent | {"test": "production:0"})
    assert (good.context["found"]["status"], good.context["found"]["error"]) == (204, "")
    assert "204" in good.content.decode()
    bad = pages.post(page(api), sent | {"test": "sandbox:0"})
    assert "Connection refused" in bad.context["found"]["error"]
    odd = pages.post(page(api), sent | {"production_url": "file:///etc/passwd", "test": "production:0"})
    assert "must look like" in odd.context["found"]["error"]
    assert pages.post(page(api), sent | {"test": "production:99"}).status_code == 404
    api.refresh_from_db()
    assert api.endpoints == before


def test_addresses_that_are_never_asked(pages, publisher_user, rest):
    answer = rest(publisher_user).call("post", "/apis/validate-endpoint?endpointUrl=http://169.254.169.254/latest", {})
    assert answer.status_code == 200
    assert (answer.json()["statusCode"], "not asked" in answer.json()["error"]) == (0, True)


def test_certificates_page(pages, publisher_user, tmp_path):
    url = reverse("publisher:endpoint_certificates")
    assert "No certificates yet" in pages.get(url).content.decode()
    pem = make_certificate(tmp_path)[0].read_bytes()
    sent = {"alias": "mine", "endpoint": "https://a.example", "certificate": SimpleUploadedFile("a.crt", pem)}
    assert pages.post(url, sent).status_code == 302
    api = make_api(publisher_user, endpoints={"production": {"url": "https://a.example/x"}})
    text = pages.get(url).content.decode()
    assert "days left" in text
    assert str(api) in text
    bad = pages.post(url, sent | {"alias": "other", "certificate": SimpleUploadedFile("a.crt", b"no")})
    assert (bad.status_code, "certificate" in bad.context["form"].errors) == (400, True)
    row = EndpointCertificate.objects.get()
    pages.post(reverse("publisher:endpoint_certificate_delete", args=[row.pk]))
    assert EndpointCertificate.objects.count() == 0


def test_readers_may_look_only(client, make_user, organisation, publisher_user):
    api = make_api(publisher_user)
    client.force_login(make_user(organisation, "Internal/devops"))
    assert client.get(page(api)).status_code == 200
    sent = {"part": "form", "kind": "http", "production_url": "http://127.0.0.1:1"}
    assert client.post(page(api), sent).status_code == 403
    assert client.post(page(api), sent | {"test": "production:0"}).status_code == 403


def test_an_api_without_a_backend_becomes_a_prototype(pages, publisher_user, rest):
    """API first: definition, mock, deployed and published as prototype; gateways get what they answer from."""
    text = {"openapi": "3.0.1", "info": {"title": "Shop", "version": "1.0"}, "paths": {"/a": {"get": {"responses": {"200": {
        "description": "ok", "content": {"application/json": {"example": {"made": "up"}}}}}}}}}  # fmt: skip
    client = rest(publisher_user)
    sent = {"inlineAPIDefinition": json.dumps(text), "additionalProperties": json.dumps(
        {"name": "Shop", "version": "1.0", "context": "/shop", "endpointImplementationType": "MOCKED_OAS"})}  # fmt: skip
    made = client.call("post", "/apis/import-openapi", sent, format="multipart")
    assert made.status_code == 201, made.json()
    api = Api.objects.get(pk=made.json()["id"])
    deploy(publisher_user, api)
    step = client.call("post", f"/apis/change-lifecycle?apiId={api.pk}&action=Deploy%20as%20a%20Prototype", {})
    assert step.status_code == 200, step.json()
    told = json.loads(Current.objects.get(kind="api", key__endswith=str(api.pk)).record)
    record = msgspec.convert(told, schema.Api)
    assert (record.lifecycle, record.production and record.production.kind) == ("PROTOTYPED", "mock")
    answer = operations(record.definition, False)["GET", "/a"].samples["200"][0]
    assert json.loads(answer.body or b"") == {"made": "up"}
