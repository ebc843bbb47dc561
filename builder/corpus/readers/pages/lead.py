"""The standfirst of a page, which extraction loses where it stands outside the element of the article."""

from collections.abc import Sequence

from lxml import html

from builder.corpus.readers.pages.lines import lines_of
from builder.corpus.readers.pages.words import covered, words_of

LEAST, MOST, BEGINNING = 6, 200, 8
"""Words of a lead, at least and at most, and words that it has in common with the description's beginning."""

MOST_COVERED = 0.5
"""Share of a lead's sequences of words above which it is taken to be in the text."""

SHARED, LONG = 2, 4
"""Words of that many letters that a lead shares with the article; the slogan of a site has none."""

NOT_LEAD = ("head", "nav", "aside", "footer", "form", "button", "h1", "figcaption")


def restored(lines: Sequence[str], tree: html.HtmlElement, description: str | None, title: str | None) -> list[str]:
    """Return the lines of an article with its lead, if the page has one that is missing.

    A lead is a block that begins like the description that the page gives of itself. It is put below the title.
    """
    beginning, heading = words_of(description or "")[:BEGINNING], words_of(title or "")
    body = words_of("\n".join(lines))
    if len(beginning) < LEAST or covered(beginning, body) > MOST_COVERED:
        return [*lines]
    lead = _lead(tree, beginning, {*body, *heading})
    if lead is None or words_of(lead) == heading or covered(words_of(lead), body) > MOST_COVERED:
        return [*lines]
    at = 1 if heading and words_of(lines[0]) == heading else 0
    return [*lines[:at], lead, *lines[at:]]


def _lead(tree: html.HtmlElement, beginning: Sequence[str], article: set[str]) -> str | None:
    """Return the longest block of a page that begins with these words and shares words with the article."""
    blocks = [(line, words_of(line)) for line in lines_of(tree, NOT_LEAD)]
    found = [
        line
        for line, words in blocks
        if LEAST <= len(words) <= MOST
        and words[: len(beginning)] == [*beginning][: len(words)]
        and sum(len(word) >= LONG for word in {*words} & article) >= SHARED
    ]
    return max(found, key=len, default=None)
