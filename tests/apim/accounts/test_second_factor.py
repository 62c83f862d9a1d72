"""Second factors: set up, asked for at every door, each code once, rate-limited, reset by administrators."""

from __future__ import annotations

import base64
import re
import time
from typing import Any
from urllib.parse import urlencode

import pyotp
import pytest
from django.test import Client
from django.utils import timezone

from apim.accounts.models import AuditRow, Organisation, User
from apim.errors import ApimError, Forbidden, Invalid, NotFound
from apim.keymanager.actions.clients import create_client
from apim.keymanager.vault import seal, unseal
from apim.login import second_factor
from apim.login.actions import rules, second_factors
from apim.login.models import RecoveryCode, SecondFactor
from tests.support.people import PASSWORD, make_user

LOGIN, CHALLENGE, ENROL = "/accounts/login/", "/accounts/login/code/", "/accounts/login/second-factor/"
SECRET = pyotp.random_base32()


def enrolled(user: User) -> SecondFactor:
    return SecondFactor.objects.create(user=user, sealed_secret=seal(SECRET), confirmed=timezone.now())


def code(offset: int = 0, secret: str = SECRET) -> str:
    return pyotp.TOTP(secret).at(int(time.time()) + offset * 30)


def wrong() -> str:
    return next(
        text for text in ("000000", "111111", "222222", "333333") if text not in {code(n) for n in (-1, 0, 1, 2)}
    )


def password(client: Client, user: User, **more: str) -> Any:
    return client.post(LOGIN, {"username": user.username, "password": PASSWORD, **more})


