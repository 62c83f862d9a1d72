"""cache: answers a request from a response that was kept, and keeps responses (reference 3.6)."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from math import inf
from typing import Any, Self

from integrator.engine.caching import CachedResponse, ResponseCache, budget, shared
from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import write
from integrator.engine.errors import Fault
from integrator.engine.headers import Headers
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, register
from integrator.engine.mediators.cache_hash import Digest, read_digest
from integrator.engine.message import Message
from integrator.engine.xmltools import child, text_of

DEFAULT_TIMEOUT_S = 5000
PENDING = "CachableResponse"
"""Default-scope property: what the collector needs to know of the request."""
PRIVATE = frozenset({"set-cookie", "activityid"})
"""Headers that belong to one caller: they are not kept."""
_SCOPES = ("per-host", "per-mediator")


@dataclass(frozen=True)
class Protocol:
    """Which answers are kept, and how the HTTP caching headers are used."""

    methods: frozenset[str] = frozenset()
    codes: re.Pattern[str] = re.compile(".*")
    control: bool = False
    age: bool = False

    def takes(self, method: str) -> bool:
        """Whether requests of a method are looked up."""
        return not self.methods or method in self.methods


@dataclass
class Pending:
    """A request that was not answered from the cache: where its answer goes. `stale` is what a 304 stands for."""

    rules: CacheRules
    key: bytes
    stale: CachedResponse | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CacheRules:
    """What a request-side cache says about the answer."""

    cache: ResponseCache
    protocol: Protocol
    seconds: float
    max_size: int


@register("cache")
@dataclass(frozen=True, kw_only=True)
class Cache(Mediator):
    """A collector keeps answers; without `collector` it answers requests from what was kept."""

    rules: CacheRules | None
    digest: Digest | None
    on_hit: Branch | None
    hold: list[Any] = field(default_factory=list, compare=False, repr=False)

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("onCacheHit", "protocol", "implementation", "description"))
        reader.required(element, "collector")
        if element.get("scope"):
            reader.choice(element, "scope", _SCOPES, _SCOPES[0])
        if reader.flag(element, "collector"):
            return cls(**cls.common(element, reader), rules=None, digest=None, on_hit=None)
        hit, protocol = child(element, "onCacheHit"), child(element, "protocol")
        branch = chain_of(hit, reader) if hit is not None else None
        return cls(
            **cls.common(element, reader),
            rules=read_rules(element, protocol, reader),
            digest=read_digest(element, protocol, reader),
            on_hit=branch if branch is not None and (branch.key is not None or branch.children) else None,
        )

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of onCacheHit."""
        return self.on_hit.children if self.on_hit else ()

    def compile(self) -> Step:
        """A step that collects, or looks up."""
        if self.rules is None or self.digest is None:
            return collect
        rules, digest = self.rules, self.digest
        hit = self.on_hit.compile("onCacheHit") if self.on_hit else None

        async def step(message: Message) -> bool:
            if message.response:
                raise Fault(
                    0, "a response came to a cache that is no collector; give collector='true' in response flows"
                )
            message.properties.pop(PENDING, None)
            method = str(message.axis2.get("HTTP_METHOD") or "POST").upper()
            if not rules.protocol.takes(method):
                return True
            key = await digest.of(message, method)
            found = rules.cache.get(key)
            if found is None or (rules.protocol.control and to_be_asked(message, found)):
                message.properties[PENDING] = Pending(rules, key, found)
                return True
            replay(message, found, rules.protocol.age)
            if hit is None:
                await message.flow.reply.send(message)
            else:
                going: Any = hit(message)
                await going
            return False

        return step


def to_be_asked(message: Message, found: CachedResponse) -> bool:
    """Whether the backend has to say if a kept answer still stands: it is older than its max-age, or no-cache."""
    control = found.header("cache-control").lower().replace(" ", "")
    parts = control.split(",") if control else []
    limit = next((part[8:] for part in parts if part.startswith("max-age=")), "")
    if "no-cache" not in parts and not (limit.isdigit() and found.age >= int(limit)):
        return False
    tag = found.header("etag")
    if tag:
        message.headers.set("If-None-Match", tag)
    return True


