"""Terminal formats of what cleaning removed: the pages that lost most, and the losses of each rule.

Origins, sources and lines are printed with visible signs for invisible characters.
"""

from collections.abc import Iterable, Iterator, Sequence

from builder.corpus.explain.losses import Losses, PageLoss, RuleExample, RuleLoss
from builder.records import Line
from builder.text.invisible import make_visible

LISTED = 5
"""Most pages of each kind that `clean` lists."""

RULES = 10
"""Most rules that `clean` lists."""

WIDTH = 60
"""Most characters of an example."""

SHOWN = 20
"""Pages that `khabar explain --worst` lists by default."""


def format_losses(losses: Losses) -> Iterator[str]:
    """Yield the totals, the worst pages with their rules, and the rules with their worst pages."""
    worst = losses.worst
    yield totals(losses)
    if not losses.lossy:
        return
    yield ""
    of_many = (
        "the page that lost the largest share:"
        if len(worst) == 1
        else f"the {len(worst)} that lost the largest shares:"
    )
    yield of_many if len(worst) < losses.lossy else "all that lost text:"
    sizes = [f"{page.lost:,} of {page.characters:,}" for page in worst]
    width = max(map(len, sizes))
    for page, size in zip(worst, sizes, strict=True):
        yield f"{page.share:>7.1%}  {size:>{width}} characters  {page.document_id}  {_where(page.origin, page.source)}"
        yield f"         {rule_counts(page)}" + ("" if page.has_text else "; no text is left")
    yield ""
    yield "by rule, most characters first:"
    width = max((len(rule.rule) for rule in losses.rules), default=0)
    for rule in losses.rules:
        yield f"    {rule.rule:<{width}}  {_in_all(rule)}"
        yield f"    {'':<{width}}  most: {_counted(rule.worst_characters, 'character')} of {rule.worst}, {make_visible(rule.worst_origin)}"


def totals(losses: Losses) -> str:
    """Format how many pages lost how much.

    >>> totals(Losses(9, 3, 1, 1, (), (), ()))
    '9 pages: 3 lost text, of which 1 lost more than a third and 1 ended with no text'
    """
    if not losses.lossy:
        return f"{losses.pages:,} {'page' if losses.pages == 1 else 'pages'}: none lost text"
    return (
        f"{losses.pages:,} {'page' if losses.pages == 1 else 'pages'}: {losses.lossy:,} lost text, of which "
        f"{losses.over_third:,} lost more than a third and {losses.without_text:,} ended with no text"
    )


def rule_counts(page: PageLoss) -> str:
    """Format the rules of a page with their characters, or with their lines where only those were counted."""
    return ", ".join(
        f"{count.rule} {_counted(count.drops, 'line')}"
        if count.characters is None
        else f"{count.rule} {_counted(count.characters, 'character')}"
        for count in page.rules
    ) or "no rule"  # fmt: skip


def loss_lines(losses: Losses, examples: Sequence[RuleExample]) -> Iterator[Line]:
    """Yield what `clean` says of its losses, with an example of each of the rules that dropped most."""
    emptied, shortened = map(_emptied, losses.emptied[:LISTED]), map(_shortened, losses.shortened[:LISTED])
    yield Line("pages that ended with no text", _listed(losses.without_text, losses.pages, emptied))
    yield Line("pages that lost more than a third", _listed(losses.over_third, losses.pages, shortened))
    rules, text_of = most_drops(losses), {example.rule: example.text for example in examples}
    if rules:
        width, digits = max(len(rule.rule) for rule in rules), len(f"{rules[0].drops:,}")
        said = (
            f"    {rule.drops:>{digits},}  {rule.rule:<{width}}  {example_line(text_of.get(rule.rule))}"
            for rule in rules
        )
        yield Line("rules with most drops", "\n".join(said))
    if losses.without_text or losses.over_third:
        yield Line("more of them", f"`khabar explain --worst {SHOWN}` shows the pages that lost most")


def most_drops(losses: Losses) -> list[RuleLoss]:
    """Return the rules that dropped most lines and parts of lines, then by name."""
    return sorted(losses.rules, key=lambda rule: (-rule.drops, rule.rule))[:RULES]


def example_line(text: str | None) -> str:
    r"""Format an example on one line, cut to WIDTH characters.

    >>> example_line("شارك\tالمقال" + " الآن" * 20)
    '«شارك⟨TAB⟩المقال الآن الآن الآن الآن الآن الآن الآن الآن الآ…»'
    """
    if text is None:
        return "only on pages that ended with no text"
    shown = make_visible(text.strip())
    return f"«{shown if len(shown) <= WIDTH else f'{shown[: WIDTH - 1]}…'}»"


def _listed(number: int, of: int, lines: Iterable[str]) -> str:
    """Format how many pages of all, and the first of them on lines of their own."""
    shown = [f"        {line}" for line, _ in zip(lines, range(number), strict=False)]
    return "\n".join([f"    {number:,} of {of:,}", *shown]) if number else "none"


def _emptied(page: PageLoss) -> str:
    return (
        f"{make_visible(page.origin)} {page.document_id}: {_counted(page.characters, 'character')}, {rule_counts(page)}"
    )


def _shortened(page: PageLoss) -> str:
    return f"{page.share:.0%} of {make_visible(page.origin)} {page.document_id}: {rule_counts(page)}"


def _where(origin: str, source: str) -> str:
    return f"{make_visible(origin)} ({make_visible(source)})"


def _in_all(rule: RuleLoss) -> str:
    on = f"on {_counted(rule.pages, 'page')}"
    return f"{_counted(rule.characters, 'character')} in {_counted(rule.drops, 'drop')} {on}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
