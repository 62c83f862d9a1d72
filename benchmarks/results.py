"""What was measured, and how it is kept: var/bench.json and the tables of docs/performance.md."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from apim.config import ROOT
from benchmarks.machine import facts

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: made by `make bench` -->", "<!-- end of figures -->"


@dataclass(frozen=True)
class Result:
    """One figure, beside a peer's from the same run where there is one. `ratio` is value / peer_value."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None


def result(name: str, value: float, unit: str, peer: str = "", peer_value: float | None = None) -> Result:
    """A figure rounded to what it is worth."""
    ratio = round(value / peer_value, 3) if peer_value else None
    return Result(name, _rounded(value), unit, peer, _rounded(peer_value) if peer_value is not None else None, ratio)


def _rounded(value: float) -> float:
    return round(value) if abs(value) >= 1000 else round(value, 2)


def store(results: Iterable[Result], path: Path) -> list[Result]:
    """Put the results into the JSON file, over those of the same name and peer; all that it holds now."""
    held = {(old["name"], old["peer"]): Result(**old) for old in json.loads(path.read_text())} if path.exists() else {}
    held |= {(new.name, new.peer): new for new in results}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(one) for one in held.values()], indent=1) + "\n")
    return list(held.values())


def write_page(results: Iterable[Result]) -> None:
    """Replace the figures between the markers of the page."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{figures(results)}\n{END}{tail}")


def figures(results: Iterable[Result]) -> str:
    """The machine and a table for each group of names (`gateway.full_policy` belongs to `gateway`)."""
    about = ", ".join(f"{name} {value}" for name, value in facts().items())
    text = f"Taken {datetime.now(UTC):%Y-%m-%d} on: {about}.\n"
    groups: dict[str, list[Result]] = {}
    for one in results:
        groups.setdefault(one.name.partition(".")[0], []).append(one)
    for group, members in sorted(groups.items()):
        text += (
            f"\n### {group}\n\n| figure | value | unit | beside | its value | ratio |\n|---|---:|---|---|---:|---:|\n"
        )
        text += "".join(_row(one) for one in members)
    return text


def _row(one: Result) -> str:
    peer = f"{one.peer_value:,}" if one.peer_value is not None else ""
    ratio = f"{one.ratio:.2f} ×" if one.ratio is not None else ""
    return f"| {one.name} | {one.value:,} | {one.unit} | {one.peer} | {peer} | {ratio} |\n"
