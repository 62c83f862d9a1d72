"""Streaming APIs in the contract: their type, the configuration of WebSub, and topics."""

from __future__ import annotations

from typing import Any

from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from publisher.actions.access import DESIGNERS
from publisher.actions.streaming import KINDS
from publisher.asyncapi import websub
from publisher.checks.basics import shown as shown_value
from publisher.models import Api

ALIASES = {"WEBHOOK": "WEBSUB", "WEBSOCKET": "WS"}


def kind(body: dict[str, Any]) -> str | None:
    """The kind that a contract's API asks for, None when it says nothing. Raises Invalid for another one."""
    given = body.get("type")
    if not given or given == "HTTP":
        return None
    name = ALIASES.get(str(given).upper(), str(given).upper())
    if name not in KINDS:
        message = f"{shown_value(given)} is not one of HTTP, SOAP, {', '.join(KINDS)}; others are made by importing a definition."
        raise Invalid(message, [FieldError("type", message)])
    return name


def kind_of_definition(body: dict[str, Any]) -> str | None:
    """The same where a definition comes along: `ASYNC` leaves it to that. Raises Invalid."""
    return None if str(body.get("type")).upper() == "ASYNC" else kind(body)


def options(body: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """`gateway_options` when the contract's API says something about WebSub, else nothing."""
    given, verify = body.get("websubSubscriptionConfiguration"), body.get("enableSubscriberVerification")
    if not isinstance(given, dict) and verify is None:
        return {}
    given = given if isinstance(given, dict) else {}
    said = {
        "enabled": given.get("enable"),
        "secret": given.get("secret"),
        "algorithm": given.get("signingAlgorithm"),
        "header": given.get("signatureHeader"),
        "verify": verify,
    }
    for name, wanted in (("enabled", bool), ("verify", bool), ("secret", str), ("algorithm", str), ("header", str)):
        if said[name] is not None and not isinstance(said[name], wanted):
            raise Invalid(f"{name}: wrong type.", [FieldError(name, f"Must be a {wanted.__name__}.")])
    return {"gateway_options": websub.changed(before, **said)}


def shown(api: Api) -> dict[str, Any]:
    """What the contract's API says besides of a WebSub API."""
    if api.kind != "WEBSUB":
        return {}
    found = websub.shown_options(api.gateway_options)
    return {
        "enableSubscriberVerification": found["verify"],
        "websubSubscriptionConfiguration": {
            "enable": found["enabled"],
            "secret": found["secret"],
            "signingAlgorithm": found["algorithm"],
            "signatureHeader": found["header"],
        },
    }


def for_reader(body: dict[str, Any], user: User) -> dict[str, Any]:
    """The contract's API without the secret for those who may not change it."""
    settings = body.get("websubSubscriptionConfiguration")
    if settings and not user.has_role(*DESIGNERS):
        body["websubSubscriptionConfiguration"] = settings | {"secret": ""}
    return body


def topic_in(given: Any) -> dict[str, Any]:
    """An operation from the contract's Topic. Raises Invalid naming the field."""
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(name, str) or not name:
        raise Invalid("list: every topic needs a name.", [FieldError("list", "Every topic needs a name.")])
    mode = str(given.get("mode") or "SUBSCRIBE").upper()
    return {"verb": mode, "target": name if name.startswith("/") else f"/{name}"}
