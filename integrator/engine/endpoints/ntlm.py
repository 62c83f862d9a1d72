"""NTLM: the credentials belong to one connection, so a call that is asked for them is sent again on one of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from integrator.engine.errors import Fault
from wire.client import AnswerTooLarge, Limits
from wire.errors import UpstreamError

if TYPE_CHECKING:
    from integrator.engine.runtime import Runtime

NTLM = "integrator.ntlm"
"""Name in the axis2-client options, and in the axis2 scope of a call that may use it."""
SKIPPED = frozenset({"transfer-encoding", "connection", "content-encoding", "keep-alive"})


@dataclass(frozen=True)
class Credentials:
    """User, with the domain before a backslash, and password."""

    user: str
    password: str = field(repr=False)


@dataclass
class Answer:
    """An answer that was taken whole; it has what the client's answers have."""

    status: int
    headers: list[tuple[bytes, bytes]]
    data: bytes

    @property
    def reason(self) -> str:
        """The registered phrase of the status."""
        return HTTPStatus(self.status).phrase if self.status in HTTPStatus._value2member_map_ else ""

    def whole(self) -> bytes:
        """The body."""
        return self.data

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises AnswerTooLarge."""
        if len(self.data) > limit:
            raise AnswerTooLarge(limit)
        return self.data

    async def stream(self) -> AsyncIterator[bytes]:
        """The body in one piece."""
        yield self.data

    def close(self) -> None:
        """Nothing is held."""


@lru_cache(maxsize=1)
def library() -> Any:
    """requests and requests_ntlm, loaded when the first server asks for NTLM: they are large."""
    import requests  # noqa: PLC0415  (see above)
    import requests_ntlm  # noqa: PLC0415

    return requests, requests_ntlm.HttpNtlmAuth


async def answer(
    runtime: Runtime,
    credentials: Credentials,
    request: tuple[str, str, list[tuple[bytes, bytes]], Any],
    limits: Limits,
) -> Answer:
    """Send (method, URL, headers, body) with the NTLM handshake. Raises Fault for a body that is gone, UpstreamError."""
    if request[3] is not None and not isinstance(request[3], bytes):
        raise Fault(0, "a streamed body cannot be sent again with NTLM credentials")
    return await runtime.run(_send, credentials, request, limits, runtime.settings.trust or True, runtime.max_body)


def _send(
    credentials: Credentials, request: tuple[str, str, Any, Any], limits: Limits, trust: Any, most: int
) -> Answer:
    requests, authentication = library()
    verb, url, headers, body = request
    with requests.Session() as session:
        session.trust_env = False
        session.auth = authentication(credentials.user, credentials.password)
        try:
            found = session.request(
                verb,
                url,
                headers={name.decode("latin-1"): value for name, value in headers if name != b"host"},
                data=body,
                timeout=(limits.connect, limits.read),
                allow_redirects=False,
                verify=trust,
                stream=True,
            )
            data = b""
            for chunk in found.iter_content(65536):
                data += chunk
                if len(data) > most:
                    raise AnswerTooLarge(most)
        except requests.RequestException as error:
            raise UpstreamError("head", str(error), timeout=isinstance(error, requests.Timeout)) from error
    kept = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in found.headers.items()]
    return Answer(found.status_code, [pair for pair in kept if pair[0].decode("latin-1") not in SKIPPED], data)
