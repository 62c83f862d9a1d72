"""Who may call an API, as its publishers decide: schemes, client certificates, roles of scopes, test keys, organisations off."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apim.accounts.actions.organisations import update_organisation
from apim.accounts.models import Role
from apim.errors import Conflict, Forbidden, Invalid, NotFound
from apim.eventhub.models import Current
from apim.keymanager.models import RESIDENT
from apim.traffic.queries import get_policy
from gateway import schema
from gateway.auth import combined, signed_keys
from gateway.auth.issuers import Issuer
from gateway.realm import Realm
from publisher.actions import client_certificates as actions
from publisher.actions.apis import delete_api, update_api
from publisher.actions.lifecycle import change_state
from publisher.actions.test_keys import generate_test_key
from publisher.errors import NoPlan
from publisher.queries import uses_of_policy
from tests.publisher.make import deploy, make_api, plan
from tests.support.client_certificate import ClientCertificate, make_client_certificate
from tests.support.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(tmp_path: Path) -> ClientCertificate:
    return make_client_certificate(tmp_path, "alice")


def served(api) -> schema.Api | None:
    """What gateways know of an API."""
    row = Current.objects.filter(kind="api", key=f"Default:{api.pk}").first()
    return msgspec.json.decode(row.record, type=schema.Api) if row else None


def known(api, alias: str = "alice", key_type: str = "PRODUCTION") -> dict | None:
    row = Current.objects.filter(kind="client_certificate", key=f"{api.pk}:{key_type}:{alias}").first()
    return json.loads(row.record) if row else None


def test_a_certificate_counts_at_once(publisher_user, alice, tmp_path) -> None:
    api = make_api(publisher_user)
    row = actions.add_certificate(by=publisher_user, api=api, alias="alice", content=alice.pem.encode(), tier="Gold")
    assert known(api) == {
        "api": str(api.pk), "alias": "alice", "thumbprint": alice.thumbprint, "tier": "Gold", "pem": alice.pem,
    }  # fmt: skip
    assert list(uses_of_policy(get_policy(api.organisation, "subscription", "Gold")))[-1].startswith(
        "client certificate"
    )
    other = make_client_certificate(tmp_path, "bob")
    plan(api.organisation, "Silver")
    row = actions.update_certificate(by=publisher_user, certificate=row, content=other.pem.encode(), tier="Silver")
    found = known(api)
    assert found is not None and (found["thumbprint"], found["tier"]) == (other.thumbprint, "Silver")
    actions.delete_certificate(by=publisher_user, certificate=row)
    assert known(api) is None


def test_certificates_go_with_their_api(publisher_user, alice) -> None:
    api = make_api(publisher_user)
    actions.add_certificate(by=publisher_user, api=api, alias="alice", content=alice.pem.encode(), tier="Gold")
    pk = api.pk
    delete_api(by=publisher_user, api=api)
    assert not Current.objects.filter(kind="client_certificate", key__startswith=str(pk)).exists()


def test_wrong_certificates_are_named(publisher_user, alice, tmp_path) -> None:
    api = make_api(publisher_user)
    good = {"by": publisher_user, "api": api, "alias": "alice", "content": alice.pem.encode(), "tier": "Gold"}
    expired = make_client_certificate(tmp_path, "old", begins=-9, days=-1)
    cases = [
        ({"alias": "a b"}, "alias"), ({"alias": "x" * 31}, "alias"), ({"alias": "a\n"}, "alias"), ({"tier": "None such"}, "tier"),
        ({"key_type": "BOTH"}, "keyType"), ({"content": b"nothing"}, "certificate"), ({"content": b""}, "certificate"),
        ({"content": alice.path.read_bytes()}, "certificate"), ({"content": expired.pem.encode()}, "certificate"),
        ({"content": (alice.pem * 2).encode()}, "certificate"), ({"content": b"x" * 70_000}, "certificate"),
    ]  # fmt: skip
    for change, field in cases:
        with pytest.raises(Invalid) as refused:
            actions.add_certificate(**{**good, **change})
        assert [wrong.field for wrong in refused.value.fields] == [field], change
        assert "PRIVATE" not in str(refused.value)
    actions.add_certificate(**good)
    for again in ({}, {"alias": "alice2"}):
        with pytest.raises(Conflict, match="already"):
            actions.add_certificate(**{**good, **again})


def test_who_may_add_certificates(publisher_user, developer, other_organisation, alice) -> None:
    api = make_api(publisher_user)
    stranger = make_user(other_organisation, "Internal/publisher")
    for by, refusal in ((developer, Forbidden), (stranger, NotFound)):
        with pytest.raises(refusal):
            actions.add_certificate(by=by, api=api, alias="a", content=alice.pem.encode(), tier="Gold")
        with pytest.raises(refusal):
            generate_test_key(by=by, api=api)


def test_rest_of_certificates(rest, publisher_user, alice, other_organisation) -> None:
    api = make_api(publisher_user)
    client, path = rest(publisher_user), f"/apis/{api.pk}/client-certificates"
    assert client.call("get", path).json()["certificates"] == []
    upload = {"alias": "alice", "tier": "Gold", "certificate": SimpleUploadedFile("a.crt", alice.pem.encode())}
    made = client.call("post", path, upload, format="multipart")
    assert (made.status_code, made.json()) == (200, {"alias": "alice", "apiId": str(api.pk), "tier": "Gold"})
    listed = client.call("get", path).json()
    assert (listed["count"], listed["certificates"][0]["alias"]) == (1, "alice")
    assert client.call("get", f"{path}?alias=bob").json()["count"] == 0
    info = client.call("get", f"{path}/alice").json()
    assert (info["status"], info["version"], info["subject"]) == ("Active", "V3", "CN=alice")
    assert client.call("get", f"{path}/alice/content").content.decode() == alice.pem
    plan(api.organisation, "Silver")
    changed = client.call("put", f"{path}/alice", {"tier": "Silver"}, format="multipart")
    assert (changed.status_code, changed.json()["tier"]) == (200, "Silver")
    for wrong in (
        {"alias": "x", "tier": "Gold"},
        {"alias": "x", "certificate": "junk", "tier": "Gold"},
        {"tier": "Gold"},
    ):
        assert client.call("post", path, wrong, format="multipart").status_code == 400
    assert client.call("get", f"{path}/bob").status_code == 404
    assert rest(make_user(other_organisation, "Internal/publisher")).call("get", path).status_code == 404
    assert client.call("delete", f"{path}/alice").status_code == 200
    assert client.call("get", path).json()["count"] == 0


def test_security_fields_of_the_contract(rest, publisher_user) -> None:
    api = make_api(publisher_user)
    client, path = rest(publisher_user), f"/apis/{api.pk}"
    body = client.call("get", path).json()
    assert body["apiKeyHeader"] == "apikey"
    Role.objects.create(organisation=api.organisation, name="keeper")
    operation = {"verb": "GET", "target": "/keep", "scopes": ["keep", "look"]}
    change = {
        "securityScheme": ["oauth2", "api_key", "mutualssl", "mutualssl_mandatory"], "authorizationHeader": "X-Token",
        "apiKeyHeader": "X-Key", "audiences": ["shop"], "keyManagers": [RESIDENT], "operations": [operation],
        "scopes": [{"scope": {"name": "keep", "bindings": ["keeper"]}}, {"scope": {"name": "look", "bindings": []}}],
    }  # fmt: skip
    changed = client.call("put", path, body | change)
    assert changed.status_code == 200, changed.json()
    shown = client.call("get", path).json()
    assert {name: shown[name] for name in change if name not in ("operations", "scopes")} == {
        name: value for name, value in change.items() if name not in ("operations", "scopes")
    }
    assert [(one["scope"]["name"], one["scope"]["bindings"]) for one in shown["scopes"]] == [
        ("keep", ["keeper"]),
        ("look", []),
    ]
    api.refresh_from_db()
    deploy(publisher_user, api)
    record = served(api)
    assert record is not None
    assert record.scope_roles == (("keep", ("keeper",)),)
    assert (record.authorization_header, record.api_key_header, record.audiences) == ("X-Token", "X-Key", ("shop",))
    asked = combined.demand(record)
    assert asked == combined.Demand(("oauth2", "api_key"), True, application_mandatory=False, mutual_mandatory=True)
    for wrong, field in (
        ({"securityScheme": ["mutualssl_mandatory"]}, "securityScheme"),
        ({"securityScheme": ["oauth2", "kerberos"]}, "securityScheme[1]"),
        ({"securityScheme": ["mutualssl", "oauth_basic_auth_api_key_mandatory"]}, "securityScheme"),
        ({"scopes": [{"scope": {"name": "keep", "bindings": ["no such role"]}}]}, "scope"),
        ({"apiKeyHeader": "a b"}, "apiKeyHeader"),
    ):
        answer = client.call("put", path, body | wrong)
        assert answer.status_code == 400, wrong
        assert field.partition("[")[0][:5] in json.dumps(answer.json()["error"]), answer.json()


def test_an_api_without_plans_asks_for_no_subscription(publisher_user) -> None:
    api = make_api(publisher_user, plans=[])
    deploy(publisher_user, api)
    record = served(api)
    assert record is not None and record.subscriptionless
    update_api(by=publisher_user, api=api, plans=["Gold"])
    deploy(publisher_user, api)
    record = served(api)
    assert record is not None and not record.subscriptionless


def test_test_keys_open_one_api_before_it_is_published(publisher_user, rest) -> None:
    api = make_api(publisher_user)
    with pytest.raises(Conflict, match="not deployed"):
        generate_test_key(by=publisher_user, api=api)
    deploy(publisher_user, api)
    answer = rest(publisher_user).call("post", f"/apis/{api.pk}/generate-key")
    assert answer.json()["validityTime"] == 900
    raw = Current.objects.get(kind="key_manager", key=f"carbon.super:{RESIDENT}").record
    realm = Realm("carbon.super", 10, lambda: None)  # type: ignore[arg-type, return-value]
    realm.resident = Issuer(msgspec.json.decode(raw, type=schema.KeyManager))
    found = signed_keys.check(realm, answer.json()["apikey"].encode(), signed_keys.TEST_KEY, time.time())
    assert (found.api, found.principal.consumer) == (str(api.pk), "@internal:PRODUCTION")
    assert time.time() < found.principal.expires < time.time() + 960


def test_a_switched_off_organisation_leaves_the_gateways(other_organisation, admin) -> None:
    theirs = make_user(other_organisation, "Internal/creator", "Internal/publisher")
    api = make_api(theirs)
    deploy(theirs, api)
    assert served(api) is not None
    change = {"by": admin, "organisation": other_organisation, "display_name": "Acme", "self_signup": True}
    update_organisation(**change, active=False)
    assert served(api) is None
    update_organisation(**change, active=True)
    assert served(api) is not None


def test_pages(publisher_user, developer, alice) -> None:
    api = make_api(publisher_user)
    deploy(publisher_user, api)
    page = f"/publisher/apis/{api.pk}/security/"
    browser = Client(headers={"accept": "text/html"})
    browser.force_login(publisher_user)
    assert "None yet." in browser.get(page).text
    sent = {
        "schemes": ["oauth2", "basic_auth"],
        "application_mandatory": "on",
        "mutual": "on",
        "authorization_header": "X-Auth",
        "api_key_header": "X-Key",
        "audiences": "a, b",
        "key_managers": [RESIDENT],
    }
    assert browser.post(f"{page}save/", sent).status_code == 302
    api.refresh_from_db()
    assert api.security == ["oauth2", "basic_auth", "mutualssl", "oauth_basic_auth_api_key_mandatory"]
    assert (api.authorization_header, api.api_key_header, api.audiences) == ("X-Auth", "X-Key", ["a", "b"])
    nobody = browser.post(f"{page}save/", {"authorization_header": "A", "api_key_header": "B"})
    assert nobody.status_code == 400 and "Choose at least one way in" in nobody.text
    upload = {"alias": "alice", "tier": "Gold", "keyType": "SANDBOX"}
    bad = browser.post(f"{page}certificates/", upload | {"certificate": SimpleUploadedFile("a", b"junk")})
    assert bad.status_code == 400 and "is no X.509 certificate" in bad.text
    upload["certificate"] = SimpleUploadedFile("a.crt", alice.pem.encode())
    assert browser.post(f"{page}certificates/", upload).status_code == 302
    assert known(api, key_type="SANDBOX") is not None
    row = api.client_certificates.get()
    assert "CN=alice" in browser.get(page).text
    made = browser.post(f"{page}test-key/")
    assert re.search(r'id="test-key">[\w-]+\.[\w-]+\.[\w-]+<', made.text)
    assert f"https://localhost:8243{api.context}/1.0.0" in made.text
    assert made["Cache-Control"] == "no-store"
    assert browser.post(f"{page}certificates/{row.pk}/delete/").status_code == 302
    assert not api.client_certificates.exists()
    stranger = Client(headers={"accept": "text/html"})
    stranger.force_login(developer)
    assert stranger.get(page).status_code in (403, 404)
    assert stranger.post(f"{page}test-key/").status_code in (403, 404)


def test_apis_for_people_and_certificates_are_published_without_plans(publisher_user) -> None:
    api = make_api(publisher_user, plans=[], security=["basic_auth", "mutualssl"])
    deploy(publisher_user, api)
    assert change_state(by=publisher_user, api=api, action="Publish").state == "PUBLISHED"
    other = make_api(publisher_user, plans=[], security=["basic_auth", "api_key"])
    deploy(publisher_user, other)
    with pytest.raises(NoPlan):
        change_state(by=publisher_user, api=other, action="Publish")
