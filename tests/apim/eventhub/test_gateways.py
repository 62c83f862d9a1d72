"""What gateways report, how it is shown, and when they are forgotten."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import msgspec
import pytest
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from prometheus_client.parser import text_string_to_metric_families

from apim.eventhub import beat, queries, tasks
from apim.eventhub.models import Event, GatewayStatus
from apim.eventhub.publish import Change, publish_all
from gateway import schema

pytestmark = pytest.mark.django_db
CLUSTER = {"Authorization": "Bearer tests-only-cluster-secret"}


def report(name: str = "g1", **fields: object):
    values = {
        "gateway": name,
        "environment": "Default",
        "host": "here",
        "pid": 7,
        "sequence": 1,
        "apis": 2,
        "subscriptions": 3,
        "started": time.time(),
    } | fields
    body = json.dumps(values) if "body" not in fields else fields["body"]
    return Client().post("/internal/eventhub/v1/status", body, content_type="application/json", headers=CLUSTER)


def test_a_report_is_kept_and_answered_with_the_newest_number():
    publish_all([Change("revocation", f"j{n}", schema.Revocation(f"j{n}", 1)) for n in range(5)])
    assert report().json() == {"sequence": 5}
    refusal = {"sequence": 4, "kind": "api", "key": "Default:abc", "reason": "no endpoint"}
    report(sequence=3, refusals=[refusal, refusal | {"key": "Default:xyz"}])
    (gateway,) = queries.environment_status("Default", "abc")
    assert (gateway.sequence, gateway.lag, gateway.gone, gateway.apis) == (3, 2, False, 2)
    assert gateway.refusals == (refusal,)
    assert len(queries.environment_status()[0].refusals) == 2
    assert queries.environment_status("Europe") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"body": "{"},
        {"body": "[]"},
        {"pid": "seven"},
        {"pid": 2**40},
        {"sequence": 2**70},
        {"apis": -(2**40)},
        {"gateway": "x" * 200},
        {"gateway": ""},
        {"host": "x" * 300},
        {"host": "a\x00b"},
        {"version": "x" * 50},
        {"started": 1e300},
        {"started": -1e18},
        {"refusals": "none"},
    ],
)
def test_a_wrong_report_is_the_reporters_mistake(fields):
    assert report(**fields).status_code == 400
    assert not GatewayStatus.objects.exists()


def test_a_silent_gateway_is_gone_after_a_minute_and_forgotten_after_a_day():
    report("live")
    report("gone", sequence=0)
    GatewayStatus.objects.filter(gateway="gone").update(seen=timezone.now() - timedelta(seconds=61))
    assert {gateway.gateway: gateway.gone for gateway in queries.environment_status()} == {"live": False, "gone": True}
    assert queries.prune_gone() == 0
    GatewayStatus.objects.filter(gateway="gone").update(seen=timezone.now() - timedelta(hours=25))
    tasks.prune()
    assert list(GatewayStatus.objects.values_list("gateway", flat=True)) == ["live"]


def test_pruning_takes_the_oldest_changes():
    publish_all([Change("revocation", f"j{n}", schema.Revocation(f"j{n}", 1)) for n in range(10)])
    Event.objects.filter(sequence__lte=4).update(at=timezone.now() - timedelta(days=8))
    tasks.prune()
    assert list(Event.objects.values_list("sequence", flat=True)) == [5, 6, 7, 8, 9, 10]


def test_the_schedule_is_written_once_and_keeps_the_administrators_choice():
    beat.schedule()
    PeriodicTask.objects.update(enabled=False)
    beat.schedule()
    assert PeriodicTask.objects.values_list("task", "enabled").get() == ("apim.eventhub.tasks.prune", False)


def test_gateways_and_metrics_can_be_read_by_the_cluster():
    publish_all([Change("revocation", "j", schema.Revocation("j", 1))])
    report(sequence=0)
    found = Client().get("/internal/eventhub/v1/gateways", {"environment": "Default"}, headers=CLUSTER).json()
    assert (found["sequence"], found["gateways"][0]["lag"]) == (1, 1)
    text = Client().get("/internal/eventhub/v1/metrics", headers=CLUSTER).content.decode()
    samples = {s.name: s.value for family in text_string_to_metric_families(text) for s in family.samples}
    assert samples["apim_eventhub_sequence"] == samples["apim_gateway_lag"] == samples["apim_eventhub_records"] == 1


def test_the_records_fit_the_schema():
    publish_all([Change("revocation", "j", schema.Revocation("j", 1))])
    assert msgspec.json.decode(Event.objects.get().record, type=schema.Revocation) == schema.Revocation("j", 1)
