"""Streaming APIs for callers: their definition with the gateway's addresses, lines to paste, and the callbacks of WebSub."""

from __future__ import annotations

import shlex
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from apim.accounts.models import User
from apim.websub.models import Subscription
from apim.websub.queries import of_applications
from portal import queries
from portal.addresses import Address
from publisher import kinds
from publisher.actions.streaming import asyncapi_text
from publisher.asyncapi.writing import for_callers
from publisher.models import Api

SUCCESS, FAILURE = 1, 2
"""`deliveryStatus` of the contract; 0 says that nothing was delivered yet."""


def streams(api: Api) -> bool:
    """Whether `api` is described by AsyncAPI."""
    return kinds.of(api.kind).document == "asyncapi"


def definition(api: Api, places: list[Address]) -> dict[str, Any]:
    """The AsyncAPI document for callers of the gateway: no backend address, no extensions of ours."""
    document = for_callers(asyncapi_text(api), {place.environment: place.urls for place in places})
    document["info"] = {**(document.get("info") or {}), "title": api.name, "version": api.version}
    return document


def call_line(api: Api, places: list[Address], token: str) -> str:
    """A line that listens to the first topic, or subscribes a callback to it; empty when no gateway runs the API."""
    operation = api.operations.filter(verb="SUBSCRIBE").first() or api.operations.first()
    if not places or not places[0].urls or operation is None:
        return ""
    url = places[0].urls[0]
    header = f'-H "{api.authorization_header or "Authorization"}: Bearer {token}" '
    header = "" if operation.auth == "none" else header
    if api.kind == "WEBSUB":
        fields = {
            "hub.mode": "subscribe",
            "hub.topic": operation.target,
            "hub.callback": "https://example.org/callback",
        }
        form = " ".join(f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in fields.items())
        return f"curl -k {header}{form} {shlex.quote(url)}"
    target = shlex.quote(url + operation.target.removesuffix("*"))
    return f"wscat {header}-c {target}" if api.kind == "WS" else f"curl -k -N {header}{target}"


def callbacks(user: User | AnonymousUser, application: str = "", api: str = "") -> QuerySet[Subscription]:
    """The callbacks of the user's own applications, of one application or API when these are given. Raises NotFound."""
    if not user.is_authenticated:
        return Subscription.objects.none()
    own = queries.applications(user)
    found = [queries.application(user, application)] if application else own
    return of_applications([str(one.pk) for one in found], api)


def delivery_status(row: Subscription) -> int:
    """How the last delivery went, in the contract's numbers."""
    if not row.delivered:
        return 0
    return SUCCESS if 200 <= row.delivery_status < 300 else FAILURE
