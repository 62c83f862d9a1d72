"""The hub: who gets which event, how deliveries are signed and tried again, what plans and addresses are allowed."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apim.errors import Invalid
from apim.websub import deliver, outbound, tasks
from apim.websub.errors import BadCallback, TooMany, UnknownTopic
from apim.websub.models import Delivery, Event, Outcome, State, Subscription
from gateway import schema
from tests.apim.websub.callback import Callback
from tests.apim.websub.conftest import API, BOUGHT, event, publish, wish

pytestmark = pytest.mark.django_db(transaction=True)


def work(queued: list[Any]) -> None:
    """Does what was queued, as a worker would."""
    while queued:
        one = queued.pop(0)
        deliver.send(one) if isinstance(one, int) else deliver.ask(str(one))


def make_due() -> None:
    """Time passes: every waiting delivery is due."""
    Delivery.objects.filter(outcome=Outcome.PENDING).update(due=timezone.now() - timedelta(seconds=1))


def test_an_event_reaches_the_callbacks_of_its_topic_signed(deploy: Any, queued: list[Any], callback: Callback) -> None:
    deploy()
    wish(callback.url, secret="s3cret")
    with Callback() as other:
        wish(other.url, topic="/news")
        event(b"\x00body")
        work(queued)
        assert other.events == []
    ((headers, body),) = callback.events
    assert body == b"\x00body"
    assert headers["content-type"] == "application/json"
    assert headers["link"] == '<http://gateway/hub/1>; rel="hub", </orders>; rel="self"'
    assert headers["x-hub-signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert Delivery.objects.get().outcome == Outcome.DELIVERED
    assert "s3cret" not in Subscription.objects.get(topic="/orders").secret


def test_failures_are_tried_again_with_growing_waits_and_given_up(
    deploy: Any, queued: list[Any], callback: Callback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings.APIM, "websub_attempts", 3)
    deploy()
    wish(callback.url)
    callback.answers = [500, 302, 503, 500, 204]
    event()
    waits = []
    for _ in range(5):
        work(queued)
        delivery = Delivery.objects.get()
        waits.append((delivery.due - timezone.now()).total_seconds())
        make_due()
        tasks.sweep()
    assert len(callback.events) == 3, "the third failure is the last"
    assert 5 < waits[0] < 13 < waits[1] < 25
    assert (delivery.outcome, delivery.status, delivery.attempts) == (Outcome.FAILED, 503, 3)
    event()
    work(queued)
    make_due()
    tasks.sweep()
    work(queued)
    assert Delivery.objects.latest("pk").outcome == Outcome.DELIVERED


def test_nothing_is_sent_before_it_is_due_or_while_another_has_it(
    deploy: Any, queued: list[Any], callback: Callback
) -> None:
    deploy()
    wish(callback.url)
    event()
    (one,) = queued
    Delivery.objects.update(claimed=timezone.now() + timedelta(seconds=30))
    deliver.send(one)
    assert callback.events == []
    Delivery.objects.update(claimed=timezone.now() - timedelta(seconds=1))  # its worker died
    queued.clear()
    tasks.sweep()
    work(queued)
    work([one])
    assert len(callback.events) == 1


def test_verification_by_challenge(deploy: Any, queued: list[Any], callback: Callback) -> None:
    deploy(verify=True)
    wish(callback.url, lease_seconds=60)
    event(b"too early")
    work(queued)
    row = Subscription.objects.get()
    assert (row.state, callback.events) == (State.ACTIVE, [])
    assert callback.asked[0] | {"hub.challenge": ""} == {
        "room": "1", "hub.mode": "subscribe", "hub.topic": "/orders", "hub.challenge": "", "hub.lease_seconds": "60",
    }  # fmt: skip
    assert row.expires is not None and 50 < (row.expires - timezone.now()).total_seconds() <= 60
    wish(callback.url, mode="unsubscribe")
    event(b"still listening")
    work(queued)
    assert Subscription.objects.count() == 0, "the callback confirmed that it wants no more"
    assert callback.asked[-1]["hub.mode"] == "unsubscribe"


def test_a_wish_that_is_not_confirmed_changes_nothing(deploy: Any, queued: list[Any]) -> None:
    deploy(verify=True)
    with Callback(consents=False) as stranger:
        wish(stranger.url)
        work(queued)
        assert Subscription.objects.get().state == State.DENIED
        event()
        assert Delivery.objects.count() == 0
        Subscription.objects.update(state=State.ACTIVE, expires=timezone.now() + timedelta(hours=1))
        wish(stranger.url, mode="unsubscribe")
        work(queued)
        assert Subscription.objects.get().state == State.ACTIVE, "nobody else can end it"


def test_leases_end(deploy: Any, queued: list[Any], callback: Callback) -> None:
    deploy()
    wish(callback.url, lease_seconds=5)
    Subscription.objects.update(expires=timezone.now() - timedelta(seconds=1))
    event()
    work(queued)
    assert callback.events == []
    tasks.prune()
    assert Subscription.objects.count() == 0


def test_plans_cap_subscriptions_and_events(deploy: Any, queued: list[Any], callback: Callback) -> None:
    deploy(quota=schema.Limit(2, 2_592_000, "events"), subscriber_count=2)
    wish(callback.url)
    wish(callback.url, topic="/news")
    wish(callback.url)  # once more: no new one
    with pytest.raises(TooMany, match="allows 2"):
        wish(callback.url + "&more")
    for _ in range(3):
        event()
    work(queued)
    assert len(callback.events) == 2
    assert Delivery.objects.filter(outcome=Outcome.THROTTLED).count() == 1
    wish(callback.url, topic="/news", mode="unsubscribe")
    wish(callback.url + "&more")


def test_subscriptions_that_the_publisher_blocked_get_nothing(
    deploy: Any, queued: list[Any], callback: Callback, organisation: Any
) -> None:
    deploy()
    wish(callback.url)
    blocked = schema.Subscription(BOUGHT, API, "app", "Plan", "BLOCKED")
    publish("subscription", BOUGHT, blocked, organisation=organisation.domain)
    event()
    publish("subscription", BOUGHT, None, organisation=organisation.domain)
    event()
    work(queued)
    assert callback.events == []


def test_a_callback_that_is_gone_is_forgotten(deploy: Any, queued: list[Any], callback: Callback) -> None:
    deploy()
    wish(callback.url)
    callback.answers = [410]
    event()
    work(queued)
    assert Subscription.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"topic": "/unknown"}, UnknownTopic),
        ({"api": "33333333-3333-3333-3333-333333333333"}, UnknownTopic),
        ({"environment": "Elsewhere"}, UnknownTopic),
        ({"mode": "publish"}, Invalid),
        ({"secret": "x" * 201}, Invalid),
        ({"lease_seconds": 10**9}, Invalid),
        ({"callback": "ftp://example.org/"}, BadCallback),
        ({"callback": "https://user:pw@example.org/"}, BadCallback),
        ({"callback": "https://example.org/#part"}, BadCallback),
        ({"callback": "https:///path"}, BadCallback),
        ({"callback": "https://example.org:0/"}, BadCallback),
        ({"callback": "https://example.org/a b"}, BadCallback),
        ({"callback": "https://example.org/" + "x" * 2000}, BadCallback),
    ],
)
def test_wishes_that_cannot_be_granted(deploy: Any, changes: dict[str, Any], error: type[Exception]) -> None:
    deploy()
    with pytest.raises(error):
        wish(**{"callback": "https://example.org/"} | changes)
    assert Subscription.objects.count() == 0


def test_events_of_unknown_topics_are_refused(deploy: Any) -> None:
    deploy()
    with pytest.raises(UnknownTopic):
        event(topic="/unknown")
    assert Event.objects.count() == 0


@pytest.mark.parametrize("address", ["10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_addresses_of_inner_networks_are_not_called_unless_named(deploy: Any, address: str) -> None:
    assert outbound.resolve("127.0.0.1", 80) == "127.0.0.1"  # named in the settings
    with pytest.raises(outbound.CallFailed, match="inner network; such are asked when APIM_WEBSUB_NETWORKS names"):
        outbound.resolve(address, 80)


def test_private_callbacks_are_not_called(
    deploy: Any, queued: list[Any], callback: Callback, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    wish(callback.url)
    monkeypatch.setattr(settings.APIM, "websub_networks", "")
    event()
    work(queued)
    delivery = Delivery.objects.get()
    assert callback.events == []
    assert "an inner network" in delivery.error


def test_the_internal_resources_want_the_cluster_secret_and_tell_mistakes(deploy: Any, callback: Callback) -> None:
    deploy()
    client = Client(raise_request_exception=False)
    body = {
        "environment": "Default", "api": API, "application": "app", "plan_subscription": BOUGHT, "mode": "subscribe",
        "topic": "/orders", "callback": callback.url,
    }  # fmt: skip
    path = "/internal/websub/v1/subscriptions"
    secret = {"Authorization": f"Bearer {settings.CLUSTER_SECRET}"}
    assert client.post(path, body, content_type="application/json").status_code == 401
    answer = client.post(path, body, content_type="application/json", headers=secret)
    assert (answer.status_code, answer.json()) == (202, {"state": "ACTIVE"})
    answer = client.post(path, body | {"topic": "/x"}, content_type="application/json", headers=secret)
    assert (answer.status_code, answer.json()["error"]) == (404, "hub.topic: this API has no topic '/x'.")
    assert client.post(path, {"api": 1}, content_type="application/json", headers=secret).status_code == 400
    query = f"environment=Default&api={API}&topic=/orders"
    answer = client.post(f"/internal/websub/v1/events?{query}", b"raw", content_type="text/plain", headers=secret)
    assert answer.status_code == 202
    assert bytes(Event.objects.get().body) == b"raw"
