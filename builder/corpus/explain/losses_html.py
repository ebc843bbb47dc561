"""HTML format of what cleaning removed: the pages that lost most with their traces, and the losses of each rule.

One right-to-left page without scripts or external resources, all text escaped.
"""

from collections.abc import Iterable

from builder.corpus.explain.html import CSS, render_sheet, render_sums
from builder.corpus.explain.losses import Losses, PageLoss, RuleCount, RuleLoss
from builder.corpus.explain.trace import Explanation
from builder.report_page import escape_html, format_number, html_page

TITLE = "أكثر الصفحات فقدًا في التنظيف"

LOSSES_CSS = """
main { display: block; }
main > h2 { font-size: 1.2rem; margin: 1.5rem 0 .5rem; }
.loss { background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; margin-bottom: .6rem; }
.loss > summary { cursor: pointer; padding: .6rem .9rem; display: grid; gap: .1rem 1rem;
  grid-template-columns: 6rem minmax(6rem, 14rem) minmax(0, 1fr); align-items: center; list-style: none; }
.loss > summary::-webkit-details-marker { display: none; }
.loss > summary:focus-visible { outline: 2px solid var(--put-line); outline-offset: 2px; border-radius: .6rem; }
.loss .share { font-size: 1.15rem; font-weight: 600; white-space: nowrap; }
.loss .share::before { content: "\\25C2"; color: var(--soft); display: inline-block; width: 1.1em; }
.loss[open] .share::before { content: "\\25BE"; }
.meter { display: flex; height: .7rem; border-radius: .35rem; overflow: hidden; gap: 2px; background: var(--kept); }
.meter i { min-width: 3px; background: var(--gone-line); } .meter i + i { background: var(--kept); }
.loss .title { font-size: 1.2rem; line-height: 1.6; }
.loss .about { grid-column: 2 / -1; color: var(--soft); display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; font-size: .9em; }
.loss .about .empty { color: var(--gone-line); font-weight: 600; }
.loss > .trace { border-top: 1px solid var(--line); padding: .4rem .9rem .9rem; }
.rules { overflow-x: auto; margin-bottom: 3rem; } .rules td { border-top: 1px solid var(--line); padding-block: .3rem; }
.rules td code { display: inline; font-size: .85em; } .rules .meter { width: 9rem; background: none; margin-inline-start: auto; }
.rules td:first-child code { white-space: nowrap; }
.rules td.where { white-space: normal; min-width: 11rem; }
@media (max-width: 50rem) {
  .loss > summary { grid-template-columns: 6rem minmax(0, 1fr); padding-inline: .6rem; }
  .loss .title, .loss .about { grid-column: 1 / -1; } .loss > .trace { padding-inline: .3rem; }
  .rules .meter { display: none; } }
"""


def render_losses(losses: Losses, traces: Iterable[Explanation]) -> str:
    """Return the HTML page; `traces` has the trace of each of the worst pages, in their order."""
    pages = "".join(_page(page, trace) for page, trace in zip(losses.worst, traces, strict=True))
    most = max((rule.characters for rule in losses.rules), default=0)
    rules = "".join(_rule(rule, most) for rule in losses.rules)
    heads = "".join(
        f"<th>{name}</th>" for name in ("القاعدة", "المواضع", "المحارف", "", "الصفحات", "أكثر صفحة فقدت بها")
    )
    body = f"<h2>الصفحات</h2>\n{pages}<h2>القواعد</h2>\n" + (
        f'<div class="rules card"><table><tr>{heads}</tr>\n{rules}</table></div>\n' if rules else ""
    )
    return html_page(TITLE, CSS + LOSSES_CSS, f"""<header>
<h1>{TITLE}</h1>
{_totals(losses)}
</header>
<main>
{body if losses.lossy else ""}</main>
""")  # fmt: skip


def _totals(losses: Losses) -> str:
    facts = [
        ("الصفحات", losses.pages), ("فقدت نصًا", losses.lossy), ("فقدت أكثر من الثلث", losses.over_third),
        ("لم يبق لها متن", losses.without_text), ("المعروضة هنا", len(losses.worst)),
    ]  # fmt: skip
    spans = "".join(f"<span>{name}: {format_number(number)}</span>" for name, number in facts)
    return f'<p class="facts">{spans}</p>'


def _page(page: PageLoss, trace: Explanation) -> str:
    """Return the summary of a page and, folded, its trace."""
    kept = page.characters - page.lost
    meter = f'<i style="flex: {max(page.lost, 1)} 0 0"></i>' + (f'<i style="flex: {kept} 0 0"></i>' if kept else "")
    title = f"<bdi>{escape_html(trace.title)}</bdi>" if trace.title else f"<code>{escape_html(page.origin)}</code>"
    about = [
        f"<span>{format_number(page.lost)} من {format_number(page.characters)} محرفًا</span>",
        f"<code>{escape_html(page.document_id)}</code>",
        f"<code>{escape_html(page.origin)}</code>",
        f"<span>المصدر: <bdi>{escape_html(page.source)}</bdi></span>",
        *map(_rule_count, page.rules),
        *([] if page.has_text else ['<span class="empty">لم يبق من هذه الصفحة متن</span>']),
    ]
    return (
        f'<details class="loss"><summary><span class="share"><span class="n">{page.share:.1%}</span></span>'
        f'<span class="meter" aria-hidden="true">{meter}</span><span class="title">{title}</span>'
        f'<span class="about">{"".join(about)}</span></summary>\n'
        f'<div class="trace">{render_sums(trace)}\n{render_sheet(trace)}</div></details>\n'
    )


def _rule_count(count: RuleCount) -> str:
    """Return a rule with its characters, or with its lines where only those were counted."""
    unit, number = ("السطور", count.drops) if count.characters is None else ("المحارف", count.characters)
    return f"<span><code>{escape_html(count.rule)}</code> ({unit}: {format_number(number)})</span>"


def _rule(rule: RuleLoss, most: int) -> str:
    worst = f"<code>{escape_html(rule.worst)}</code> <code>{escape_html(rule.worst_origin)}</code>"
    share = 100 * rule.characters / most if most else 0
    cells = (
        f"<td><code>{escape_html(rule.rule)}</code></td>",
        f"<td>{format_number(rule.drops)}</td><td>{format_number(rule.characters)}</td>",
        f'<td><span class="meter" aria-hidden="true"><i style="width: {share:.1f}%"></i></span></td>',
        f"<td>{format_number(rule.pages)}</td>",
        f'<td class="where">{format_number(rule.worst_characters)} من {worst}</td>',
    )
    return f"<tr>{''.join(cells)}</tr>\n"
