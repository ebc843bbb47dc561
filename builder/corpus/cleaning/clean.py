"""Documents to articles: normalised, without boilerplate, each removal recorded.

The way back to the raw text is never broken: every step is an edit of the same AlignedText.
Which lines go is builder.corpus.cleaning.boilerplate's business.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, groupby

from builder.corpus.cleaning.boilerplate import HEADLINE, Verdict, judge_batch
from builder.corpus.cleaning.rules import compile_rules
from builder.io.hashing import sha16
from builder.records import Article, Document, Drop, Dropped, Issue
from builder.schema.boilerplate import Boilerplate
from builder.text.aligned import AlignedText, keep_batch, pack_batch, raw_places_batch
from builder.text.profiles import Profile

MOSTLY = 0.6
"""Share of a page's characters; where rules take more, a person should look."""

RULE = "rule "
"""Before the name of a rule, in what clean_table counts."""

Range = tuple[int, int]

_SURPLUS = re.compile(r"(?<=\s)\s+")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of one document; `lines` are those that are not blank: kept, or dropped by a rule."""

    articles: tuple[Article, ...]
    drops: tuple[Drop, ...]
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]
    lines: int
    kept_lines: int
    dropped_by_rule: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Page:
    """A page's lines that are not blank, trimmed, spaces single; where each stands in the normalised text."""

    lines: list[str]
    begins: list[int]
    below: list[int]
    """Where the line below begins: behind the line end."""
    kept: dict[int, list[Range]]
    """What a line keeps of the text, with its line end, where that is not all of it."""
    is_dense: bool
    """Whether the lines are all of the text: none was blank, none keeps only a part."""


def clean(document: Document, profile: Profile, rules: Boilerplate) -> Cleaned:
    """Normalise a page, drop its boilerplate and part its articles.

    A drop's offsets are code points of the raw line, without its newline. A drop of no length
    stands where a line was kept and only its fields were extracted.
    """
    return clean_batch([document], profile, rules)[0]


def clean_batch(documents: Sequence[Document], profile: Profile, rules: Boilerplate) -> list[Cleaned]:
    """Clean many pages at once: the same as `clean` of each, and much faster."""
    wholes = profile.apply_batch([document.raw for document in documents])
    pages = [_tidy(whole.text) for whole in wholes]
    folded = profile.fold_batch(["\n".join(page.lines) for page in pages])
    verdicts = judge_batch(
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
    """Of what clean_table counts, the lines that each rule dropped."""
    rules = sorted(name for name in counts if name.startswith(RULE))
    return {name.removeprefix(RULE): counts[name] for name in rules}


def _tidy(text: str) -> _Page:
    """The lines of a page that are not blank, and what they keep of it."""
    every = text.split("\n")
    below = [*accumulate([len(line) + 1 for line in every])]
    begins = [0, *below[:-1]]
    lines = [*map(str.strip, every)]
    has_blank = "" in lines
    if has_blank:
        begins, below = [*compress(begins, lines)], [*compress(below, lines)]
        every, lines = [*compress(every, lines)], [*filter(None, lines)]
    kept: dict[int, list[Range]] = {}
    if "  " in text or every != lines:
        for index, line in enumerate(every):
            if len(lines[index]) != len(line) or "  " in line:
                kept[index] = list(_without_surplus(line, begins[index]))
                lines[index] = " ".join(line.split())
    return _Page(lines, begins, below, kept, not has_blank and not kept)


def _without_surplus(line: str, begin: int) -> Iterator[Range]:
    """What a line that begins there keeps: its line end, and no space at an edge or behind another."""
    low, high = len(line) - len(line.lstrip()), len(line.rstrip())
    for surplus in _SURPLUS.finditer(line, low, high):
        yield begin + low, begin + surplus.start()
        low = surplus.end()
    yield begin + low, begin + high
    yield begin + len(line), begin + len(line) + 1


def _drops(
    wholes: Sequence[AlignedText], pages: Sequence[_Page], verdicts: Sequence[Sequence[Verdict]]
) -> list[dict[int, Drop]]:
    """For each page, the drops of lines that went or that a rule read; a raw line begins after the line end above."""
    said = [[index for index, verdict in enumerate(judged) if verdict.rule] for judged in verdicts]
    above = [[page.begins[index] - 1 for index in lines] for page, lines in zip(pages, said, strict=True)]
    below = [[page.below[index] - 1 for index in lines] for page, lines in zip(pages, said, strict=True)]
    starts, ends = raw_places_batch(wholes, above)[1], raw_places_batch(wholes, below)[0]
    drops: list[dict[int, Drop]] = [{} for _ in pages]
    for page, lines in enumerate(said):
        raw = wholes[page].raw
        for index, start, end in zip(lines, starts[page], ends[page], strict=True):
            verdict = verdicts[page][index]
            if verdict.role == "body":
                end = start  # noqa: PLW2901 - nothing went
            elif raw[end - 1 : end + 1] == "\r\n":
                end -= 1  # noqa: PLW2901 - both belong to the line end
            drops[page][index] = Drop(start, end, verdict.rule, verdict.extracted)
    return drops


def _bodies(page: _Page, verdicts: Sequence[Verdict]) -> dict[int, list[Range]]:
    """For each part that has a body, what it keeps of the page, in ranges that do not touch; no line end at its end."""
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


def _runs(verdicts: Sequence[Verdict]) -> Iterator[tuple[Verdict, int]]:
    """Each verdict, and for how many lines in a row it is that of all: lines that no rule takes share one."""
    for _, same in groupby(verdicts, key=id):
        run = [*same]
        yield run[0], len(run)


def _kept(page: _Page, begin: int, end: int) -> Iterator[Range]:
    """What some lines in a row keep of the text; one range where nothing stands between them."""
    if page.is_dense:
        yield page.begins[begin], page.below[end - 1]
        return
    for index in range(begin, end):
        yield from page.kept.get(index) or ((page.begins[index], page.below[index]),)


def _articles(
    document: Document,
    profile_id: str,
    verdicts: Sequence[Verdict],
    drops: Mapping[int, Drop],
    bodies: Mapping[int, tuple[AlignedText, tuple[int, ...]]],
) -> tuple[Article, ...]:
    """The articles with a body; the first also holds the drops of parts that have none."""
    first = next(iter(bodies), 0)
    titles = {0: document.title}
    mine: dict[int, list[Drop]] = {part: [] for part in bodies}
    for index, drop in drops.items() if bodies else ():
        part = verdicts[index].part
        mine[part if part in bodies else first].append(drop)
        if drop.rule == HEADLINE:
            titles[part] = drop.extracted["title"]
    return tuple(
        Article(
            f"{document.id}-{part}", document.id, part, titles.get(part), kept.text, packed, tuple(mine[part]),
            profile_id, sha16(kept.text),
        )
        for part, (kept, packed) in bodies.items()
    )  # fmt: skip


def _cleaned(
    document: Document,
    page: _Page,
    verdicts: Sequence[Verdict],
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
            f"{(whole - kept) / whole:.0%} of the page's characters went: {_counted(dropped)}",
            where=document.origin,
            fix="look at the page; a rule that takes body text can be turned off for its source in schema/boilerplate.yaml",
            article_id=articles[0].id,
        )


def _counted(dropped: Mapping[str, int]) -> str:
    """Most frequent first.

    >>> _counted({"share": 1, "link-list": 9})
    'link-list 9, share 1'
    """
    return ", ".join(
        f"{rule} {number}" for rule, number in sorted(dropped.items(), key=lambda pair: (-pair[1], pair[0]))
    )
