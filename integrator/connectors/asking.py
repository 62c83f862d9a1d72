"""Calls of REST APIs, for connectors that speak to one: hosts checked, answers bounded, errors without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.content.payload import decode_json, encode_json
from integrator.engine.errors import BadPayload
from wire.client import AnswerTooLarge, Limits
from wire.errors import UpstreamError

SHOWN = 400
"""Characters of a refusing answer that an error shows."""


@dataclass(frozen=True)
class Answer:
    """Status, headers by lower-case name, and body."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is empty or something else."""
        try:
            return decode_json(self.data) if self.data.strip() else None
        except BadPayload:
            return None

    def shown(self) -> str:
        """The begin of the body, for an error text."""
        return self.data[:SHOWN].decode("utf-8", "replace")


@dataclass(frozen=True)
class Api:
    """How errors of an API are named."""

    code: int
    name: str

    async def ask(
        self,
        call: Call,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        refuse: bool = True,
    ) -> Answer:
        """One request; `body` is bytes, or a value sent as JSON. Raises ConnectorError, also for 4xx and 5xx if `refuse`."""
        given = {"accept": "application/json"} | {name.lower(): value for name, value in (headers or {}).items()}
        if body is not None and not isinstance(body, bytes):
            body = encode_json(body)
            given.setdefault("content-type", "application/json")
        pairs = [(name.encode("latin-1"), str(value).encode("latin-1", "replace")) for name, value in given.items()]
        call.limits.host(urlsplit(url).hostname or "")
        client = call.message.through(call.runtime.client)
        seconds = call.limits.seconds
        try:
            response = await client.request(method, url, pairs, body, Limits(connect=10, read=seconds, total=seconds))
            data = await response.body(call.limits.largest)
        except (UpstreamError, AnswerTooLarge, ValueError) as error:
            raise ConnectorError(self.code, self.name, f"{method} {_bare(url)}: {error}") from error
        found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        answer = Answer(response.status, found, data)
        if refuse and answer.status >= 400:
            raise ConnectorError(
                self.code, self.name, f"{method} {_bare(url)} answered {answer.status}: {answer.shown()}"
            )
        return answer


def _bare(url: str) -> str:
    return url.partition("?")[0]


def path(*parts: Any) -> str:
    """Path segments, each encoded, so that no value leaves its segment."""
    segments = [quote(str(part), safe="") for part in parts]
    return "/" + "/".join(f"%2E{'%2E' * (len(part) - 1)}" if part in (".", "..") else part for part in segments)


def joined(base: str, relative: str) -> str:
    """A path below a base address; the host is always that of the base."""
    return f"{base.rstrip('/')}/{relative.lstrip('/')}" if relative else base
