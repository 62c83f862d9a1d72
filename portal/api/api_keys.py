"""REST: the API keys of an application."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid
from portal import queries
from portal.actions import api_keys
from portal.api import scopes
from portal.api.base import payload, text
from portal.api.scopes import ScopedView
from portal.models import ApiKey, Application

ENDLESS = -1
"""`validityPeriod` of a key without end, as the original has it."""


class ApiKeys(ScopedView):
    """GET /applications/{applicationId}/api-keys/{keyType}: what is known of them, never the keys."""

    scopes = scopes.API_KEYS

    def get(self, request: Request, application_id: UUID, key_type: str) -> Response:
        application = queries.application(request.user, application_id)
        found = [_info(key) for key in queries.api_keys(application, api_keys.known_type(key_type))]
        return Response({"count": len(found), "list": found})


class Generate(ScopedView):
    """POST …/generate: the only answer that shows the key."""

    scopes = scopes.API_KEYS

    def post(self, request: Request, application_id: UUID, key_type: str) -> Response:
        application = queries.application(request.user, application_id)
        body = payload(request) if request.data else {}
        more = body.get("additionalProperties") or {}
        if not isinstance(more, dict):
            raise Invalid("A field is wrong.", [FieldError("additionalProperties", "must be an object")])
        key, value = api_keys.generate_api_key(
            by=request.user,
            application=application,
            key_type=api_keys.known_type(key_type),
            name=text(body, "keyName", ""),
            lifetime=_lifetime(body.get("validityPeriod", ENDLESS)),
            addresses=_listed(more, "permittedIP"),
            referers=_listed(more, "permittedReferer"),
        )
        return Response(_shown(key, value))


class Regenerate(ScopedView):
    """POST …/regenerate: a key like an older one, which ends."""

    scopes = scopes.API_KEYS

    def post(self, request: Request, application_id: UUID, key_type: str) -> Response:
        key = _known(request, queries.application(request.user, application_id), api_keys.known_type(key_type))
        return Response(_shown(*api_keys.regenerate_api_key(by=request.user, key=key)))


class Revoke(ScopedView):
    """POST …/revoke: by the key itself or by its id."""

    scopes = scopes.API_KEYS

    def post(self, request: Request, application_id: UUID, key_type: str) -> Response:
        application, kind = queries.application(request.user, application_id), api_keys.known_type(key_type)
        if payload(request).get("keyUUID") is not None:
            api_keys.revoke_api_key(by=request.user, key=_known(request, application, kind))
        else:
            value = text(payload(request), "apikey")
            api_keys.revoke_by_value(by=request.user, application=application, key_type=kind, text=value)
        return Response(status=200)


def _known(request: Request, application: Application, key_type: str) -> ApiKey:
    key = queries.api_key(application, text(payload(request), "keyUUID"))
    if key.key_type != key_type:
        raise Invalid("That key is for the other side.", [FieldError("keyUUID", f"is a {key.key_type} key")])
    return key


def _lifetime(value: Any) -> int | None:
    if value in (None, ENDLESS, str(ENDLESS)):
        return None
    digits = str(value)
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit() and len(digits) < 12):
        raise Invalid(
            "A field is wrong.", [FieldError("validityPeriod", f"{digits[:40]!r} is not a number of seconds")]
        )
    return int(digits)


def _listed(more: dict[str, Any], name: str) -> list[str]:
    return [part.strip() for part in text(more, name, "").split(",") if part.strip()]


def _seconds(key: ApiKey) -> int:
    return ENDLESS if key.expires is None else round((key.expires - key.created).total_seconds())


def _shown(key: ApiKey, value: str) -> dict[str, Any]:
    return {"keyName": key.name, "keyUUID": str(key.pk), "apikey": value, "validityPeriod": _seconds(key)}


def _info(key: ApiKey) -> dict[str, Any]:
    return {
        "keyUUID": str(key.pk),
        "keyName": key.name,
        "issuedOn": key.created.strftime("%Y-%m-%d %H:%M:%S"),
        "validityPeriod": _seconds(key),
        "lastUsed": key.last_used.strftime("%Y-%m-%d %H:%M:%S") if key.last_used else "NOT_USED",
    }
