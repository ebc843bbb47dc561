"""Cleaning of a batch of pages by columns: normalize, find lines, fold, judge, and join what is left into articles."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.corpus.cleaning.columns.articles import ArticleColumns, articles_of
from builder.corpus.cleaning.columns.drops import drops_of
from builder.corpus.cleaning.columns.lines import lines_of
from builder.corpus.cleaning.decisions import HEADLINE, LineDecision
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
    drops: Mapping[int, Sequence[Drop]]
    """The drops of articles."""
    headlines: Mapping[int, str]
    """The titles of articles that were embedded in the page of another."""
    lines: Numbers
    """The number of lines of each page that are not blank."""
    characters: Numbers
    """The number of characters of these lines."""
    losses: Mapping[int, Losses]
    evidence: Mapping[int, frozenset[int]]
    """The keys of the counts that were looked up and found, by page."""

    def title(self, article: int) -> str | None:
        """Return the title of an article."""
        if self.articles.parts[article]:
            return self.headlines.get(article)
        return self.headlines.get(article) or self.facts.titles[self.articles.pages[article]]

    def set_aside(self, page: int) -> Dropped:
        """Return the record of a page that ends without text."""
        lost = self.losses.get(page)
        detail = f"{_counted(lost.dropped)}; {self.characters[page]:,} characters" if lost and lost.dropped else ""
        return Dropped("clean", self.facts.origins[page], "no body", detail)

    @property
    def bounds(self) -> list[int]:
        """The first article of each page (n + 1 values)."""
        bounds: list[int] = np.searchsorted(self.articles.pages, np.arange(len(self.rows) + 1)).tolist()
        return bounds

    def warnings(self, page: int) -> Iterator[Issue]:
        """Yield a warning if a page lost most of its characters."""
        first, last = np.searchsorted(self.articles.pages, [page, page + 1]).tolist()
        whole, texts = int(self.characters[page]), self.articles.texts[first:last]
        kept = sum(len(text) - text.count("\n") for text in texts)
        if texts and self.losses[page].dropped and whole - kept > MOSTLY * whole:
            yield Issue(
                "warning",
                "mostly-boilerplate",
                f"cleaning removed {(whole - kept) / whole:.0%} of the page's characters: {_counted(self.losses[page].dropped)}",
                where=self.facts.origins[page],
                fix="check the page with `khabar explain`; if a rule drops body text, turn it off for this source (`off:`) in "
                "schema/boilerplate.yaml",
                article_id=self.id(first),
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
    articles = articles_of(made, lines, judged.decisions)
    numbers = np.diff(lines.cuts)
    characters = np.diff(lines.texts.begins[lines.cuts]) - numbers
    losses: dict[int, Losses] = {}
    drops: dict[int, list[Drop]] = {}
    headlines: dict[int, str] = {}
    for page, by_line in drops_of(made, lines, judged.decisions).items():
        losses[page] = _lost(by_line, judged.decisions[page])
        first, last = np.searchsorted(articles.pages, [page, page + 1]).tolist()
        owners = {int(articles.parts[article]): article for article in range(first, last)}
        for index, found in by_line.items() if owners else ():
            part = judged.decisions[page][index].part
            drops.setdefault(owners.get(part, first), []).extend(found)
            if found[0].rule == HEADLINE and part in owners:
                headlines[owners[part]] = found[0].extracted["title"]
    return CleanedPages(chunk.rows, facts, articles, drops, headlines, numbers, characters, losses, judged.evidence)


def _lost(by_line: Mapping[int, Sequence[Drop]], decisions: Sequence[LineDecision]) -> Losses:
    dropped: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    for index, found in by_line.items():
        if decisions[index].role != "body":
            dropped[found[0].rule] += 1
        if decisions[index].cut:
            parts.update(part.reason for part in decisions[index].cut)
    return Losses(
        tuple([drop for found in by_line.values() for drop in found]),
        dict(sorted(dropped.items())),
        dict(sorted(parts.items())),
    )


def _counted(dropped: Mapping[str, int]) -> str:
    """Format the counts of rules, the most frequent rule first.

    >>> _counted({"share": 1, "link-list": 9})
    'link-list 9, share 1'
    """
    return ", ".join(
        f"{rule} {number}" for rule, number in sorted(dropped.items(), key=lambda pair: (-pair[1], pair[0]))
    )
