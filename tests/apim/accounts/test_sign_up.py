"""Self sign-up of app developers."""

from __future__ import annotations

import pytest
from django.test import Client

from apim.accounts import throttle
from apim.accounts.models import AuditRow, Organisation, User

GOOD = {
    "username": "newdev",
    "email": "newdev@example.org",
    "password": "correct horse 7",
    "repeated": "correct horse 7",
}


def test_visitor_becomes_a_logged_in_subscriber(client: Client, organisation: Organisation) -> None:
    answer = client.post("/accounts/signup/", {**GOOD, "next": "/devportal/"})
    assert (answer.status_code, answer["Location"]) == (302, "/devportal/")
    user = User.objects.get(username="newdev")
    assert user.role_names == {"Internal/subscriber"}
    assert (user.is_staff, user.is_superuser) == (False, False)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert AuditRow.objects.filter(action="user.sign_up", actor="newdev").exists()


def test_tenant_adds_its_domain(client: Client, other_organisation: Organisation) -> None:
    answer = client.post("/t/acme.com/accounts/signup/", GOOD)
    assert answer["Location"] == "/t/acme.com/"
    assert User.objects.get(username="newdev@acme.com").organisation == other_organisation


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"username": "ab"}, "Use 3 to 64 letters"),
        ({"username": "bob@acme.com"}, "Use 3 to 64 letters"),
        ({"username": "../etc"}, "Use 3 to 64 letters"),
        ({"username": "DEVELOPER"}, "is taken"),
        ({"email": "nonsense"}, "Enter a valid email address"),
        ({"password": "short", "repeated": "short"}, "too short"),
        ({"password": "password1", "repeated": "password1"}, "too common"),
        ({"password": "newdev99", "repeated": "newdev99"}, "too similar"),
        ({"repeated": "something else"}, "The two passwords differ"),
        ({"username": ""}, "This field is required"),
    ],
)
def test_each_mistake_is_named(client: Client, developer: User, change: dict[str, str], message: str) -> None:
    answer = client.post("/accounts/signup/", {**GOOD, **change})
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert User.objects.count() == 1


def test_closed_organisation_takes_nobody(client: Client, organisation: Organisation) -> None:
    organisation.self_signup = False
    organisation.save()
    assert client.get("/accounts/signup/").status_code == 403
    assert client.post("/accounts/signup/", GOOD).status_code == 403
    assert not User.objects.exists()
    assert "Create an account" not in client.get("/accounts/login/").content.decode()


def test_one_address_cannot_flood_the_organisation(
    client: Client, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "SIGN_UPS", 2)
    for number in range(3):
        answer = client.post("/accounts/signup/", {**GOOD, "username": f"flood{number}"})
    assert "Too many accounts were made from your address." in answer.content.decode()
    assert User.objects.count() == 2
    assert Client(REMOTE_ADDR="192.0.2.7").post("/accounts/signup/", GOOD).status_code == 302


def test_password_is_never_sent_back(client: Client, organisation: Organisation) -> None:
    answer = client.post("/accounts/signup/", {**GOOD, "username": "x"})
    assert GOOD["password"] not in answer.content.decode()
