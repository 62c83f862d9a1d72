"""API keys of applications: made once, shown once, taken back everywhere; by page and by REST."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from apim.accounts.models import AuditRow, Organisation, User
from apim.errors import Conflict, Invalid, NotFound
from apim.eventhub.models import Current
from apim.keymanager.actions.signing_keys import rotate_key
from apim.keymanager.models import RESIDENT, RevokedToken, SigningKey
from gateway import schema
from gateway.auth import signed_keys
from gateway.auth.issuers import Issuer
from gateway.realm import Realm
from portal.actions import api_keys
from portal.actions.applications import delete_application
from portal.models import ApiKey
from tests.portal.builders import browser, current, make_application, rest
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
ROOT = "/api/am/devportal/v3"


def realm() -> Realm:
    """What a gateway would check keys with."""
    raw = Current.objects.get(kind="key_manager", key=f"carbon.super:{RESIDENT}").record
    made = Realm("carbon.super", 100, lambda: None)  # type: ignore[arg-type, return-value]
    made.resident = Issuer(msgspec.json.decode(raw, type=schema.KeyManager))
    return made


def checked(key: str) -> signed_keys.SignedKey:
    return signed_keys.check(realm(), key.encode(), signed_keys.API_KEY, time.time())


def test_gateways_take_what_is_made_here(developer: User) -> None:
    application = make_application(developer)
    rules = {"addresses": ["10.0.0.0/8", "2001:db8::1"], "referers": ["*.example.com/*"]}
    row, key = api_keys.generate_api_key(
        by=developer, application=application, key_type="SANDBOX", name="Till", lifetime=60, **rules
    )
    found = checked(key)
    assert found.principal.consumer == f"@application:SANDBOX:{application.pk}"
    assert (len(found.networks), len(found.referers)) == (2, 1)
    assert found.principal.token_id == row.jti
    assert time.time() < found.principal.expires < time.time() + 90
    assert key not in str(list(ApiKey.objects.values())) + str(list(AuditRow.objects.values()))


def test_a_key_without_end(developer: User, admin: User) -> None:
    row, key = api_keys.generate_api_key(by=developer, application=make_application(developer), key_type="PRODUCTION")
    assert row.expires is None
    assert checked(key).principal.expires > time.time() + 10**10
    old = SigningKey.objects.get(retired=None)
    rotate_key(by=admin)
    old.refresh_from_db()
    assert old.published_until is not None and old.published_until.year == 9999
    assert checked(key)
    api_keys.revoke_api_key(by=developer, key=row)
    record = current("revocation", row.jti)
    assert record is not None and record["expires"] == int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
    assert RevokedToken.objects.get(jti=row.jti).expires.year == 9999


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"key_type": "BOTH"}, "keyType"), ({"lifetime": 0}, "validityPeriod"), ({"lifetime": 10**9}, "validityPeriod"),
        ({"addresses": ["10.0.0.0/99"]}, "permittedIP"), ({"addresses": ["1.1.1.1"] * 101}, "permittedIP"),
        ({"referers": ["*.*.*.*.x/"]}, "permittedReferer"), ({"referers": ["a b"]}, "permittedReferer"),
        ({"name": "x" * 101}, "keyName"),
    ],
)  # fmt: skip
def test_wrong_values_are_named(developer: User, changes: dict[str, Any], field: str) -> None:
    wanted = {"by": developer, "application": make_application(developer), "key_type": "PRODUCTION"} | changes
    with pytest.raises(Invalid) as refused:
        api_keys.generate_api_key(**wanted)
    assert [wrong.field for wrong in refused.value.fields] == [field]


def test_there_is_a_most(developer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "MOST", 2)
    application = make_application(developer)
    for _ in range(2):
        api_keys.generate_api_key(by=developer, application=application, key_type="PRODUCTION", lifetime=60)
    with pytest.raises(Conflict, match="has 2 API keys already"):
        api_keys.generate_api_key(by=developer, application=application, key_type="PRODUCTION", lifetime=60)
    api_keys.generate_api_key(by=developer, application=application, key_type="SANDBOX", lifetime=60)


def test_nobody_touches_anothers_keys(developer: User, organisation: Organisation) -> None:
    application = make_application(developer)
    row, key = api_keys.generate_api_key(by=developer, application=application, key_type="PRODUCTION", lifetime=60)
    stranger = make_user(organisation, "Internal/subscriber")
    with pytest.raises(NotFound):
        api_keys.generate_api_key(by=stranger, application=application, key_type="PRODUCTION")
    with pytest.raises(NotFound):
        api_keys.revoke_api_key(by=stranger, key=row)
    place = f"{ROOT}/applications/{application.pk}/api-keys/PRODUCTION"
    assert rest(stranger).get(place).status_code == 404
    assert rest(stranger).post(f"{place}/revoke", {"apikey": key}, format="json").status_code == 404
    own = make_application(stranger)
    foreign = rest(stranger).post(
        f"{ROOT}/applications/{own.pk}/api-keys/PRODUCTION/revoke", {"apikey": key}, format="json"
    )
    assert foreign.status_code == 400
    assert not RevokedToken.objects.filter(jti=row.jti).exists()
    assert browser(stranger).get(f"/devportal/applications/{application.pk}/production/api-keys/").status_code == 404


def test_rest(developer: User) -> None:
    application = make_application(developer)
    client, place = rest(developer), f"{ROOT}/applications/{application.pk}/api-keys/PRODUCTION"
    more = {"permittedIP": "10.1.1.1, ::1", "permittedReferer": "www.example.com/*"}
    made = client.post(
        f"{place}/generate", {"keyName": "Till", "validityPeriod": 3600, "additionalProperties": more}, format="json"
    )
    assert made.status_code == 200
    body = made.json()
    assert body.keys() == {"keyName", "keyUUID", "apikey", "validityPeriod"}
    assert body["validityPeriod"] == 3600
    assert len(checked(body["apikey"]).networks) == 2
    endless = client.post(f"{place}/generate", {"validityPeriod": -1}, format="json").json()
    assert endless["validityPeriod"] == -1
    assert client.post(f"{place}/generate").json()["validityPeriod"] == -1
    listed = client.get(place).json()
    assert listed["count"] == 3
    assert "apikey" not in listed["list"][0]
    assert client.post(f"{place}/revoke", {"apikey": body["apikey"]}, format="json").status_code == 200
    assert current("revocation", checked(body["apikey"]).principal.token_id)
    renewed = client.post(f"{place}/regenerate", {"keyUUID": endless["keyUUID"]}, format="json").json()
    assert renewed["apikey"] != endless["apikey"]
    assert client.post(f"{place}/revoke", {"keyUUID": renewed["keyUUID"]}, format="json").status_code == 200
    assert client.get(place).json()["count"] == 1
    for wrong in ({"validityPeriod": "soon"}, {"additionalProperties": 7}, {"keyName": 7}, [1]):
        assert client.post(f"{place}/generate", wrong, format="json").status_code == 400
    assert client.post(f"{place}/revoke", {"apikey": "x.y.z"}, format="json").status_code == 400
    assert client.post(f"{place[:-10]}BOTH/generate", {}, format="json").status_code == 404
    assert rest().get(place).status_code in (401, 403)


def test_pages(developer: User) -> None:
    application = make_application(developer, "Shop")
    client, place = browser(developer), f"/devportal/applications/{application.pk}/sandbox/api-keys/"
    assert "No API keys" in client.get(place).text
    assert place in client.get(f"/devportal/applications/{application.pk}/sandbox/").text
    bad = client.post(f"{place}generate", {"permittedIP": "here"})
    assert bad.status_code == 400 and "is neither an IP address" in bad.text
    made = client.post(f"{place}generate", {"keyName": "Till <1>", "permittedIP": "10.0.0.0/8"})
    shown = re.search(r'id="api-key">([^<]+)<', made.text)
    assert shown is not None and checked(shown[1])
    listed = client.get(place)
    assert shown[1] not in listed.text
    assert "Till &lt;1&gt;" in listed.text and "10.0.0.0/8" in listed.text
    row = ApiKey.objects.get()
    assert client.post(f"{place}{row.pk}/revoke").status_code == 302
    assert not ApiKey.objects.exists()
    assert current("revocation", row.jti)


def test_they_go_with_their_application(developer: User) -> None:
    application = make_application(developer)
    row, _ = api_keys.generate_api_key(by=developer, application=application, key_type="PRODUCTION", lifetime=600)
    delete_application(by=developer, application=application)
    assert not ApiKey.objects.exists()
    assert current("revocation", row.jti)
