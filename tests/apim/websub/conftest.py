"""A WebSub API as gateways know it, with a subscription of one application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from apim.eventhub import publish as eventhub
from apim.websub import actions, queue
from apim.websub.actions import Request
from gateway import schema
from tests.apim.websub.callback import Callback

API = "11111111-1111-1111-1111-111111111111"
BOUGHT = "22222222-2222-2222-2222-222222222222"


@transaction.atomic
def publish(*arguments: Any, **named: Any) -> None:
    """A record, as gateways get it."""
    eventhub.publish(*arguments, **named)


@pytest.fixture
def callback() -> Iterator[Callback]:
    """A subscriber that agrees to everything."""
    with Callback() as one:
        yield one


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was given to Celery; tests do the work themselves."""
    found: list[Any] = []
    monkeypatch.setattr(queue, "deliver", found.extend)
    monkeypatch.setattr(queue, "verify", found.extend)
    return found


@pytest.fixture
def deploy(organisation: Any, queued: list[Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Publishes the records: an API with the topics /orders and /news, and the plan of the subscription."""
    monkeypatch.setattr(settings.APIM, "websub_networks", "127.0.0.0/8")

    def build(verify: bool = False, **plan: Any) -> None:
        topics = tuple(schema.Operation("SUBSCRIBE", target) for target in ("/orders", "/news"))
        properties = (("subscriber_verification", "true"),) if verify else ()
        domain = organisation.domain
        api = schema.Api(API, domain, "hub", "1", "/hub/1", "admin", 1, topics, kind="WEBSUB", properties=properties)
        publish("api", f"Default:{API}", api, organisation=domain, environment="Default")
        publish("subscription", BOUGHT, schema.Subscription(BOUGHT, API, "app", "Plan"), organisation=domain)
        policy = schema.Policy(domain, "subscription", "Plan", **plan)
        publish("policy", f"{domain}:subscription:Plan", policy, organisation=domain)

    return build


def wish(callback: str, **changes: Any) -> Any:
    """A subscription of the application."""
    fields: dict[str, Any] = {
        "environment": "Default", "api": API, "application": "app", "plan_subscription": BOUGHT, "mode": "subscribe",
        "topic": "/orders", "callback": callback,
    }  # fmt: skip
    return actions.change_subscription(Request(**fields | changes))


def event(body: bytes = b'{"order": 1}', topic: str = "/orders") -> Any:
    """A published event."""
    return actions.take_event("Default", API, topic, "http://gateway/hub/1", "application/json", body)
