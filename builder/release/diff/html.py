"""HTML report of a comparison of two releases: right to left, no scripts, no external resources.

Every text is escaped, shortened, and shown with its invisible characters. Each list is limited, and states how many
lines it leaves out.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from builder.release.diff.layers import BEFORE
from builder.release.diff.records import Diff, FieldChange, LabelTally, ReleaseId, SpanChange, StanceChange, TextChange
from builder.release.diff.renames import label_renames, without_renames
from builder.release.diff.semver import level, reasons
from builder.release.diff.spans import Mention
from builder.report_page import escape_html, format_number, html_page

SHOWN = 200
"""The greatest number of lines in one list."""

LONGEST = 120
"""The greatest length of one text, in code points."""

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
    """Render the page as one HTML document."""
    renames, spans = label_renames(diff), without_renames(diff)
    body = "".join([
        _header(diff),
        "<main>\n",
        _rows(diff),
        _labels(diff.labels),
        _list("الأعمدة", "columns", ("الجدول", "العمود", "كان", "صار"), (
            [_code(change.config), _code(change.column), _was(change.old), _now(change.new)] for change in diff.features
        ), len(diff.features)),
        _list("مقالات أُضيفت", "articles added", ("المقال", "القسم", "العنوان"), (
            [_code(added.article_id), _code(added.split), _title(diff, added.article_id)]
            for added in diff.articles_added
        ), len(diff.articles_added)),
        _list("مقالات حُذفت", "articles removed", ("المقال", "القسم"), (
            [_code(removed.article_id), _code(removed.split)] for removed in diff.articles_removed
        ), len(diff.articles_removed)),
        _list("مقالات انتقلت إلى قسم آخر", "articles in another split", ("المقال", "العنوان", "كان", "صار"), (
            [_code(moved.article_id), _title(diff, moved.article_id), _was(moved.old), _now(moved.new)]
            for moved in diff.resplit
        ), len(diff.resplit)),
        _list("نصوص تغيّرت", "texts", ("المقال", "أول موضع", "كان", "صار"), map(_text, diff.texts), len(diff.texts)),
        _list("عناوين ومصادر وتواريخ", "titles, sources, dates", ("المقال", "الحقل", "كان", "صار"),
              map(_field, diff.fields), len(diff.fields)),
        _list("وسوم تغيّر اسمها", "labels renamed", ("كان", "صار", "الكيانات"), (
            [_code(one.old), _code(one.new), format_number(one.spans)] for one in renames
        ), len(renames)),
        _list("كيانات", "spans", ("المقال", "ما جرى", "كان", "صار"), map(_span, spans), len(spans)),
        _list("مواقف", "stances", ("المقال", "الهدف", "ما جرى", "كان", "صار"), map(_stance, diff.stances), len(diff.stances)),
        _list("أحكام الموسّمين", "judgements", ("المقال", "الموسّم", "الدفعة", "ما جرى", "الأعمدة"), (
            [_code(change.article_id), _code(change.annotator), _code(change.batch), _kind(change.kind),
             " ".join(map(_code, change.columns))] for change in diff.judgements
        ), len(diff.judgements)),
        _list("صفوف يختلف فيها عمود", "rows by column", ("الجدول", "العمود", "الصفوف"), (
            [_code(count.config), _code(count.column), format_number(count.rows)] for count in diff.columns
        ), len(diff.columns)),
        "</main>\n",
    ])  # fmt: skip
    return html_page(f"{diff.old.version} ← {diff.new.version}: {diff.new.repo_id}", STYLE, body)


def _header(diff: Diff) -> str:
    changes = reasons(diff)
    step = level(changes)
    summary = "الجداول متطابقة" if diff.same_tables else f"نقلة {STEPS[step]}"
    why = "".join(
        f"<li>{WHY.get(reason.what) or _code(reason.what)}: {format_number(reason.count)}</li>" for reason in changes
    )
    lines = diff.card.added + diff.card.removed
    card = (
        f" <span>{CARD}: {format_number(diff.card.added)} سطرًا جديدًا، و{format_number(diff.card.removed)} ذهبت</span>"
        if lines
        else ""
    )
    return f"""<header>
<h1>ما تغيّر من <code>{_cut(diff.old.version)}</code> إلى <code>{_cut(diff.new.version)}</code></h1>
<p class="facts">{_about("الأقدم", diff.old)}{_about("الأحدث", diff.new)}{card}</p>
<p><span class="step {step}">{summary}</span></p>
{f'<ul class="why">{why}</ul>' if why else ""}
</header>
"""


def _about(name: str, about: ReleaseId) -> str:
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
    """Render a card with a table of at most SHOWN rows, or an empty string if `total` is 0; cells are HTML."""
    if not total:
        return ""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in islice(rows, SHOWN))
    more = f'<p class="more">و{format_number(total - SHOWN)} غيرها لا تظهر هنا.</p>\n' if total > SHOWN else ""
    return f"""<section class="card"><h2>{heading} {format_number(total)} <bdi lang="en">{english}</bdi></h2>
<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>
{body}</tbody></table></div>{more}</section>
"""


def _cell(html: str) -> str:
    return f'<td class="text">{html}</td>' if html.startswith(("<bdi>", '<bdi class="')) else f"<td>{html}</td>"


def _text(change: TextChange) -> list[str]:
    if change.at is None:
        return [_code(change.article_id), "", _code(change.old_sha), _code(change.new_sha)]
    old_length, new_length = format_number(change.old_length or 0), format_number(change.new_length or 0)
    return [
        _code(change.article_id),
        f"{format_number(change.at)} <small>({old_length} ← {new_length})</small>",
        _differing(change.old_words, change.at, "was"),
        _differing(change.new_words, change.at, "now"),
    ]


def _differing(words: str, at: int, look: str) -> str:
    """Render the excerpt of a text, highlighted from its first difference."""
    same = min(at, BEFORE)
    return f'<bdi>{escape_html(words[:same])}<span class="{look}">{escape_html(words[same:])}</span></bdi>'


def _field(change: FieldChange) -> list[str]:
    old, new = _bdi(change.old or "", "was"), _bdi(change.new or "", "now")
    return [_code(change.article_id), _code(change.column), old, new]


def _span(change: SpanChange) -> list[str]:
    return [_code(change.article_id), _kind(change.kind), _mention(change.old, "was"), _mention(change.new, "now")]


def _mention(mention: Mention | None, look: str) -> str:
    if mention is None:
        return ""
    return f"{_bdi(mention.text, look)} {_code(mention.label)} {_code(f'{mention.start}:{mention.end}')}"


def _stance(change: StanceChange) -> list[str]:
    old, new = _was(change.old), _now(change.new)
    return [_code(change.article_id), _code(change.target), _kind(change.kind), old, new]


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
    return format_number(value) if value else f'<span class="zero">{format_number(0)}</span>'


def _cut(text: str) -> str:
    return escape_html(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
