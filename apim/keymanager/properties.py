"""What a connector was told: plain settings as they are, secret ones sealed; opened for use, masked for people."""

from __future__ import annotations

import json
from collections.abc import Mapping

from apim.keymanager import connectors, vault
from apim.keymanager.connectors.base import Access
from apim.keymanager.models import KeyManager

MASK = "*****"
"""Stands for a secret wherever settings are shown; sent back, it leaves the secret as it is."""

OWN_CLIENTS = (("client_id", "client_secret"), ("Username", "Password"))
"""Settings with which we prove who we are at a key manager."""


def opened(manager: KeyManager) -> dict[str, str]:
    """All settings, secrets included: for calls to the key manager only. Raises VaultLocked."""
    return {**manager.properties, **_sealed(manager)}


def masked(manager: KeyManager) -> dict[str, str]:
    """All settings for people: MASK for every secret that is set."""
    return {**manager.properties, **dict.fromkeys(_sealed(manager), MASK)}


def store(manager: KeyManager, given: Mapping[str, str]) -> None:
    """Take new settings over: an absent or masked secret stays, an empty one is removed."""
    connector = connectors.of(manager.kind)
    secret = connector.secret_names if connector else frozenset()
    sealed = _sealed(manager) | {name: value for name, value in given.items() if name in secret and value != MASK}
    sealed = {name: value for name, value in sealed.items() if value}
    manager.properties = {name: value for name, value in given.items() if name not in secret}
    manager.properties_sealed = vault.seal(json.dumps(sealed)) if sealed else ""


def access(manager: KeyManager) -> Access:
    """What its connector works with."""
    return Access(manager.token_url, manager.registration_url, opened(manager))


def introspection(manager: KeyManager) -> tuple[str, str]:
    """User and password to ask about tokens with: those given for it, else our own client there."""
    if manager.introspection_user:
        return manager.introspection_user, vault.unseal(
            manager.introspection_sealed
        ) if manager.introspection_sealed else ""
    settings = opened(manager)
    return next(
        ((settings[user], settings.get(word, "")) for user, word in OWN_CLIENTS if settings.get(user)), ("", "")
    )


def _sealed(manager: KeyManager) -> dict[str, str]:
    found: dict[str, str] = json.loads(vault.unseal(manager.properties_sealed)) if manager.properties_sealed else {}
    return found
