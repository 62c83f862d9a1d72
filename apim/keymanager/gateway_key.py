"""The key with which gateways sign what they tell backends: made here, published with the platform's other keys."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from joserfc.jwk import RSAKey

from apim.keymanager.signing import ALGORITHM, generate_pem
from apim.secrets import read_or_make

FILE = "gateway-jwt.pem"
"""Name of the key file below the secrets folder; gateways on other hosts get a copy of it."""


def ensure() -> Path:
    """Make the key when there is none; where it is."""
    path: Path = settings.APIM.secrets / FILE
    if not path.exists():
        read_or_make(path, generate_pem().encode())
    return path


def public() -> list[dict[str, Any]]:
    """Its public half as entries of a JWKS; empty while there is no key."""
    path: Path = settings.APIM.secrets / FILE
    return [_public(path, path.stat().st_mtime_ns)] if path.exists() else []


@lru_cache(maxsize=4)
def _public(path: Path, changed: int) -> dict[str, Any]:
    """`changed` is only there so that a replaced file is read again."""
    key = RSAKey.import_key(path.read_text())
    return key.as_dict(private=False, kid=key.thumbprint(), use="sig", alg=ALGORITHM)
