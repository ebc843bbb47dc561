"""HTML report of agreement, right to left: figures, confusion, annotators, progress and disputes.

The page has no scripts and no external resources, and all text is escaped. Each plot has its numbers beside it.
Annotators appear under their pseudonyms. The page's size is bounded, and it counts what it leaves out. Pure.
"""

from collections.abc import Mapping, Sequence
from html import escape

from builder.annotation.agreement.matching import MODES, SPAN_F1
from builder.annotation.agreement.spans import UNITIZING, macro
from builder.annotation.agreement.stances import ALPHA
from builder.annotation.report import passages_html, plots, sections, tables
from builder.annotation.report.passages import SHOWN, disputed_passages, disputed_questions
from builder.annotation.report.passages_html import cut, left_out, passages_section, questions_html
from builder.annotation.report.plots import Point
from builder.annotation.report.progress import progress
from builder.annotation.report.sections import (
    HEADLINES,
    HUES,
    STROKES,
    batches_section,
    heading,
    over_time_section,
    progress_section,
)
from builder.annotation.report.tables import (
    ARABIC,
    bounded,
    confusion_tables,
    figure_rows,
    figure_text,
    matrices,
    reason,
)
from builder.records import Agreement, Article, Judgement
from builder.report_page import format_number, html_page
from builder.schema.labels import Labels

STYLE = """
main { display: grid; gap: 1rem; padding-bottom: 3rem; grid-template-columns: repeat(12, minmax(0, 1fr)); align-items: start; }
main > * { grid-column: 1 / -1; } .card { container-type: inline-size; } .half { grid-column: span 6; } .third { grid-column: span 4; }
.most { grid-column: span 8; } h2 { font-size: 1.05rem; margin-bottom: .4rem; }
h2 bdi, h3 bdi.en, .en { color: var(--soft); font-weight: 400; font-size: .82em; }
main > h2 { margin: 1rem 0 -.4rem; font-size: 1.3rem; }
.sum { margin: 0; font-size: 2.6rem; font-weight: 700; line-height: 1.3; }
.sum .n { font-size: 1em; } .sum small { font-size: .9rem; font-weight: 400; color: var(--soft); }
.undefined { font-size: 1.3rem; } .headline h2 bdi { display: block; text-align: end; }
.note { margin: .2rem 0 .5rem; color: var(--soft); font-size: .9rem; }
.keys { display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: .3rem 0 0; padding: 0; list-style: none; font-size: .9rem; }
.key { display: inline-block; width: .75em; height: .75em; border-radius: .2em; margin-inline-end: .35em; }
.time { margin: 1rem 0 .3rem; }
summary { cursor: pointer; color: var(--soft); }
@media (max-width: 64rem) { .half, .third, .most { grid-column: 1 / -1; } }
@media print { body { font-size: 9pt; print-color-adjust: exact; } .card { break-inside: avoid; } .card.long { break-inside: auto; }
  main { display: block; } main > * { margin-bottom: .8rem; } main > h2 { margin-bottom: .2rem; break-after: avoid; } body { background: none; } }
"""


def page(
    figures: Sequence[Agreement],
    judgements: Sequence[Judgement],
    articles: Mapping[str, Article],
    labels: Labels,
    *,
    title: str,
    passages: int = SHOWN,
) -> str:
    """Return the whole page for agreement figures and the canonical judgements they were computed from.

    `articles` are the judged articles by id, `title` is the dataset's title. At most `passages` disputed passages
    are shown.
    """
    by_article: dict[str, list[Judgement]] = {}
    for judgement in sorted(judgements, key=lambda judgement: (judgement.article_id, judgement.annotator)):
        by_article.setdefault(judgement.article_id, []).append(judgement)
    shared = {article_id: judged for article_id, judged in by_article.items() if len(judged) > 1}
    body = "".join([
        _header(title, judgements, len(by_article), len(shared)),
        "<main>\n",
        _headlines(figures, labels),
        _per_label(figures, labels),
        heading("أين يقع الخلط", "Confusion"),
        confusion_tables(list(shared.values()), labels),
        heading("الموسّمون", "Annotators"),
        matrices([figure for figure in figures if figure.between]),
        heading("سير العمل", "Progress"),
        progress_section(progress(judgements)),
        over_time_section(figures),
        batches_section(figures),
        _disputes(shared, articles, labels, passages),
        "</main>\n",
    ])  # fmt: skip
    style = plots.STYLE + tables.STYLE + passages_html.STYLE + STYLE + _colours(labels)
    return html_page(f"الاتفاق: {title}", style, body)


