"""Backends that answer badly: every `tests/corpus/gateway/answers/*.answer` must reach the caller as its `.expect` says.

An `.answer` file holds the bytes with `\\r\\n`, `\\x00` written out, `<<a*300000>>` is so many of one character; line ends of
the file itself do not count. An `.expect` file says the caller's `status` (or a list of possible ones; 502 is our refusal),
the `body` by length or `chunked`, whether the answer is `complete` (true), what it `contains` or `lacks`, and whether the
backend's connection is `kept` for the next call. With `close` the backend closes behind its answer.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from pathlib import Path

import pytest

from tests.wire.support import talk
from tests.wire.test_forward import Through, raw_backend, relaying

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "gateway" / "answers"
CASES = sorted(CORPUS.glob("*.answer"))


def raw(path: Path) -> bytes:
    """The bytes of an answer file."""
    text = re.sub(r"<<(.)\*(\d+)>>", lambda found: found[1] * int(found[2]), path.read_text().replace("\n", ""))
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_answers(path: Path) -> None:
    expected = json.loads(path.with_suffix(".expect").read_text())
    data = raw(path)
    closes = expected.get("close", b"\r\n\r\n" not in data or not re.search(rb"(?i)content-length|chunked", data))

    async def backend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(data)
            await writer.drain()
            if not closes:
                await reader.read()
        writer.close()

    port, server = await raw_backend(backend)
    async with relaying(port) as (front, origin):
        answer = await talk(front, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", pause=0)
        await asyncio.sleep(0.02)
        assert bool(origin.idle) == expected["kept"]
    server.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head[9:12])
    assert status in (expected["status"] if isinstance(expected["status"], list) else [expected["status"]]), answer[
        :300
    ]
    assert len(Through.ends) == 1
    if "body" in expected:
        assert body == expected["body"].encode()
        assert b"content-length: %d" % len(body) in head.lower()
    if "chunked" in expected:
        pieces = re.fullmatch(rb"(?:[0-9a-f]+\r\n(.*?)\r\n)+0\r\n\r\n", body, re.DOTALL)
        assert pieces is not None
        assert pieces[1] == expected["chunked"].encode()
    if expected.get("bodyless"):
        assert not body
    if not expected.get("complete", True) and status != 502:
        assert not body.endswith(b"0\r\n\r\n")
    for text in expected.get("contains", []):
        assert text.encode("latin-1") in answer
    for text in expected.get("lacks", []):
        assert text.encode("latin-1") not in answer
