"""WebSocket frames (RFC 6455) as a relay sees them: headers are read and checked, payloads pass untouched and unkept."""

from __future__ import annotations

import os
from collections.abc import Callable

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
RESERVED_CODES = frozenset({1004, 1005, 1006, 1015})
MOST_REASON = 123
"""Bytes of reason that a close frame can carry."""


class Broken(Exception):
    """One side broke the protocol or a bound. `code` is the close code that says so."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class Reader:
    """One direction of a connection. `feed` takes bytes as they come and returns those that are to be passed on.

    `admit(size)` is asked at the start of every data frame; a message whose first frame is not admitted is left out whole.
    `masked` says whether frames of this side must be; `compressed` whether permessage-deflate was agreed on. At most a
    header is kept.
    """

    __slots__ = (
        "_dropping",
        "_fragmented",
        "_held",
        "_left",
        "_message",
        "_passing",
        "admit",
        "broken",
        "closed",
        "compressed",
        "masked",
        "max_frame",
        "max_message",
        "said_goodbye",
    )

    def __init__(
        self, masked: bool, compressed: bool, max_frame: int, max_message: int, admit: Callable[[int], bool]
    ) -> None:
        self.masked = masked
        self.compressed = compressed
        self.max_frame = max_frame
        self.max_message = max_message
        self.admit = admit
        self.broken: Broken | None = None
        self.closed = False
        """No frame passes any more but the rest of the one under way."""

        self.said_goodbye = False
        """This side has sent its close frame."""

        self._held = b""
        self._left = 0
        self._dropping = False
        self._fragmented = False
        self._passing = True
        self._message = 0

    @property
    def between_frames(self) -> bool:
        """Whether a frame of another's may be put here into what was passed on."""
        return not self._left or self._dropping

    @property
    def between_messages(self) -> bool:
        """Whether a whole message of another's may."""
        return self.between_frames and not (self._fragmented and self._passing)

    def feed(self, data: bytes) -> list[bytes]:
        """What is to be passed on. After a violation `broken` is set and only what came before it is returned."""
        if self._held:
            data = self._held + data
            self._held = b""
        out: list[bytes] = []
        start = position = 0
        end = len(data)
        while position < end:
            if self._left:
                step = min(self._left, end - position)
                self._left -= step
                position += step
                if self._dropping:
                    start = position
                continue
            try:
                size, length, passes = self._header(data, position, end)
            except Broken as broken:
                self.broken = broken
                self.closed = True
                end = position
                break
            if not size:
                break
            if not passes:
                if position > start:
                    out.append(data[start:position])
                start = position + size
            self._dropping = not passes
            self._left = length
            position += size
        if position < end:
            self._held = data[position:]
        if position > start:
            out.append(data[start:position])
        return out

    def _header(self, data: bytes, at: int, end: int) -> tuple[int, int, bool]:
        """Size of the header at `at` (0: not all of it is here), length of its payload, whether the frame passes."""
        if end - at < 2:
            return 0, 0, False
        first, second = data[at], data[at + 1]
        if bool(second & 128) is not self.masked:
            raise Broken(1002, "a frame is not masked" if self.masked else "a frame is masked")
        length = second & 127
        size = 2
        if length > 125:
            size = 4 if length == 126 else 10
            if end - at < size:
                return 0, 0, False
            short = 126 if length == 126 else 65536
            length = int.from_bytes(data[at + 2 : at + size], "big")
            if length < short:
                raise Broken(1002, "a length is not written in the shortest way")
        if self.masked:
            size += 4
        opcode = first & 15
        # Of a close frame the code is looked at as well.
        if end - at < (size + min(length, 2) if opcode == CLOSE else size):
            return 0, 0, False
        self._check_reserved(first, opcode)
        if opcode >= CLOSE:
            return size, length, self._control(first, opcode, length, data, at + size)
        return size, length, self._data(first, opcode, length)

    def _check_reserved(self, first: int, opcode: int) -> None:
        if opcode not in OPCODES:
            raise Broken(1002, f"opcode {opcode} is reserved")
        reserved = first & 0x70
        if reserved and not (reserved == 0x40 and self.compressed and opcode in (TEXT, BINARY)):
            raise Broken(1002, "a reserved bit is set")

    def _control(self, first: int, opcode: int, length: int, data: bytes, payload: int) -> bool:
        if not first & 128 or length > 125:
            raise Broken(1002, "a control frame is fragmented or longer than 125 bytes")
        passes = not self.closed
        if opcode == CLOSE:
            if length == 1 or (length and not known_code(self._code(data, payload))):
                raise Broken(1002, "a close frame has no valid code")
            self.said_goodbye = True
            self.closed = True
        return passes

    def _code(self, data: bytes, payload: int) -> int:
        code = int.from_bytes(data[payload : payload + 2], "big")
        return code ^ int.from_bytes(data[payload - 4 : payload - 2], "big") if self.masked else code

    def _data(self, first: int, opcode: int, length: int) -> bool:
        if self.closed:
            return False
        if (opcode == CONTINUATION) is not self._fragmented:
            raise Broken(
                1002, "a continuation continues nothing" if opcode == CONTINUATION else "a message is cut short"
            )
        if length > self.max_frame:
            raise Broken(1009, f"a frame is longer than {self.max_frame} bytes")
        self._message = length + (self._message if opcode == CONTINUATION else 0)
        if self._message > self.max_message:
            raise Broken(1009, f"a message is longer than {self.max_message} bytes")
        self._fragmented = not first & 128
        admitted = self.admit(length)
        if opcode != CONTINUATION:
            self._passing = admitted
        return self._passing


def known_code(code: int) -> bool:
    """Whether a close frame may carry `code`."""
    return (1000 <= code <= 1014 and code not in RESERVED_CODES) or 3000 <= code <= 4999


def frame(opcode: int, payload: bytes, masked: bool = False) -> bytes:
    """A whole frame of at most 65535 bytes, masked with a fresh key when it goes to a backend."""
    bit = 128 if masked else 0
    length = len(payload)
    head = (
        bytes((128 | opcode, bit | length))
        if length < 126
        else bytes((128 | opcode, bit | 126)) + length.to_bytes(2, "big")
    )
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[place & 3] for place, byte in enumerate(payload))


def close_frame(code: int, reason: str, masked: bool = False) -> bytes:
    """A close frame; a reason that is too long is cut between characters."""
    text = reason.encode()[:MOST_REASON].decode("utf-8", "ignore").encode()
    return frame(CLOSE, code.to_bytes(2, "big") + text, masked)
