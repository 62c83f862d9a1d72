"""Opaque access tokens: random text, whose claims stay here under its hash until the token expires."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from apim.keymanager.grant_models import OpaqueToken


def issue(claims: dict[str, Any]) -> str:
    """A token that stands for `claims` (with `jti` and `exp`)."""
    token = secrets.token_urlsafe(32)
    OpaqueToken.objects.create(
        checksum=checksum(token),
        jti=claims["jti"],
        claims=claims,
        expires=datetime.fromtimestamp(claims["exp"], UTC),
    )
    return token


def claims_of(token: str) -> dict[str, Any] | None:
    """What `token` stands for, be it expired or revoked; None when it is not from here."""
    row = OpaqueToken.objects.filter(checksum=checksum(token)).values_list("claims", flat=True).first()
    return dict(row) if row is not None else None


def checksum(text: str) -> str:
    """The hash under which secrets of 256 random bits are kept."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def prune() -> int:
    """Forget tokens that have expired; how many they were."""
    return OpaqueToken.objects.filter(expires__lt=timezone.now()).delete()[0]
