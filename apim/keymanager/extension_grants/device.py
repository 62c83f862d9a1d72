"""The device grant (RFC 8628) at the token endpoint: a device asks until a person decided on the page."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import get_device_grant_model
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors

from apim.keymanager.extension_grants.base import ExtensionGrant, refused, required
from apim.keymanager.models import OAuthClient
from apim.keymanager.opaque import checksum

LIFETIME = 600
"""Seconds in which the person has to decide."""

INTERVAL = 5
"""Least seconds between two questions of the device."""

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Of user codes: consonants, so that no words come out (RFC 8628 6.1). Eight of them are 34 bits."""

MOST_OPEN = 1000
"""Decisions that one client may have open: each takes a bit of the user codes' room away from guessing."""

LONGEST_SCOPE = 4000
"""Characters of the scopes that one device asks for."""

DeviceRow = get_device_grant_model()


class DeviceGrant(ExtensionGrant):
    """`device_code` is kept as a hash; it is good once."""

    def find_person(self, request: Request) -> None:
        """Who allowed it on the page."""
        code = checksum(required(request, "device_code"))
        # What is written here must last although the answer is mostly an error.
        row = (
            DeviceRow.objects.filter(device_code=code, client_id=request.client.client_id)
            .select_related("user")
            .first()
        )
        if row is None:
            raise refused(request, "The device code is unknown or was used.")
        if row.expires <= timezone.now():
            raise _error("expired_token", "The device code has expired.", request)
        if row.status == DeviceRow.DENIED:
            row.delete()
            raise errors.AccessDeniedError(request=request)
        if row.status != DeviceRow.AUTHORIZED:
            raise _patience(row, request)
        if not DeviceRow.objects.filter(pk=row.pk).delete()[0]:
            raise refused(request, "The device code is unknown or was used.")
        if row.user is None or not row.user.is_active:
            raise refused(request, "The person who allowed it is not active.")
        request.user, request.scopes = row.user, row.scope.split()


def _patience(row: Any, request: Request) -> errors.OAuth2Error:
    """Ask again later; who asks too soon has to wait longer from now on."""
    early = timezone.now() < row.last_checked + timedelta(seconds=row.interval)
    if early:
        row.interval = min(row.interval + INTERVAL, LIFETIME)
    row.save(update_fields=["interval", "last_checked"])
    if early:
        return _error("slow_down", f"Ask every {row.interval} seconds.", request)
    return _error("authorization_pending", "The person has not decided yet.", request)


def _error(name: str, description: str, request: Request) -> errors.OAuth2Error:
    return errors.CustomOAuth2Error(error=name, description=description, request=request, status_code=400)


@transaction.atomic
def begin(client: OAuthClient, scopes: list[str]) -> tuple[str, str]:
    """A new device code and its user code, for `scopes`; which of them count is seen when a person allows it.

    Raises AccessDeniedError when too many are open, InvalidScopeError for scopes that are not to be kept until then.
    """
    text = " ".join(scopes)
    if len(text) > LONGEST_SCOPE or not text.isprintable():
        raise errors.InvalidScopeError(description=f"At most {LONGEST_SCOPE} printable characters of scopes.")
    DeviceRow.objects.filter(client_id=client.client_id, expires__lte=timezone.now()).delete()
    if DeviceRow.objects.filter(client_id=client.client_id).count() >= MOST_OPEN:
        raise errors.AccessDeniedError(description="Too many devices of this client wait for a decision.")
    device_code = secrets.token_urlsafe(32)
    user_code = _free_code()
    row = DeviceRow.objects.create(
        client_id=client.client_id,
        device_code=checksum(device_code),
        user_code=user_code,
        scope=text,
        interval=INTERVAL,
        expires=timezone.now() + timedelta(seconds=LIFETIME),
    )
    # Creating is not asking: the first question may come at once.
    DeviceRow.objects.filter(pk=row.pk).update(last_checked=timezone.now() - timedelta(seconds=INTERVAL))
    return device_code, f"{user_code[:4]}-{user_code[4:]}"


def _free_code() -> str:
    """A user code that no open question has: people must not decide about somebody else's device."""
    while True:
        code = "".join(secrets.choice(LETTERS) for _ in range(8))
        if not DeviceRow.objects.filter(user_code=code).exists():
            return code
