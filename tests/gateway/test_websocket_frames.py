"""Frame headers are understood however the bytes are cut into reads, and what passes is what came."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocols.websocket_frames import Reader, close_frame, frame

PAYLOADS = st.lists(
    st.tuples(st.sampled_from([1, 2, 9, 10]), st.integers(0, 300) | st.integers(65_000, 70_000)), max_size=8
)


def written(opcode: int, length: int, masked: bool) -> bytes:
    """A frame of any length."""
    length = min(length, 125) if opcode >= 8 else length
    if length <= 65_535:
        return frame(opcode, b"x" * length, masked)
    head = bytes((128 | opcode, (128 if masked else 0) | 127)) + length.to_bytes(8, "big")
    return head + (b"\0\0\0\0" if masked else b"") + b"x" * length


def read(reader: Reader, stream: bytes, size: int) -> bytes:
    """What passes when the stream comes in pieces of `size` bytes."""
    return b"".join(piece for at in range(0, len(stream), size) for piece in reader.feed(stream[at : at + size]))


@settings(deadline=None)
@given(PAYLOADS, st.booleans(), st.integers(1, 20) | st.integers(1000, 100_000))
def test_whatever_the_pieces_everything_passes(frames: list[tuple[int, int]], masked: bool, size: int) -> None:
    stream = b"".join(written(opcode, length, masked) for opcode, length in frames) + close_frame(1000, "bye", masked)
    sizes: list[int] = []
    reader = Reader(masked, False, 1 << 20, 1 << 20, lambda length: not sizes.append(length))
    assert read(reader, stream, size) == stream
    assert reader.broken is None
    assert reader.said_goodbye
    assert sizes == [length for opcode, length in frames if opcode < 8]


@settings(deadline=None)
@given(PAYLOADS, st.integers(1, 20) | st.integers(1000, 100_000))
def test_messages_that_are_not_admitted_are_left_out_whole(frames: list[tuple[int, int]], size: int) -> None:
    stream = b"".join(written(opcode, length, False) for opcode, length in frames)
    reader = Reader(False, False, 1 << 20, 1 << 20, lambda length: length % 2 == 0)
    kept = [one for one in frames if one[0] >= 8 or one[1] % 2 == 0]
    assert read(reader, stream, size) == b"".join(written(opcode, length, False) for opcode, length in kept)


@settings(deadline=None)
@given(st.binary(max_size=500), st.booleans(), st.integers(1, 50))
def test_no_bytes_surprise_the_reader(stream: bytes, masked: bool, size: int) -> None:
    reader = Reader(masked, True, 1000, 2000, lambda length: True)
    passed = read(reader, stream, size)
    assert stream.startswith(passed)
    assert reader.broken is None or 1002 <= reader.broken.code <= 1009


@pytest.mark.parametrize("size", [1, 3, 100])
def test_fragments_share_the_fate_of_their_message(size: int) -> None:
    first, more, last = (b"\x01\x01a", b"\x00\x01b", b"\x80\x01c")
    ping = b"\x89\x00"
    admitted = iter((False, True, True, True, False, False))
    reader = Reader(False, False, 100, 100, lambda length: next(admitted))
    assert (
        read(reader, first + ping + more + last + first + more + ping + last, size) == ping + first + more + ping + last
    )
