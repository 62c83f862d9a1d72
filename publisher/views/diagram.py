"""Geometry of the life-cycle picture: boxes and arrows computed from the table of transitions."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.actions.lifecycle import TRANSITIONS
from publisher.models import State

WIDTH, HEIGHT = 132, 46
CENTRES = {
    State.CREATED: (90, 60),
    State.PROTOTYPED: (90, 200),
    State.PUBLISHED: (330, 60),
    State.BLOCKED: (330, 200),
    State.DEPRECATED: (570, 60),
    State.RETIRED: (570, 200),
}


@dataclass(frozen=True)
class Box:
    """One state: upper left corner, centre, and whether it is the present one or one step away."""

    state: str
    label: str
    x: int
    y: int
    cx: int
    cy: int
    current: bool
    reachable: bool


@dataclass(frozen=True)
class Arrow:
    """One transition as an SVG path; `open` when it starts at the present state."""

    path: str
    open: bool
    label: str


def diagram(current: str) -> dict[str, list[Box] | list[Arrow]]:
    """Boxes and arrows, with `current` lit."""
    reachable = set(TRANSITIONS[current].values()) - {current}
    boxes = [
        Box(state, State(state).label, x - WIDTH // 2, y - HEIGHT // 2, x, y, state == current, state in reachable)
        for state, (x, y) in CENTRES.items()
    ]
    arrows = [
        Arrow(_path(source, target), source == current, f"{State(source).label} to {State(target).label}: {action}")
        for source, steps in TRANSITIONS.items()
        for action, target in steps.items()
        if source != target
    ]
    # The lit ones are drawn last, above the others.
    return {"boxes": boxes, "arrows": sorted(arrows, key=lambda arrow: arrow.open)}


def _path(source: str, target: str) -> str:
    """A straight line between the facing edges; two-way pairs run side by side."""
    (x1, y1), (x2, y2) = CENTRES[source], CENTRES[target]
    back = 7 if source in TRANSITIONS[target].values() else 0
    if y1 == y2:
        direction = 1 if x2 > x1 else -1
        shift = -back * direction
        return f"M{x1 + direction * WIDTH // 2} {y1 + shift}L{x2 - direction * (WIDTH // 2 + 3)} {y2 + shift}"
    if x1 == x2:
        direction = 1 if y2 > y1 else -1
        shift = back * direction
        return f"M{x1 + shift} {y1 + direction * HEIGHT // 2}L{x2 + shift} {y2 - direction * (HEIGHT // 2 + 3)}"
    return _slanted(x1, y1, x2, y2, back)


def _slanted(x1: int, y1: int, x2: int, y2: int, back: int) -> str:
    right, down = (1 if x2 > x1 else -1), (1 if y2 > y1 else -1)
    # Slanted lines need more room: they are shifted sideways, not across.
    shift = 2 * back * down
    start = (x1 + right * (WIDTH // 2 - 26) + shift, y1 + down * HEIGHT // 2)
    end = (x2 - right * (WIDTH // 2 - 26) + shift, y2 - down * (HEIGHT // 2 + 3))
    return f"M{start[0]} {start[1]}L{end[0]} {end[1]}"
