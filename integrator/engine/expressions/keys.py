"""Keys of registry resources, local entries, sequences and endpoints that are worked out for each message."""

from __future__ import annotations

from integrator.engine.errors import Fault
from integrator.engine.expressions.base import Constant, Expression
from integrator.engine.message import Message


def key_of(key: Expression, message: Message) -> str:
    """The key for this message, empty when there is none.

    Raises Fault for a file: address that is not written in the artifact: else a caller could read any file of the machine.
    """
    name = key.string(message) or ""
    if name.startswith("file:") and not isinstance(key, Constant):
        raise Fault(
            0, f"key {name[:200]!r}: a key of a message names no file:; allowed are names, conf:, gov: and local:"
        )
    return name


def entry_of(key: Expression, message: Message, what: str, *, program: bool = False) -> str:
    """The text of the local entry or registry resource behind a key. Raises Fault, which begins with `what` wants it.

    Of a program that a local entry wraps into an element, the text in the element.
    """
    name = key_of(key, message)
    text = message.deployment.program_text(name) if program else message.deployment.entry_text(name)
    if text is None:
        raise Fault(0, f"{what}: there is no registry resource or local entry {name!r}")
    return text
