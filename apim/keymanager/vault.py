"""Encrypts private keys before they reach the database; the key to that stays in the secrets folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from apim.keymanager.errors import VaultLocked
from apim.secrets import read_or_make

FILE = "keymanager"
"""Name of the key file below the secrets folder. Every control plane process must share it."""


def seal(text: str) -> str:
    """`text`, encrypted and authenticated."""
    return _fernet(settings.APIM.secrets / FILE).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """What `seal` was given. Raises VaultLocked when it was sealed with another key."""
    path = settings.APIM.secrets / FILE
    try:
        return _fernet(path).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise VaultLocked(path) from error


@cache
def _fernet(path: Path) -> Fernet:
    return Fernet(read_or_make(path, Fernet.generate_key()).encode())
