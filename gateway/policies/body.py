"""Bodies as policies read them: whole, bounded, and without the compression they came in."""

from __future__ import annotations

import zlib

from gateway import faults
from gateway.call import Call
from gateway.message import Answer
from gateway.policies.base import Failure, mediation_fault
from wire.exchange import BodyTooLarge

_WINDOWS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
ENCODING = b"content-encoding"
MOST_CODINGS = 4
"""Codings of one body: there are archives that hold themselves, so that each further one could be unpacked for ever."""


def inflate(data: bytes, encoding: bytes, limit: int) -> bytes:
    """`data` without its content coding. Raises ValueError for another coding or broken data, BodyTooLarge beyond `limit`."""
    codings = [part.strip().lower() for part in encoding.split(b",") if part.strip()]
    if len(codings) > MOST_CODINGS:
        raise ValueError(f"{len(codings)} content-encodings are more than {MOST_CODINGS}")
    for coding in reversed(codings):
        if coding == b"identity":
            continue
        window = _WINDOWS.get(coding)
        if window is None:
            raise ValueError(f"content-encoding {coding.decode('latin-1')!r} is not one of gzip, deflate")
        decoder = zlib.decompressobj(window)
        try:
            data = decoder.decompress(data, limit + 1)
        except zlib.error as error:
            raise ValueError(f"the body is not {coding.decode()}: {error}") from error
        if len(data) > limit or decoder.unconsumed_tail:
            raise BodyTooLarge(limit)
        if not decoder.eof:
            raise ValueError(f"the {coding.decode()} body is not complete")
    return data


async def of_request(call: Call, limit: int) -> bytes:
    """The request's body for looking at. Raises Failure (400, 415) for one that cannot be read, BodyTooLarge."""
    data = await call.read(limit)
    encoding = call.edit().header(ENCODING)
    if encoding is None or not data:
        return data
    try:
        return inflate(data, encoding, limit)
    except ValueError as error:
        raise Failure(mediation_fault(f"The request body cannot be read: {error}", 400)) from error


async def plain_request(call: Call, limit: int) -> bytes:
    """The same, and the request goes on without its compression: for policies that change the body."""
    request = call.edit()
    request.body = await of_request(call, limit)
    request.remove(ENCODING)
    return request.body


def plain_answer(answer: Answer, limit: int) -> None:
    """Takes the compression off an answer. Raises Failure when it cannot be read."""
    encoding = answer.header(ENCODING)
    if encoding is None:
        return
    try:
        answer.body = inflate(answer.body, encoding, limit)
    except (ValueError, BodyTooLarge) as error:
        raise Failure(faults.RESPONSE_FAILED, str(error)) from error
    answer.remove(ENCODING)
