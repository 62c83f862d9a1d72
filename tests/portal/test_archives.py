"""Applications as archives: round trips, options, other people's, hostile ones, and the pages."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

import pytest
import yaml
from django.contrib.auth.hashers import check_password
from django.core.files.uploadedfile import SimpleUploadedFile

from apim.keymanager.models import OAuthClient
from portal.models import Application, ApplicationKey, Subscription
from tests.portal.builders import browser, current, make_api, make_application, make_key, make_subscription, rest
from tests.support.people import make_user

BASE = "/api/am/devportal/v3/applications"


def exported(user: Any, name: str = "Shop", owner: str = "developer", **more: str) -> bytes:
    query = {"appName": name, "appOwner": owner, **more}
    answer = rest(user).get(f"{BASE}/export", query)
    assert answer.status_code == 200, answer.content
    return answer.content


def send(user: Any, content: bytes, query: str = "") -> Any:
    return rest(user).post(f"{BASE}/import?{query}", {"file": SimpleUploadedFile("a.zip", content)}, format="multipart")


def data_of(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        text = archive.read(name).decode()
    assert name.startswith("developer-Shop/application.")
    return (json.loads(text) if name.endswith("json") else yaml.safe_load(text))["data"]


def packed(data: Any, kind: str = "application") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x/application.yaml", yaml.safe_dump({"type": kind, "version": "v4.2.0", "data": data}))
    return buffer.getvalue()


@pytest.fixture
def shop(developer) -> Application:
    made = make_application(developer, "Shop", description="Sells", attributes={"Team": "blue"}, policy="10PerMin")
    make_key(made)
    make_subscription(made, make_api(developer.organisation, "Orders"), "Bronze")
    return made


def test_an_application_comes_back_as_it_was_with_working_keys(developer, shop):
    key = shop.keys.get()
    hashed = key.client.client_secret
    content = exported(developer, withKeys="true")
    data = data_of(content)
    assert data["subscribedAPIs"][0]["apiId"]["apiName"] == "Orders"
    assert hashed not in json.dumps(data)
    assert rest(developer).delete(f"{BASE}/{shop.pk}").status_code == 200
    assert not OAuthClient.objects.filter(client_id=key.consumer_key).exists()
    answer = send(developer, content)
    assert answer.status_code == 200, answer.json()
    back = Application.objects.get()
    assert (back.name, back.description, back.attributes, back.policy) == (
        "Shop",
        "Sells",
        {"Team": "blue"},
        "10PerMin",
    )
    assert back.subscriptions.get().plan == "Bronze"
    assert (back.keys.get().consumer_key, back.keys.get().client.client_secret) == (key.consumer_key, hashed)
    assert current("key", f"carbon.super:Resident Key Manager:{key.consumer_key}")["application"] == str(back.pk)
    assert data_of(exported(developer, withKeys="true"))["applicationInfo"].keys() == data["applicationInfo"].keys()


@pytest.mark.parametrize("form", ["YAML", "json"])
def test_keys_stay_out_unless_they_are_asked_for(form, developer, shop):
    data = data_of(exported(developer, format=form))
    assert "keys" not in data["applicationInfo"]
    assert shop.keys.get().consumer_key not in json.dumps(data)


def test_a_key_in_use_is_made_anew(developer, shop, other_organisation):
    content = exported(developer, withKeys="true")
    make_api(other_organisation, "Orders")
    other = make_user(other_organisation, "Internal/subscriber")
    assert send(other, content).status_code == 200
    key = ApplicationKey.objects.get(application__organisation=other_organisation)
    assert key.consumer_key != shop.keys.get().consumer_key
    assert key.application.owner == other


def test_secrets_of_the_original_are_taken(developer):
    secret = "Hx2kdAJ3aQrXNLw4kAzn5q9tIsca"
    key = {
        "consumerKey": "Tn2kdAJ3aQrXNLw4kAzn5q9tIsca",
        "consumerSecret": base64.b64encode(secret.encode()).decode(),
        "keyType": "SANDBOX",
        "keyManager": "Resident Key Manager",
        "supportedGrantTypes": ["client_credentials"],
        "additionalProperties": {"application_access_token_expiry_time": 300},
    }
    info = {"name": "Tool", "throttlingPolicy": "Unlimited", "owner": "admin", "keys": [key]}
    assert send(developer, packed({"applicationInfo": info, "subscribedAPIs": []})).status_code == 200
    row = ApplicationKey.objects.get()
    assert (row.consumer_key, row.key_type, row.client.token_lifetime) == (key["consumerKey"], "SANDBOX", 300)
    assert check_password(secret, row.client.client_secret)
    for wrong in ("short", "pbkdf2_sha256$1$a$aaaaaaaaaaaaaa="):
        info = info | {"name": "Other", "keys": [key | {"consumerKey": "free", "consumerSecret": wrong}]}
        answer = send(developer, packed({"applicationInfo": info}))
        assert answer.status_code == 400
        assert "application.yaml: data.applicationInfo.keys[0].consumerSecret" in answer.json()["description"]
    assert Application.objects.count() == 1


def test_what_is_there_is_a_conflict_unless_it_is_to_be_changed(developer, shop):
    content = exported(developer)
    assert send(developer, content).status_code == 409
    data = data_of(content)
    data["applicationInfo"]["description"] = "Buys"
    dry = send(developer, packed(data), "update=true&dryRun=true")
    assert [(one["field"], one["before"], one["after"]) for one in dry.json()["changes"]] == [
        ("applicationInfo.description", "Sells", "Buys")
    ]
    assert Application.objects.get().description == "Sells"
    assert send(developer, packed(data), "update=true").json()["description"] == "Buys"
    assert Application.objects.get().keys.count() == 1
    assert send(developer, content, "update=perhaps").status_code == 400


def test_subscriptions_that_are_not_possible_are_told(developer, shop):
    data = data_of(exported(developer))
    data["applicationInfo"]["name"] = "Two"
    data["subscribedAPIs"][0]["throttlingPolicy"] = "Diamond"
    data["subscribedAPIs"].append({"apiId": {"apiName": "Gone", "version": "9"}, "throttlingPolicy": "Gold"})
    answer = send(developer, packed(data))
    assert answer.status_code == 207
    assert [(one["name"], one["version"]) for one in answer.json()["list"]] == [("Orders", "1.0"), ("Gone", "9")]
    assert not Subscription.objects.filter(application__name="Two").exists()
    assert send(developer, packed(data), "update=true&ignoreTier=true").json()["count"] == 1
    assert Subscription.objects.get(application__name="Two").plan == "Bronze"
    assert send(developer, packed(data), "update=true&skipSubscriptions=true").status_code == 200


def test_whose_it_becomes(developer, shop, admin):
    other = make_user(developer.organisation, "Internal/subscriber", username="other")
    content = exported(admin)
    assert rest(other).get(f"{BASE}/export", {"appName": "Shop", "appOwner": "developer"}).status_code == 404
    assert send(other, content, "preserveOwner=true").status_code == 403
    assert send(other, content, "appOwner=developer").status_code == 403
    assert send(other, content, "skipApplicationKeys=true").json()["owner"] == "other"
    assert send(admin, content, "appOwner=nobody").status_code == 400
    assert send(admin, content, "preserveOwner=true").status_code == 409
    Application.objects.filter(owner=other).delete()
    assert send(admin, content, "preserveOwner=true&appOwner=other").json()["owner"] == "other"


def test_a_token_needs_the_scope(developer):
    from portal.api.archives import SCOPES, Export, Import

    assert Export.scopes == Import.scopes == SCOPES == ("apim:app_import_export",)
    assert rest().get(f"{BASE}/export", {"appName": "a", "appOwner": "b"}).status_code == 401


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"no zip", "file"),
        (packed({"applicationInfo": {}}), "application.yaml: data.applicationInfo.name"),
        (packed({}), "application.yaml: data.applicationInfo"),
        (packed([1]), "application.yaml"),
        (packed({"applicationInfo": {"name": "x"}}, "api"), "application.yaml: type"),
        (packed({"applicationInfo": {"name": "x", "throttlingPolicy": "No"}}), "data.applicationInfo.throttlingPolicy"),
        (packed({"applicationInfo": {"name": "x", "keys": [1]}}), "application.yaml: data.applicationInfo.keys[0]"),
        (packed({"applicationInfo": {"name": "x", "keys": [{"keyType": "FUN"}]}}), "keys[0].keyType"),
        (packed({"applicationInfo": {"name": "x"}, "subscribedAPIs": [{}]}), "application.yaml: data.subscribedAPIs[0]"),
        (packed({"applicationInfo": {"name": "x", "attributes": [1]}}), "application.yaml: data.applicationInfo.attributes"),
        (packed({"applicationInfo": {"name": "x" * 101}}), "application.yaml: data.applicationInfo.name"),
    ],
)  # fmt: skip
def test_mistakes_name_file_and_field_and_nothing_is_stored(content, place, developer):
    answer = send(developer, content)
    assert answer.status_code == 400, answer.json()
    body = answer.json()
    assert place in body["description"] or place in body["error"][0]["field"]
    assert not Application.objects.exists()


def test_pages_export_preview_and_import(developer, shop, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    client = browser(developer)
    page = client.post(f"/devportal/applications/{shop.pk}/export/", {"format": "YAML", "keys": "on"})
    assert page.headers["Content-Type"] == "application/zip"
    assert client.get("/devportal/applications/import/").status_code == 200
    data = data_of(page.content)
    data["applicationInfo"]["description"] = "<b>Buys</b>"
    file = SimpleUploadedFile("a.zip", packed(data))
    preview = client.post("/devportal/applications/import/", {"file": file, "update": "on"})
    text = preview.content.decode()
    assert "&lt;b&gt;Buys&lt;/b&gt;" in text
    assert Application.objects.get().description == "Sells"
    ticket = preview.context["form"].initial["ticket"]
    other = browser(make_user(developer.organisation, "Internal/subscriber"))
    assert b"no longer kept" in other.post("/devportal/applications/import/confirm/", {"ticket": ticket}).content
    done = client.post("/devportal/applications/import/confirm/", {"ticket": ticket, "update": "on"})
    assert done.status_code == 302
    assert Application.objects.get().description == "<b>Buys</b>"
    assert b"no longer kept" in client.post("/devportal/applications/import/confirm/", {"ticket": ticket}).content
    wrong = client.post("/devportal/applications/import/", {"file": SimpleUploadedFile("a.zip", b"x")})
    assert wrong.status_code == 400
    assert b"Nothing was changed" in wrong.content
