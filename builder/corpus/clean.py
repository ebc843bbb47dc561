"""One document to its articles: normalised, without boilerplate, each removal recorded.

The way back to the raw text is never broken: every step is an edit of the same AlignedText.
Which lines go is builder.corpus.boilerplate's business.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from builder.corpus.boilerplate import HEADLINE, Verdict, judge
from builder.records import Article, Document, Drop, Issue, SetAside, sha16
from builder.schema import Boilerplate
from builder.text.aligned import AlignedText
from builder.text.profiles import NEW_LINES, Profile

MOSTLY = 0.6
"""Share of a page's characters; where rules take more, a person should look."""

NEW_LINE = re.compile(f"\r\n|[\n{NEW_LINES}]")
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of one document; `lines` are those that are not blank: kept, or dropped by a rule."""

    articles: tuple[Article, ...]
    drops: tuple[Drop, ...]
    set_aside: tuple[SetAside, ...]
    issues: tuple[Issue, ...]
    lines: int
    kept_lines: int
    dropped_by_rule: dict[str, int]


def clean(document: Document, profile: Profile, rules: Boilerplate) -> Cleaned:
    """Normalise a page, drop its boilerplate and part its articles.

    A drop's offsets are code points of the raw line, without its newline. A drop of no length
    stands where a line was kept and only its fields were extracted.
    """
    tidy, places = _tidy(profile.apply(document.raw))
    lines = tidy.text.split("\n") if places else []
    verdicts = judge(lines, rules, document.source, profile.fold)
    drops = [_drop(verdict, place) for verdict, place in zip(verdicts, places, strict=True)]
    articles = tuple(_articles(document, profile.id, tidy, lines, verdicts, drops))
    dropped = dict(sorted(Counter(verdict.rule for verdict in verdicts if verdict.role != "body").items()))
    return Cleaned(
        articles,
        tuple(drop for drop in drops if drop),
        () if articles else (SetAside("clean", document.origin, "no body", _counted(dropped)),),
        tuple(_warnings(document, articles, lines, dropped)),
        len(lines),
        len(lines) - sum(dropped.values()),
        dropped,
    )


def _tidy(whole: AlignedText) -> tuple[AlignedText, list[Range]]:
    """The page without blank lines, trimmed, spaces single; and the raw place of each line."""
    keep: list[Range] = []
    places: list[Range] = []
    begin = 0
    new_line: Range = (0, 0)
    for line, place in zip(whole.text.split("\n"), _raw_lines(whole.raw), strict=True):
        words = [(begin + word.start(), begin + word.end()) for word in re.finditer(r"\S+", line)]
        if words:
            keep += [new_line] if places else []
            keep += [(start, end + 1) for start, end in words[:-1]]
            keep.append(words[-1])
            places.append(place)
            new_line = (begin + len(line), begin + len(line) + 1)
        begin += len(line) + 1
    return whole.keep(keep), places


def _raw_lines(raw: str) -> Iterator[Range]:
    start = 0
    for found in NEW_LINE.finditer(raw):
        yield start, found.start()
        start = found.end()
    yield start, len(raw)


def _drop(verdict: Verdict, place: Range) -> Drop | None:
    if verdict.role != "body":
        return Drop(*place, verdict.rule, verdict.extracted)
    return Drop(place[0], place[0], verdict.rule, verdict.extracted) if verdict.rule else None


def _articles(
    document: Document,
    profile_id: str,
    tidy: AlignedText,
    lines: Sequence[str],
    verdicts: Sequence[Verdict],
    drops: Sequence[Drop | None],
) -> Iterator[Article]:
    """The articles with a body; the first also holds the drops of parts that have none."""
    bodies = _bodies(lines, verdicts)
    titles = {verdict.part: verdict.extracted["title"] for verdict in verdicts if verdict.rule == HEADLINE}
    first = next(iter(bodies), 0)
    for part, ranges in bodies.items():
        mine = (
            drop
            for verdict, drop in zip(verdicts, drops, strict=True)
            if drop and (verdict.part if verdict.part in bodies else first) == part
        )
        kept = tidy.keep(ranges)
        title = titles.get(part, document.title if part == 0 else None)
        yield Article(
            f"{document.id}-{part}", document.id, part, title, kept.text, kept.packed(), tuple(mine), profile_id,
            sha16(kept.text),
        )  # fmt: skip


def _bodies(lines: Sequence[str], verdicts: Sequence[Verdict]) -> dict[int, list[Range]]:
    """For each part that has a body, its lines' ranges in the text, each with its newline but the last."""
    bodies: dict[int, list[Range]] = {}
    begin = 0
    for line, verdict in zip(lines, verdicts, strict=True):
        end = begin + len(line)
        if verdict.role == "body":
            ranges = bodies.setdefault(verdict.part, [])
            if ranges:
                ranges[-1] = (ranges[-1][0], ranges[-1][1] + 1)
            ranges.append((begin, end))
        begin = end + 1
    return bodies


def _warnings(
    document: Document, articles: Sequence[Article], lines: Sequence[str], dropped: Mapping[str, int]
) -> Iterator[Issue]:
    whole = sum(map(len, lines))
    kept = sum(len(article.text.replace("\n", "")) for article in articles)
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
