"""Sets the properties that an API has in one gateway environment; they are kept for clients, gateways do not read them."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from publisher.actions.access import DESIGNERS, locked
from publisher.checks import Problems
from publisher.checks.basics import shown, text
from publisher.models import Api, GatewayEnvironment

MOST = 100


@transaction.atomic
def set_properties(
    *, by: User, api: Api, environment: GatewayEnvironment, values: dict[str, Any], expected: str = ""
) -> Api:
    """Replace the properties of `api` in `environment`. Raises Invalid naming the property."""
    api = locked(by, api, *DESIGNERS, expected=expected)
    problems = Problems()
    if len(values) > MOST:
        problems.add("body", f"Has {len(values)} properties; {MOST} at most.")
    for name, value in list(values.items())[:MOST]:
        text(problems, name[:80] or "body", name, most=80, least=1)
        if not isinstance(value, str) or len(value) > 2000:
            problems.add(name[:80] or "body", f"{shown(value)} is not text of at most 2000 characters.")
    problems.raise_any()
    key = str(environment.pk)
    before = api.environment_properties.get(key, {})
    api.environment_properties = {**api.environment_properties, key: values}
    api.save(update_fields=["environment_properties", "updated"])
    audit.record(by, "api.environment_properties", api, before={key: before}, after={key: values})
    return api