def _colours(labels: Labels) -> str:
    """Return CSS properties with the colour of each label and annotator, lighter ones for the dark theme."""
    light = "".join(f"--e{index}: {entity.colour};" for index, entity in enumerate(labels.entities))
    dark = "".join(
        f"--e{index}: color-mix(in srgb, {entity.colour} 55%, #fff);" for index, entity in enumerate(labels.entities)
    )
    light += "".join(f"--a{index}: hsl({hue} 55% 42%);" for index, hue in enumerate(HUES))
    dark += "".join(f"--a{index}: hsl({hue} 60% 66%);" for index, hue in enumerate(HUES))
    return f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


def _header(title: str, judgements: Sequence[Judgement], articles: int, shared: int) -> str:
    """Return the page's header: counts, batches, and the versions of guidelines and schema."""
    people = {judgement.annotator for judgement in judgements}
    facts = [("الأحكام", format_number(len(judgements))), ("المقالات", format_number(articles)),
             ("منها لأكثر من موسّم", format_number(shared)), ("الموسّمون", format_number(len(people)))]  # fmt: skip
    for name, values in (
        ("الدفعات", {judgement.batch for judgement in judgements}),
        ("الإرشادات", {judgement.guideline for judgement in judgements}),
        ("المخطط", {judgement.schema for judgement in judgements}),
    ):
        kept, more = bounded(sorted(values), 8)
        if kept:
            shown = " ".join(f"<code>{cut(value)}</code>" for value in kept)
            facts.append((name, shown + (f" و{format_number(more)} غيرها" if more else "")))
    listed = "".join(f"<span>{name}: {value}</span>" for name, value in facts)
    return f"""<header>
<h1>الاتفاق بين الموسّمين</h1>
<p class="facts"><span>{cut(title, 200)}</span></p>
<p class="facts">{listed}</p>
</header>
"""


def _headlines(figures: Sequence[Agreement], labels: Labels) -> str:
    """Return a card for each main measure over all batches."""
    cards = []
    for measure, layer in HEADLINES:
        overall = [
            f for f in figures if (f.measure, f.label, f.batch, f.between, f.period) == (measure, "all", "all", "", "")
        ]
        if layer == "stance" and labels.stances is None:
            body = '<p class="sum undefined">لا تُسأل المواقف في هذه المجموعة</p>'
        elif not overall:
            body = '<p class="sum undefined">لم يُقَس</p>'
        else:
            body = _headline(overall[0], figures)
        arabic, english = ARABIC[measure]
        cards.append(
            f'<section class="card third headline"><h2>{arabic} <bdi lang="en">{escape(english)}</bdi></h2>{body}</section>\n'
        )
    return "".join(cards)


def _headline(figure: Agreement, figures: Sequence[Agreement]) -> str:
    """Return the body of a main measure's card: value, interval, plot, n, and the macro mean where there is one."""
    if figure.value is None:
        return f'<p class="sum undefined">غير معرَّف: {reason(figure)}</p>'
    point = Point(figure.value, figure.low, figure.high)
    start = plots.lowest([point])
    plot = plots.interval(point, start, STROKES[figure.measure], figure_text(figure))
    unit = "المقالات" if figure.layer == "entities" else "أسئلة المقالات عن الأهداف"
    mean = [f for f in figures if f.measure == macro(figure.measure) and f.value is not None
            and (f.batch, f.between, f.period) == ("all", "", "")]  # fmt: skip
    also = "".join(f' · متوسط الأنواع: <span class="n">{f.value:.3f}</span>' for f in mean)
    return (
        f'<p class="sum"><span class="n">{figure.value:.3f}</span> <small>{_interval(figure)}</small></p>{plot}'
        f"{plots.axis(start)}"
        f'<p class="note">{unit}: {format_number(figure.n)}{also}</p>'
    )


def _interval(figure: Agreement) -> str:
    if figure.low is None or figure.high is None:
        return "بلا فترة ثقة"
    return f'<span class="n">{figure.low:.3f}–{figure.high:.3f}</span> بثقة <span class="n">95 %</span>'


