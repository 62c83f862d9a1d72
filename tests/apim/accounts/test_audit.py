"""The audit trail: secrets never in it, found by text, filter and date, downloaded as CSV and JSON lines."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apim.accounts import audit, audit_export
from apim.accounts.actions.roles import set_roles
from apim.accounts.models import AuditRow
from tests.portal.builders import browser
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/auditrow/"


@pytest.fixture
def boss(admin):
    return set_roles(by=None, user=admin, roles=["admin"])


def test_what_is_called_like_a_secret_or_is_sealed_is_masked(boss):
    given = {
        "password": "hush1", "endpoints": [{"client_secret": "hush2", "url": "https://x"}], "value": "sealed:hush3",
        "consumerSecret": "hush4", "access_token": "hush5", "private_key": "hush6", "token_lifetime": "60",
        "token_url": "https://t", "secretless": "", "tokens": ["JWT"],
    }  # fmt: skip
    row = audit.record(boss, "x.y", boss, before=given, after=given)
    row.refresh_from_db()
    assert "hush" not in json.dumps([row.before, row.after])
    assert (
        row.after["token_lifetime"] == "60" and row.after["token_url"] == "https://t" and row.after["tokens"] == ["JWT"]
    )
    assert row.after["endpoints"][0]["url"] == "https://x"


def test_long_and_deep_values_are_cut(boss):
    deep: dict = {}
    for _ in range(50):
        deep = {"a": deep}
    row = audit.record(boss, "x.y", boss, after={"text": "a" * 50_000, "deep": deep})
    assert len(json.dumps(row.after)) < 25_000


def test_the_correlation_id_of_the_request_is_noted(boss):
    client = browser(boss)
    client.post(
        "/accounts/profile/", {"first_name": "A", "last_name": "B", "email": "a@b.cd"}, headers={"activityid": "abc-1"}
    )
    row = AuditRow.objects.get(action="user.update")
    assert row.correlation_id == "abc-1" and row.before["first_name"] == "" and row.after["first_name"] == "A"
    assert [one.pk for one in client.get(LIST, {"q": "abc-1"}).context["cl"].queryset] == [row.pk]


def ids(**chosen) -> dict[str, object]:
    return {"_selected_action": list(AuditRow.objects.filter(**chosen).values_list("pk", flat=True))}


def test_filters_by_date_and_action(boss):
    old = audit.record(boss, "old.thing", boss)
    AuditRow.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=60))
    audit.record(boss, "new.thing", boss)
    client = browser(boss)
    since = (timezone.now() - timedelta(days=7)).isoformat()
    page = client.get(LIST, {"at__gte": since}).content.decode()
    assert page.count("new.thing") > page.count("old.thing")
    rows = client.get(LIST, {"action": "old.thing"}).context["cl"].queryset
    assert [row.action for row in rows] == ["old.thing"]


def test_downloads(boss):
    audit.record(boss, "thing.make", boss, after={"name": 'Käse, "gut"', "password": "x"})
    AuditRow.objects.update(actor="=cmd()")
    client = browser(boss)
    answer = client.post(LIST, {"action": "export_csv", **ids()})
    assert answer.streaming and answer["X-Truncated"] == "false"
    table = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    found = next(row for row in table if row["action"] == "thing.make")
    assert found["actor"] == "'=cmd()" and json.loads(found["after"]) == {"name": 'Käse, "gut"', "password": "***"}
    answer = client.post(LIST, {"action": "export_lines", **ids(action="thing.make")})
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).decode().splitlines()]
    assert [line["action"] for line in lines] == ["thing.make"] and lines[0]["actor"] == "=cmd()"


def test_downloads_are_bounded(boss, monkeypatch):
    for _ in range(5):
        audit.record(boss, "thing.make", boss)
    monkeypatch.setattr(audit_export, "MOST", 3)
    answer = browser(boss).post(LIST, {"action": "export_lines", **ids()})
    assert len(b"".join(answer.streaming_content).splitlines()) == 3 and answer["X-Truncated"] == "true"


def test_a_tenant_downloads_its_own_rows_only(boss, other_organisation):
    audit.record(boss, "secret.thing", boss)
    stranger = set_roles(by=None, user=make_user(other_organisation), roles=["admin"])
    answer = browser(stranger).post(LIST, {"action": "export_lines", "select_across": "1", **ids()})
    text = b"".join(answer.streaming_content).decode()
    assert "user.set_roles" in text and "secret.thing" not in text


def test_nobody_changes_or_deletes_rows(boss):
    row = audit.record(boss, "x.y", boss)
    client = browser(boss)
    client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    client.post(f"{LIST}{row.pk}/change/", {"actor": "me"})
    client.post(LIST, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert AuditRow.objects.get(pk=row.pk).actor == boss.username
