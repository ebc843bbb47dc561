"""Sections of the agreement page: progress, agreement over time, batches."""

from collections.abc import Sequence
from html import escape

from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.spans import UNITIZING
from builder.annotation.agreement.stances import ALPHA
from builder.annotation.report import plots, time_tables
from builder.annotation.report.passages_html import cut, left_out
from builder.annotation.report.plots import Point
from builder.annotation.report.progress import Progress
from builder.annotation.report.tables import ARABIC, bounded, figure_rows
from builder.records import Agreement
from builder.report_page import format_number

HUES = (212, 28, 150, 335, 265, 50, 185, 2, 95, 305, 235, 125)
"""Hues of the annotators' colours, in degrees. More could not be distinguished."""

OTHERS = "…"

UNITS = {"day": "يوم", "week": "أسبوع", "month": "شهر"}

HEADLINES = ((SPAN_F1, "entities"), (UNITIZING, "entities"), (ALPHA, "stance"))

STROKES = {SPAN_F1: "var(--put-line)", UNITIZING: "var(--kept)", ALPHA: "var(--gone-line)"}


def heading(arabic: str, english: str) -> str:
    """Return a section heading with its explanation."""
    return f'<h2>{arabic} <bdi lang="en">{english}</bdi></h2>\n'


def card(arabic: str, english: str, body: str, width: str) -> str:
    """Return a plot in a card."""
    return f'<section class="card {width}"><h2>{arabic} <bdi lang="en">{escape(english)}</bdi></h2>{body}</section>\n'


def progress_section(done: Progress) -> str:
    """Return the card of judgements over time. Annotators beyond the available hues are added up in one series."""
    people = sorted(done.counts, key=lambda who: (-sum(done.counts[who]), who))
    kept, more = bounded(people, len(HUES) if len(people) <= len(HUES) else len(HUES) - 1)
    counts = {who: done.counts[who] for who in kept}
    if more:
        rest = [done.counts[who] for who in people[len(kept) :]]
        counts[OTHERS] = tuple(sum(column) for column in zip(*rest, strict=True))
    fills = {who: f"var(--a{index})" for index, who in enumerate(counts)}
    unit = UNITS[done.unit]
    if not done.times:
        plot = '<p class="note">لا أحكام لها وقت معروف.</p>'
    else:
        description = f"الأحكام في كل {unit}، من {done.times[0]} إلى {done.times[-1]}"
        plot = plots.stacked([short_name(time) for time in done.times], counts, fills, description)
        plot += f'<p class="note">الأيام بالتوقيت العالمي، من <span class="n">{done.times[0]}</span> إلى <span class="n">{done.times[-1]}</span>.</p>'
    keys = "".join(
        f'<li><span class="key" style="background:{fills[who]}"></span><code>{cut(who)}</code> {format_number(sum(numbers))}</li>'
        for who, numbers in counts.items()
    )
    notes = left_out("أحكام بلا وقت معروف", done.undated) + left_out("أحكام أقدم من هذه المدة", done.earlier)
    notes += left_out(f"موسّمون جُمعوا في «{OTHERS}»", more)
    table = time_tables.counts_table(done.times, counts)
    return card(f"الأحكام في كل {unit}", f"Judgements per {done.unit}",
                 f'{plot}<ul class="keys">{keys}</ul>{notes}{table}', "half")  # fmt: skip


def short_name(time: str) -> str:
    """Return a day or week without its year, and a month as it is."""
    return time[5:] if len(time) > 7 or "W" in time else time


def over_time_section(figures: Sequence[Agreement]) -> str:
    """Return the card of agreement per week, of the latest 60 weeks."""
    weekly = [f for f in figures if f.period and not f.between and f.label == "all" and f.measure in STROKES]
    weeks, more = bounded(sorted({f.period for f in weekly}, reverse=True), 60)
    weeks.reverse()
    if not weeks:
        return card("الاتفاق بمرور الوقت", "Agreement over time",
                     '<p class="note">كل ما حُكم فيه وقع في أسبوع واحد.</p>', "half")  # fmt: skip
    by_week = {(f.measure, f.period): f for f in weekly}
    series = {
        measure: [_point(by_week.get((measure, week))) for week in weeks]
        for measure in STROKES
        if any(f.measure == measure for f in weekly)
    }
    description = f"الاتفاق في كل أسبوع، من {weeks[0]} إلى {weeks[-1]}"
    plot = plots.over_time([short_name(week) for week in weeks], series, STROKES, description)
    keys = "".join(
        f'<li><span class="key" style="background:{STROKES[measure]}"></span>{ARABIC[measure][0]}</li>'
        for measure in series
    )
    note = "المقال من الأسبوع الذي جاءه فيه آخر حكم؛ والخطوط القائمة فترات الثقة."
    table = time_tables.weeks_table(weeks, [ARABIC[measure][0] for measure in series], list(series.values()))
    return card("الاتفاق بمرور الوقت", "Agreement over time",
                 f'{plot}<ul class="keys">{keys}</ul><p class="note">{note}</p>{left_out("أسابيع أقدم", more)}{table}', "half")  # fmt: skip


def _point(figure: Agreement | None) -> Point:
    return Point(figure.value, figure.low, figure.high) if figure else Point(None)


def batches_section(figures: Sequence[Agreement]) -> str:
    """Return a card for each main measure with its figure of each batch."""
    cards = ""
    for measure, _ in HEADLINES:
        rows = [((f.batch, ""), f, STROKES[measure]) for f in figures
                if f.measure == measure and f.label == "all" and f.batch != "all" and not f.between]  # fmt: skip
        if rows:
            unit = "المقالات" if measure != ALPHA else "الأسئلة"
            cards += card(f"كل دفعة: {ARABIC[measure][0]}", f"{measure}, per batch", figure_rows(rows, unit, ranked=False), "third headline")  # fmt: skip
    return cards
