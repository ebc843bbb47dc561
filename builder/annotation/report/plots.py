"""Plots of agreement as inline SVG, drawn right to left, without scripts or a plotting library. Pure.

Horizontal positions are percentages, so a plot fills its column while its text keeps its size.
`fill` and `stroke` arguments are CSS values that refer to the page's colours, such as var(--kept).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

STYLE = """
svg { display: block; width: 100%; overflow: visible; }
svg text { font: 11px "DejaVu Sans Mono", ui-monospace, monospace; fill: var(--soft); direction: ltr; }
.grid { stroke: var(--line); stroke-width: 1; } .zero { stroke: var(--soft); stroke-width: 1; }
.reach { stroke: var(--ink); stroke-width: 1.5; } .ci rect { fill-opacity: .5; }
.dot { fill: var(--ink); stroke: var(--sheet); stroke-width: 1; }
"""

HIGH = 160
"""Height of a plot over time in pixels, without the labels below it."""

LABELS = 5
"""Most time labels below a plot."""


@dataclass(frozen=True, slots=True)
class Point:
    """A value with its interval. `value` is None if it is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


def lowest(points: Sequence[Point]) -> float:
    """Return the start of an axis that ends at 1 and holds all points: 0, or less in steps of a half.

    >>> lowest([Point(0.7, -0.1, 0.9)]), lowest([Point(None)])
    (-0.5, 0.0)
    """
    values = [value for point in points for value in (point.value, point.low) if value is not None]
    least = min(values, default=0.0)
    return next((start for start in (0.0, -0.5, -1.0) if least >= start), min(-1.0, float(least // 1)))


def axis(start: float) -> str:
    """Return the axis above rows of intervals, from `start` on the right to 1 on the left."""
    ticks = [start, *((0.0,) if start < 0 else ()), 0.5, 1.0]
    named = "".join(
        f'<text x="{_across(tick, start)}" y="12" text-anchor="{_anchor(tick, start)}">{tick:g}</text>'
        for tick in ticks
    )
    return f'<svg height="15" aria-hidden="true">{named}</svg>'


def interval(point: Point, start: float, fill: str, description: str) -> str:
    """Return a bar from 0 to the value with its interval. `description` is its text for screen readers."""
    parts = [f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="20"/>' for x in ("0%", _across(0.5, start))]
    parts.append(f'<line class="zero" x1="{_across(0, start)}" x2="{_across(0, start)}" y1="0" y2="20"/>')
    if point.value is not None:
        left, right = sorted((_place(point.value, start), _place(0, start)))
        parts.append(
            f'<rect x="{left:.2f}%" width="{right - left:.2f}%" y="4" height="12" rx="2" style="fill:{fill}"/>'
        )
        if point.low is not None and point.high is not None:
            ends = [_across(point.low, start), _across(point.high, start)]
            parts.append(f'<line class="reach" x1="{ends[0]}" x2="{ends[1]}" y1="10" y2="10"/>')
            parts += [f'<line class="reach" x1="{x}" x2="{x}" y1="6" y2="14"/>' for x in ends]
        parts.append(f'<circle class="dot" cx="{_across(point.value, start)}" cy="10" r="3.5"/>')
    return f'<svg class="ci" height="20" role="img" aria-label="{escape(description)}">{"".join(parts)}</svg>'


def stacked(
    times: Sequence[str], counts: Mapping[str, Sequence[int]], fills: Mapping[str, str], description: str
) -> str:
    """Return stacked bars of the counts at each time, one segment for each name, the first time on the right."""
    totals = [sum(column) for column in zip(*counts.values(), strict=True)]
    most = max(totals, default=0) or 1
    wide = 100 / max(len(times), 1)
    parts = [
        _level(HIGH, ""),
        *(_level(HIGH - HIGH * number / most, f"{number:,}") for number in {most, most // 2} - {0}),
    ]
    thick = min(wide * 0.8, 12)
    middles = [100 - wide * (index + 0.5) for index in range(len(times))]
    heights = [0.0] * len(times)
    for name, numbers in counts.items():
        for index, count in enumerate(numbers):
            if not count:
                continue
            tall = HIGH * count / most
            heights[index] += tall
            x = middles[index] - thick / 2
            parts.append(
                f'<rect x="{x:.2f}%" width="{thick:.2f}%" y="{HIGH - heights[index]:.1f}" '
                f'height="{max(tall - 1, 0.5):.1f}" style="fill:{fills[name]}"/>'
            )
    return _over_time(parts, times, middles, description)


def over_time(
    times: Sequence[str], series: Mapping[str, Sequence[Point]], strokes: Mapping[str, str], description: str
) -> str:
    """Return a line chart with one line and its intervals for each name. Undefined values are left out of a line."""
    start = lowest([point for points in series.values() for point in points])
    wide = 100 / max(len(times), 1)
    parts = [_level(_down(tick, start), f"{tick:g}") for tick in sorted({start, 0.0, 0.5, 1.0})]
    aside = [min(0.12 * wide, 1.2) * (index - (len(series) - 1) / 2) for index in range(len(series))]
    for (name, points), shift in zip(series.items(), aside, strict=True):
        paint = f'style="stroke:{strokes[name]};stroke-width:2"'
        known = [
            (100 - wide * (index + 0.5) - shift, point, point.value)
            for index, point in enumerate(points)
            if point.value is not None
        ]
        for (x, _, value), (next_x, _, next_value) in pairwise(known):
            parts.append(
                f'<line {paint} x1="{x:.2f}%" y1="{_down(value, start):.1f}" '
                f'x2="{next_x:.2f}%" y2="{_down(next_value, start):.1f}"/>'
            )
        for x, point, value in known:
            if point.low is not None and point.high is not None:
                ends = f'y1="{_down(point.low, start):.1f}" y2="{_down(point.high, start):.1f}"'
                parts.append(f'<line {paint} opacity=".55" x1="{x:.2f}%" x2="{x:.2f}%" {ends}/>')
            parts.append(f'<circle cx="{x:.2f}%" cy="{_down(value, start):.1f}" r="4" style="fill:{strokes[name]}"/>')
    return _over_time(parts, times, [100 - wide * (index + 0.5) for index in range(len(times))], description)


def _over_time(parts: Sequence[str], times: Sequence[str], middles: Sequence[float], description: str) -> str:
    """Wrap the parts of a plot over time, with at most LABELS times named below it."""
    step = -(-len(times) // LABELS) or 1
    named = "".join(
        f'<text x="{middles[index]:.2f}%" y="{HIGH + 16}" text-anchor="middle">{escape(times[index])}</text>'
        for index in range(0, len(times), step)
    )
    return f'<svg class="time" height="{HIGH + 22}" role="img" aria-label="{escape(description)}">{"".join(parts)}{named}</svg>'


def _level(y: float, name: str) -> str:
    """Return a horizontal grid line with its label."""
    text = f'<text x="100%" y="{y - 3:.1f}" text-anchor="end">{name}</text>' if name else ""
    return f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>{text}'


def _down(value: float, start: float) -> float:
    """Return a value's distance from the top in pixels, on an axis from `start` to 1."""
    return HIGH * (1 - (value - start) / (1 - start))


def _place(value: float, start: float) -> float:
    """Return a value's distance from the left in percent, on an axis from `start` on the right to 1 on the left."""
    return 100 * (1 - (value - start) / (1 - start))


def _across(value: float, start: float) -> str:
    return f"{_place(value, start):.2f}%"


def _anchor(tick: float, start: float) -> str:
    return "end" if tick == start else "start" if tick == 1 else "middle"
