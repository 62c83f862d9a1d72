"""OAuth 2 client credentials for an http endpoint: one cached token, renewed when it ends or is refused."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from integrator.engine.content.payload import decode_json
from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.message import Message
from wire.client import Limits
from wire.upstream import UpstreamError

AUTHENTICATION_FAILED = 303003
EARLY_S = 10


@dataclass
class ClientCredentials:
    """Where and how to get a token."""

    client_id: Expression
    client_secret: Expression
    token_url: Expression
    in_payload: bool = False
    parameters: tuple[tuple[str, Expression], ...] = ()
    _token: str = field(default="", repr=False)
    _until: float = 0.0

    async def token(self, message: Message, fresh: bool) -> str:
        """A valid access token. Raises Fault 303003 when the token service refuses."""
        if fresh or not self._token or time.monotonic() >= self._until:
            await self._fetch(message)
        return self._token

    async def _fetch(self, message: Message) -> None:
        url = self.token_url.string(message) or ""
        identity, secret = self.client_id.string(message) or "", self.client_secret.string(message) or ""
        form = {"grant_type": "client_credentials"} | {
            name: value.string(message) or "" for name, value in self.parameters
        }
        headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"accept", b"application/json")]
        if self.in_payload:
            form |= {"client_id": identity, "client_secret": secret}
        else:
            pair = base64.b64encode(f"{identity}:{secret}".encode())
            headers.append((b"authorization", b"Basic " + pair))
        try:
            response = await message.deployment.runtime.client.request(
                "POST", url, headers, urlencode(form).encode(), Limits(connect=5, read=30)
            )
            answer = decode_json(await response.body())
        except (UpstreamError, ValueError, Fault) as error:
            raise Fault(AUTHENTICATION_FAILED, f"no token from {url}: {error}") from error
        if response.status != 200 or not isinstance(answer, dict) or "access_token" not in answer:
            raise Fault(AUTHENTICATION_FAILED, f"no token from {url}: status {response.status}")
        self._token = str(answer["access_token"])
        self._until = time.monotonic() + max(0, int(answer.get("expires_in", 300)) - EARLY_S)
