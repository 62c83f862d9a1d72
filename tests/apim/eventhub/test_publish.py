"""The outbox keeps order and never tells of what did not happen."""

from __future__ import annotations

import msgspec
import pytest
from django.db import transaction
from django.test import Client

from apim.accounts.models import Organisation
from apim.eventhub.models import Current, Event
from apim.eventhub.publish import publish
from gateway import schema

HUB = "/internal/eventhub/v1/changes"
SECRET = {"HTTP_AUTHORIZATION": "Bearer tests-only-cluster-secret"}
APPLICATION = schema.Application(id="a", organisation="carbon.super", name="Shop", owner="ann")


def changes(client: Client, after: int) -> schema.Batch:
    answer = client.get(HUB, {"after": after, "environment": "Default"}, **SECRET)
    assert answer.status_code == 200
    return msgspec.json.decode(answer.content, type=schema.Batch)


def test_a_change_is_seen_in_snapshot_and_delta(organisation: Organisation, client: Client) -> None:
    before = changes(client, 0).sequence
    with transaction.atomic():
        number = publish("application", "a", APPLICATION, organisation="carbon.super")
    (event,) = changes(client, before).events if before else changes(client, 0).events
    assert (event.sequence, event.kind, event.key) == (number, "application", "a")
    assert msgspec.json.decode(event.record, type=schema.Application) == APPLICATION


def test_a_deletion_leaves_the_snapshot_but_is_told(organisation: Organisation, client: Client) -> None:
    with transaction.atomic():
        first = publish("application", "a", APPLICATION)
        publish("application", "a", None)
    assert not Current.objects.filter(kind="application", key="a").exists()
    assert changes(client, first).events[-1].deleted


def test_a_rolled_back_change_is_never_told(organisation: Organisation) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        publish("application", "ghost", APPLICATION)
        raise RuntimeError
    assert not Event.objects.filter(key="ghost").exists()


def test_a_record_of_the_wrong_kind_is_refused(organisation: Organisation) -> None:
    with pytest.raises(TypeError, match="Subscription"), transaction.atomic():
        publish("subscription", "a", APPLICATION)


@pytest.mark.django_db
def test_strangers_are_turned_away(client: Client) -> None:
    answer = client.get(HUB, HTTP_AUTHORIZATION="Bearer guess", HTTP_ACCEPT="application/json")
    assert answer.status_code == 401
    assert "cluster secret" in answer.json()["description"]
