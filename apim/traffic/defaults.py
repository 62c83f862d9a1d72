"""The policies every organisation starts with (reference A11)."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apim.accounts.models import Organisation
from apim.eventhub.publish import publish_all
from apim.traffic.models import UNAUTHENTICATED, UNLIMITED, Level, LimitKind, Policy, TimeUnit
from apim.traffic.records import change


def _requests(level: Level, name: str, amount: int | None, text: str) -> dict[str, Any]:
    return {"level": level, "name": name, "amount": amount, "description": text}


def _events(name: str, amount: int | None, unit: TimeUnit, subscribers: int | None = None) -> dict[str, Any]:
    text = (
        "Streaming plan without a limit." if amount is None else f"Streaming plan: {amount:,} events per {unit.label}."
    )
    window = {"time_unit": unit, "kind": LimitKind.EVENTS, "subscriber_count": subscribers}
    return {"level": Level.SUBSCRIPTION, "name": name, "amount": amount, "description": text, **window}


def _plan(name: str, amount: int) -> dict[str, Any]:
    return _requests(Level.SUBSCRIPTION, name, amount, f"{amount:,} requests per minute.")


DEFAULTS: tuple[dict[str, Any], ...] = (
    *(_requests(Level.APPLICATION, f"{n}PerMin", n, f"{n} requests per minute.") for n in (10, 20, 50)),
    _requests(Level.APPLICATION, UNLIMITED, None, "No limit."),
    _plan("Bronze", 1000),
    _plan("Silver", 2000),
    _plan("Gold", 5000),
    _requests(Level.SUBSCRIPTION, UNLIMITED, None, "No limit."),
    _requests(Level.SUBSCRIPTION, UNAUTHENTICATED, 500, "Calls without a token."),
    _events("AsyncGold", 50_000, TimeUnit.DAY),
    _events("AsyncSilver", 25_000, TimeUnit.DAY),
    _events("AsyncBronze", 5_000, TimeUnit.DAY),
    _events("AsyncUnlimited", None, TimeUnit.DAY),
    _events("AsyncWHGold", 10_000, TimeUnit.MONTH, 1000),
    _events("AsyncWHSilver", 5_000, TimeUnit.MONTH, 500),
    _events("AsyncWHBronze", 1_000, TimeUnit.MONTH, 100),
    _events("AsyncWHUnlimited", None, TimeUnit.MONTH),
    *(_requests(Level.API, f"{n}KPerMin", n * 1000, f"{n * 1000:,} requests per minute.") for n in (10, 20, 50)),
    _requests(Level.API, UNLIMITED, None, "No limit."),
)


@transaction.atomic
def seed(organisation: Organisation) -> None:
    """Give `organisation` the default policies it does not have yet, and tell the gateways."""
    present = set(Policy.objects.filter(organisation=organisation).values_list("level", "name"))
    missing = [
        Policy(organisation=organisation, display_name=values["name"], built_in=True, **values)
        for values in DEFAULTS
        if (values["level"], values["name"]) not in present
    ]
    if missing:
        Policy.objects.bulk_create(missing)
        publish_all([change(policy) for policy in missing])
