"""The gateway's own copy of the newest records, so that it starts and serves while the control plane is away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from gateway.schema import RECORDS, Batch, Event
from gateway.state import State

FORMAT = 1
"""Raised when an older copy must not be trusted to be complete; such a copy serves until a whole snapshot came."""


PIECE = 250
"""Records encoded in one go."""

_encode = msgspec.json.Encoder().encode


class Copy(msgspec.Struct, frozen=True):
    """The file's content. `sequence` 0 asks for a whole snapshot at the next contact."""

    format: int
    sequence: int
    events: list[Event]
    mark: str = ""


def pieces(state: State) -> Iterator[bytes]:
    """The copy of a state, a thousandth of a second's work at a time. Refused records are missing from it, so it then asks for a
    snapshot."""
    head = msgspec.json.encode(Copy(FORMAT, 0 if state.refusals else state.sequence, [], state.mark))
    before, _, after = head.partition(b'"events":[]')
    yield before + b'"events":['
    comma = b""
    for kind in RECORDS:
        records = iter(list(state.records[kind].items()))
        while some := list(islice(records, PIECE)):
            events = [Event(state.sequence, kind, key, record=msgspec.Raw(_encode(record))) for key, record in some]
            yield comma + msgspec.json.encode(events)[1:-1]
            comma = b","
    yield b"]" + after


def write(path: Path, content: Iterable[bytes]) -> None:
    """Replaces the file in one step; several workers may do so at once. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise


def read(path: Path) -> Batch | None:
    """The copy as a snapshot, None when there is none. Raises ValueError, naming the file, when it cannot be read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        copy = msgspec.json.decode(content, type=Copy)
    except msgspec.DecodeError as error:
        raise ValueError(f"disk copy {path} cannot be read: {error}") from error
    return Batch(copy.sequence if copy.format == FORMAT else 0, copy.events, snapshot=True, mark=copy.mark)
