"""Let an API cost money, or cost nothing again."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from publisher import monetization
from publisher.actions.access import PUBLISHERS, locked
from publisher.checks import Problems
from publisher.checks.basics import flag, shown, text
from publisher.models import Api

MOST_PROPERTIES = 50


@transaction.atomic
def monetize(*, by: User, api: Api, enabled: Any, properties: Any = None) -> Api:
    """Switch the monetization of `api` on or off; `properties` (names and texts for the billing provider) replace the old ones.

    Raises Invalid for wrong fields, and when it has no commercial plan to charge for.
    """
    api = locked(by, api, *PUBLISHERS)
    problems = Problems()
    enabled = flag(problems, "enabled", enabled)
    wanted = _properties(problems, properties) if properties is not None else api.monetization.get("properties") or {}
    problems.raise_any()
    plans = monetization.commercial_plans(api)
    if enabled and not plans:
        message = f"{api} offers no commercial plan. Offer one, then switch monetization on."
        raise Invalid(message, [FieldError("enabled", message)])
    if enabled:
        monetization.provider().enable(api, plans, wanted)
    elif api.monetization.get("enabled"):
        monetization.provider().disable(api)
    before, api.monetization = api.monetization, {"enabled": enabled, "properties": wanted}
    api.save(update_fields=["monetization", "updated"])
    audit.record(by, "api.monetize", api, before=before, after=api.monetization)
    return api


def _properties(problems: Problems, given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or len(given) > MOST_PROPERTIES:
        problems.add("properties", f"{shown(given)} is not an object of at most {MOST_PROPERTIES} texts.")
        return {}
    return {
        text(problems, "properties", name, most=100, least=1): text(problems, f"properties.{name}", value, most=1000)
        for name, value in given.items()
    }
