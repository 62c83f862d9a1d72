"""OAuth 2 tokens for an http endpoint: cached for their life, renewed when they end or are refused (reference 4.3)."""

from __future__ import annotations

import asyncio
import base64
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import urlencode

from integrator.engine.content.payload import decode_json
from integrator.engine.errors import AUTHENTICATION_FAILED, Fault
from integrator.engine.expressions import Expression
from integrator.engine.message import Message
from wire.client import AnswerTooLarge, Limits
from wire.upstream import UpstreamError

EARLY_S = 10
DEFAULT_S = 300
MOST = 1000
"""Tokens that one endpoint keeps: one for each set of credentials that its expressions gave."""
LIMIT = 256 * 1024
"""Bytes of a token service's answer."""

Named = tuple[tuple[str, Expression], ...]
Asked = tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
"""Where a token is asked for: address, form and headers."""


@dataclass(frozen=True)
class Grant:
    """How to get a token. `kind` is the grant_type; `fields` are its own form fields besides the client's."""

    kind: str
    token_url: Expression
    client_id: Expression | None = None
    client_secret: Expression | None = None
    fields: Named = ()
    in_payload: bool = False
    parameters: Named = ()
    headers: Named = ()
    mode: Expression | None = None
    """Gives `payload` or `header` for each message, when the artifact leaves it to an expression."""

    def asked(self, message: Message) -> Asked:
        """The request for a token, with the values of this message."""
        form = [("grant_type", self.kind), *_texts(self.fields, message), *_texts(self.parameters, message)]
        headers = [("accept", "application/json"), *_texts(self.headers, message)]
        identity = self.client_id.string(message) or "" if self.client_id is not None else ""
        secret = self.client_secret.string(message) or "" if self.client_secret is not None else ""
        in_payload = self.in_payload or (
            self.mode is not None and (self.mode.string(message) or "").lower() == "payload"
        )
        if identity and in_payload:
            form += [("client_id", identity), ("client_secret", secret)]
        elif identity:
            pair = base64.b64encode(f"{identity}:{secret}".encode()).decode()
            headers.append(("authorization", f"Basic {pair}"))
        return self.token_url.string(message) or "", tuple(form), tuple(headers)


@dataclass
class Held:
    """A token and until when it counts (monotonic seconds); `refresh` when the service gave a new refresh token."""

    token: str = field(default="", repr=False)
    until: float = 0.0
    refresh: str = field(default="", repr=False)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)


@dataclass
class Tokens:
    """The tokens of one endpoint."""

    grant: Grant
    held: OrderedDict[Asked, Held] = field(default_factory=OrderedDict, repr=False)

    async def token(self, message: Message, refused: str = "") -> str:
        """A valid access token; another than the one that was `refused`. Raises Fault 303003 when there is none.

        Calls that need one at the same time ask once.
        """
        asked = self.grant.asked(message)
        held = self.held.get(asked)
        if held is None:
            held = self.held[asked] = Held()
            if len(self.held) > MOST:
                self.held.popitem(last=False)
        if held.token and held.token != refused and time.monotonic() < held.until:
            return held.token
        async with held.lock:
            if not held.token or held.token == refused or time.monotonic() >= held.until:
                await _fetch(message, asked, held)
            return held.token


async def _fetch(message: Message, asked: Asked, held: Held) -> None:
    url, form, headers = asked
    fields = [(name, held.refresh if name == "refresh_token" and held.refresh else value) for name, value in form]
    pairs = [(b"content-type", b"application/x-www-form-urlencoded")]
    pairs += [(name.lower().encode("latin-1", "replace"), value.encode()) for name, value in headers]
    client = message.deployment.runtime.client
    try:
        response = await client.request("POST", url, pairs, urlencode(fields).encode(), Limits(5, 30, 30))
        answer = decode_json(await response.body(LIMIT))
    except (UpstreamError, AnswerTooLarge, ValueError, Fault) as error:
        raise Fault(AUTHENTICATION_FAILED, f"no token from {url}: {error}") from error
    if response.status != 200 or not isinstance(answer, dict) or not answer.get("access_token"):
        raise Fault(AUTHENTICATION_FAILED, f"no token from {url}: status {response.status}")
    held.token = str(answer["access_token"])
    held.refresh = str(answer.get("refresh_token") or held.refresh)
    held.until = time.monotonic() + max(0.0, _seconds(answer.get("expires_in")) - EARLY_S)


def _seconds(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return DEFAULT_S


def _texts(named: Named, message: Message) -> list[tuple[str, str]]:
    return [(name, value.string(message) or "") for name, value in named]
