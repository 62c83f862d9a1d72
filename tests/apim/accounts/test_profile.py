"""One's own account page."""

from __future__ import annotations

import pytest
from django.test import Client

from apim.accounts.models import AuditRow, User
from tests.support.people import PASSWORD

PAGE = "/accounts/profile/"


@pytest.fixture
def client(client: Client, developer: User) -> Client:
    client.force_login(developer)
    return client


def test_visitors_are_asked_to_log_in(organisation: object) -> None:
    assert Client().get(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"


def test_particulars_are_saved_with_an_audit_row(client: Client, developer: User) -> None:
    answer = client.post(PAGE, {"first_name": "Dee", "last_name": "Veloper", "email": "dee@example.org"}, follow=True)
    developer.refresh_from_db()
    assert (developer.get_full_name(), developer.email) == ("Dee Veloper", "dee@example.org")
    assert "Your profile is saved." in answer.content.decode()
    assert AuditRow.objects.get(action="user.update").after["email"] == "dee@example.org"


def test_wrong_mail_address_is_refused(client: Client, developer: User) -> None:
    assert "Enter a valid email address" in client.post(PAGE, {"email": "x"}).content.decode()


def change(client: Client, **given: str):
    form = {"current": PASSWORD, "password": "another horse 8", "repeated": "another horse 8", "change_password": "1"}
    return client.post(PAGE, {**form, **given})


def test_password_change_keeps_this_session_and_ends_others(client: Client, developer: User) -> None:
    other = Client()
    other.force_login(developer)
    assert change(client).status_code == 302
    developer.refresh_from_db()
    assert developer.check_password("another horse 8")
    assert client.get(PAGE).status_code == 200
    assert other.get(PAGE).status_code == 302


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"current": "wrong"}, "not your current password"),
        ({"password": "short", "repeated": "short"}, "too short"),
        ({"repeated": "different 99"}, "The two passwords differ"),
    ],
)
def test_password_mistakes_are_named(client: Client, developer: User, given: dict[str, str], message: str) -> None:
    assert message in change(client, **given).content.decode()
    developer.refresh_from_db()
    assert developer.check_password(PASSWORD)


def test_audit_never_holds_a_password(client: Client) -> None:
    change(client)
    row = AuditRow.objects.get(action="user.change_password")
    assert (row.before, row.after) == (None, None)
