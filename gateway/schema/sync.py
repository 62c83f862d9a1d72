"""How records travel: events, batches of them, and what a gateway says of itself."""

from __future__ import annotations

import msgspec

DELETED = msgspec.Raw(b"null")


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change: the newest record of (kind, key) as undecoded JSON, or its deletion (JSON null).

    `environment` names the one gateway environment it is for; empty means every one.
    """

    sequence: int
    kind: str
    key: str
    organisation: str = ""
    environment: str = ""
    record: msgspec.Raw = DELETED

    @property
    def deleted(self) -> bool:
        """Whether (kind, key) is gone."""
        return bytes(self.record) == b"null"


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Answer of the event hub: `events` in sequence order up to `sequence`.

    `snapshot` True: these events are everything there is, forget what you had. `more` True: ask again at once. `mark` is drawn
    for change number `sequence`: a follower shows it when it asks again, so that a hub with another history, whose database was
    replaced or restored, notices and answers with a snapshot.
    """

    sequence: int
    events: list[Event]
    snapshot: bool = False
    more: bool = False
    mark: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """A record that a gateway could not use, and why."""

    sequence: int
    kind: str
    key: str
    reason: str


class Stranger(msgspec.Struct, frozen=True, omit_defaults=True):
    """A client whose calls found no API: the first of them since the last report, and how many there were.

    `at` in Unix seconds. `headers` are the names and values that are no secrets.
    """

    client: str
    at: float
    method: str
    path: str
    message_id: str = ""
    headers: str = ""
    calls: int = 1


class KeyUse(msgspec.Struct, frozen=True):
    """An API key (its `jti`) and when it was used last, in Unix seconds."""

    id: str
    at: float


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a gateway worker reports about itself after each swap and every few seconds. Times: Unix seconds."""

    gateway: str
    environment: str
    host: str
    pid: int
    sequence: int
    apis: int
    subscriptions: int
    started: float
    version: str = ""
    refusals: list[Refusal] = []
    strangers: list[Stranger] = []
    key_uses: list[KeyUse] = []
