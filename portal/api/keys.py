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
from portal.actions.api_keys import known_type
from portal.api import dto, scopes
from portal.api.base import asked, field_names, payload, strings, tagged, text, unchanged
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
        scopes_wanted = tuple(strings(body, "scopes"))
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
        token = keys.first_token(by=request.user, key=key, scopes=scopes_wanted)
        return Response(dto.key(key, secret) | ({"token": dto.token(token)} if token else {}))


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
    """GET /applications/{applicationId}/oauth-keys and, the older form, …/keys."""

    scopes = scopes.KEYS

    def get(self, request: Request, application_id: UUID) -> Response:
        found = [dto.key(key) for key in queries.keys(queries.application(request.user, application_id))]
        return Response({"count": len(found), "list": found})


class _OfKey(ScopedView):
    """A resource of one key, named by its id or, in the older form of the contract, by its type at one key manager."""

    scopes = scopes.KEYS

    def key(
        self, request: Request, application_id: UUID, key_id: UUID | None = None, key_type: str = ""
    ) -> ApplicationKey:
        """The key asked for. The older form means the built-in key manager unless `keyManager` names another. Raises NotFound."""
        application = queries.application(request.user, application_id)
        if key_id is not None:
            return queries.key(application, key_id)
        return queries.key_of_type(application, known_type(key_type), asked(request, "keyManager") or RESIDENT)


class OneKey(_OfKey):
    """GET, PUT and DELETE of one key."""

    def get(self, request: Request, **named: Any) -> Response:
        """The key without its secret."""
        return tagged(request, dto.key(self.key(request, **named)))

    def put(self, request: Request, **named: Any) -> Response:
        """Change grant types, callback address and token validity."""
        key, body = self.key(request, **named), payload(request)
        unchanged(request, dto.key(key))
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
        return tagged(request, dto.key(changed))

    def delete(self, request: Request, **named: Any) -> Response:
        """Remove the key and, when it was generated here, its OAuth client."""
        keys.delete_keys(by=request.user, key=self.key(request, **named))
        return Response(status=200)


class CleanUp(_OfKey):
    """POST …/clean-up: the contract's form of DELETE."""

    def post(self, request: Request, **named: Any) -> Response:
        """Remove the key, unless somebody else changed it since the caller's `If-Match`."""
        key = self.key(request, **named)
        unchanged(request, dto.key(key))
        keys.delete_keys(by=request.user, key=key)
        return Response(status=200)


class RegenerateSecret(_OfKey):
    """POST …/regenerate-secret: a new secret, shown in this answer only."""

    def post(self, request: Request, **named: Any) -> Response:
        """The key with its new secret."""
        key = self.key(request, **named)
        secret = keys.regenerate_secret(by=request.user, key=key)
        return Response({"consumerKey": key.consumer_key, "consumerSecret": secret})


class GenerateToken(_OfKey):
    """POST …/generate-token: an access token for trying out."""

    def post(self, request: Request, **named: Any) -> Response:
        """The token; the client's secret is not asked for, `revokeToken` ends an older one."""
        body = payload(request)
        issued = keys.issue_test_token(
            by=request.user,
            key=self.key(request, **named),
            scopes=tuple(strings(body, "scopes")),
            lifetime=_lifetime(body, "validityPeriod"),
            consumer_secret=text(body, "consumerSecret", ""),
            subject_token=_subject_token(body),
        )
        return Response(dto.token(issued))


def _subject_token(body: dict[str, Any]) -> str:
    """The token to be exchanged, which the contract leaves to `additionalProperties`. Raises Invalid."""
    if body.get("grantType") != "TOKEN_EXCHANGE":
        return ""
    extra = body.get("additionalProperties")
    return text(extra if isinstance(extra, dict) else {}, "subjectToken")


def _lifetime(body: dict[str, Any], name: str) -> int | None:
    """Seconds, given as number or as text; None when absent or `N/A`. Raises Invalid naming the field."""
    value = body.get(name)
    if value in (None, "", "N/A"):
        return None
    digits = str(value)
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit() and len(digits) < 12):
        raise Invalid("A field is wrong.", [FieldError(name, f"{digits[:40]!r} is not a number of seconds")])
    return int(digits)
