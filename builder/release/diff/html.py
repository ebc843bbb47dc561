"""What changed between two releases as one HTML page, right to left: no script, nothing from outside.

Every text is escaped, cut and shown with its hidden characters; the page is bounded, and says what it leaves out.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from builder.release.diff.layers import BEFORE
from builder.release.diff.records import About, Diff, FieldChange, LabelTally, SpanChange, StanceChange, TextChange
from builder.release.diff.semver import level, reasons
from builder.release.diff.spans import Mention
from builder.report_page import document, number, shown

SHOWN = 200
"""Lines of one list."""

LONGEST = 120
"""Code points of one text."""

STEPS = {"major": "رئيسية", "minor": "فرعية", "patch": "تصحيحية"}

KINDS = {"added": "أُضيف", "removed": "حُذف", "relabelled": "غُيّر وسمه", "moved": "عُدّلت حدوده", "changed": "تغيّر"}

WHY = {
    "columns changed": "أعمدة تغيّرت", "rows removed": "صفوف حُذفت", "rows in another split": "صفوف انتقلت إلى قسم آخر",
    "texts changed": "نصوص تغيّرت", "spans changed": "كيانات تغيّرت", "stances changed": "مواقف تغيّرت",
    "judgements changed": "أحكام تغيّرت", "columns added": "أعمدة أُضيفت", "rows added": "صفوف أُضيفت",
}  # fmt: skip

CARD = "تغيّر في البطاقة"

STYLE = """
main { display: grid; gap: 1rem; padding-bottom: 3rem; }
.step { display: inline-block; border-radius: .4rem; padding: .1rem .7rem; font-weight: 700; color: #fff; background: #2f6b4f; }
.step.major { background: #a93421; } .step.minor { background: #2552ad; }
.why { margin: .5rem 0 0; padding-inline-start: 1.2rem; }
h2 { font-size: 1.1rem; margin-bottom: .4rem; } h2 bdi { color: var(--soft); font-weight: 400; font-size: .85em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: min(100%, 44rem); }
th { text-align: start; font-weight: 400; color: var(--soft); font-size: .85em; }
td, th { padding: .2rem .5rem; border-bottom: 1px solid var(--line); vertical-align: baseline; }
tr:last-child td { border-bottom: 0; }
td > code:not(.was, .now) { white-space: nowrap; } td > .n { display: block; text-align: center; } .zero { color: var(--soft); opacity: .55; }
td.text { font-size: 1.15rem; line-height: 1.9; min-width: 12rem; }
.was { background: color-mix(in srgb, var(--gone-line) 16%, transparent); border-radius: .25rem; padding: 0 .25rem; }
.now { background: color-mix(in srgb, var(--kept) 20%, transparent); border-radius: .25rem; padding: 0 .25rem; }
.tag { border: 1px solid var(--line); border-radius: .3rem; padding: 0 .35rem; }
.kind { white-space: nowrap; font-weight: 600; } .removed { color: var(--gone-line); } .added { color: var(--kept); }
.relabelled, .moved, .changed { color: var(--put-line); }
.more { color: var(--soft); margin: .4rem 0 0; } .title { font-size: 1.05rem; }
@media print { .card { break-inside: auto; } tr { break-inside: avoid; } }
"""


def page(diff: Diff) -> str:
    """The whole page."""
    body = "".join([
        _header(diff),
        "<main>\n",
        _rows(diff),
        _labels(diff.labels),
        _list("الأعمدة", "columns", ("الجدول", "العمود", "كان", "صار"), (
            [_code(one.config), _code(one.column), _was(one.old), _now(one.new)] for one in diff.features
        ), len(diff.features)),
        _list("مقالات أُضيفت", "articles added", ("المقال", "القسم", "العنوان"), (
            [_code(one.article_id), _code(one.split), _title(diff, one.article_id)] for one in diff.articles_added
        ), len(diff.articles_added)),
        _list("مقالات حُذفت", "articles removed", ("المقال", "القسم"), (
            [_code(one.article_id), _code(one.split)] for one in diff.articles_removed
        ), len(diff.articles_removed)),
        _list("مقالات انتقلت إلى قسم آخر", "articles in another split", ("المقال", "العنوان", "كان", "صار"), (
            [_code(one.article_id), _title(diff, one.article_id), _was(one.old), _now(one.new)] for one in diff.resplit
        ), len(diff.resplit)),
        _list("نصوص تغيّرت", "texts", ("المقال", "أول موضع", "كان", "صار"), map(_text, diff.texts), len(diff.texts)),
        _list("عناوين ومصادر وتواريخ", "titles, sources, dates", ("المقال", "الحقل", "كان", "صار"),
              map(_field, diff.fields), len(diff.fields)),
        _list("كيانات", "spans", ("المقال", "ما جرى", "كان", "صار"), map(_span, diff.spans), len(diff.spans)),
        _list("مواقف", "stances", ("المقال", "الهدف", "ما جرى", "كان", "صار"), map(_stance, diff.stances), len(diff.stances)),
        _list("أحكام الموسّمين", "judgements", ("المقال", "الموسّم", "الدفعة", "ما جرى", "الأعمدة"), (
            [_code(one.article_id), _code(one.annotator), _code(one.batch), _kind(one.kind),
             " ".join(map(_code, one.columns))] for one in diff.judgements
        ), len(diff.judgements)),
        _list("صفوف يختلف فيها عمود", "rows by column", ("الجدول", "العمود", "الصفوف"), (
            [_code(one.config), _code(one.column), number(one.rows)] for one in diff.columns
        ), len(diff.columns)),
        "</main>\n",
    ])  # fmt: skip
    return document(f"{diff.old.version} ← {diff.new.version}: {diff.new.repo_id}", STYLE, body)


def _header(diff: Diff) -> str:
    found = reasons(diff)
    step = level(found)
    said = "الجداول متطابقة" if diff.same_tables else f"نقلة {STEPS[step]}"
    why = "".join(f"<li>{WHY.get(one.what) or _code(one.what)}: {number(one.count)}</li>" for one in found)
    lines = diff.card.added + diff.card.removed
    card = (
        f" <span>{CARD}: {number(diff.card.added)} سطرًا جديدًا، و{number(diff.card.removed)} ذهبت</span>"
        if lines
        else ""
    )
    return f"""<header>
<h1>ما تغيّر من <code>{_cut(diff.old.version)}</code> إلى <code>{_cut(diff.new.version)}</code></h1>
<p class="facts">{_about("الأقدم", diff.old)}{_about("الأحدث", diff.new)}{card}</p>
<p><span class="step {step}">{said}</span></p>
{f'<ul class="why">{why}</ul>' if why else ""}
</header>
"""


def _about(name: str, about: About) -> str:
    manifest = f" <code>{_cut(about.manifest[:16])}</code>" if about.manifest else ""
    return f"<span>{name}: <code>{_cut(about.repo_id)}</code> <code>{_cut(about.edition)}</code>{manifest}</span>"


def _rows(diff: Diff) -> str:
    head = (
        "الجدول",
        "القسم",
        "كان",
        "صار",
        "لم تتغير",
        "تغيّرت",
        "خرجت إلى قسم آخر",
        "جاءت من قسم آخر",
        "حُذفت",
        "أُضيفت",
    )
    rows = (
        [_code(t.config), _code(t.split), *map(_count, (t.before, t.after, t.unchanged, t.changed,
                                                      t.moved_out, t.moved_in, t.removed, t.added))]
        for t in diff.rows
    )  # fmt: skip
    return _list("الصفوف", "rows", head, rows, len(diff.rows))


def _labels(tallies: Sequence[LabelTally]) -> str:
    head = ("الطبقة", "الوسم", "كان", "صار", "بقي", "عُدّلت حدوده", "صار غيره", "جاء من غيره", "حُذف", "أُضيف",
            "ذهب مع مقاله", "جاء مع مقاله")  # fmt: skip
    rows = (
        [_code(t.layer), _code(t.label), *map(_count, (t.before, t.after, t.kept, t.moved, t.relabelled_from,
                                                     t.relabelled_to, t.removed, t.added, t.went, t.came))]
        for t in tallies
    )  # fmt: skip
    return _list("الوسوم", "labels", head, rows, len(tallies))


def _list(heading: str, english: str, head: Sequence[str], rows: Iterable[Sequence[str]], total: int) -> str:
    """A card with a table of at most SHOWN rows, or nothing where there is none; cells are HTML already."""
    if not total:
        return ""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in islice(rows, SHOWN))
    more = f'<p class="more">و{number(total - SHOWN)} غيرها لا تظهر هنا.</p>\n' if total > SHOWN else ""
    return f"""<section class="card"><h2>{heading} {number(total)} <bdi lang="en">{english}</bdi></h2>
<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>
{body}</tbody></table></div>{more}</section>
"""


def _cell(html: str) -> str:
    return f'<td class="text">{html}</td>' if html.startswith(("<bdi>", '<bdi class="')) else f"<td>{html}</td>"


def _text(one: TextChange) -> list[str]:
    if one.at is None:
        return [_code(one.article_id), "", _code(one.old_sha), _code(one.new_sha)]
    lengths = f"{number(one.at)} <small>({number(one.old_length or 0)} ← {number(one.new_length or 0)})</small>"
    return [
        _code(one.article_id),
        lengths,
        _differing(one.old_words, one.at, "was"),
        _differing(one.new_words, one.at, "now"),
    ]


def _differing(words: str, at: int, look: str) -> str:
    """Words of a text, marked from the place on where they differ."""
    same = min(at, BEFORE)
    return f'<bdi>{shown(words[:same])}<span class="{look}">{shown(words[same:])}</span></bdi>'


def _field(one: FieldChange) -> list[str]:
    return [_code(one.article_id), _code(one.column), _bdi(one.old or "", "was"), _bdi(one.new or "", "now")]


def _span(one: SpanChange) -> list[str]:
    return [_code(one.article_id), _kind(one.kind), _mention(one.old, "was"), _mention(one.new, "now")]


def _mention(one: Mention | None, look: str) -> str:
    if one is None:
        return ""
    return f"{_bdi(one.text, look)} {_code(one.label)} {_code(f'{one.start}:{one.end}')}"


def _stance(one: StanceChange) -> list[str]:
    return [_code(one.article_id), _code(one.target), _kind(one.kind), _was(one.old), _now(one.new)]


def _kind(kind: str) -> str:
    return f'<span class="kind {kind}">{KINDS[kind]}</span>'


def _title(diff: Diff, article_id: str) -> str:
    return _bdi(diff.titles.get(article_id, ""))


def _bdi(text: str, look: str = "") -> str:
    shade = f' class="{look}"' if look else ""
    return f"<bdi{shade}>{_cut(text)}</bdi>" if text else ""


def _was(text: str) -> str:
    return f'<code class="was">{_cut(text)}</code>' if text else ""


def _now(text: str) -> str:
    return f'<code class="now">{_cut(text)}</code>' if text else ""


def _code(text: str) -> str:
    return f"<code>{_cut(text)}</code>"


def _count(value: int) -> str:
    return number(value) if value else f'<span class="zero">{number(0)}</span>'


def _cut(text: str) -> str:
    return shown(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
