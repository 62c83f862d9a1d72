"""REST: the OAuth keys of an application, and test tokens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid
from apim.keymanager.models import RESIDENT
from portal import queries
from portal.actions import keys
from portal.api import dto, scopes
from portal.api.base import field_names, payload, strings, text
from portal.api.scopes import ScopedView
from portal.models import ApplicationKey

GENERATE_NAMES = {"grantTypes": "grantTypesToBeSupported", "validityPeriod": "validityTime"}
UPDATE_NAMES = {
    "grantTypes": "supportedGrantTypes",
    "validityPeriod": "additionalProperties.application_access_token_expiry_time",
}
"""The key manager's names of fields → the names in this request."""


class GenerateKeys(ScopedView):
    """POST /applications/{applicationId}/generate-keys: the only answer that shows the secret."""

    scopes = scopes.KEYS

    def post(self, request: Request, application_id: UUID) -> Response:
        application = queries.application(request.user, application_id)
        body = payload(request)
        with field_names(GENERATE_NAMES):
            key, secret = keys.generate_keys(
                by=request.user,
                application=application,
                key_type=text(body, "keyType"),
                grant_types=strings(body, "grantTypesToBeSupported", required=True),
                callback_url=text(body, "callbackUrl", ""),
                token_lifetime=_lifetime(body, "validityTime"),
                key_manager=text(body, "keyManager", RESIDENT),
            )
        return Response(dto.key(key, secret))


class MapKeys(ScopedView):
    """POST /applications/{applicationId}/map-keys: tie an existing client."""

    scopes = scopes.KEYS

    def post(self, request: Request, application_id: UUID) -> Response:
        application = queries.application(request.user, application_id)
        body = payload(request)
        key = keys.map_keys(
            by=request.user,
            application=application,
            key_type=text(body, "keyType"),
            consumer_key=text(body, "consumerKey"),
            consumer_secret=text(body, "consumerSecret", ""),
            key_manager=text(body, "keyManager", RESIDENT),
        )
        return Response(dto.key(key))


class Keys(ScopedView):
    """GET /applications/{applicationId}/oauth-keys."""

    scopes = scopes.KEYS

    def get(self, request: Request, application_id: UUID) -> Response:
        found = [dto.key(key) for key in queries.keys(queries.application(request.user, application_id))]
        return Response({"count": len(found), "list": found})


class OneKey(ScopedView):
    """GET, PUT and DELETE /applications/{applicationId}/oauth-keys/{keyMappingId}."""

    scopes = scopes.KEYS

    def get(self, request: Request, application_id: UUID, key_id: UUID) -> Response:
        """The key without its secret."""
        return Response(dto.key(_key(request, application_id, key_id)))

    def put(self, request: Request, application_id: UUID, key_id: UUID) -> Response:
        """Change grant types, callback address and token validity."""
        key, body = _key(request, application_id, key_id), payload(request)
        extra = body.get("additionalProperties") or {}
        with field_names(UPDATE_NAMES):
            changed = keys.update_keys(
                by=request.user,
                key=key,
                grant_types=strings(body, "supportedGrantTypes", required=True),
                callback_url=text(body, "callbackUrl", ""),
                token_lifetime=_lifetime(
                    extra if isinstance(extra, dict) else {}, "application_access_token_expiry_time"
                ),
            )
        return Response(dto.key(changed))

    def delete(self, request: Request, application_id: UUID, key_id: UUID) -> Response:
        """Remove the key and, when it was generated here, its OAuth client."""
        keys.delete_keys(by=request.user, key=_key(request, application_id, key_id))
        return Response(status=200)


class CleanUp(ScopedView):
    """POST /applications/{applicationId}/oauth-keys/{keyMappingId}/clean-up: the contract's older form of DELETE."""

    scopes = scopes.KEYS

    def post(self, request: Request, application_id: UUID, key_id: UUID) -> Response:
        keys.delete_keys(by=request.user, key=_key(request, application_id, key_id))
        return Response(status=200)


class RegenerateSecret(ScopedView):
    """POST …/regenerate-secret: a new secret, shown in this answer only."""

    scopes = scopes.KEYS

    def post(self, request: Request, application_id: UUID, key_id: UUID) -> Response:
        key = _key(request, application_id, key_id)
        secret = keys.regenerate_secret(by=request.user, key=key)
        return Response({"consumerKey": key.consumer_key, "consumerSecret": secret})


class GenerateToken(ScopedView):
    """POST …/generate-token: an access token for trying out."""

    scopes = scopes.KEYS

    def post(self, request: Request, application_id: UUID, key_id: UUID) -> Response:
        body = payload(request)
        issued = keys.issue_test_token(
            by=request.user,
            key=_key(request, application_id, key_id),
            scopes=tuple(strings(body, "scopes")),
            lifetime=_lifetime(body, "validityPeriod"),
        )
        return Response(dto.token(issued))


def _key(request: Request, application_id: UUID, key_id: UUID) -> ApplicationKey:
    return queries.key(queries.application(request.user, application_id), key_id)


def _lifetime(body: dict[str, Any], name: str) -> int | None:
    """Seconds, given as number or as text; None when absent or `N/A`. Raises Invalid naming the field."""
    value = body.get(name)
    if value in (None, "", "N/A"):
        return None
    digits = str(value)
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit() and len(digits) < 12):
        raise Invalid("A field is wrong.", [FieldError(name, f"{digits[:40]!r} is not a number of seconds")])
    return int(digits)
