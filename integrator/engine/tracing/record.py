"""What is kept of one message: its trace, the lists it ran (groups), their steps, and what each step changed and called."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrator.engine.sequence import Chain
    from integrator.engine.tracing.rules import Rule

MAX_STEPS = 2000
"""Steps and lists of steps kept of one message; what runs after that is only counted."""


@dataclass(slots=True)
class Limits:
    """Bounds of one trace: characters of one payload, of one value, and of all texts together.

    `written` bounds what may be written out only to see whether a step changed the body.
    """

    payload: int = 32 * 1024
    value: int = 2 * 1024
    texts: int = 1536 * 1024
    written: int = 16 * 1024 * 1024


@dataclass(slots=True)
class Change:
    """One thing that a step changed. `before` and `after` are None when it was not there."""

    scope: str
    name: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class Body:
    """A payload as it was at one moment: its text (cut), type and whole size in characters; size -1: unread, unknown."""

    text: str
    content_type: str
    size: int
    note: str = ""
    cut: bool = False


@dataclass(slots=True)
class Call:
    """One HTTP request that a step sent. `status` 0: no answer, `error` says why. Times in ms."""

    method: str
    url: str
    started_ms: float
    duration_ms: float = 0.0
    status: int = 0
    error: str = ""


@dataclass(slots=True)
class StepRecord:
    """One step that ran. `outcome`: running, ok, ended (the flow stops here on purpose) or failed. Times in ms."""

    chain: Chain
    index: int
    path: str
    started_ms: float
    duration_ms: float = 0.0
    outcome: str = "running"
    error: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    before: int = -1
    after: int = -1
    calls: list[Call] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    number: int = 0
    copies: int = 0


@dataclass(slots=True)
class Group:
    """One run of a list of steps: a flow, a branch, a called sequence. `start` > 0: it went on there."""

    label: str
    start: int
    started_ms: float
    duration_ms: float = 0.0
    outcome: str = "running"
    fault: bool = False
    calls: list[Call] = field(default_factory=list)
    steps: list[StepRecord] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


@dataclass
class Trace:
    """The trace of one message. `reason` says which rule kept it; `texts` are the payloads that steps point at."""

    id: str
    correlation_id: str
    reason: str
    limits: Limits
    started: float = field(default_factory=time.time)
    clock: float = field(default_factory=time.perf_counter)
    artifact: str = ""
    method: str = ""
    target: str = ""
    client: str = ""
    status: int = 0
    duration_ms: float = 0.0
    outcome: str = "running"
    error: dict[str, Any] = field(default_factory=dict)
    root: Group = field(default_factory=lambda: Group("", 0, 0.0))
    bodies: list[Body] = field(default_factory=list)
    steps: int = 0
    noted: int = 0
    left_out: int = 0
    size: int = 0
    written: int = 0
    fault: BaseException | None = None
    secrets: set[str] = field(default_factory=set)
    start: list[Change] = field(default_factory=list)
    waiting: tuple[Rule, ...] = ()
    touched: set[str] = field(default_factory=set)

    def now(self) -> float:
        """Milliseconds since the message came."""
        return (time.perf_counter() - self.clock) * 1000

    def room(self, characters: int) -> bool:
        """Whether so many characters may still be kept; counts them when they may."""
        if self.size + characters > self.limits.texts:
            return False
        self.size += characters
        return True
