"""HTML format of an explanation: one right-to-left page without scripts or external resources, all text escaped.

The page shows the scraped text, with removed and changed ranges marked in it.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby, islice

from builder.corpus.explain.text import abbreviate_controls, format_range, label
from builder.corpus.explain.trace import Explanation, Kind, TraceCount, TracePiece, TraceRow, rows
from builder.report_page import escape_character, format_number, html_page
from builder.text.invisible import make_visible
from builder.text.profiles import unicode_names

WORDS: dict[Kind, str] = {"kept": "باقية", "dropped": "محذوفة", "changed": "مبدَّلة", "blank": "فراغات مسوّاة"}

HEADINGS: dict[Kind, str] = {
    "kept": "ما بقي، بحسب المقال",
    "dropped": "ما حُذف، بحسب القاعدة",
    "changed": 'ما بُدِّل، بحسب الحرف: <mark class="put">بغيره</mark> أو <mark class="cut">بلا شيء</mark>',
    "blank": "فراغات سُوّيت",
    "read": "ما قُرئ ولم يُحذف",
}

UNITS: dict[Kind, str] = {"kept": "السطور", "dropped": "السطور", "read": "السطور"}

WITH_PARTS = "السطور وأجزاؤها"

RUN = 16
"""Maximum number of characters shown, and of character runs named, for one edit."""

CSS = """
:root {
  --gone: #fbe7e3; --gone-ink: #7c1d12; --cut: #ffe9b0; --cut-ink: #4d3500; --cut-line: #a86a00;
  --put: #d9e8fd; --put-ink: #0f2f66; --blank-line: #8c8577; }
@media screen and (prefers-color-scheme: dark) { :root {
  --gone: #371b19; --gone-ink: #ffb8ad; --cut: #473609; --cut-ink: #ffe4a1; --cut-line: #e0a93a;
  --put: #18305a; --put-ink: #cfe1ff; --blank-line: #7d8088; } }
.bar { display: flex; height: .7rem; margin: 1.1rem 0 .5rem; border-radius: .35rem; overflow: hidden; gap: 2px; }
.bar i { min-width: 3px; }
.bar .kept, .key.kept { background: var(--kept); } .bar .dropped, .key.dropped { background: var(--gone-line); }
.bar .changed, .key.changed { background: var(--put-line); } .bar .blank, .key.blank { background: var(--blank-line); }
.key.read { border: 1px solid var(--soft); }
.key { display: inline-block; width: .75em; height: .75em; border-radius: .2em; margin-inline-end: .3em; }
.sum { margin: 0; display: flex; flex-wrap: wrap; gap: 0 .6rem; }
main { display: grid; grid-template-columns: minmax(0, 1fr) 20rem; gap: 1rem; align-items: start; }
.legend { position: sticky; top: 1rem; max-height: calc(100vh - 2rem); overflow-y: auto; display: grid; gap: .8rem; }
table { width: 100%; border-collapse: collapse; }
th { text-align: start; font-weight: 400; color: var(--soft); font-size: .85em; }
td, th { padding: .1rem 0; vertical-align: baseline; }
td + td, th + th { text-align: end; white-space: nowrap; padding-inline-start: .8rem; }
main { padding-bottom: 3rem; }
td code { display: block; line-height: 1.4; text-align: end; font-size: .75em; } .dropped td code, .read td code { font-size: .85em; }
td:first-child { padding-block: .15rem; }
.sheet { background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 0; }
.row { display: grid; grid-template-columns: 3.2rem minmax(0, 1fr) 10rem; border-inline-start: 4px solid transparent; }
.row > * { padding: .15rem .6rem; margin: 0; }
.no { color: var(--soft); text-align: end; padding-top: .65rem; }
.side { color: var(--soft); font-size: .85rem; padding-top: .7rem; line-height: 1.5; }
.side .n { display: block; text-align: end; }
.text { font-size: 1.4rem; line-height: 2; white-space: pre-wrap; }
.row.kept { border-color: var(--kept); }
.row.dropped { background: var(--gone); border-color: var(--gone-line); }
.row.dropped .text { color: var(--gone-ink); font-size: 1.2rem; }
.row.dropped .no, .row.dropped .side { color: var(--gone-ink); }
.row.blank > * { padding-block: 0; } .row.blank .text { line-height: 1.7; font-size: 1.2rem; } .row.blank .no { padding-top: .1rem; }
.tag { display: inline-block; border-radius: .3rem; padding: 0 .45rem; }
.dropped .tag, .tag.dropped { background: var(--gone-ink); color: var(--gone); } .tag.read { border: 1px solid var(--soft); }
del { background: var(--gone); color: var(--gone-ink); text-decoration: line-through; text-decoration-color: var(--gone-line);
  text-decoration-thickness: 1px; border-radius: .25rem; box-decoration-break: clone; -webkit-box-decoration-break: clone; }
.field { display: block; }
mark { --tint: var(--cut); --rule: var(--cut-line); color: var(--cut-ink); cursor: help;
  background: linear-gradient(var(--rule), var(--rule)) 0 84% / 100% 2px no-repeat,
    linear-gradient(var(--tint), var(--tint)) 0 70% / 100% 64% no-repeat; }
mark.put { --tint: var(--put); --rule: var(--put-line); color: var(--put-ink); }
mark.blank { color: var(--soft); background: none; }
@media (max-width: 64rem) { main { grid-template-columns: minmax(0, 1fr); } .legend { position: static; max-height: none; } }
@media (max-width: 50rem) {
  .row { grid-template-columns: 2.6rem minmax(0, 1fr); } .side { grid-column: 2; padding-top: 0; } }
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """A range of raw text in one style.

    A letter and its combining marks are in one unit, because a browser does not join them across elements. A part that
    a rule cut from a kept line names its piece.
    """

    raw: str
    edits: tuple[TracePiece, ...] = ()
    cut_by: TracePiece | None = None


def render_html(explanation: Explanation) -> str:
    """Return the HTML page; invisible characters are shown as signs, so the text cannot override its direction."""
    title = escape(make_visible(explanation.title or explanation.origin))
    heading = f"<bdi>{title}</bdi>" if explanation.title else f"<code>{title}</code>"
    return html_page(explanation.title or explanation.origin, CSS, f"""<header>
<h1>{heading}</h1>
{_facts(explanation)}
{render_sums(explanation)}
</header>
<main>
{render_sheet(explanation)}<aside class="legend">
{"".join(_card(explanation, kind, heading) for kind, heading in HEADINGS.items())}</aside>
</main>
""")  # fmt: skip


def render_sheet(explanation: Explanation) -> str:
    """Return the rows of the raw page as an HTML element."""
    return f'<article class="sheet">\n{"".join(map(_row, rows(explanation.pieces)))}</article>\n'


def units(row: TraceRow) -> list[Unit]:
    """Split the raw text of a row where its style changes; omit a line end that the article keeps."""
    cut: list[Unit] = []
    for piece in row.pieces:
        raw = piece.raw.removesuffix("\n") if piece.kind == "kept" else piece.raw
        plain = piece.kind in ("kept", "dropped")
        by = piece if piece.kind == "dropped" and row.kind == "kept" else None
        marks = _leading_marks(raw) if cut else 0
        if marks and plain and cut[-1].edits:
            cut[-1] = replace(cut[-1], raw=cut[-1].raw + raw[:marks])
            raw = raw[marks:]
        elif marks and piece.kind == "changed":
            before = cut.pop()
            base = 0 if before.edits else _last_letter(before.raw)
            if before.raw[:base]:
                cut.append(replace(before, raw=before.raw[:base]))
            cut.append(Unit(before.raw[base:] + raw, (*before.edits, piece), before.cut_by))
            continue
        if raw:
            cut.append(Unit(raw, () if plain else (piece,), by))
    return cut


def _leading_marks(text: str) -> int:
    """Return the number of combining marks (category Mn) at the beginning of a text."""
    return next((i for i, c in enumerate(text) if unicodedata.category(c) != "Mn"), len(text))


def _last_letter(text: str) -> int:
    """Return the index of the last character that is not a combining mark, or 0."""
    return next((i for i in range(len(text) - 1, -1, -1) if unicodedata.category(text[i]) != "Mn"), 0)


def _row(row: TraceRow) -> str:
    text = "".join(
        _with_cut(by, "".join(map(_unit, same))) for by, same in groupby(units(row), lambda unit: unit.cut_by)
    )
    side = "" if row.kind == "blank" else f'{_side(row)}<span class="n">{format_range(row)}</span>'
    return (
        f'<div class="row {row.kind}"><div class="no">{row.line}</div>'
        f'<p class="text">{text}</p><div class="side">{side}</div></div>\n'
    )


def _with_cut(by: TracePiece | None, text: str) -> str:
    """Mark HTML as a part that a rule cut from its line, if one did."""
    return f'<del title="{escape(by.rule)}\n{by.start}:{by.end}">{text}</del>' if by else text


def _side(row: TraceRow) -> str:
    """Return the margin of a row: its part, its rules and their extracted fields."""
    tags = [] if row.kind == "dropped" else [f'<span class="tag">{_part(label(row))}</span>']
    for piece in row.said:
        tags.append(f'<code class="tag {piece.kind}">{escape(piece.rule)}</code>')
        tags += [
            f'<span class="field"><code>{escape(name)}</code> = <bdi>{escape(make_visible(value))}</bdi></span>'
            for name, value in piece.fields.items()
        ]
    return "".join(tags)


def _unit(unit: Unit) -> str:
    """Return the HTML of a unit; an edited one is a mark with a tooltip."""
    if not unit.edits:
        return "".join(map(escape_character, unit.raw))
    style = "blank" if unit.edits[0].kind == "blank" else "put" if any(piece.put for piece in unit.edits) else "cut"
    shown = "".join(map(escape_character, unit.raw.replace(" ", "␣")))
    if _leading_marks(unit.raw):
        shown = "\N{DOTTED CIRCLE}" + shown
    title = "\n".join(map(_title, unit.edits))
    return f'<mark class="{style}" title="{escape(title)}">{shown}</mark>'


def _title(piece: TracePiece) -> str:
    """Return the tooltip of an edit: its raw and new text, their character names, and its raw range.

    Text after the first RUN characters, and names after the first RUN runs, are omitted.
    """
    raw, put = (
        ("\N{DOTTED CIRCLE}" if _leading_marks(text) else "")
        + make_visible(text[:RUN]).replace(" ", "␣")
        + ("…" if len(text) > RUN else "")
        for text in (piece.raw, piece.put)
    )
    after = f" → {_runs(piece.put)}" if piece.put else ""
    return f"{raw} → {put or '∅'}\n{_runs(piece.raw)}{after}\n{piece.start}:{piece.end}"


def _runs(text: str) -> str:
    """Name the characters of a text, with the length of each run."""
    runs = [(repeated, len(list(run))) for repeated, run in islice(groupby(text), RUN)]
    more = "" if sum(length for _, length in runs) == len(text) else ", …"
    named = (
        f"{f'{length} × ' if length > 1 else ''}{abbreviate_controls(unicode_names(repeated))}"
        for repeated, length in runs
    )
    return ", ".join(named) + more


def _facts(explanation: Explanation) -> str:
    """Return the header line: origin, document, source, profile and articles."""
    facts = [
        ("الملف", f"<code>{escape(make_visible(explanation.origin))}</code>"),
        ("الوثيقة", f"<code>{escape(explanation.document_id)}</code>"),
        ("المصدر", f"<bdi>{escape(make_visible(explanation.source))}</bdi>"),
        ("التسوية", f"<code>{escape(explanation.profile)}</code>"),
    ]
    for part in explanation.parts:
        title = f" «<bdi>{escape(make_visible(part.title))}</bdi>»" if part.title else ""
        facts.append((f"المقال {part.number}", f"<code>{escape(part.article_id)}</code>{title}"))
    if not explanation.parts:
        facts.append(("المقالات", "لم يبق من هذه الصفحة متن"))
    return f'<p class="facts">{"".join(f"<span>{name}: {value}</span>" for name, value in facts)}</p>'


def render_sums(explanation: Explanation) -> str:
    """Return the totals by kind, as a bar and as a sum."""
    totals = {kind: explanation.total(kind) for kind in WORDS}
    bar = "".join(f'<i class="{kind}" style="flex: {total} 0 0"></i>' for kind, total in totals.items() if total)
    terms = " + ".join(
        f'<span><span class="key {kind}"></span>{format_number(totals[kind])} {word}</span>'
        for kind, word in WORDS.items()
    )
    whole = f"<strong>{format_number(explanation.characters)} محرفًا في الصفحة الخام</strong>"
    return f'<div class="bar" aria-hidden="true">{bar}</div>\n<p class="sum">{whole} = {terms}</p>'


def _card(explanation: Explanation, kind: Kind, heading: str) -> str:
    """Return the table of the counts of one kind, or nothing if there are none."""
    counts = [count for count in explanation.counts if count.kind == kind]
    if not counts:
        return ""
    unit = f"<th>{WITH_PARTS if any(count.parts for count in counts) else UNITS[kind]}</th>" if kind in UNITS else ""
    head = f"<tr><th></th>{unit}<th>المحارف</th></tr>"
    body = "".join(f"<tr><td>{cells}</td></tr>" for cells in ("</td><td>".join(_cells(count)) for count in counts))
    table = f'<div class="rows"><table>{head}{body}</table></div>'
    return f'<section class="card {kind}"><h2><span class="key {kind}"></span>{heading}</h2>{table}</section>\n'


def _cells(count: TraceCount) -> Iterator[str]:
    """Yield the table cells of a count: name, lines (for kinds with a unit), characters."""
    what = count.what.removesuffix(": deleted").replace(": ", " → ")
    yield _part(what) if count.kind == "kept" else f"<code>{escape(abbreviate_controls(what))}</code>"
    if count.kind in UNITS:
        yield format_number(count.times)
    yield format_number(count.characters)


def _part(what: str) -> str:
    return what.replace("part", "المقال")
