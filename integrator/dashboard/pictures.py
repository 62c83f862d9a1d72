"""Small pictures of a history, drawn here as SVG: no script, no library, colours from the style sheet."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

WIDTH, HEIGHT, FOOT, LEFT = 640, 150, 18, 44


def curve(values: Sequence[float], label: str, unit: str, times: tuple[str, str], tone: str = "ok") -> SafeString:
    """An area with its highest value and the time it covers. `label` tells what it shows, also to those who do not see it."""
    most = nice(max(values, default=0.0))
    points = _points(values, most, WIDTH - LEFT, HEIGHT - FOOT - 10, LEFT, 10)
    base = HEIGHT - FOOT
    area = f"{LEFT},{base} {points} {points.rpartition(' ')[2].partition(',')[0] or LEFT},{base}"
    now = f"{values[-1]:.3g}" if values else "0"
    return format_html(
        '<svg class="apim-curve apim-{tone}" viewBox="0 0 {width} {height}" role="img" aria-label="{label}: now {now} {unit}, '
        'highest on the scale {most}"><title>{label}: now {now} {unit}</title>'
        '<line x1="{left}" x2="{width}" y1="10" y2="10"/><line x1="{left}" x2="{width}" y1="{half}" y2="{half}"/>'
        '<line class="axis" x1="{left}" x2="{width}" y1="{base}" y2="{base}"/>'
        '<polygon points="{area}"/><polyline points="{points}"/>'
        '<text x="{edge}" y="14" text-anchor="end">{most}</text><text x="{edge}" y="{halftext}" text-anchor="end">{middle}</text>'
        '<text x="{edge}" y="{base}" text-anchor="end">0</text>'
        '<text x="{left}" y="{foot}">{begin}</text><text x="{width}" y="{foot}" text-anchor="end">{end}</text></svg>',
        tone=tone,
        width=WIDTH,
        height=HEIGHT,
        label=label,
        now=now,
        unit=unit,
        most=f"{most:g}",
        middle=f"{most / 2:g}",
        left=LEFT,
        edge=LEFT - 6,
        base=base,
        half=(base + 10) / 2,
        halftext=(base + 10) / 2 + 4,
        foot=HEIGHT - 4,
        area=area,
        points=points,
        begin=times[0],
        end=times[1],
    )


def spark(values: Sequence[float], label: str) -> SafeString:
    """A line that fits into a table's cell."""
    points = _points(values, max(max(values, default=0.0), 1e-9), 110, 22, 1, 2)
    return format_html(
        '<svg class="apim-spark" viewBox="0 0 112 26" role="img" aria-label="{}"><polyline points="{}"/></svg>',
        label,
        points,
    )


def nice(value: float) -> float:
    """The next of 1, 2, 5, 10, … that is not smaller; 1 for nothing."""
    if value <= 0:
        return 1.0
    step = 10.0 ** len(str(int(value))) if value >= 1 else 1.0
    while step / 10 >= value:
        step /= 10
    return next(step / 10 * factor for factor in (1, 2, 5, 10) if step / 10 * factor >= value)


def _points(values: Sequence[float], most: float, width: float, height: float, left: float, top: float) -> str:
    given = list(values) if len(values) > 1 else [*values, *values] or [0.0, 0.0]
    step = width / (len(given) - 1)
    return " ".join(
        f"{left + place * step:.1f},{top + height * (1 - value / most):.1f}" for place, value in enumerate(given)
    )
