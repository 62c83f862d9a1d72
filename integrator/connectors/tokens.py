"""OAuth 2 access tokens for connectors: one for equal grants, renewed before it ends or when it was refused."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from integrator.connectors.asking import Api
from integrator.engine.connectors.calls import Call, ConnectorError

EARLY_S = 30
LASTS_S = 300


@dataclass(frozen=True)
class Grant:
    """Where to ask, and the form to send. `basic`: id and secret in the Authorization header."""

    url: str
    form: Mapping[str, str] = field(repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from others."""
        return ("token", self.url, repr(sorted(self.form.items())), repr(self.basic))


@dataclass
class Token:
    """An access token and when to renew it (monotonic seconds)."""

    text: str = field(repr=False)
    until: float
    instance: str = ""


async def token_of(call: Call, api: Api, grant: Grant, refused: Token | None = None) -> Token:
    """A token that is good now; a new one when `refused` is the one that is held. Raises ConnectorError."""
    held: Token = await call.connections.get(grant.key, lambda: _fetch(call, api, grant))
    if held is refused or time.monotonic() >= held.until:
        await call.connections.drop(grant.key)
        held = await call.connections.get(grant.key, lambda: _fetch(call, api, grant))
    return held


async def _fetch(call: Call, api: Api, grant: Grant) -> Token:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    if grant.basic:
        pair = ":".join(grant.basic).encode()
        headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    answer = await api.ask(call, "POST", grant.url, headers, urlencode(dict(grant.form)).encode(), refuse=False)
    found = answer.json
    if answer.status != 200 or not isinstance(found, dict) or not found.get("access_token"):
        raise ConnectorError(api.code, api.name, f"no token from {grant.url}: status {answer.status}")
    lasts = found.get("expires_in")
    seconds = float(lasts) if isinstance(lasts, int | float | str) and str(lasts).isdigit() else LASTS_S
    return Token(
        str(found["access_token"]), time.monotonic() + max(1.0, seconds - EARLY_S), str(found.get("instance_url") or "")
    )
