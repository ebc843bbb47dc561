"""Cleaning of raw documents into articles: normalization, boilerplate removal and a record of every drop.

Every step edits the same AlignedText, so each code point of an article keeps its offset in the raw document.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, groupby

from builder.corpus.cleaning.boilerplate import HEADLINE, LineDecision, classify_batch
from builder.corpus.cleaning.rules import compile_rules
from builder.io.hashing import sha16
from builder.records import Article, Document, Drop, Dropped, Issue
from builder.schema.boilerplate import Boilerplate
from builder.text.aligned import AlignedText, keep_batch, pack_batch, raw_positions_batch
from builder.text.profiles import Profile

MOSTLY = 0.6
"""Share of a page's characters; a page that loses more gets a warning."""

RULE = "rule "
"""Prefix of a rule's name among the counts of clean_table."""

Range = tuple[int, int]

_SURPLUS = re.compile(r"(?<=\s)\s+")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The result of cleaning one document; `lines` counts its non-blank lines, kept and dropped."""

    articles: tuple[Article, ...]
    drops: tuple[Drop, ...]
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]
    lines: int
    kept_lines: int
    dropped_by_rule: dict[str, int]


@dataclass(frozen=True, slots=True)
class _NormalizedLines:
    """The non-blank lines of a page, trimmed and with single spaces, and their offsets in the normalized text."""

    lines: list[str]
    begins: list[int]
    below: list[int]
    """The offset at which the next line begins, which is behind the line end."""
    kept: dict[int, list[Range]]
    """The ranges that a line keeps, with its line end, for lines that do not keep all of their text."""
    is_dense: bool
    """Whether the lines are the whole text, because no line was blank and each keeps all of its text."""


def clean(document: Document, profile: Profile, rules: Boilerplate) -> Cleaned:
    """Normalize a page, drop its boilerplate and split it into articles.

    A drop's offsets are code points of the raw document, end exclusive; they cover the line without its newline.
    An empty drop marks the begin of a line that was kept and from which only fields were extracted.
    """
    return clean_batch([document], profile, rules)[0]


def clean_batch(documents: Sequence[Document], profile: Profile, rules: Boilerplate) -> list[Cleaned]:
    """Clean many pages at once; equivalent to `clean` of each page, and much faster."""
    wholes = profile.apply_batch([document.raw for document in documents])
    pages = [_tidy(whole.text) for whole in wholes]
    folded = profile.fold_batch(["\n".join(page.lines) for page in pages])
    verdicts = classify_batch(
        [page.lines for page in pages],
        [lines.split("\n") if lines else [] for lines in folded],
        compile_rules(rules),
        [document.source for document in documents],
    )
    drops = _drops(wholes, pages, verdicts)
    bodies = [_bodies(page, judged) for page, judged in zip(pages, verdicts, strict=True)]
    parts = [(index, ranges) for index, body in enumerate(bodies) for ranges in body.values()]
    kept = keep_batch([wholes[index] for index, _ in parts], [ranges for _, ranges in parts])
    packed = pack_batch(kept)
    texts = zip(kept, packed, strict=True)
    cleaned: list[Cleaned] = []
    for document, page, judged, dropped, body in zip(documents, pages, verdicts, drops, bodies, strict=True):
        articles = _articles(document, profile.id, judged, dropped, {part: next(texts) for part in body})
        cleaned.append(_cleaned(document, page, judged, dropped, articles))
    return cleaned


def dropped(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the number of dropped lines by rule, sorted by rule, from the counts of clean_table."""
    rules = sorted(name for name in counts if name.startswith(RULE))
    return {name.removeprefix(RULE): counts[name] for name in rules}


def _tidy(text: str) -> _NormalizedLines:
    """Return the non-blank lines of a page, trimmed, and the ranges of the text that they keep."""
    untrimmed = text.split("\n")
    below = [*accumulate([len(line) + 1 for line in untrimmed])]
    begins = [0, *below[:-1]]
    lines = [*map(str.strip, untrimmed)]
    has_blank = "" in lines
    if has_blank:
        begins, below = [*compress(begins, lines)], [*compress(below, lines)]
        untrimmed, lines = [*compress(untrimmed, lines)], [*filter(None, lines)]
    kept: dict[int, list[Range]] = {}
    if "  " in text or untrimmed != lines:
        for index, line in enumerate(untrimmed):
            if len(lines[index]) != len(line) or "  " in line:
                kept[index] = list(_without_surplus(line, begins[index]))
                lines[index] = " ".join(line.split())
    return _NormalizedLines(lines, begins, below, kept, not has_blank and not kept)


def _without_surplus(line: str, begin: int) -> Iterator[Range]:
    """Yield the ranges that a line keeps: its text without surplus whitespace, then its line end."""
    low, high = len(line) - len(line.lstrip()), len(line.rstrip())
    for surplus in _SURPLUS.finditer(line, low, high):
        yield begin + low, begin + surplus.start()
        low = surplus.end()
    yield begin + low, begin + high
    yield begin + len(line), begin + len(line) + 1


