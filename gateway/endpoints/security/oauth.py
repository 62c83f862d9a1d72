"""OAuth2 towards backends: client credentials and password grants, one token at a time, renewed before it ends."""

from __future__ import annotations

import asyncio
import json
import math
import time
from base64 import b64encode
from urllib.parse import quote_plus, urlencode

from gateway import faults
from gateway.endpoints.security import Request
from gateway.endpoints.target import Failed
from gateway.schema import EndpointSecurity
from wire.client import AnswerTooLarge, Client, Limits
from wire.heads import Header
from wire.upstream import UpstreamError

USUAL_SECONDS = 300.0
"""How long a token without `expires_in` is used, or with one that is no time."""

AHEAD = 0.1
AHEAD_SECONDS = 30.0
"""A token is renewed beside the calls in the last tenth of its life, at most half a minute before its end."""

PAUSE_SECONDS = 1.0
"""After the token endpoint refused or failed, calls are refused for so long without asking it again."""

TOKEN_LIMIT = 64 * 1024
LIMITS = Limits(connect=5.0, read=10.0)


class OAuth:
    """The token of one endpoint. Calls that need it while it is being fetched wait for the one request under way."""

    hides = frozenset({b"authorization"})
    renewable = True

    def __init__(self, record: EndpointSecurity, client: Client) -> None:
        self._record = record
        self._client = client
        self._line = b""
        self._ends = 0.0
        self._renew_at = 0.0
        self._fetching: asyncio.Task[None] | None = None
        self._failed_at = 0.0
        self._failure = ""

    def ready(self) -> bool:
        """Whether there is a token; one about to end is renewed meanwhile."""
        now = time.monotonic()
        if now >= self._ends:
            return False
        if now >= self._renew_at and now - self._failed_at > PAUSE_SECONDS:
            self._fetch().add_done_callback(_seen)
        return True

    async def prepare(self, request: Request) -> None:
        """Waits for a token. Raises Failed when there is none to be had."""
        if self._fetching is None and time.monotonic() - self._failed_at < PAUSE_SECONDS:
            raise Failed(faults.ENDPOINT_AUTH, self._failure)
        await asyncio.shield(self._fetch())

    def sign(self, request: Request) -> tuple[bytes, bytes]:
        """The `authorization` line."""
        return request.target, self._line

    def refused(self, headers: list[Header]) -> bool:
        """The token is of no use: the next one may be."""
        self._ends = 0.0
        return True

    def answered(self, headers: list[Header]) -> None:
        """Nothing to learn."""

    def _fetch(self) -> asyncio.Task[None]:
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._get())
            self._fetching.add_done_callback(self._fetched)
        return self._fetching

    def _fetched(self, task: asyncio.Task[None]) -> None:
        self._fetching = None
        _seen(task)

    async def _get(self) -> None:
        try:
            self._take(await self._ask())
        except (UpstreamError, AnswerTooLarge, ValueError) as error:
            self._failed_at = time.monotonic()
            self._failure = f"no token from {self._record.token_url.partition('?')[0]}: {error}"
            raise Failed(faults.ENDPOINT_AUTH, self._failure) from None

    async def _ask(self) -> bytes:
        record = self._record
        form: list[tuple[str, str]] = [("grant_type", record.grant or "client_credentials")]
        if record.grant == "password":
            form += [("username", record.username), ("password", record.password)]
        form += record.parameters
        pair = f"{quote_plus(record.client_id)}:{quote_plus(record.client_secret)}".encode()
        headers = [
            (b"authorization", b"Basic " + b64encode(pair)),
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"accept", b"application/json"),
        ]
        async with await self._client.request(
            "POST", record.token_url, headers, urlencode(form).encode(), LIMITS
        ) as got:
            body = await got.body(TOKEN_LIMIT)
            if got.status != 200:
                raise ValueError(f"it answered {got.status}")
            return body

    def _take(self, body: bytes) -> None:
        """Raises ValueError for an answer that holds no usable token; the text does not show it."""
        try:
            answer = json.loads(body)
            token = answer["access_token"]
            seconds = float(answer.get("expires_in") or USUAL_SECONDS)
            seconds = seconds if math.isfinite(seconds) else USUAL_SECONDS
            line = b"authorization: Bearer %b\r\n" % token.encode("ascii")
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
            raise ValueError("its answer holds no access token") from None
        if line.count(b"\n") != 1 or line.count(b"\r") != 1:
            raise ValueError("its token is not one for a header")
        now = time.monotonic()
        self._line = line
        self._ends = now + max(seconds, 1.0)
        self._renew_at = self._ends - min(seconds * AHEAD, AHEAD_SECONDS)


def _seen(task: asyncio.Task[None]) -> None:
    """Whoever waits hears of the failure; when nobody does it is no news either, since the next call tries again."""
    if not task.cancelled():
        task.exception()
