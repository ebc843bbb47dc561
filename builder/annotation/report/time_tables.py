"""Tables of judgements and agreement over time."""

from collections.abc import Mapping, Sequence
from html import escape

from builder.annotation.report.passages_html import cut
from builder.annotation.report.plots import Point


def counts_table(times: Sequence[str], counts: Mapping[str, Sequence[int]]) -> str:
    """Return the numbers of a plot of counts over time as a collapsed table."""
    rows = [(time, [f"{numbers[index]:,}" for numbers in counts.values()]) for index, time in enumerate(times)]
    return _folded([f"<code>{cut(who)}</code>" for who in counts], rows)


def weeks_table(weeks: Sequence[str], measures: Sequence[str], series: Sequence[Sequence[Point]]) -> str:
    """Return the numbers of a plot of agreement over time as a collapsed table."""
    return _folded(
        list(measures), [(week, [_said(points[index]) for points in series]) for index, week in enumerate(weeks)]
    )


def _said(point: Point) -> str:
    """Return a point as text: value and interval, or a dash."""
    if point.value is None:
        return "–"
    reach = "" if point.low is None or point.high is None else f" ({point.low:.3f}–{point.high:.3f})"
    return f"{point.value:.3f}{reach}"


def _folded(head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    if not rows:
        return ""
    names = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row"><span class="n">{escape(time)}</span></th>'
        + "".join(f'<td><span class="n">{cell}</span></td>' for cell in cells)
        + "</tr>"
        for time, cells in rows
    )
    return (
        f'<details><summary>الأرقام</summary><div class="wide" tabindex="0"><table><thead><tr><td></td>{names}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>"
    )
