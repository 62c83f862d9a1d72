"""The log-in page: who gets in, where they go, and what guessing costs."""

from __future__ import annotations

import pytest
from django.test import Client

from apim.accounts import throttle
from apim.accounts.models import Organisation, User
from tests.support.people import PASSWORD, make_user

LOGIN = "/accounts/login/"


def log_in(client: Client, username: str, password: str = PASSWORD, path: str = LOGIN, **more: str):
    return client.post(path, {"username": username, "password": password, **more})


def who(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_right_password_leads_to_the_start_page(client: Client, developer: User) -> None:
    answer = log_in(client, "developer")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert who(client) == str(developer.pk)


def test_wrong_password_says_so_without_telling_which_part(client: Client, developer: User) -> None:
    wrong, unknown = log_in(client, "developer", "nope"), log_in(client, "nobody", "nope")
    for answer in (wrong, unknown):
        assert answer.status_code == 200
        assert "User name and password do not match an active account." in answer.content.decode()
    assert who(client) is None


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/devportal/apis?query=a", "/devportal/apis?query=a"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_next_stays_on_this_site(client: Client, developer: User, wanted: str, reached: str) -> None:
    assert log_in(client, "developer", next=wanted)["Location"] == reached


def test_session_key_changes_at_log_in(client: Client, developer: User) -> None:
    session = client.session
    session["planted"] = "yes"
    session.save()
    before = session.session_key
    log_in(client, "developer")
    assert client.session.session_key != before


def test_sixth_failure_is_refused_even_with_the_right_password(client: Client, developer: User) -> None:
    for _ in range(throttle.LIMITS["pair"]):
        log_in(client, "developer", "nope")
    answer = log_in(client, "developer")
    assert "Too many failed attempts. Wait 5 minutes" in answer.content.decode()
    assert who(client) is None


def test_lock_holds_for_one_name_at_one_address(client: Client, developer: User, creator: User) -> None:
    for _ in range(throttle.LIMITS["pair"]):
        log_in(client, "developer", "nope")
    assert log_in(client, "creator").status_code == 302
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert log_in(elsewhere, "developer").status_code == 302


def test_lock_cannot_be_dodged_by_another_spelling(client: Client, developer: User) -> None:
    for name in ("developer", "developer ", "developer@carbon.super", "DEVELOPER", "developer"):
        log_in(client, name, "nope")
    assert log_in(client, "developer").status_code == 200


def test_success_forgets_what_was_mistyped(client: Client, developer: User) -> None:
    for _ in range(3):
        for _ in range(throttle.LIMITS["pair"] - 1):
            log_in(client, "developer", "nope")
        assert log_in(client, "developer").status_code == 302


def test_domain_of_the_first_organisation_may_be_written(client: Client, developer: User) -> None:
    assert log_in(client, "developer@carbon.super").status_code == 302


def test_tenant_page_takes_the_short_name(client: Client, other_organisation: Organisation) -> None:
    make_user(other_organisation, username="alice")
    answer = log_in(client, "alice", path=f"/t/acme.com{LOGIN}")
    assert (answer.status_code, answer["Location"]) == (302, "/t/acme.com/")


def test_common_page_sends_a_tenants_user_home(client: Client, other_organisation: Organisation) -> None:
    make_user(other_organisation, username="alice")
    assert log_in(client, "alice@acme.com")["Location"] == "/t/acme.com/"


def test_nobody_logs_in_to_another_organisation(
    client: Client, developer: User, other_organisation: Organisation
) -> None:
    make_user(other_organisation, username="alice")
    for name in ("developer", "developer@carbon.super"):
        assert log_in(client, name, path=f"/t/acme.com{LOGIN}").status_code == 200
    assert log_in(client, "alice@acme.com", path=f"/t/carbon.super{LOGIN}").status_code == 200
    assert who(client) is None


def test_switched_off_user_or_organisation_stays_out(
    client: Client, other_organisation: Organisation, developer: User
) -> None:
    make_user(other_organisation, username="alice")
    other_organisation.active = False
    other_organisation.save()
    developer.is_active = False
    developer.save()
    for name in ("alice@acme.com", "developer"):
        assert log_in(client, name).status_code == 200


def test_session_ends_when_the_organisation_is_switched_off(client: Client, other_organisation: Organisation) -> None:
    make_user(other_organisation, username="alice")
    log_in(client, "alice@acme.com")
    other_organisation.active = False
    other_organisation.save()
    assert client.get("/accounts/profile/")["Location"].startswith(LOGIN)


def test_logged_in_people_are_sent_on(client: Client, developer: User) -> None:
    client.force_login(developer)
    assert client.get(LOGIN + "?next=/devportal/")["Location"] == "/devportal/"


def test_log_out_takes_a_post(client: Client, developer: User) -> None:
    client.force_login(developer)
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").status_code == 302
    assert who(client) is None


def test_form_from_elsewhere_is_refused_with_a_page(developer: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(LOGIN, {"username": "developer", "password": PASSWORD}, headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert "The form could not be trusted" in answer.content.decode()
