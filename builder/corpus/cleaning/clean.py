"""Cleaning of raw documents into articles: normalization, boilerplate removal and a record of every drop.

The edits of an article lead from each of its code points to the raw document.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from builder.corpus.cleaning.counts import Counts, no_counts
from builder.corpus.cleaning.imported import published_article
from builder.corpus.cleaning.judging import PageFacts
from builder.corpus.cleaning.pages import CleanedPages, clean_pages
from builder.io.hashing import sha16
from builder.records import Article, Document, Drop, Dropped, Issue
from builder.schema.boilerplate import Boilerplate
from builder.text.joined import Numbers
from builder.text.profiles import Profile

RULE, PART = "rule ", "part "
"""Prefixes of a rule's name among the counts of clean_table, for lines and for parts of lines."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The result of cleaning one document.

    `lines` counts its non-blank lines, kept and dropped; a line of which a part was cut is kept. `evidence` are the keys
    of the counts that were looked up and found.
    """

    articles: tuple[Article, ...]
    drops: tuple[Drop, ...]
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]
    lines: int
    kept_lines: int
    dropped_by_rule: dict[str, int]
    cut_by_rule: dict[str, int]
    evidence: frozenset[int] = frozenset()


def clean(document: Document, profile: Profile, rules: Boilerplate, counts: Counts | None = None) -> Cleaned:
    """Normalize a page, drop its boilerplate and split it into articles.

    A drop's offsets are code points of the raw document, end exclusive; they cover the line without its newline, or the
    part of the line that was cut. An empty drop marks the begin of a line that was kept and from which only fields were
    extracted. Without counts, only the page itself and the record's fields are evidence.
    """
    return clean_batch([document], profile, rules, [counts or no_counts()])[0]


def clean_batch(
    documents: Sequence[Document], profile: Profile, rules: Boilerplate, counts: Sequence[Counts] | None = None
) -> list[Cleaned]:
    """Clean many pages at once, each with its counts; equivalent to `clean` of each page, and much faster.

    Imported texts are not cleaned: they stay as published, or are normalised.
    """
    known = counts or [no_counts()] * len(documents)
    pages = [index for index, document in enumerate(documents) if document.published_id is None]
    found = {index: uncleaned(one, profile) for index, one in enumerate(documents) if one.published_id is not None}
    some = [documents[index] for index in pages]
    facts = facts_of(some, [known[index] for index in pages])
    raws = pa.array([document.raw for document in some], pa.string())
    for part in clean_pages(raws, facts, profile, rules) if some else ():
        found.update(zip((pages[row] for row in part.rows.tolist()), _as_records(part, profile.id), strict=True))
    return [found[index] for index in range(len(documents))]


def facts_of(documents: Sequence[Document], counts: Sequence[Counts]) -> PageFacts:
    """Return what is known of pages beside their texts."""
    return PageFacts(
        [one.id for one in documents], [one.source for one in documents], [one.title for one in documents],
        [one.author for one in documents], [one.origin for one in documents], counts,
    )  # fmt: skip


def uncleaned(document: Document, profile: Profile) -> Cleaned:
    """Return the result for an imported document, of which every line is kept."""
    lines = sum(bool(line.strip()) for line in document.raw.split("\n"))
    return Cleaned((published_article(document, profile),), (), (), (), lines, lines, {}, {})


def _as_records(cleaned: CleanedPages, profile_id: str) -> Iterator[Cleaned]:
    """Yield the result for each page."""
    bounds, issues = cleaned.bounds, dict(cleaned.warnings())
    drops = cleaned.drops.by_article(len(cleaned.articles.texts))
    for page, lines in enumerate(cleaned.lines.tolist()):
        mine, lost = range(bounds[page], bounds[page + 1]), cleaned.lost(page)
        yield Cleaned(
            tuple([_article(cleaned, article, drops.of(article), profile_id) for article in mine]),
            lost.drops,
            () if mine else (cleaned.set_aside(page),),
            (issues[page],) if page in issues else (),
            lines,
            lines - sum(lost.dropped.values()),
            dict(lost.dropped),
            dict(lost.cut),
            cleaned.evidence.get(page, frozenset()),
        )


def _article(cleaned: CleanedPages, number: int, drops: Numbers, profile_id: str) -> Article:
    articles, text = cleaned.articles, cleaned.articles.texts[number]
    edits = tuple(articles.edits[articles.cuts[number] : articles.cuts[number + 1]].tolist())
    return Article(
        cleaned.id(number), cleaned.facts.ids[articles.pages[number]], int(articles.parts[number]), cleaned.title(number),
        text, edits, tuple(cleaned.drops.records(drops.tolist())), profile_id, sha16(text),
    )  # fmt: skip


def dropped(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the number of dropped lines by rule, sorted by rule, from the counts of clean_table."""
    return _with_prefix(counts, RULE)


def cut(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the number of parts that were cut from lines by rule, sorted by rule, from the counts of clean_table."""
    return _with_prefix(counts, PART)


def _with_prefix(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): counts[name] for name in sorted(counts) if name.startswith(prefix)}
