"""Rules of passwords and of lock-out, chosen by organisations."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apim.accounts.actions.users import change_password
from apim.accounts.models import AuditRow, Organisation, User
from apim.errors import Forbidden, Invalid
from apim.login.actions import rules, second_factors
from apim.login.models import LoginRules, PastPassword
from tests.support.people import PASSWORD, make_user

LOGIN = "/accounts/login/"


def choose(admin: User, **values: Any) -> LoginRules:
    return rules.set_rules(by=admin, organisation=admin.organisation, **values)


def log_in(client: Client, user: User, password: str = PASSWORD) -> Any:
    return client.post(LOGIN, {"username": user.username, "password": password})


def change(user: User, current: str, password: str) -> None:
    change_password(by=user, user=user, current=current, password=password)


@pytest.mark.parametrize(
    ("rule", "password", "message"),
    [
        ({"minimum_length": 14}, "short horse 8", "asks for 14 characters"),
        ({"character_classes": 4}, "another horse 8", "Mix 4 of these"),
        ({}, "password1", "too common"),
    ],
)
def test_message_names_the_rule(admin: User, developer: User, rule: dict, password: str, message: str) -> None:
    choose(admin, **rule)
    with pytest.raises(Invalid, match=message) as refused:
        change(developer, PASSWORD, password)
    assert refused.value.fields[0].field == "password"


def test_mixture_is_accepted(admin: User, developer: User) -> None:
    choose(admin, minimum_length=12, character_classes=4)
    change(developer, PASSWORD, "Another horse 8")
    assert User.objects.get(pk=developer.pk).check_password("Another horse 8")


def test_last_passwords_are_refused(admin: User, developer: User) -> None:
    choose(admin, history=2)
    with pytest.raises(Invalid, match="one of your last 2 passwords"):
        change(developer, PASSWORD, PASSWORD)
    change(developer, PASSWORD, "second horse 8")
    with pytest.raises(Invalid, match="last 2"):
        change(developer, "second horse 8", PASSWORD)
    change(developer, "second horse 8", "third horse 8")
    change(developer, "third horse 8", PASSWORD)
    assert PastPassword.objects.filter(user=developer).count() == 2


def test_rules_of_one_organisation_are_its_own(admin: User, other_organisation: Organisation) -> None:
    choose(admin, minimum_length=30)
    alice = make_user(other_organisation, username="alice")
    change(alice, PASSWORD, "another horse 8")
    assert User.objects.get(pk=alice.pk).check_password("another horse 8")


def expire(admin: User, user: User) -> None:
    choose(admin, expires_after=30)
    PastPassword.objects.filter(user=user).update(at=timezone.now() - timedelta(days=31))


def test_expired_password_is_replaced_at_log_in(client: Client, admin: User, developer: User) -> None:
    expire(admin, developer)
    assert log_in(client, developer)["Location"] == "/accounts/login/password/"
    assert "_auth_user_id" not in client.session
    form = {"password": PASSWORD, "repeated": PASSWORD}
    assert "the expired password" in client.post("/accounts/login/password/", form).content.decode()
    form = {"password": "another horse 8", "repeated": "another horse 8"}
    assert client.post("/accounts/login/password/", form)["Location"] == "/"
    assert client.session["_auth_user_id"] == str(developer.pk)


def test_basic_with_an_expired_password_says_so(admin: User, developer: User) -> None:
    expire(admin, developer)
    pair = base64.b64encode(f"developer:{PASSWORD}".encode()).decode()
    answer = Client().get("/api/am/devportal/v3/applications", headers={"Authorization": f"Basic {pair}"})
    assert answer.status_code == 401
    assert "The password has expired" in answer.json()["description"]


def test_fresh_password_is_not_expired(client: Client, admin: User, developer: User) -> None:
    choose(admin, expires_after=30)
    assert log_in(client, developer)["Location"] == "/"


def test_lock_is_told_and_an_administrator_unlocks(client: Client, admin: User, developer: User) -> None:
    choose(admin, attempts=3, lock_minutes=60)
    for _ in range(3):
        log_in(client, developer, "nope")
    text = log_in(client, developer).content.decode()
    assert "Wait 60 minutes" in text
    assert "ask an administrator to unlock" in text
    assert [row.action for row in AuditRow.objects.filter(target_name="developer").order_by("id")] == [
        "user.login_failed", "user.login_failed", "user.login_locked",
    ]  # fmt: skip
    second_factors.unlock(by=admin, user=developer)
    assert log_in(client, developer).status_code == 302
    assert AuditRow.objects.filter(action="user.unlock", actor="admin").exists()


def test_lock_begins_again_after_unlocking(client: Client, admin: User, developer: User) -> None:
    choose(admin, attempts=3)
    second_factors.unlock(by=admin, user=developer)
    for _ in range(3):
        log_in(client, developer, "nope")
    assert "Too many failed attempts" in log_in(client, developer).content.decode()


def test_failures_from_everywhere_may_lock_too(admin: User, developer: User) -> None:
    choose(admin, attempts_anywhere=4)
    for number in range(4):
        log_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), developer, "nope")
    assert "Too many failed" in log_in(Client(REMOTE_ADDR="192.0.2.77"), developer).content.decode()


def test_name_of_nobody_is_not_written_down(client: Client, organisation: Organisation) -> None:
    client.post(LOGIN, {"username": "My-S3cret", "password": "x"})
    row = AuditRow.objects.get(action="user.login_failed")
    assert "My-S3cret" not in str(row.__dict__)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"minimum_length": 3}, "minimum_length"),
        ({"attempts": 1}, "attempts"),
        ({"second_factor_roles": ["no such role"]}, "second_factor_roles"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_rules_are_refused_at_their_field(admin: User, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        choose(admin, **values)
    assert refused.value.fields[0].field == field
    assert not LoginRules.objects.exists()


def test_only_administrators_choose(developer: User) -> None:
    with pytest.raises(Forbidden):
        choose(developer, history=3)


def test_admin_page_goes_through_the_action(client: Client, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(is_staff=True)
    client.force_login(admin)
    form = {
        "organisation": admin.organisation_id, "second_factor_roles": ["admin"], "minimum_length": 10,
        "character_classes": 3, "history": 5, "expires_after": 90, "attempts": 4, "attempts_anywhere": 50, "lock_minutes": 15,
    }  # fmt: skip
    assert client.post("/admin/logins/loginrules/add/", form).status_code == 302
    row = LoginRules.objects.get()
    assert (row.second_factor_roles, row.history) == (["admin"], 5)
    assert AuditRow.objects.get(action="login_rules.update").after["expires_after"] == 90
    assert client.post(f"/admin/logins/loginrules/{row.pk}/change/", form | {"history": 99}).status_code == 200