def who(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def basic(user: User) -> Any:
    pair = base64.b64encode(f"{user.username}:{PASSWORD}".encode()).decode()
    return Client().get("/api/am/devportal/v3/applications", headers={"Authorization": f"Basic {pair}"})


def test_set_up_in_the_profile_shows_qr_and_codes_once(client: Client, developer: User) -> None:
    client.force_login(developer)
    assert client.post("/accounts/second-factor/", {"begin": "1"}).status_code == 302
    page = client.get("/accounts/second-factor/").content.decode()
    secret = unseal(SecondFactor.objects.get().sealed_secret)
    assert "<svg" in page
    assert secret in page.replace(" ", "")
    assert "That is not the code" in client.post("/accounts/second-factor/", {"code": "12"}).content.decode()
    shown = client.post("/accounts/second-factor/", {"code": code(secret=secret)}).content.decode()
    codes = re.findall(r"<li>([a-z0-9-]{14})</li>", shown)
    assert len(set(codes)) == second_factor.CODES
    kept = set(RecoveryCode.objects.values_list("checksum", flat=True))
    assert not kept & {one.replace("-", "") for one in codes}
    assert codes[0] not in client.get("/accounts/second-factor/").content.decode()
    assert secret not in str(list(AuditRow.objects.values()))


def test_waiting_set_up_is_not_asked_for(client: Client, developer: User) -> None:
    second_factors.begin(by=developer)
    assert password(client, developer)["Location"] == "/"
    assert basic(developer).status_code == 200


@pytest.mark.parametrize("page", ["/accounts/profile/", "/devportal/applications/", "/admin/"])
def test_password_alone_opens_no_page(client: Client, admin: User, page: str) -> None:
    enrolled(admin)
    assert password(client, admin, next=page)["Location"] == CHALLENGE
    assert who(client) is None
    assert client.get(page)["Location"].startswith(("/accounts/login/", "/admin/login/"))
    answer = client.post(CHALLENGE, {"code": code()})
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert who(client) == str(admin.pk)
    assert AuditRow.objects.filter(action="user.login", actor=admin.username).exists()


def test_session_key_changes_twice(client: Client, developer: User) -> None:
    enrolled(developer)
    password(client, developer)
    half = client.session.session_key
    client.post(CHALLENGE, {"code": code()})
    assert client.session.session_key != half


def test_a_code_works_once(client: Client, developer: User) -> None:
    enrolled(developer)
    used = code()
    second_factor.check(developer, used)
    password(client, developer)
    assert "it was used" in client.post(CHALLENGE, {"code": used}).content.decode()
    assert who(client) is None


def test_earlier_code_is_refused_after_a_later_one(developer: User) -> None:
    enrolled(developer)
    earlier = code()
    second_factor.check(developer, code(1))
    with pytest.raises(Invalid):
        second_factor.check(developer, earlier)


def test_codes_of_other_times_are_refused(developer: User) -> None:
    enrolled(developer)
    for offset in (-4, 4):
        with pytest.raises(Invalid):
            second_factor.check(developer, code(offset))


def test_recovery_code_works_once(client: Client, developer: User) -> None:
    one = second_factor.new_codes(enrolled(developer))[0]
    password(client, developer)
    assert client.post(CHALLENGE, {"code": one.upper()}).status_code == 302
    assert AuditRow.objects.get(action="second_factor.recovery_used").after == {"left": second_factor.CODES - 1}
    with pytest.raises(Invalid):
        second_factor.check(developer, one)


def test_guessing_stops_after_five(developer: User) -> None:
    factor = enrolled(developer)
    for _ in range(second_factor.MOST_FAILURES):
        with pytest.raises(Invalid):
            second_factor.check(developer, wrong())
    with pytest.raises(Forbidden, match="Too many wrong codes"):
        second_factor.check(developer, code())
    SecondFactor.objects.filter(pk=factor.pk).update(failed=timezone.now() - second_factor.WAIT * 2)
    second_factor.check(developer, code())


def test_guessing_of_half_done_log_ins_is_counted_by_person(developer: User) -> None:
    enrolled(developer)
    for _ in range(second_factor.MOST_FAILURES):
        other = Client()
        password(other, developer)
        other.post(CHALLENGE, {"code": wrong()})
    fresh = Client(REMOTE_ADDR="192.0.2.9")
    password(fresh, developer)
    assert "Too many wrong codes" in fresh.post(CHALLENGE, {"code": code()}).content.decode()


def test_half_done_log_in_ends(client: Client, developer: User) -> None:
    enrolled(developer)
    password(client, developer)
    session = client.session
    session["apim_login_pending"] = {**session["apim_login_pending"], "at": time.time() - 601}
    session.save()
    assert client.post(CHALLENGE, {"code": code()})["Location"] == LOGIN


@pytest.mark.parametrize("change", ["password", "off"])
def test_half_done_log_in_ends_with_the_account(client: Client, developer: User, change: str) -> None:
    enrolled(developer)
    password(client, developer)
    if change == "password":
        developer.set_password("other horse 8")
    else:
        developer.is_active = False
    developer.save()
    assert client.post(CHALLENGE, {"code": code()})["Location"] == LOGIN


def test_nobody_reaches_the_steps_without_a_password(client: Client, organisation: Organisation) -> None:
    for page in (CHALLENGE, ENROL, "/accounts/login/password/", "/accounts/login/on/"):
        assert client.get(page)["Location"] == LOGIN


def test_steps_cannot_be_skipped(client: Client, developer: User) -> None:
    enrolled(developer)
    password(client, developer)
    for page in (ENROL, "/accounts/login/on/", "/accounts/login/password/"):
        assert client.get(page)["Location"] == CHALLENGE
    assert who(client) is None


def test_required_role_sets_one_up_at_log_in(client: Client, admin: User, organisation: Organisation) -> None:
    rules.set_rules(by=admin, organisation=organisation, second_factor_roles=["admin"])
    assert password(client, admin)["Location"] == ENROL
    assert "<svg" in client.get(ENROL).content.decode()
    assert who(client) is None
    secret = unseal(SecondFactor.objects.get().sealed_secret)
    assert "Recovery codes" in client.post(ENROL, {"code": code(secret=secret)}).content.decode()
    assert who(client) is None
    assert client.get("/accounts/login/on/")["Location"] == "/"
    assert who(client) == str(admin.pk)
    with pytest.raises(Forbidden, match="your roles"):
        second_factors.remove(by=admin, code=code(1, secret))


def test_other_roles_need_none(client: Client, admin: User, developer: User) -> None:
    rules.set_rules(by=admin, organisation=admin.organisation, second_factor_roles=["admin"])
    assert password(client, developer)["Location"] == "/"


def test_basic_is_refused_with_a_reason_unless_allowed(admin: User, developer: User) -> None:
    enrolled(developer)
    answer = basic(developer)
    assert answer.status_code == 401
    assert "logs in with a second factor" in answer.json()["description"]
    rules.set_rules(by=admin, organisation=admin.organisation, passwords_alone=True)
    assert basic(developer).status_code == 200


def test_basic_is_refused_to_those_who_must_have_one(admin: User) -> None:
    rules.set_rules(by=admin, organisation=admin.organisation, second_factor_roles=["admin"])
    assert basic(admin).status_code == 401


def test_password_grant_is_refused_with_a_reason_unless_allowed(settings: Any, admin: User, developer: User) -> None:
    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, "apim.keymanager.hashers.ClientSecretHasher"]
    client, secret = create_client(
        by=developer, organisation=developer.organisation, name="cli", grant_types=["password"], management=True
    )
    enrolled(developer)
    form = {
        "grant_type": "password", "username": developer.username, "password": PASSWORD, "client_id": client.client_id,
        "client_secret": secret,
    }  # fmt: skip
    sent = {"data": urlencode(form), "content_type": "application/x-www-form-urlencoded"}
    answer = Client().post("/oauth2/token", **sent)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "second factor" in answer.json()["error_description"]
    rules.set_rules(by=admin, organisation=admin.organisation, passwords_alone=True)
    assert Client().post("/oauth2/token", **sent).status_code == 200


