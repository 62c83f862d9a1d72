"""What every policy is compiled from, and how one says that it failed."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gateway.call import Call
from gateway.faults import Fault
from gateway.message import Answer
from gateway.stages import Step

if TYPE_CHECKING:
    from gateway.plan import Plan
    from gateway.schema import PolicyUse

FlowName = Literal["request", "response", "fault"]

CREDENTIALS = frozenset({b"apikey", b"internal-key"})
"""Headers that are credentials at every API, besides those that it names itself."""

AnswerStep = Callable[[Call, Answer], Awaitable[bool | None] | bool | None]
"""Changes an answer. True ends its flow; the answer goes out as it is then."""


class Failure(Exception):
    """A policy could not do its work: the fault flow runs. `fault` is for the caller, `cause` for our log."""

    def __init__(self, fault: Fault, cause: str = "") -> None:
        self.fault = fault
        self.cause = cause
        super().__init__(cause or fault.description)


def mediation_fault(description: str, status: int = 500, code: str = "0") -> Fault:
    """The fault of a policy that failed; 400 where the caller's message was the reason."""
    message = "Bad Request" if status == 400 else "Runtime Error"
    return Fault(status, code if status != 400 else "400", message, description, type="Status report")


@dataclass(frozen=True, slots=True)
class Head:
    """What a policy does to an answer's header lines when that is known before the answer: names dropped, then lines added."""

    drops: frozenset[bytes] = frozenset()
    lines: tuple[tuple[bytes, bytes], ...] = ()

    def then(self, other: Head) -> Head:
        """Both, `other` after this one."""
        kept = tuple(line for line in self.lines if line[0] not in other.drops)
        return Head(self.drops | other.drops, kept + other.lines)


@dataclass(frozen=True, slots=True)
class Use:
    """One policy in one flow of one operation, while it is compiled."""

    plan: Plan
    record: PolicyUse
    flow: FlowName

    @property
    def limit(self) -> int:
        """Bytes of a body that a policy may read."""
        return self.plan.services.settings.policy_body

    @property
    def credentials(self) -> frozenset[bytes]:
        """Headers in which callers of this API show who they are, by their lower-case names: nobody else is told."""
        record = self.plan.record
        own = {record.authorization_header.lower().encode(), record.api_key_header.lower().encode()}
        return CREDENTIALS | own

    def wrong(self, name: str, value: object, allowed: str) -> ValueError:
        """The error for an attribute's value."""
        return ValueError(f"policy {self.record.name!r}: attribute {name} {value!r} is not {allowed}")

    def text(self, name: str, default: str | None = None, pattern: str = "", allowed: str = "") -> str:
        """An attribute as text. Raises ValueError when it is missing without a default, or does not match."""
        value: Any = self.record.parameters.get(name)
        if value is None or value == "":
            if default is None:
                raise ValueError(f"policy {self.record.name!r}: attribute {name} is required")
            return default
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if pattern and not re.fullmatch(pattern, text):
            raise self.wrong(name, text, allowed or f"of the form {pattern}")
        return text

    def number(self, name: str, default: int, most: int = 2**31) -> int:
        """A whole number from 0 to `most`. Raises ValueError."""
        text = self.text(name, str(default)).strip()
        if not text.isdecimal() or int(text) > most:
            raise self.wrong(name, text, f"a whole number from 0 to {most}")
        return int(text)

    def flag(self, name: str, default: bool) -> bool:
        """true or false. Raises ValueError."""
        return self.text(name, str(default).lower(), "(?i)true|false", "true or false").lower() == "true"

    def choice(self, name: str, default: str | None, *allowed: str) -> str:
        """One of the words allowed. Raises ValueError."""
        text = self.text(name, default)
        if text not in allowed:
            raise self.wrong(name, text, f"one of {', '.join(allowed)}")
        return text


@dataclass(frozen=True, slots=True)
class Native:
    """A policy that ships with the product: its compilers for the flows it may stand in.

    `head` tells, when the attributes allow, what the policy does to an answer without having to see it; `fetches` says that
    a request policy needs the answer fetched whole.
    """

    request: Callable[[Use], Step] | None = None
    answer: Callable[[Use], AnswerStep] | None = None
    head: Callable[[Use], Head | None] | None = None
    flows: frozenset[FlowName] = frozenset({"request", "response", "fault"})
    fetches: bool = False
