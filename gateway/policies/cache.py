"""Response caching of one worker: answers to GET, by everything that may have made them what they are; bounded.

An entry is found under the compiled API (so that a redeployment starts empty), the request's target and scheme, who calls and
the headers that choose a representation, those of the answer's own `Vary` included. What the backend says by `Cache-Control`
counts: `no-store`, `private` and `no-cache` are not kept, `max-age` and `s-maxage` shorten the time the API asks for.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from itertools import count
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from gateway.call import Call
from gateway.message import Answer

if TYPE_CHECKING:
    from gateway.services import Services

Key = tuple[object, ...]

ENTRY_BYTES = 1024 * 1024
"""The longest answer that is kept."""

OVERHEAD = 512
STATUSES = frozenset({200, 203, 301})
CHOOSING = (
    b"accept",
    b"accept-language",
    b"accept-encoding",
    b"cookie",
    b"x-jwt-assertion",
    b"x-forwarded-host",
    b"x-http-method-override",
    b"x-original-url",
    b"x-rewrite-url",
)
"""Request headers by which backends are known to choose an answer, whether they say so in `Vary` or not: who kept an answer
made for one of them for everybody would let one caller write what the others read."""

_AGE = re.compile(rb"(s-maxage|max-age)\s*=\s*\"?(\d{1,9})")
_NOT_KEPT = (b"no-store", b"private", b"no-cache")

serial = count(1).__next__
"""A number for each compiled API."""


class Cache:
    """Answers, the least recently used first out."""

    def __init__(self, entries: int, size: int) -> None:
        self.most, self.most_bytes = entries, size
        self.bytes = 0
        self._kept: OrderedDict[Key, tuple[Answer, float, float, int]] = OrderedDict()
        self._vary: dict[Key, tuple[bytes, ...]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Key, call: Call) -> Answer | None:
        """A copy of the kept answer with its `age`, None when there is none that is still good."""
        full = self._full(key, call)
        found = self._kept.get(full)
        if found is None:
            return None
        answer, since, until, _ = found
        if until <= call.now:
            self._drop(full)
            return None
        self._kept.move_to_end(full)
        age = b"%d" % max(0, int(call.now - since))
        return Answer(answer.status, [*answer.headers, (b"age", age)], answer.body)

    def keep(self, key: Key, call: Call, answer: Answer, seconds: int) -> None:
        """Keeps a copy for at most `seconds`, if it may be kept."""
        lasts = lifetime(answer, seconds)
        names = varying(answer)
        if lasts <= 0 or names is None or len(answer.body) > ENTRY_BYTES:
            return
        if len(self._vary) >= self.most:
            self._vary.clear()
        if names:
            self._vary[key] = names
        else:
            self._vary.pop(key, None)
        full = self._full(key, call)
        self._drop(full)
        headers = [pair for pair in answer.headers if pair[0] != b"age"]
        size = len(answer.body) + sum(len(n) + len(v) for n, v in headers) + _length(full) + OVERHEAD
        self._kept[full] = (Answer(answer.status, headers, answer.body), call.now, call.now + lasts, size)
        self.bytes += size
        while self._kept and (len(self._kept) > self.most or self.bytes > self.most_bytes):
            self._drop(next(iter(self._kept)))

    def _full(self, key: Key, call: Call) -> Key:
        names = self._vary.get(key)
        return key if names is None else (*key, *(call.exchange.fields.get(name) for name in names))

    def _drop(self, key: Key) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self.bytes -= found[3]


def _length(part: object) -> int:
    """Bytes of the texts in a key: callers choose them, so they count like the answers themselves."""
    if isinstance(part, tuple):
        return sum(map(_length, part))
    return len(part) if isinstance(part, bytes | str) else 0


def key_of(api: int, call: Call) -> Key | None:
    """Under what a call's answer is kept; None for calls that are answered by the backend always."""
    fields = call.exchange.fields
    request = call.outgoing
    method = call.exchange.method if request is None else request.method
    wish = fields.get(b"cache-control", b"").lower()
    if method != b"GET" or b"no-store" in wish or b"range" in fields or call.exchange.has_body:
        return None
    principal = call.principal
    who: object = fields.get(b"authorization") if principal is None else (principal.consumer, principal.subject)
    side = call.decision.key_type if call.decision is not None else ""
    target = call.exchange.target[call.cut :] if request is None else (request.target, request.to)
    return (api, target, side, call.exchange.scheme, who, *(fields.get(name) for name in CHOOSING))


def refreshed(call: Call) -> bool:
    """Whether the caller wants a fresh answer (which is kept then)."""
    wish = call.exchange.fields.get(b"cache-control", b"").lower()
    return b"no-cache" in wish or call.exchange.fields.get(b"pragma", b"").lower() == b"no-cache"


def lifetime(answer: Answer, seconds: int) -> int:
    """Seconds that an answer may be kept, 0 for not at all."""
    if answer.status not in STATUSES or answer.header(b"set-cookie") is not None:
        return 0
    control = b",".join(value for name, value in answer.headers if name == b"cache-control").lower()
    if any(word in control for word in _NOT_KEPT):
        return 0
    ages = {name: int(value) for name, value in _AGE.findall(control)}
    given = ages.get(b"s-maxage", ages.get(b"max-age"))
    return seconds if given is None else min(seconds, given)


def varying(answer: Answer) -> tuple[bytes, ...] | None:
    """The request headers that the answer depends on besides the usual ones; None when it depends on anything."""
    names: set[bytes] = set()
    for name, value in answer.headers:
        if name == b"vary":
            names |= {part.strip().lower() for part in value.split(b",") if part.strip()}
    return None if b"*" in names else tuple(sorted(names - set(CHOOSING) - {b"origin"}))


_caches: WeakKeyDictionary[Services, Cache] = WeakKeyDictionary()


def cache(services: Services) -> Cache:
    """The cache of a worker."""
    found = _caches.get(services)
    if found is None:
        settings = services.settings
        found = _caches[services] = Cache(settings.cache_entries, settings.cache_bytes)
    return found