def _drops(
    wholes: Sequence[AlignedText], pages: Sequence[_NormalizedLines], verdicts: Sequence[Sequence[LineDecision]]
) -> list[dict[int, Drop]]:
    """Return the drops of each page by line, for lines that a rule dropped or extracted fields from.

    A raw line begins after the line end above it.
    """
    ruled = [[index for index, verdict in enumerate(judged) if verdict.rule] for judged in verdicts]
    above = [[page.begins[index] - 1 for index in lines] for page, lines in zip(pages, ruled, strict=True)]
    below = [[page.below[index] - 1 for index in lines] for page, lines in zip(pages, ruled, strict=True)]
    starts, ends = raw_positions_batch(wholes, above)[1], raw_positions_batch(wholes, below)[0]
    drops: list[dict[int, Drop]] = [{} for _ in pages]
    for page, lines in enumerate(ruled):
        raw = wholes[page].raw
        for index, start, end in zip(lines, starts[page], ends[page], strict=True):
            verdict = verdicts[page][index]
            if verdict.role == "body":
                end = start  # noqa: PLW2901 - the line is kept
            elif raw[end - 1 : end + 1] == "\r\n":
                end -= 1  # noqa: PLW2901 - both characters belong to the line end
            drops[page][index] = Drop(start, end, verdict.rule, verdict.extracted)
    return drops


def _bodies(page: _NormalizedLines, verdicts: Sequence[LineDecision]) -> dict[int, list[Range]]:
    """Return the ranges that each part with a body keeps of the page; ranges do not touch, the last has no line end."""
    bodies: dict[int, list[Range]] = {}
    begin = 0
    for verdict, run in _runs(verdicts):
        end = begin + run
        if verdict.role == "body":
            ranges = bodies.setdefault(verdict.part, [])
            for first, last in _kept(page, begin, end):
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


def _runs(verdicts: Sequence[LineDecision]) -> Iterator[tuple[LineDecision, int]]:
    """Yield each verdict with its run length: neighbouring lines that no rule takes share one verdict object."""
    for _, same in groupby(verdicts, key=id):
        run = [*same]
        yield run[0], len(run)


def _kept(page: _NormalizedLines, begin: int, end: int) -> Iterator[Range]:
    """Yield the ranges that consecutive lines keep of the text; a dense page gives one range."""
    if page.is_dense:
        yield page.begins[begin], page.below[end - 1]
        return
    for index in range(begin, end):
        yield from page.kept.get(index) or ((page.begins[index], page.below[index]),)


def _articles(
    document: Document,
    profile_id: str,
    verdicts: Sequence[LineDecision],
    drops: Mapping[int, Drop],
    bodies: Mapping[int, tuple[AlignedText, tuple[int, ...]]],
) -> tuple[Article, ...]:
    """Return the articles that have a body; the first one also holds the drops of parts without a body."""
    first = next(iter(bodies), 0)
    titles = {0: document.title}
    drops_by_part: dict[int, list[Drop]] = {part: [] for part in bodies}
    for index, drop in drops.items() if bodies else ():
        part = verdicts[index].part
        drops_by_part[part if part in bodies else first].append(drop)
        if drop.rule == HEADLINE:
            titles[part] = drop.extracted["title"]
    return tuple(
        Article(
            f"{document.id}-{part}", document.id, part, titles.get(part), kept.text, packed,
            tuple(drops_by_part[part]), profile_id, sha16(kept.text),
        )
        for part, (kept, packed) in bodies.items()
    )  # fmt: skip


def _cleaned(
    document: Document,
    page: _NormalizedLines,
    verdicts: Sequence[LineDecision],
    drops: Mapping[int, Drop],
    articles: tuple[Article, ...],
) -> Cleaned:
    dropped: dict[str, int] = {}
    for index, drop in drops.items():
        if verdicts[index].role != "body":
            dropped[drop.rule] = dropped.get(drop.rule, 0) + 1
    return Cleaned(
        articles,
        tuple(drops.values()),
        () if articles else (Dropped("clean", document.origin, "no body", _counted(dropped)),),
        tuple(_warnings(document, articles, page.lines, dropped)) if dropped else (),
        len(page.lines),
        len(page.lines) - sum(dropped.values()),
        dict(sorted(dropped.items())),
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


def _counted(dropped: Mapping[str, int]) -> str:
    """Format the counts of rules, the most frequent rule first.

    >>> _counted({"share": 1, "link-list": 9})
    'link-list 9, share 1'
    """
    return ", ".join(
        f"{rule} {number}" for rule, number in sorted(dropped.items(), key=lambda pair: (-pair[1], pair[0]))
    )
