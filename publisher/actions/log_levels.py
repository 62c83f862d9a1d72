"""How much gateways log of one API's calls: changed while they serve, by administrators and operators."""

from __future__ import annotations

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, User
from apim.errors import FieldError, Invalid
from apim.eventhub.publish import publish
from gateway import schema
from publisher.actions.access import locked
from publisher.models import Api

LEVELS = ("OFF", "BASIC", "STANDARD", "FULL")
"""OFF; BASIC: one line a call; STANDARD and FULL: with the request's headers, secrets hidden."""

OPERATORS = (BuiltinRole.ADMIN, BuiltinRole.DEVOPS)


@transaction.atomic
def set_log_level(*, by: User, api: Api, level: str) -> Api:
    """Log the calls of `api` at `level` from now on, on every gateway. Raises Invalid for an unknown level."""
    if level not in LEVELS:
        message = f"{level!r} is not one of {', '.join(LEVELS)}."
        raise Invalid(f"logLevel: {message}", [FieldError("logLevel", message)])
    api = locked(by, api, *OPERATORS)
    before, api.log_level = api.log_level, level
    Api.objects.filter(pk=api.pk).update(log_level=level)
    record = None if level == "OFF" else schema.LogLevel(str(api.pk), level)
    publish("log_level", str(api.pk), record, organisation=api.organisation.domain)
    audit.record(by, "api.log_level", api, before={"log_level": before}, after={"log_level": level})
    return api
