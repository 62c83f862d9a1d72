"""Small calls of mediators to helpers such as policy servers: through the one client, bounded in time and size."""

from __future__ import annotations

import base64
from typing import Any

from integrator.engine.content.payload import decode_json, encode_json
from integrator.engine.errors import Fault
from integrator.engine.runtime import Runtime
from wire.client import AnswerTooLarge, Limits
from wire.upstream import UpstreamError

LIMITS = Limits(connect=5, read=30, total=30)
MOST = 4 * 1024 * 1024
"""Bytes of an answer."""


class Unreachable(Fault):
    """The helper did not answer, or not with what was asked for."""


async def post(runtime: Runtime, url: str, body: bytes, kind: str, headers: dict[str, str] | None = None) -> bytes:
    """The body of the answer. Raises Unreachable for a failure and for any status but 2xx."""
    pairs = [(name.lower().encode(), value.encode("utf-8", "replace")) for name, value in (headers or {}).items()]
    try:
        response = await runtime.client.request("POST", url, [(b"content-type", kind.encode()), *pairs], body, LIMITS)
        answer = await response.body(MOST)
    except (UpstreamError, AnswerTooLarge, ValueError) as error:
        raise Unreachable(0, f"{url} did not answer: {error}") from error
    if not 200 <= response.status < 300:
        raise Unreachable(0, f"{url} answered {response.status}")
    return answer


async def post_json(runtime: Runtime, url: str, value: Any, headers: dict[str, str] | None = None) -> Any:
    """The JSON value of the answer, None for an empty one. Raises Unreachable."""
    given = {"accept": "application/json"} | (headers or {})
    answer = await post(runtime, url, encode_json(value), "application/json", given)
    return parsed(url, answer)


def parsed(url: str, answer: bytes) -> Any:
    """JSON of an answer. Raises Unreachable."""
    try:
        return decode_json(answer) if answer.strip() else None
    except Fault as error:
        raise Unreachable(0, f"{url} answered with what is no JSON") from error


def basic(username: str, password: str) -> str:
    """The Authorization value of Basic credentials."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