def _per_label(figures: Sequence[Agreement], labels: Labels) -> str:
    """Return the figures of each entity type, matching mode and stance target."""
    total = [f for f in figures if (f.batch, f.between, f.period) == ("all", "", "")]
    fills = {entity.name: f"var(--e{index})" for index, entity in enumerate(labels.entities)}
    names = {entity.name: (entity.ar, entity.name) for entity in labels.entities}
    if labels.stances:
        names |= {f"stance {target.id}": (target.ar, target.id) for target in labels.stances.targets}
    types = [(names[f.label], f, fills[f.label]) for f in total if f.measure == SPAN_F1 and f.label in fills]
    targets = [(names[f"stance {f.label}"], f, STROKES[ALPHA])
               for f in total if f.layer == "stance" and f.measure == ALPHA and f"stance {f.label}" in names]  # fmt: skip
    modes = [(ARABIC[f.measure], f, STROKES[SPAN_F1]) for mode in MODES for f in total
             if (f.measure, f.label) == (mode, "all")]  # fmt: skip
    cut_up = [(names[f.label], f, fills[f.label]) for f in total if f.measure == UNITIZING and f.label in fills]
    cards = [sections.card("أنواع الكيانات", "strict F1 of each entity type", figure_rows(types, "المقالات"), "half")]
    right = [("أربع طرائق لعدّ التطابق", "Four ways to count a match", figure_rows(modes, "المقالات", ranked=False))]
    if labels.stances:
        right.append(("أهداف المواقف", "nominal alpha of each target", figure_rows(targets, "المقالات")))
    if labels.questions:
        asked = {question.id: (question.ar, question.id) for question in labels.questions}
        about = [(asked[f.label], f, STROKES[ALPHA]) for f in total if f.layer == "questions" and f.label in asked]
        right.append(("أسئلة عن المقال كله", "alpha of each question", figure_rows(about, "المقالات")))
    cards.append(f'<div class="half stack">{"".join(sections.card(*card, "") for card in right)}</div>')
    more = figure_rows(cut_up, "المقالات")
    cards.append(
        f'<details class="card"><summary>ألفا التقطيع لكل نوع <bdi lang="en" class="en">unitizing alpha of each type</bdi></summary>{more}</details>\n'
    )
    return heading("بحسب النوع والهدف", "By label") + "".join(cards)


def _disputes(
    shared: Mapping[str, Sequence[Judgement]], articles: Mapping[str, Article], labels: Labels, most: int
) -> str:
    """Return the most disputed passages and stance questions, at most `most` of each."""
    remarks = {
        (judgement.article_id, judgement.annotator): judgement.remark
        for judged in shared.values()
        for judgement in judged
        if judgement.remark
    }
    passages, total = disputed_passages(shared, articles, number=most)
    marked = {mark[2] for passage in passages for answer in passage.answers for mark in answer.marks}
    keys = "".join(
        f'<li><span class="key" style="background:var(--e{index})"></span>{cut(entity.ar)}</li>'
        for index, entity in enumerate(labels.entities)
        if entity.name in marked
    )
    note = (
        "مرتبة بعدد الفروق: في كل وسم يبدأ في الموضع، كم زوجًا من الموسّمين وضعه أحدهما ولم يضعه الآخر. "
        "الخط الغليظ مع اسم النوع وسمٌ فيه خلاف، والرفيع وسمٌ اتفق عليه الجميع."
    )
    listed, many = passages_section(passages, articles, labels, remarks)
    cards = sections.card("الكيانات", "Entities", f'<p class="note">{note}</p><ul class="keys">{keys}</ul>{listed or _NONE}'
                  f"{left_out('مواضع أخرى فيها خلاف', total - many)}", "long")  # fmt: skip
    if labels.stances:
        questions, total = disputed_questions(shared, number=most)
        note = "مرتبة بعدد أزواج الموسّمين الذين اختلفت إجاباتهم عن الأهداف نفسها. الإجابة الأقل عددًا بخط غليظ."
        listed, many = questions_html(questions, articles, labels, remarks)
        cards += sections.card("المواقف", "Stances", f'<p class="note">{note}</p>{listed or _NONE}'
                       f"{left_out('مقالات أخرى فيها خلاف', total - many)}", "long")  # fmt: skip
    return heading("أكثر المواضع خلافًا", "Most disputed passages") + cards


_NONE = '<p class="note">لا خلاف.</p>'
