"""When API keys were used last: noted on the key that is remembered anyway, told to the control plane with the next status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gateway.auth.signed_keys import API_KEY
from gateway.schema import KeyUse

if TYPE_CHECKING:
    from gateway.realm import Realm

MOST_TOLD = 1000
"""Keys of one report; those that were left out are told next time."""


class KeyUses:
    """What was told of the keys of one worker. Calls cost one assignment each, and only those that come with an API key."""

    def __init__(self, realms: Callable[[], Iterable[Realm]]) -> None:
        self._realms = realms

    def take(self) -> list[KeyUse]:
        """The keys used since they were told last."""
        told: list[KeyUse] = []
        for realm in self._realms():
            for key in list(realm.keys.values()):
                if key.type != API_KEY or key.used <= key.told:
                    continue
                if len(told) == MOST_TOLD:
                    return told
                key.told = key.used
                told.append(KeyUse(key.principal.token_id, key.used))
        return told
