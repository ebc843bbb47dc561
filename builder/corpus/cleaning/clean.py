"""Cleaning of raw documents into articles: normalization, boilerplate removal and a record of every drop.

Every step edits the same AlignedText, so each code point of an article keeps its offset in the raw document.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from builder.corpus.cleaning.boilerplate import classify_batch
from builder.corpus.cleaning.counts import Counts, no_counts
from builder.corpus.cleaning.decisions import HEADLINE, LineDecision, Part
from builder.corpus.cleaning.evidence import Evidence
from builder.corpus.cleaning.imported import published_article
from builder.corpus.cleaning.lines import NormalizedLines, Range, kept_ranges, tidy, trimmed_ranges
from builder.corpus.cleaning.matching.rules import compile_rules
from builder.io.hashing import sha16
from builder.records import Article, Document, Drop, Dropped, Issue
from builder.schema.boilerplate import Boilerplate
from builder.text.aligned import AlignedText, keep_batch, pack_batch, raw_positions_batch
from builder.text.profiles import Profile

MOSTLY = 0.6
"""Share of a page's characters; a page that loses more gets a warning."""

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
    cleaned = iter(
        _clean_pages([documents[index] for index in pages], profile, rules, [known[index] for index in pages])
    )
    return [next(cleaned) if one.published_id is None else _uncleaned(one, profile) for one in documents]


def _clean_pages(
    documents: Sequence[Document], profile: Profile, rules: Boilerplate, counts: Sequence[Counts]
) -> list[Cleaned]:
    """Clean pages, each with its counts."""
    if not documents:
        return []
    wholes = profile.apply_batch([document.raw for document in documents])
    pages = [tidy(whole.text) for whole in wholes]
    folded = profile.fold_batch(["\n".join(page.lines) for page in pages])
    evidence = _evidence(documents, profile, counts)
    decisions = classify_batch(
        [page.lines for page in pages],
        [text.split("\n") if page.lines else [] for page, text in zip(pages, folded, strict=True)],
        compile_rules(rules),
        evidence,
    )
    drops = _drops(wholes, pages, decisions)
    bodies = [_bodies(page, judged) for page, judged in zip(pages, decisions, strict=True)]
    parts = [(index, ranges) for index, body in enumerate(bodies) for ranges in body.values()]
    kept = keep_batch([wholes[index] for index, _ in parts], [ranges for _, ranges in parts])
    packed = pack_batch(kept)
    texts = zip(kept, packed, strict=True)
    cleaned: list[Cleaned] = []
    for document, page, judged, dropped, body, known in zip(
        documents, pages, decisions, drops, bodies, evidence, strict=True
    ):
        articles = _articles(document, profile.id, judged, dropped, {part: next(texts) for part in body})
        cleaned.append(_cleaned(document, page, judged, dropped, articles, frozenset(known.used)))
    return cleaned


def _uncleaned(document: Document, profile: Profile) -> Cleaned:
    """Return the result for an imported document, of which every line is kept."""
    lines = sum(bool(line.strip()) for line in document.raw.split("\n"))
    return Cleaned((published_article(document, profile),), (), (), (), lines, lines, {}, {})


def _evidence(documents: Sequence[Document], profile: Profile, counts: Sequence[Counts]) -> list[Evidence]:
    """Return what is known of each page beside its text, with the record's title and author folded."""
    titles, authors = (
        [" ".join(text.split()) for text in profile.fold_batch(texts)]
        for texts in (
            [document.title or "" for document in documents],
            [document.author or "" for document in documents],
        )
    )
    return [
        Evidence(known, document.source, title, author, known.is_asked)
        for document, known, title, author in zip(documents, counts, titles, authors, strict=True)
    ]


def dropped(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the number of dropped lines by rule, sorted by rule, from the counts of clean_table."""
    return _with_prefix(counts, RULE)


def cut(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the number of parts that were cut from lines by rule, sorted by rule, from the counts of clean_table."""
    return _with_prefix(counts, PART)


def _with_prefix(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): counts[name] for name in sorted(counts) if name.startswith(prefix)}


def _drops(
    wholes: Sequence[AlignedText], pages: Sequence[NormalizedLines], decisions: Sequence[Sequence[LineDecision]]
) -> list[dict[int, list[Drop]]]:
    """Return the drops of each page by line: lines that a rule dropped or extracted fields from, and parts of lines.

    A raw line begins after the line end above it.
    """
    drops: list[dict[int, list[Drop]]] = [{} for _ in pages]
    ruled = {
        page: lines
        for page, judged in enumerate(decisions)
        if (lines := [index for index, made in enumerate(judged) if made.rule])
    }
    some = [wholes[page] for page in ruled]
    above = [[pages[page].begins[index] - 1 for index in lines] for page, lines in ruled.items()]
    below = [[pages[page].below[index] - 1 for index in lines] for page, lines in ruled.items()]
    starts, ends = raw_positions_batch(some, above)[1], raw_positions_batch(some, below)[0]
    for (page, lines), begin, behind in zip(ruled.items(), starts, ends, strict=True):
        raw = wholes[page].raw
        for index, start, end in zip(lines, begin, behind, strict=True):
            made = decisions[page][index]
            if made.role == "body":
                end = start  # noqa: PLW2901 - the line is kept
            elif raw[end - 1 : end + 1] == "\r\n":
                end -= 1  # noqa: PLW2901 - both characters belong to the line end
            drops[page][index] = [Drop(start, end, made.rule, made.extracted)]
    for page, judged in enumerate(decisions):
        for index, made in enumerate(judged):
            for part in made.cut:
                drops[page].setdefault(index, []).append(_part_drop(wholes[page], pages[page], index, part))
    return [{index: found[index] for index in sorted(found)} if found else found for found in drops]


