"""Cleaning of a batch of pages by columns: normalize, find lines, fold, judge, and join what is left into articles."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.corpus.cleaning.columns.articles import ArticleColumns, articles_of
from builder.corpus.cleaning.columns.decided import decided_of
from builder.corpus.cleaning.columns.drops import DropColumns, drops_of
from builder.corpus.cleaning.columns.lines import lines_of
from builder.corpus.cleaning.judging import PageFacts, judge
from builder.corpus.cleaning.matching.rules import compile_rules
from builder.records import Drop, Dropped, Issue
from builder.schema.boilerplate import Boilerplate
from builder.text.joined import Chunk, Numbers, folded_texts, in_chunks, normalized
from builder.text.profiles import Profile

MOSTLY = 0.6
"""Share of a page's characters; a page that loses more gets a warning."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What a page lost: its drops, in order, and the number of dropped lines and of cut parts by rule."""

    drops: tuple[Drop, ...]
    dropped: Mapping[str, int]
    cut: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class CleanedPages:
    """Cleaned pages and their articles; what most pages have none of stands by the number of the page or the article."""

    rows: Numbers
    """The row of each page in the batch."""
    facts: PageFacts
    articles: ArticleColumns
    drops: DropColumns
    lines: Numbers
    """The number of lines of each page that are not blank."""
    characters: Numbers
    """The number of characters of these lines."""
    evidence: Mapping[int, frozenset[int]]
    """The keys of the counts that were looked up and found, by page."""

    def title(self, article: int) -> str | None:
        """Return the title of an article."""
        if self.articles.parts[article]:
            return self.drops.headlines.get(article)
        return self.drops.headlines.get(article) or self.facts.titles[self.articles.pages[article]]

    def lost(self, page: int) -> Losses:
        """Return what a page lost."""
        drops = self.drops
        first, last = np.searchsorted(drops.pages, [page, page + 1]).tolist()
        rows = range(first, last)
        return Losses(
            tuple(drops.records(rows)),
            _by_rule(drops.rules[row] for row in rows if drops.is_line[row]),
            _by_rule(drops.rules[row] for row in rows if drops.is_part[row]),
        )

    def set_aside(self, page: int) -> Dropped:
        """Return the record of a page that ends without text."""
        dropped = self.lost(page).dropped
        detail = f"{_counted(dropped)}; {self.characters[page]:,} characters" if dropped else ""
        return Dropped("clean", self.facts.origins[page], "no body", detail)

    @property
    def bounds(self) -> list[int]:
        """The first article of each page (n + 1 values)."""
        bounds: list[int] = np.searchsorted(self.articles.pages, np.arange(len(self.rows) + 1)).tolist()
        return bounds

    def warnings(self) -> Iterator[tuple[int, Issue]]:
        """Yield a warning for each page with text that lost most of its characters, with the number of the page."""
        pages = np.unique(self.drops.pages[self.drops.is_line])
        first, last = (np.searchsorted(self.articles.pages, pages + behind).tolist() for behind in (0, 1))
        for page, low, high in zip(pages.tolist(), first, last, strict=True):
            whole = int(self.characters[page])
            kept = sum(len(text) - text.count("\n") for text in self.articles.texts[low:high])
            if low < high and whole - kept > MOSTLY * whole:
                yield page, self._warning(page, low, (whole - kept) / whole)

    def _warning(self, page: int, article: int, share: float) -> Issue:
        return Issue(
            "warning",
            "mostly-boilerplate",
            f"cleaning removed {share:.0%} of the page's characters: {_counted(self.lost(page).dropped)}",
            where=self.facts.origins[page],
            fix="check the page with `khabar explain`; if a rule drops body text, turn it off for this source (`off:`) in "
            "schema/boilerplate.yaml",
            article_id=self.id(article),
        )

    def id(self, article: int) -> str:
        """Return the id of an article."""
        return f"{self.facts.ids[self.articles.pages[article]]}-{self.articles.parts[article]}"


def clean_pages(raws: pa.StringArray, facts: PageFacts, profile: Profile, rules: Boilerplate) -> Iterator[CleanedPages]:
    """Yield cleaned pages, in at most two parts."""
    for chunk in in_chunks(raws):
        yield _cleaned(chunk, facts.of(chunk.rows), profile, rules)


def _cleaned(chunk: Chunk, facts: PageFacts, profile: Profile, rules: Boilerplate) -> CleanedPages:
    made = normalized(profile, chunk.texts)
    lines = lines_of(made.texts, profile.table)
    judged = judge(facts, lines, folded_texts(profile, lines.texts), profile, compile_rules(rules))
    decided = decided_of(lines, judged.decisions)
    articles = articles_of(made, lines, decided)
    numbers = np.diff(lines.cuts)
    characters = np.diff(lines.texts.begins[lines.cuts]) - numbers
    drops = drops_of(made, lines, decided, articles)
    return CleanedPages(chunk.rows, facts, articles, drops, numbers, characters, judged.evidence)


def _by_rule(rules: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(rules).items()))


def _counted(dropped: Mapping[str, int]) -> str:
    """Format the counts of rules, the most frequent rule first.

    >>> _counted({"share": 1, "link-list": 9})
    'link-list 9, share 1'
    """
    return ", ".join(
        f"{rule} {number}" for rule, number in sorted(dropped.items(), key=lambda pair: (-pair[1], pair[0]))
    )