def replay(message: Message, found: CachedResponse, age: bool = False) -> None:
    """The message becomes the kept answer."""
    message.payload.discard()
    message.payload = Payload(found.body or None, found.content_type, pox=found.pox)
    message.headers = Headers(found.headers)
    if age:
        message.headers.set("Age", str(found.age))
    message.axis2 = {"HTTP_SC": found.status, "HTTP_SC_DESC": found.reason}
    message.to = message.action = None
    message.response = True


async def collect(message: Message) -> None:
    """Keep the answer when the request-side cache asked for it. Raises Fault for a request."""
    if not message.response and not _marked(message):
        raise Fault(0, "a request came to a collector cache; a collector stands where the answer is")
    pending = message.properties.pop(PENDING, None)
    if not isinstance(pending, Pending):
        return
    rules, status = pending.rules, str(message.axis2.get("HTTP_SC") or 200)
    if status == "304" and pending.stale is not None:
        pending.stale.fetched = time.time()
        rules.cache.put(pending.key, pending.stale, rules.seconds)
        replay(message, pending.stale, rules.protocol.age)
        return
    if not rules.protocol.codes.fullmatch(status) or status == "304":
        return
    if rules.protocol.control and "no-store" in (message.headers.get("Cache-Control") or "").lower():
        return
    length = message.headers.get("Content-Length") or ""
    if message.payload.unread is not None and length.isdigit() and int(length) > rules.max_size:
        return
    await message.payload.read()
    kept = taken(message, int(status) if status.isdigit() else 200)
    if len(kept.body) <= rules.max_size:
        rules.cache.put(pending.key, kept, rules.seconds)


def _marked(message: Message) -> bool:
    return str(message.properties.get("RESPONSE")).lower() == "true"


def taken(message: Message, status: int) -> CachedResponse:
    """The answer as it is now."""
    payload = message.payload
    body, content_type = write(payload, "" if payload.data is not None else payload.content_type)
    return CachedResponse(
        body=body,
        content_type=content_type or payload.content_type,
        headers=[pair for pair in message.headers if pair[0].lower() not in PRIVATE],
        status=status,
        reason=str(message.axis2.get("HTTP_SC_DESC") or ""),
        pox=payload.pox,
        fetched=time.time(),
    )


def read_rules(element: Element, protocol: Element | None, reader: Reader) -> CacheRules:
    """Size, time and protocol of a request-side cache."""
    implementation = child(element, "implementation")
    entries = 0
    if implementation is not None:
        reader.choice(implementation, "type", ("memory",), "memory")
        entries = max(0, reader.integer(implementation, implementation.get("maxSize"), "attribute maxSize", -1))
    name = element.get("id") if element.get("scope") == "per-host" else None
    cache = shared.cache(name, entries, budget) if name else ResponseCache(entries, budget)
    seconds = reader.integer(element, element.get("timeout"), "attribute timeout", DEFAULT_TIMEOUT_S)
    size = reader.integer(element, element.get("maxMessageSize"), "attribute maxMessageSize", -1)
    return CacheRules(
        cache,
        read_protocol(protocol, reader) if protocol is not None else Protocol(),
        seconds if seconds >= 0 else inf,
        size if size >= 0 else 2**62,
    )


def read_protocol(element: Element, reader: Reader) -> Protocol:
    """The protocol element. Without includeAgeHeader the cache-control headers are not used either, as there."""
    reader.only(
        element,
        (
            "methods",
            "headersToExcludeInHash",
            "headersToIncludeInHash",
            "responseCodes",
            "enableCacheControl",
            "includeAgeHeader",
            "hashGenerator",
            "description",
        ),
    )
    reader.choice(element, "type", ("HTTP",), "HTTP")
    methods = text_of(child(element, "methods")).upper().replace(",", " ").split()
    codes = text_of(child(element, "responseCodes")) or ".*"
    try:
        pattern = re.compile(codes)
    except re.error as error:
        raise reader.fail(element, f"responseCodes {codes!r}: bad regular expression ({error})") from error
    age = child(element, "includeAgeHeader")
    return Protocol(
        methods=frozenset() if "*" in methods else frozenset(methods),
        codes=pattern,
        control=age is not None and _flag(child(element, "enableCacheControl"), reader),
        age=_flag(age, reader),
    )


def _flag(element: Element | None, reader: Reader) -> bool:
    text = text_of(element).lower()
    if element is not None and text not in ("", "true", "false"):
        raise reader.fail(element, f"text {text!r}: allowed are true, false")
    return text == "true"
