"""Publishing: numbers in order, nothing of a rolled-back change, one hint per commit."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.conf import settings as django_settings
from django.db import connection, transaction
from structlog.testing import capture_logs

from apim.eventhub import publish as module
from apim.eventhub.models import Counter, Current, Event
from apim.eventhub.publish import HINT_CHANNEL, Change, publish, publish_all
from gateway import schema
from tests.support.wait import until


def revocation(number: int) -> Change:
    return Change("revocation", f"jti-{number}", schema.Revocation(f"jti-{number}", number))


@pytest.fixture
def hints(transactional_db):
    """What gateways hear: a subscriber of its own on the real Redis."""
    client = redis.Redis.from_url(django_settings.APIM.redis)
    channel = client.pubsub(ignore_subscribe_messages=True)
    channel.subscribe(HINT_CHANNEL)
    until(lambda: client.pubsub_numsub(HINT_CHANNEL)[0][1], what="the subscription")
    channel.get_message(timeout=0.2)
    yield channel
    channel.close()
    client.close()


def heard(channel) -> int | None:
    message = channel.get_message(timeout=2)
    return int(message["data"]) if message else None


@pytest.mark.django_db
def test_it_needs_a_transaction_and_the_right_record(organisation):
    with pytest.raises(TypeError, match="takes Policy, not Revocation"):
        publish("policy", "x", schema.Revocation("a", 1))


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_refuses():
    with pytest.raises(transaction.TransactionManagementError, match="outside a transaction"):
        publish("revocation", "a", schema.Revocation("a", 1))
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_current_is_the_last_event_of_each_key():
    first = publish_all([revocation(1), revocation(2), revocation(1)])
    publish("revocation", "jti-2", None)
    assert Event.objects.count() == first + 1 == 4
    assert list(Current.objects.values_list("key", "sequence")) == [("jti-1", 3)]
    publish("revocation", "jti-2", schema.Revocation("jti-2", 7))
    assert Current.objects.get(key="jti-2").sequence == 5


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_change_leaves_nothing_and_no_hint(hints):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish_all([revocation(1)])
        raise ZeroDivisionError
    assert not Event.objects.exists()
    assert not Current.objects.exists()
    with transaction.atomic():
        number = publish_all([revocation(2)])
    assert number == 1
    assert heard(hints) == 1


@pytest.mark.django_db(transaction=True)
def test_one_hint_per_commit_also_around_savepoints(hints):
    with transaction.atomic():
        publish_all([revocation(1), revocation(2)])
        publish_all([revocation(3)])
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            publish_all([revocation(4)])
            raise ZeroDivisionError
        with transaction.atomic():
            last = publish_all([revocation(5)])
    assert heard(hints) == last == 4
    assert hints.get_message(timeout=0.2) is None
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            publish_all([revocation(6)])
            raise ZeroDivisionError
        last = publish_all([revocation(7)])
    assert heard(hints) == last == 5


@pytest.mark.django_db(transaction=True)
def test_a_lost_hint_is_logged_and_the_change_stays(settings, monkeypatch):
    monkeypatch.setattr(module, "_redis", {})
    settings.APIM = settings.APIM.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    with capture_logs() as logs, transaction.atomic():
        publish_all([revocation(1)])
    assert [(line["event"], line["sequence"]) for line in logs] == [("eventhub.hint_lost", 1)]
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_never_show_a_gap():
    """A reader that polls while writers commit and roll back sees every number below the newest one it sees."""
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        pytest.skip(
            "an in-memory SQLite database has one connection, so there is no concurrency; run with --database=postgres"
        )
    done = threading.Event()
    gaps: list[list[int]] = []

    def write(worker: int) -> None:
        try:
            for n in range(25):
                try:
                    with transaction.atomic():
                        publish_all([revocation(worker * 1000 + n)] * (1 + n % 3))
                        if n % 5 == 4:
                            raise ZeroDivisionError
                except ZeroDivisionError:
                    continue
        finally:
            connection.close()

    def read() -> None:
        try:
            while not done.is_set():
                seen = list(Event.objects.values_list("sequence", flat=True))
                if seen != list(range(1, len(seen) + 1)):
                    gaps.append(seen)
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(read)
        for writer in [pool.submit(write, worker) for worker in range(4)]:
            writer.result(60)
        done.set()
        reader.result(60)
    assert not gaps
    total = 4 * sum(1 + n % 3 for n in range(25) if n % 5 != 4)
    assert Counter.objects.get().last == Event.objects.count() == total


@pytest.mark.django_db(transaction=True)
def test_the_second_writer_waits_for_the_first_ones_commit():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time by itself; run with --database=postgres")
    holding, release, order = threading.Event(), threading.Event(), []

    def first() -> None:
        try:
            with transaction.atomic():
                order.append(publish_all([revocation(1)]))
                holding.set()
                assert release.wait(10)
        finally:
            connection.close()

    def second() -> None:
        try:
            assert holding.wait(10)
            with transaction.atomic():
                order.append(publish_all([revocation(2)]))
        finally:
            connection.close()

    Counter.objects.get_or_create(pk=1)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(first), pool.submit(second)]
        assert holding.wait(10)
        until(lambda: _waiting_for_a_lock(), what="the second writer waits")
        assert order == [1]
        release.set()
        for job in jobs:
            job.result(10)
    assert order == [1, 2]


def _waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])
