"""Proposals as text for the terminal."""

import math
from collections.abc import Iterator

from builder.corpus.cleaning.suggest.proposals import Proposal
from builder.text.invisible import make_visible


def describe(proposal: Proposal) -> str:
    """Return what speaks for a proposal and against it, one fact a line."""
    return "\n".join(_facts(proposal))


def _facts(proposal: Proposal) -> Iterator[str]:
    yield (
        f"    {proposal.kind}, in {proposal.documents:,} of {proposal.of:,} documents ({proposal.share:.1%}); "
        f"precision at least {math.floor(proposal.precision * 100) / 100:.2f} (it matches on {proposal.matching:,} pages, "
        f"on {proposal.inside:,} of them inside the text)"
    )
    if proposal.warning:
        yield f"    WARNING: {proposal.warning}"
    if proposal.dropped is not None:
        yield f"    dropped by counts already: {proposal.dropped:.0%} of them"
    for example in proposal.examples:
        for number, line in enumerate(example.split("\n")):
            yield f"    {' ' if number else '+'} {make_visible(line)}"
    if not proposal.counter_examples:
        yield "    no line inside the texts is like it"
    what = "matches" if proposal.inside else "is like"
    for line in proposal.counter_examples:
        yield f"    - {what}: {make_visible(line)}"


def remark(proposal: Proposal) -> str:
    """Return the comment that stands above a proposal's rules in the file.

    The text of a warning is for the person who decides, and is not repeated here.
    """
    return (
        f"khabar schema suggest: {proposal.kind}, in {proposal.documents} of {proposal.of} documents, "
        f"precision at least {math.floor(proposal.precision * 100) / 100:.2f}"
    )
