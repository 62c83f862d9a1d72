"""The beginning of a body that goes through as a stream: noted while it passes, never taken and never held up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import cast

from integrator.engine.content import media
from integrator.engine.content.payload import Payload
from integrator.engine.tracing.masking import MASK, mask
from integrator.engine.tracing.record import Body, Trace

ON_THE_WIRE = "still on the wire: no step has read it"
PASSED = "no step read it: its beginning, as it went through"
BROKEN = "no step read it, and it broke off: its beginning"
ENCODED = "no step read it; it is compressed or binary"
SHOWN = 1024
"""Characters that are shown."""
LOOKED_AT = 8 * SHOWN
"""Bytes that are looked at: a secret that begins in what is shown should end in here, so that it is masked."""

Stream = Callable[[], AsyncIterator[bytes]]


class Peek:
    """Stands before the stream of a body. Each chunk goes on as it is."""

    def __init__(self, stream: Stream, encoding: str | None, trace: Trace):
        self.bodies: list[Body] = []
        self._stream = stream
        self._encoded = (encoding or "identity").lower() != "identity"
        self._trace, self._secrets = trace, trace.secrets

    async def __call__(self) -> AsyncIterator[bytes]:
        """The stream. Raises what the stream raises."""
        begin, size, whole = bytearray(), 0, False
        try:
            async with aclosing(cast("AsyncGenerator[bytes, None]", self._stream())) as chunks:
                async for chunk in chunks:
                    if size < LOOKED_AT:
                        begin += chunk[: LOOKED_AT - size]
                    size += len(chunk)
                    yield chunk
            whole = True
        finally:
            self._note(bytes(begin), size, whole)

    def _note(self, begin: bytes, size: int, whole: bool) -> None:
        for body in self.bodies:
            body.size = size if whole else -1
            if self._encoded or b"\0" in begin:
                body.note = ENCODED
                continue
            text = mask(begin.decode(media.charset(body.content_type), "replace"))
            for secret in sorted(self._secrets, key=len, reverse=True):
                text = text.replace(secret, MASK)
            body.note, body.cut = PASSED if whole else BROKEN, len(text) > SHOWN
            body.text = text[:SHOWN] if self._trace.room(SHOWN) else ""


def peek(payload: Payload, encoding: str | None, trace: Trace) -> Body:
    """What is known of a body that is still on the wire; its beginning joins when it has gone through."""
    body = Body("", payload.content_type, -1, ON_THE_WIRE)
    if payload.chunks is not None:
        if not isinstance(payload.chunks, Peek):
            payload.chunks = Peek(payload.chunks, encoding, trace)
        payload.chunks.bodies.append(body)
    return body
