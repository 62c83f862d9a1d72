"""What WebSub APIs keep besides their topics: how publishers prove themselves, and whether subscribers are asked back.

It lives in `Api.gateway_options`; the secret is sealed there and opened only in the record for gateways and on the topics page.
"""

from __future__ import annotations

import secrets
from typing import Any

from apim.errors import FieldError, Invalid
from apim.keymanager.vault import seal, unseal
from publisher.checks.basics import shown

SECRET = "websub_secret"  # noqa: S105 - a field's name
ALGORITHMS = ("SHA1", "SHA256", "SHA384", "SHA512")
HEADER = "x-hub-signature"
RECEIVER = "/webhooks_events_receiver_resource?topic="
MOST_SECRET = 200


def new_secret() -> str:
    """A secret to sign events with."""
    return secrets.token_hex(20)


def opened(options: dict[str, Any]) -> dict[str, str]:
    """The options as gateways read them. Raises VaultLocked when the secret was sealed with another key."""
    return {name: unseal(value) if name == SECRET and value else value for name, value in options.items()}


def shown_options(options: dict[str, Any]) -> dict[str, Any]:
    """Configuration for people and the contract: enabled, secret, algorithm, header, and whether subscribers are verified."""
    plain = opened(options)
    return {
        "enabled": plain.get("websub_signed") == "true",
        "secret": plain.get(SECRET, ""),
        "algorithm": plain.get("websub_algorithm", "SHA1"),
        "header": plain.get("websub_header", HEADER),
        "verify": plain.get("subscriber_verification") == "true",
    }


def changed(
    options: dict[str, Any],
    *,
    enabled: bool | None = None,
    secret: str | None = None,
    algorithm: str | None = None,
    header: str | None = None,
    verify: bool | None = None,
) -> dict[str, str]:
    """New options; what is None stays. Signing without a secret gets one. Raises Invalid naming the field."""
    found = dict(options)
    if algorithm is not None:
        found["websub_algorithm"] = _algorithm(algorithm)
    if header is not None:
        found["websub_header"] = _header(header or HEADER)
    if verify is not None:
        found["subscriber_verification"] = "true" if verify else "false"
    if secret:
        if len(secret) > MOST_SECRET or not secret.isprintable():
            raise _wrong("secret", f"It must be printable and at most {MOST_SECRET} characters long.")
        found[SECRET] = seal(secret)
    if enabled is not None:
        found["websub_signed"] = "true" if enabled else "false"
    if found.get("websub_signed") == "true" and not found.get(SECRET):
        found[SECRET] = seal(new_secret())
    return found


def _algorithm(value: str) -> str:
    plain = str(value).upper().replace("-", "").replace("HMAC", "") or "SHA1"
    if plain not in ALGORITHMS:
        raise _wrong("signingAlgorithm", f"{shown(value)} is not one of {', '.join(ALGORITHMS)}.")
    return plain


def _header(value: str) -> str:
    if not (value.isascii() and value.replace("-", "").isalnum() and len(value) <= 100):
        raise _wrong("signatureHeader", f"{shown(value)} is not the name of a header.")
    return value


def _wrong(field: str, message: str) -> Invalid:
    place = f"websubSubscriptionConfiguration.{field}"
    return Invalid(f"{place}: {message}", [FieldError(place, message)])
