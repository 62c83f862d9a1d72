"""What the control plane needs to know of a deployed home, free of the engine's own types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Trigger:
    """When something runs: every `interval` seconds (at most `count` times when not None), by Quartz `cron`, or `once`."""

    interval: float = 0.0
    count: int | None = None
    cron: str = ""
    once: bool = False


@dataclass(frozen=True)
class Task:
    """A scheduled task artifact."""

    name: str
    trigger: Trigger


@dataclass(frozen=True)
class Processor:
    """A message processor artifact. An inactive one is deployed but not run."""

    name: str
    trigger: Trigger
    store: str = ""
    active: bool = True


@dataclass(frozen=True)
class Artifact:
    """One artifact as deployed, or refused with the reason in `error`."""

    kind: str
    name: str
    error: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A home at one moment."""

    home: str
    tasks: tuple[Task, ...] = ()
    processors: tuple[Processor, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
