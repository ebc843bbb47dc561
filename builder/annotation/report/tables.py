"""HTML tables of agreement: figures with intervals, confusion matrices, pairs of annotators. Pure.

Shaded cells also show their number, so no information depends on colour alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TypeVar

from builder.annotation.agreement.confusion import (
    NOT_MARKED,
    OTHER_EDGES,
    Shared,
    Table,
    entity_confusion,
    stance_confusion,
)
from builder.annotation.agreement.matching import SPAN_F1, SPAN_F1_EXACT, SPAN_F1_PARTIAL, SPAN_F1_TYPE
from builder.annotation.agreement.spans import UNITIZING
from builder.annotation.agreement.stances import ALPHA, KAPPA
from builder.annotation.report import plots
from builder.annotation.report.passages_html import cut, left_out
from builder.annotation.report.plots import Point
from builder.records import Agreement
from builder.report_page import format_number
from builder.schema.labels import Labels

T = TypeVar("T")


STYLE = """
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: start; color: var(--soft); padding-bottom: .3rem; }
th { font-weight: 400; text-align: start; } thead th { color: var(--soft); font-size: .9em; vertical-align: bottom; }
td { text-align: center; } td, th { padding: .15rem .35rem; }
.wide { overflow-x: auto; } .wide table { width: auto; min-width: 60%; }
.figures { table-layout: fixed; } .figures tbody th { padding-inline-start: 0; }
.figures .what { width: 31%; } .figures .value { width: 7.6rem; } .figures .count { width: 3.6rem; }
.figures td { white-space: nowrap; line-height: 1.25; } .figures td.why { white-space: normal; color: var(--soft); text-align: start; }
.figures tr > :last-child { text-align: end; padding-inline-end: 0; }
.figures th code, .figures td small { display: block; color: var(--soft); font-size: .8em; line-height: 1.3; text-align: end; }
.figures td small { font-size: .9em; text-align: center; } .figures .count { font-size: .8em; }
.figures b .n { font-size: 1em; }
.matrix td, .matrix thead th { border: 1px solid var(--line); min-width: 2.6rem; max-width: 9rem; text-align: center; overflow-wrap: normal; }
.matrix thead td { border: 0; background: none; }
.matrix th[scope=row] { position: sticky; inset-inline-start: 0; background: var(--sheet); white-space: nowrap; padding-inline-start: 0; }
.matrix td { --tint: var(--gone-line); background: color-mix(in srgb, var(--tint) var(--s, 0%), var(--sheet)); }
.matrix td.same { --tint: var(--kept); }
.matrix.many thead th { writing-mode: vertical-rl; max-height: 12rem; white-space: nowrap; padding: .35rem .1rem; text-align: start; }
.stances td, .stances th { border: 1px solid var(--line); padding: .2rem .7rem; text-align: center; }
.wide .stances { min-width: 0; } .stances thead td { border: 0; }
.stack { display: grid; gap: 1rem; }
h3 { margin: .6rem 0 .2rem; font-size: .95rem; }
@container (max-width: 32rem) { .figures, .figures :is(thead, tbody) { display: block; }
  .figures tr { display: grid; grid-template-columns: minmax(0, 1fr) 6.6rem 3.4rem; align-items: center; padding-block: .2rem; }
  .figures tr > :nth-child(2) { grid-area: 2 / 1 / 3 / 4; } .figures tr > .none { grid-area: 1 / 3; } }
