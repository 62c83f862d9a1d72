"""Alerts and bots: what is told to whom, once, and never another organisation's."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from apim.configuration import alerts, bots, tasks
from apim.configuration.models import BotSighting
from apim.eventhub.models import GatewayStatus
from gateway.schema import Stranger
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
BOTS = "/alert-subscriptions/bot-detection"


def stranger(path: str = "/wp-login.php", **more) -> Stranger:
    return Stranger("203.0.113.9", time.time(), "GET", path, **more)


def test_a_trouble_is_mailed_once_and_again_when_it_comes_back(admin, rest):
    body = {"alerts": [{"name": "GatewayRefusal"}], "emailList": ["ops@example.org"]}
    assert rest(admin).call("put", "/alert-subscriptions", body).json()["alerts"] == [
        {"id": "2", "name": "GatewayRefusal"}
    ]
    now = timezone.now()
    row = GatewayStatus.objects.create(
        gateway="g:1", environment="Default", host="g", pid=1, sequence=0, started=now, seen=now,
        refusals=[{"kind": "api", "key": "Default:x", "reason": "bad pattern"}],
    )  # fmt: skip
    tasks.look_for_trouble()
    tasks.look_for_trouble()
    assert [(one.to, "bad pattern" in one.body) for one in mail.outbox] == [(["ops@example.org"], True)]
    GatewayStatus.objects.filter(pk=row.pk).update(refusals=[], seen=now - timedelta(minutes=5))
    tasks.look_for_trouble()
    assert len(mail.outbox) == 1, "nobody asked for GatewaySilent"
    GatewayStatus.objects.filter(pk=row.pk).update(refusals=row.refusals, seen=timezone.now())
    tasks.look_for_trouble()
    assert len(mail.outbox) == 2
    assert rest(admin).call("delete", "/alert-subscriptions").status_code == 200
    assert rest(admin).call("get", "/alert-subscriptions").json() == {"alerts": [], "emailList": []}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"alerts": [{"name": "Nothing"}], "emailList": ["a@example.org"]}, "alerts"),
        ({"alerts": [{"name": "GatewaySilent"}], "emailList": ["nobody"]}, "emailList"),
        ({"alerts": [], "emailList": ["a@example.org"]}, "alerts"),
        ({"alerts": [{}], "emailList": []}, "alerts[0].name"),
        ({"alerts": [7], "emailList": []}, "alerts[0]"),
    ],
)
def test_wrong_subscriptions_name_their_field(admin, rest, body, place):
    answer = rest(admin).call("put", "/alert-subscriptions", body)
    assert answer.status_code == 400
    assert place in [one["field"] for one in answer.json()["error"]]


def test_bots_are_listed_for_the_organisation_they_searched(admin, other_organisation, rest):
    bots.note("g:1", [stranger(headers="host=x", calls=9), stranger("/t/acme.com/secret", calls=3)])
    found = rest(admin).call("get", "/bot-detection-data").json()
    assert (found["count"], found["list"][0]["calls"], found["list"][0]["headerSet"]) == (1, 9, "[host=x]")
    boss = make_user(other_organisation, "admin")
    assert [one["path"] for one in rest(boss).call("get", "/bot-detection-data").json()["list"]] == [
        "/t/acme.com/secret"
    ]


def test_addresses_are_told_of_bots_and_forgotten(admin, other_organisation, rest, monkeypatch):
    monkeypatch.setattr(tasks, "_due", lambda organisation: True)
    client = rest(admin)
    uuid = client.call("post", BOTS, {"email": "sec@example.org"}).json()["uuid"]
    assert client.call("post", BOTS, {"email": "sec@example.org"}).status_code == 409
    assert client.call("post", BOTS, {"email": "nobody"}).status_code == 400
    bots.note("g:1", [stranger(calls=9)])
    tasks.tell_of_bots([row.pk for row in BotSighting.objects.all()])
    assert mail.outbox[-1].to == ["sec@example.org"] and "203.0.113.9: 9 calls" in mail.outbox[-1].body
    boss = make_user(other_organisation, "admin")
    assert rest(boss).call("delete", f"{BOTS}/{uuid}").status_code == 404
    assert client.call("delete", f"{BOTS}/{uuid}").status_code == 200
    assert client.call("delete", f"{BOTS}/x").status_code == 404


def test_sightings_are_bounded(organisation, monkeypatch):
    monkeypatch.setattr(bots, "MOST_KEPT", 3)
    bots.note("g:1", [stranger(f"/{number}") for number in range(6)])
    old = BotSighting.objects.last()
    BotSighting.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=31))
    bots.prune()
    assert [row.path for row in BotSighting.objects.all()] == ["/5", "/4", "/3"]


def test_what_gateways_send_is_cut_to_what_is_kept(organisation):
    bots.note("g" * 500, [Stranger("c" * 900, 1e300, "M" * 90, "/" + "p" * 900 + "\0", "i" * 900, "h" * 9000, 2**40)])
    row = BotSighting.objects.get()
    assert (len(row.path), len(row.client), row.calls) == (500, 60, 2**31 - 1)
    assert {one.name for one in alerts.ALERTS} == {"GatewaySilent", "GatewayRefusal", "GatewayBehind"}