def _part_drop(whole: AlignedText, page: NormalizedLines, index: int, part: Part) -> Drop:
    """Return the drop of a part of a line, without the whitespace beside it."""
    line = page.lines[index]
    text = line[part.start : part.end]
    low, high = part.start + len(text) - len(text.lstrip()), part.end - len(text) + len(text.rstrip())
    start, end = whole.raw_span(page.position(index, low), page.position(index, high - 1) + 1)
    return Drop(start, end, part.reason)


def _bodies(page: NormalizedLines, decisions: Sequence[LineDecision]) -> dict[int, list[Range]]:
    """Return the ranges that each part with a body keeps of the page; ranges do not touch, the last has no line end."""
    bodies: dict[int, list[Range]] = {}
    begin = 0
    for decision, run in _runs(decisions):
        end = begin + run
        if decision.role == "body":
            ranges = bodies.setdefault(decision.part, [])
            for first, last in trimmed_ranges(page, begin, decision) if decision.cut else kept_ranges(page, begin, end):
                if ranges and ranges[-1][1] == first:
                    ranges[-1] = (ranges[-1][0], last)
                else:
                    ranges.append((first, last))
        begin = end
    for ranges in bodies.values():
        start, end = ranges.pop()
        if end - start > 1:
            ranges.append((start, end - 1))
    return bodies


def _runs(decisions: Sequence[LineDecision]) -> Iterator[tuple[LineDecision, int]]:
    """Yield each decision with its run length: neighbouring lines that no rule takes share one decision object."""
    for _, same in groupby(decisions, key=id):
        run = [*same]
        yield run[0], len(run)


def _articles(
    document: Document,
    profile_id: str,
    decisions: Sequence[LineDecision],
    drops: Mapping[int, Sequence[Drop]],
    bodies: Mapping[int, tuple[AlignedText, tuple[int, ...]]],
) -> tuple[Article, ...]:
    """Return the articles that have a body; the first one also holds the drops of parts without a body."""
    first = next(iter(bodies), 0)
    titles = {0: document.title}
    drops_by_part: dict[int, list[Drop]] = {part: [] for part in bodies}
    for index, found in drops.items() if bodies else ():
        part = decisions[index].part
        drops_by_part[part if part in bodies else first].extend(found)
        if found[0].rule == HEADLINE:
            titles[part] = found[0].extracted["title"]
    return tuple(
        Article(
            f"{document.id}-{part}", document.id, part, titles.get(part), kept.text, packed,
            tuple(drops_by_part[part]), profile_id, sha16(kept.text),
        )
        for part, (kept, packed) in bodies.items()
    )  # fmt: skip


def _cleaned(
    document: Document,
    page: NormalizedLines,
    decisions: Sequence[LineDecision],
    drops: Mapping[int, Sequence[Drop]],
    articles: tuple[Article, ...],
    evidence: frozenset[int],
) -> Cleaned:
    dropped: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    for index, found in drops.items():
        if decisions[index].role != "body":
            dropped[found[0].rule] += 1
        parts.update(part.reason for part in decisions[index].cut)
    return Cleaned(
        articles,
        tuple(chain.from_iterable(drops.values())),
        () if articles else (Dropped("clean", document.origin, "no body", _lost(dropped, page.lines)),),
        tuple(_warnings(document, articles, page.lines, dropped)) if dropped else (),
        len(page.lines),
        len(page.lines) - sum(dropped.values()),
        dict(sorted(dropped.items())),
        dict(sorted(parts.items())),
        evidence,
    )


def _warnings(
    document: Document, articles: Sequence[Article], lines: Sequence[str], dropped: Mapping[str, int]
) -> Iterator[Issue]:
    whole = sum(map(len, lines))
    kept = sum(len(article.text) - article.text.count("\n") for article in articles)
    if articles and whole - kept > MOSTLY * whole:
        yield Issue(
            "warning",
            "mostly-boilerplate",
            f"cleaning removed {(whole - kept) / whole:.0%} of the page's characters: {_counted(dropped)}",
            where=document.origin,
            fix="check the page with `khabar explain`; if a rule drops body text, turn it off for this source (`off:`) in "
            "schema/boilerplate.yaml",
            article_id=articles[0].id,
        )


def _lost(dropped: Mapping[str, int], lines: Sequence[str]) -> str:
    """Format what a page without text lost: the counts of rules, and its size."""
    return f"{_counted(dropped)}; {sum(map(len, lines)):,} characters" if dropped else ""


def _counted(dropped: Mapping[str, int]) -> str:
    """Format the counts of rules, the most frequent rule first.

    >>> _counted({"share": 1, "link-list": 9})
    'link-list 9, share 1'
    """
    return ", ".join(
        f"{rule} {number}" for rule, number in sorted(dropped.items(), key=lambda pair: (-pair[1], pair[0]))
    )