def test_gateways_are_told_nobody(settings: Any, developer: User) -> None:
    question = {"organisation": "carbon.super", "username": developer.username, "password": PASSWORD}
    headers = {"Authorization": f"Bearer {settings.CLUSTER_SECRET}"}
    ask = lambda: Client().post(  # noqa: E731 - asked twice
        "/internal/keymanager/v1/people", question, content_type="application/json", headers=headers
    )
    assert ask().json()["active"] is True
    enrolled(developer)
    assert ask().json()["active"] is False


def test_owner_removes_it_with_a_code_only(developer: User) -> None:
    enrolled(developer)
    with pytest.raises(ApimError):
        second_factors.remove(by=developer, code=wrong())
    second_factors.remove(by=developer, code=code())
    assert not SecondFactor.objects.exists()


def test_administrator_resets_it(client: Client, admin: User, developer: User) -> None:
    enrolled(developer)
    User.objects.filter(pk=admin.pk).update(is_staff=True)
    client.force_login(admin)
    form = {"action": "reset_second_factor", "_selected_action": [developer.pk]}
    answer = client.post("/admin/accounts/user/", form, follow=True)
    assert "has no second factor any more" in answer.content.decode()
    assert not SecondFactor.objects.exists()
    row = AuditRow.objects.get(action="second_factor.reset")
    assert (row.actor, row.target_name) == (admin.username, developer.username)


def test_another_organisations_administrator_cannot(other_organisation: Organisation, developer: User) -> None:
    enrolled(developer)
    with pytest.raises(NotFound):
        second_factors.reset(by=make_user(other_organisation, "admin"), user=developer)
    with pytest.raises(NotFound):
        rules.set_rules(by=make_user(other_organisation, "admin"), organisation=developer.organisation, history=3)


def test_half_done_log_in_counts_for_its_own_organisation(client: Client, other_organisation: Organisation) -> None:
    alice = make_user(other_organisation, username="alice")
    enrolled(alice)
    client.post("/t/acme.com/accounts/login/", {"username": "alice", "password": PASSWORD})
    assert client.get("/t/carbon.super/accounts/login/code/")["Location"] == LOGIN
    answer = client.post("/t/acme.com/accounts/login/code/", {"code": code()})
    assert answer["Location"] == "/t/acme.com/"