"""

ARABIC = {
    SPAN_F1: ("الكيانات: الحدود والنوع معًا", SPAN_F1),
    SPAN_F1_EXACT: ("الحدود وحدها", SPAN_F1_EXACT),
    SPAN_F1_PARTIAL: ("تداخل الحدود، بنصف علامة", SPAN_F1_PARTIAL),
    SPAN_F1_TYPE: ("النوع مع تداخل الحدود", SPAN_F1_TYPE),
    UNITIZING: ("تقطيع النص: ألفا كريبندورف", UNITIZING),
    ALPHA: ("المواقف: ألفا كريبندورف", ALPHA),
    KAPPA: ("المواقف: كابا كوهين", KAPPA),
}
"""Names of each measure on the page: Arabic, English."""

REASONS = {
    "nobody marked a span": "لم يضع أحد وسمًا",
    "neither marked a span": "لم يضع أي منهما وسمًا",
    "no article was judged by two annotators": "ليس لمقال حكمان",
    "no article in common": "لا مقال مشترك بينهما",
    "only one value was given": "الإجابات كلها واحدة",
    "both gave only one value": "إجاباتهما كلها واحدة",
    "no question was answered by two annotators": "ليس لسؤال إجابتان",
    "no question was answered by both": "لا سؤال أجابا عنه كلاهما",
    "no question was answered by another too": "لا سؤال أجاب عنه غيره",
}

NAMES = {OTHER_EDGES: "حدود أخرى", NOT_MARKED: "لم يوسم"}

ROWS = 60
"""Most rows of a table of figures, and most types of a confusion matrix."""

BESIDE = 14
"""Most types of a confusion matrix that shares its row with another card."""

SHORT = 24
"""Most characters of a name in a matrix."""

CREW = 40
"""Most annotators in a matrix."""

DEEPEST = 50
"""Most percent of colour in a shaded cell. More would make its number hard to read."""

WIDE = 90
"""Most characters of all column names together before they are written vertically."""


def reason(figure: Agreement) -> str:
    """Return as HTML why a figure is undefined: the stored reason, after its Arabic translation if there is one."""
    given = f'<span lang="en" class="en">{cut(figure.why, 120)}</span>'
    return f"{REASONS[figure.why]} {given}" if figure.why in REASONS else given


def figure_text(figure: Agreement) -> str:
    """Return a figure as text for screen readers."""
    if figure.value is None:
        return f"غير معرَّف: {figure.why}"
    reach = (
        "" if figure.low is None or figure.high is None else f"، من {figure.low:.3f} إلى {figure.high:.3f} بثقة 95 %"
    )
    return f"{figure.value:.3f}{reach}"


def bounded(items: Iterable[T], most: int) -> tuple[list[T], int]:
    """Return the first `most` items, and how many are left out.

    >>> bounded("abc", 2)
    (['a', 'b'], 1)
    """
    listed = list(items)
    return listed[:most], max(len(listed) - most, 0)


def figure_rows(rows: Sequence[tuple[tuple[str, str], Agreement, str]], unit: str, *, ranked: bool = True) -> str:
    """Return a table of figures with their bars, the highest first if `ranked`.

    `rows` are ((name, name in exports), figure, CSS colour).
    """
    if ranked:
        rows = sorted(rows, key=lambda row: (row[1].value is None, -(row[1].value or 0), row[0]))
    kept, more = bounded(rows, ROWS)
    points = [Point(figure.value, figure.low, figure.high) for _, figure, _ in kept]
    start = plots.lowest(points)
    body = "".join(
        f'<tr><th scope="row">{cut(name)}{f"<code>{cut(code)}</code>" if code else ""}</th>{_cells(figure, point, start, fill)}</tr>\n'
        for ((name, code), figure, fill), point in zip(kept, points, strict=True)
    )
    if not kept:
        return '<p class="note">لم يُقَس شيء.</p>'
    return (
        f'<table class="figures"><thead><tr><th class="what"></th><th scope="col">{plots.axis(start)}</th>'
        f'<th class="value"></th><th class="count" scope="col">{unit}</th></tr></thead><tbody>{body}</tbody></table>'
        f"{left_out('صفوف أخرى لم تُعرض', more)}"
    )


def _cells(figure: Agreement, point: Point, start: float, fill: str) -> str:
    """Return the cells of a figure's row: bar, value with interval, and n."""
    if figure.value is None:
        return f'<td class="why" colspan="2">غير معرَّف: {reason(figure)}</td><td class="none">{format_number(figure.n)}</td>'
    plot = plots.interval(point, start, fill, figure_text(figure))
    reach = "" if figure.low is None or figure.high is None else f"{figure.low:.3f}–{figure.high:.3f}"
    return (
        f'<td>{plot}</td><td><b><span class="n">{figure.value:.3f}</span></b>'
        f'<small><span class="n">{reach}</span></small></td><td>{format_number(figure.n)}</td>'
    )


def confusion_tables(shared: Shared, labels: Labels) -> str:
    """Return the confusion matrices of entity types and stance values, shaded by each count's share of its row."""
    table = entity_confusion(shared)
    used = {name for pair in table for name in pair}
    types = [entity.name for entity in labels.entities if entity.name in used]
    names = {entity.name: entity.ar for entity in labels.entities} | NAMES
    rows = [*types, NOT_MARKED] if types else []
    kept, more = bounded(rows, ROWS)
    columns = [*[name for name in kept if name != NOT_MARKED], OTHER_EDGES, NOT_MARKED]
    about = (
        "لكل وسم وضعه موسّم: ماذا وضع غيره بالحدود نفسها. يُعدّ كل زوج من الجهتين. "
        "«حدود أخرى»: تداخلٌ بحدود مختلفة، و«لم يوسم»: لا شيء يقابله."
    )
    unused = len(labels.entities) - len(types)
    notes = left_out("أنواع لم يضعها أحد فلم تُعرض", unused) + left_out("أنواع أخرى لم تُعرض", more)
    wide = "most" if labels.stances and len(kept) <= BESIDE else ""
    sections = _section("أنواع الكيانات", "Entity types", about, _confusion(table, kept, columns, names) + notes, wide)
    if labels.stances:
        values = {value.name: value.ar for value in labels.stances.values}
        table = stance_confusion(shared)
        about = "لكل إجابة: ماذا أجاب غيره عن السؤال نفسه."
        body = _confusion(table, list(values), list(values), values) if table else _confusion({}, [], [], {})
        sections += _section("المواقف", "Stance values", about, body, "third")
    return sections


