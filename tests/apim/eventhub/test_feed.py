"""The changes resource: snapshot and deltas say the same, at any size, for the cluster only."""

from __future__ import annotations

import time
import tracemalloc

import msgspec
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apim.eventhub import feed
from apim.eventhub.models import Counter, Current, Event
from apim.eventhub.prune import forget, prune_events
from apim.eventhub.publish import Change, publish_all
from gateway import schema

pytestmark = pytest.mark.django_db
CLUSTER = {"Authorization": "Bearer tests-only-cluster-secret"}


def ask(after: int = 0, environment: str = "Default") -> schema.Batch:
    answer = Client().get(
        "/internal/eventhub/v1/changes", {"after": after, "environment": environment}, headers=CLUSTER
    )
    assert answer.status_code == 200, answer.content
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return msgspec.json.decode(body, type=schema.Batch)


def api(environment: str, number: int, revision: int) -> Change:
    record = schema.Api(str(number), "carbon.super", f"Api{number}", "1", f"/a{number}/1", "admin", revision, ())
    return Change("api", f"{environment}:{number}", record, "carbon.super", environment)


def deleted(change: Change) -> Change:
    return Change(change.kind, change.key, None, change.organisation, change.environment)


class Replica:
    """What a gateway keeps: the newest record of each key, by snapshot and deltas."""

    def __init__(self, environment: str = "Default") -> None:
        self.environment, self.sequence, self.records = environment, 0, {}
        self.snapshots = 0

    def catch_up(self) -> None:
        while True:
            batch = ask(self.sequence, self.environment)
            if batch.snapshot:
                self.records, self.snapshots = {}, self.snapshots + 1
            for event in batch.events:
                if event.deleted:
                    self.records.pop((event.kind, event.key), None)
                else:
                    self.records[event.kind, event.key] = bytes(event.record)
            self.sequence = batch.sequence
            if not batch.more:
                return


changes = st.tuples(st.sampled_from(["Default", "Europe", ""]), st.integers(1, 6), st.integers(1, 99), st.booleans())
steps = st.lists(st.one_of(changes, st.sampled_from(["poll", "prune", "roll back"])), max_size=30)


@given(steps)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_deltas_lead_to_the_snapshot(monkeypatch, plan):
    """Whatever is published, deleted, pruned and polled in between: a late and a fresh gateway hold the same."""
    monkeypatch.setattr(feed, "BATCH", 3)
    for model in (Event, Current, Counter):
        model.objects.all().delete()
    follower = Replica()
    for step in plan:
        if step == "poll":
            follower.catch_up()
        elif step == "prune":
            prune_events(rows=2)
        elif step != "roll back":
            environment, number, revision, gone = step
            change = api(environment, number, revision)
            publish_all([deleted(change) if gone else change])
    follower.catch_up()
    fresh = Replica()
    fresh.catch_up()
    assert follower.records == fresh.records
    assert follower.sequence == fresh.sequence == feed.last_sequence()
    assert not any(key.startswith("Europe") for _, key in fresh.records)


def test_a_gateway_sees_its_environment_and_what_is_for_all():
    publish_all([api("Default", 1, 1), api("Europe", 2, 1), Change("revocation", "j", schema.Revocation("j", 9))])
    for after in (0,):
        assert {event.key for event in ask(after).events} == {"Default:1", "j"}
        assert {event.key for event in ask(after, "Europe").events} == {"Europe:2", "j"}
    assert [event.key for event in ask(1).events] == ["j"]
    assert ask(1).sequence == 3


def test_nothing_new_is_an_empty_delta_even_when_everything_old_is_pruned():
    publish_all([api("Default", n, 1) for n in range(3)])
    prune_events(rows=0)
    assert not Event.objects.exists()
    assert (ask(3).sequence, ask(3).events, ask(3).snapshot) == (3, [], False)
    assert ask(2).snapshot
    assert ask(99).snapshot


def test_a_pruned_gap_gives_a_snapshot_never_a_hole():
    publish_all([api("Default", n, 1) for n in range(5)])
    Event.objects.filter(sequence=3).delete()
    assert ask(2).snapshot
    assert not ask(3).snapshot


def test_a_long_delta_comes_in_parts(monkeypatch):
    monkeypatch.setattr(feed, "BATCH", 4)
    publish_all([api("Europe" if n % 2 else "Default", n, 1) for n in range(10)])
    first = ask(1)
    assert (first.sequence, first.more, len(first.events)) == (5, True, 2)
    assert ask(9).more is False


def test_a_deletion_is_null():
    publish_all([api("Default", 1, 1), deleted(api("Default", 1, 1))])
    (event,) = ask(1).events
    assert event.deleted


def test_forgotten_records_leave_the_snapshot():
    publish_all([Change("revocation", f"j{n}", schema.Revocation(f"j{n}", n)) for n in range(1200)])
    assert forget("revocation", (f"j{n}" for n in range(1199))) == 1199
    assert [event.key for event in ask().events] == ["j1199"]


def test_ten_thousand_records_are_quick_and_take_no_memory():
    publish_all([api("Default", n, 1) for n in range(10_000)])
    start = time.process_time()
    assert len(ask().events) == 10_000
    assert time.process_time() - start < 5
    tracemalloc.start()
    size = sum(len(piece) for piece in feed.snapshot("Default"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000, f"{peak:,} bytes held for a snapshot of {size:,}"


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "", "9" * 19, "²", "1 "])
def test_a_wrong_number_is_refused(after):
    answer = Client().get("/internal/eventhub/v1/changes", {"after": after}, headers=CLUSTER)
    assert answer.status_code == 400
    assert "sequence number" in answer.json()["description"]


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer é"}])
@pytest.mark.parametrize("path", ["changes", "status", "gateways", "metrics"])
def test_only_the_cluster_is_let_in(header, path):
    client = Client()
    send = client.post if path == "status" else client.get
    assert send(f"/internal/eventhub/v1/{path}", headers=header).status_code == 401


def marked(after: int, mark: str) -> schema.Batch:
    answer = Client().get("/internal/eventhub/v1/changes", {"after": after, "mark": mark}, headers=CLUSTER)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return msgspec.json.decode(body, type=schema.Batch)


def test_another_database_is_noticed_by_the_mark_of_the_last_change():
    marks = {}
    for number in range(1, 5):
        publish_all([api("Default", number, 1)])
        marks[number] = ask(number).mark
    assert len(set(marks.values())) == 4 and all(marks.values())
    assert ask(0).mark == marks[4]
    for number in range(1, 5):
        batch = marked(number, marks[number])
        assert (batch.snapshot, len(batch.events), batch.mark) == (False, 4 - number, marks[4])
        assert marked(number, "").snapshot is False
        assert marked(number, "other").snapshot is True
        assert marked(number, marks[number % 4 + 1]).snapshot is True


def test_pages_carry_the_mark_of_their_last_change(monkeypatch):
    monkeypatch.setattr(feed, "BATCH", 2)
    for number in range(1, 6):
        publish_all([api("Default", number, 1)])
    first = ask(1)
    assert (first.more, first.sequence) == (True, 3)
    assert marked(3, first.mark).snapshot is False


def test_the_newest_mark_outlives_pruning():
    publish_all([api("Default", 1, 1)])
    mark = ask(0).mark
    prune_events(days=0)
    assert not Event.objects.exists()
    assert marked(1, mark).snapshot is False
    assert marked(1, "other").snapshot is True
