"""A trace of the management API as rows that a template draws one after the other, however deep the flow is nested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

WIDTH = 1000
"""Of a time bar, in units of its picture."""
NARROWEST = 6
OPEN_COPIES = 3
"""Copies of one step that are shown open from the start; more are folded, those that failed stay open."""
SCOPES = {
    "header": "Headers",
    "property": "Properties",
    "variable": "Variables",
    "axis2": "axis2 properties",
    "parameter": "Template parameters",
    "operation": "Operation properties",
    "client": "Client properties",
    "address": "Addressing",
}
TONES = {"ok": "ok", "ended": "info", "failed": "bad", "running": "warn"}
WORDS = {"ok": "done", "ended": "flow ends here", "failed": "failed", "running": "still running"}


@dataclass
class Bar:
    """When something ran, on the time line of the whole message."""

    x: float
    width: float


@dataclass
class Row:
    """One thing to draw. `kind`: step, end-step, branches, end-branches, branch, end-branch."""

    kind: str
    item: dict[str, Any] = field(default_factory=dict)
    tone: str = "ok"
    word: str = ""
    bar: Bar | None = None
    calls: list[Bar] = field(default_factory=list)
    chips: list[str] = field(default_factory=list)
    opened: bool = True
    steps: int = 0

    @property
    def took(self) -> str:
        """How long it took, for people."""
        return took(float(self.item.get("durationMs") or 0))


def took(ms: float) -> str:
    """A time in the unit that shows it best."""
    if ms < 0.1:
        return f"{ms * 1000:.0f} µs"
    return f"{ms:.2f} ms" if ms < 10 else f"{ms:.0f} ms" if ms < 10_000 else f"{ms / 1000:.1f} s"


@dataclass
class Flow:
    """The rows of a trace, its steps by number, and where the first failure is."""

    rows: list[Row]
    steps: dict[int, dict[str, Any]]
    total_ms: float
    failed: int = 0


def flow_of(trace: dict[str, Any]) -> Flow:
    """Rows of a trace as the management API gives it."""
    total = max(float(trace.get("durationMs") or 0), _latest(trace["flow"]), 0.001)
    rows = [row for group in trace["flow"]["groups"] for row in _group(group, total, opened=True)]
    steps = {row.item["number"]: row.item for row in rows if row.kind == "step"}
    failed = next((number for number, step in steps.items() if step.get("error")), 0)
    return Flow(rows, steps, total, failed)


def _latest(group: dict[str, Any]) -> float:
    inner = [*group["groups"], *(item for step in group["steps"] for item in step["groups"])]
    ends = [step["startedMs"] + step["durationMs"] for step in group["steps"]]
    return max([0.0, *ends, *(_latest(item) for item in inner)])


def _group(group: dict[str, Any], total: float, *, opened: bool) -> Iterator[Row]:
    steps = list(group["steps"])
    head = Row("branch", group, _tone(group), opened=opened or group["outcome"] == "failed", steps=_count(group))
    head.bar = bar(group, total) if steps else _span(group, total)
    yield head
    for step in steps:
        yield from _step(step, total)
    for inner in group["groups"]:
        yield from _group(inner, total, opened=True)
    yield Row("end-branch")


def _step(step: dict[str, Any], total: float) -> Iterator[Row]:
    yield Row(
        "step",
        step,
        _tone(step),
        WORDS.get(step["outcome"], step["outcome"]),
        bar(step, total),
        [bar(call, total) for call in step["calls"]],
        chips(step),
    )
    if step["groups"]:
        yield Row("branches")
        copies = sum(group["label"].startswith("copy ") for group in step["groups"])
        for group in step["groups"]:
            yield from _group(group, total, opened=copies <= OPEN_COPIES or not group["label"].startswith("copy "))
        yield Row("end-branches")
    yield Row("end-step")


def _tone(item: dict[str, Any]) -> str:
    return TONES.get(item["outcome"], "mute")


def _count(group: dict[str, Any]) -> int:
    own = sum(1 + sum(_count(inner) for inner in step["groups"]) for step in group["steps"])
    return own + sum(_count(inner) for inner in group["groups"])


def bar(item: dict[str, Any], total: float) -> Bar:
    """Where an item with startedMs and durationMs stands on the time line; never too narrow to be seen."""
    width = min(WIDTH, max(NARROWEST, item["durationMs"] / total * WIDTH))
    return Bar(round(min(item["startedMs"] / total * WIDTH, WIDTH - width), 1), round(width, 1))


def _span(group: dict[str, Any], total: float) -> Bar | None:
    """Time of a copy, which is the time of what ran in it."""
    inner = [one for one in group["groups"] if one["steps"]]
    if not inner:
        return None
    start = min(one["startedMs"] for one in inner)
    end = max(one["startedMs"] + one["durationMs"] for one in inner)
    group["startedMs"], group["durationMs"] = start, round(end - start, 3)
    return bar(group, total)


def chips(step: dict[str, Any]) -> list[str]:
    """What a step changed, in a few words."""
    found = ["payload"] if step["before"] != step["after"] and step["after"] >= 0 else []
    for scope, word in (
        ("header", "header"),
        ("property", "property"),
        ("variable", "variable"),
        ("axis2", "axis2 property"),
    ):
        count = sum(change["scope"] == scope for change in step["changes"])
        if count:
            plural = word if count == 1 else word.replace("property", "propertie") + "s"
            found.append(f"{count} {plural}")
    return found


@dataclass
class Scope:
    """Changes of one scope."""

    label: str
    changes: list[dict[str, Any]]


def scopes_of(changes: list[dict[str, Any]]) -> list[Scope]:
    """Changes by scope, in the order in which people look for them."""
    found = (Scope(label, [one for one in changes if one["scope"] == scope]) for scope, label in SCOPES.items())
    return [scope for scope in found if scope.changes]