def _confusion(table: Table, rows: Sequence[str], columns: Sequence[str], names: Mapping[str, str]) -> str:
    """Return one confusion matrix as HTML."""
    totals = {row: sum(table.get((row, column), 0) for column in columns) for row in rows}

    def cell(row: str, column: str) -> str:
        count = table.get((row, column), 0)
        if not count:
            return "<td></td>"
        share = round(DEEPEST * count / totals[row], 1)
        same = ' class="same"' if row == column else ""
        return f'<td{same} style="--s:{share:g}%">{count:,}</td>'

    return _matrix(rows, columns, cell, names)


def matrices(figures: Sequence[Agreement]) -> str:
    """Return matrices of strict F1 and kappa between annotators, and each annotator's figure against all others.

    Annotators who agree most with the others come first.
    """
    sections = ""
    for measure, arabic, unit in ((SPAN_F1, ARABIC[SPAN_F1][0], "المقالات"), (KAPPA, ARABIC[KAPPA][0], "الأسئلة")):
        of_measure = {figure.between: figure for figure in figures if figure.measure == measure}
        if not of_measure:
            continue
        names = {name: name for between in of_measure for name in between.split()}
        order = sorted(names, key=lambda who: _rank(of_measure.get(who), who))
        kept, more = bounded(order, CREW)
        about = "كلما زادت حمرة الخانة قلّ الاتفاق؛ ومن قلّ اتفاقه مع سائرهم ففي آخر الصفوف."
        body = _pairs(of_measure, kept, names) + left_out("موسّمون آخرون لم يُعرضوا", more)
        rest = [(("", who), of_measure[who], "var(--put-line)") for who in order if who in of_measure]
        if rest:
            body += f"<h3>كل موسّم وسائرهم</h3>{figure_rows(rest, unit, ranked=False)}"
        sections += _section(arabic, f"{measure}: annotators", about, body, "half")
    return sections or '<section class="card"><p class="note">ليس لمقال حكمان من موسّمَين.</p></section>\n'


def _rank(figure: Agreement | None, who: str) -> tuple[object, ...]:
    """Return a sort key that puts high values first and undefined ones last."""
    value = figure.value if figure else None
    return value is None, -(value or 0), who


def _pairs(figures: Mapping[str, Agreement], order: Sequence[str], names: Mapping[str, str]) -> str:
    """Return the matrix of one measure between annotators, shaded by disagreement."""
    values = [figure.value for between, figure in figures.items() if " " in between and figure.value is not None]
    reach = max(0.5, 1 - min(values, default=1.0))

    def cell(row: str, column: str) -> str:
        if row == column:
            return "<td>–</td>"
        figure = figures.get(f"{row} {column}") or figures.get(f"{column} {row}")
        if figure is None:
            return "<td></td>"
        if figure.value is None:
            return f'<td title="{escape(REASONS.get(figure.why, figure.why))}">؟</td>'
        share = round(DEEPEST * min(max(1 - figure.value, 0) / reach, 1), 1)
        return f'<td style="--s:{share:g}%" title="{escape(figure_text(figure))}">{figure.value:.2f}</td>'

    return _matrix(order, order, cell, names)


def _matrix(
    rows: Sequence[str], columns: Sequence[str], cell: Callable[[str, str], str], names: Mapping[str, str]
) -> str:
    """Return a matrix as HTML; `cell` gives the td element of a row and a column, `names` what is shown for them."""
    if not rows:
        return '<p class="note">لا شيء يقارن بعد.</p>'
    head = "".join(f'<th scope="col">{cut(names[column], SHORT)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{cut(names[row], SHORT)}</th>{"".join(cell(row, column) for column in columns)}</tr>\n'
        for row in rows
    )
    many = " many" if sum(max(len(names[column]), 4) for column in columns) > WIDE else ""
    return f'<div class="wide" tabindex="0"><table class="matrix{many}"><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _section(arabic: str, english: str, about: str, body: str, width: str) -> str:
    return (
        f'<section class="card {width}"><h2>{arabic} <bdi lang="en">{escape(english)}</bdi></h2>'
        f'<p class="note">{about}</p>{body}</section>\n'
    )
