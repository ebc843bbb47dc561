"""Match exported tasks to articles, and the offsets of their spans to the texts of these articles.

A task belongs to the article that it names by its id, that has its text as raw text, or that has it as cleaned text, in
that order. Texts that differ only in white space and invisible characters count as equal. Offsets are code points, end
exclusive. The module is pure.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import accumulate
from typing import Any

from builder.io.hashing import sha16
from builder.labelstudio.parse import bare
from builder.records import Article, Issue
from builder.text.aligned import unpack_edits
from builder.text.invisible import IGNORABLE

ID_FIELDS = ("article_id", "id")
"""Fields of a task's data that may hold the id of an article: of khabar's own tasks, and of published rows."""

SHOWN = 5
"""Tasks that a warning names at most."""

_SOFT = re.compile(f"[\\s{IGNORABLE}]+")

_FIRM = re.compile(f"[^\\s{IGNORABLE}]")

Place = Callable[[int, int], tuple[int, int] | None]
"""Returns where a span of an annotated text stands in the article, or None if nothing of it is in the article."""


@dataclass(frozen=True, slots=True)
class ArticleIndex:
    """The articles of a batch by id, and the id of each by its texts: raw, cleaned, and the same without white space."""

    articles: Mapping[str, Article]
    raws: Mapping[str, str]
    levels: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The text that an annotator saw, and what the offsets of spans count in it.

    `units` holds the start of each code point in UTF-16 units where offsets count these, else it is empty. `place` is
    None if the text is not the article's.
    """

    seen: str
    units: Sequence[int]
    place: Place | None

    def code_points(self, start: int, end: int) -> tuple[int, int]:
        """Return offsets of a span as code points of the text."""
        if not self.units or start < 0:
            return start, end
        return bisect_right(self.units, start) - 1, bisect_left(self.units, end)


@dataclass(frozen=True, slots=True)
class Match:
    """The article of a task, the hash of the text that its spans are drawn on, and how its offsets are read.

    `hyper` is the reading of spans with `globalOffsets`, which HyperText has, `plain` that of all others.
    """

    article: Article
    text_sha: str
    plain: Reading
    hyper: Reading


@dataclass(slots=True)
class Tally:
    """Outcomes of matching the offsets of an export: the count of each, and the first tasks with it."""

    counts: Counter[str] = field(default_factory=Counter)
    places: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, event: str, where: str) -> None:
        """Count an event of a task."""
        self.counts[event] += 1
        if len(self.places[event]) < SHOWN and where not in self.places[event]:
            self.places[event].append(where)

    def issues(self) -> tuple[Issue, ...]:
        """Return one warning for each kind of event."""
        return tuple(
            Issue("warning", code, message.format(self.counts[code]), ", ".join(self.places[code]), fix)
            for code, message, fix in _EVENTS
            if self.counts[code]
        )


_EVENTS = (
    (
        "utf16-offsets",
        "{:,} tasks count the offsets of spans in UTF-16 units, as the words of these spans show; they were converted",
        "nothing need be done",
    ),
    (
        "span-removed",
        "{:,} spans lie in parts of the raw text that are not in the article, and are left out",
        "run `khabar explain DOC` to see what cleaning removed there; change schema/boilerplate.yaml if it is article",
    ),
)


def index_articles(articles: Mapping[str, Article], raws: Mapping[str, str]) -> ArticleIndex:
    """Index the articles of a batch; `raws` holds the raw texts of their documents by document id.

    If several articles have the same text, the one with the smallest id counts.
    """
    levels: tuple[dict[str, str], ...] = ({}, {}, {}, {})
    for name in sorted(articles):
        article = articles[name]
        raw = raws.get(article.document_id, article.text)
        for level, key in zip(levels, (raw, article.text, _soft(raw), _soft(article.text)), strict=True):
            level.setdefault(key, name)
    return ArticleIndex(articles, raws, levels)


def match_task(index: ArticleIndex, data: Mapping[str, object], annotations: Sequence[object]) -> Match | None:
    """Return the article of a task and how the offsets of its annotations are read, or None if no article matches."""
    texts = [value for value in data.values() if isinstance(value, str) and value.strip()]
    article = _article(index, data, texts)
    if article is None:
        return None
    places = {text: _place(article, index.raws.get(article.document_id), text) for text in _variants(texts)}
    text = next((one for one in texts if places[one] or places[visible_text(one)]), _annotated(data, texts))
    seen = visible_text(text)
    if not places.get(text) and not places.get(seen):
        return Match(article, sha16(text), *_readings(text, seen, {text: _same, seen: _same}, annotations))
    return Match(article, article.text_sha, *_readings(text, seen, places, annotations))


def visible_text(text: str) -> str:
    r"""Return the text that a web page shows for HTML, with a line feed for each line break.

    These are the text nodes in which Label Studio counts `globalOffsets`.

    >>> visible_text("<p>خبر &amp; صورة</p>\r\n")
    'خبر & صورة\n'
    """
    if not any(sign in text for sign in "<&\r"):
        return text
    page = _Page()
    page.feed(text.replace("\r\n", "\n").replace("\r", "\n"))
    page.close()
    return "".join(page.pieces)


class _Page(HTMLParser):
    """Collects the text nodes of a page, without those of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser passes it
        if tag == "br":
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:
            self.pieces.append(data)


def _soft(text: str) -> str:
    """Return the hash of a text without white space and invisible characters."""
    return sha16(_SOFT.sub("", text))


def _variants(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*texts, *map(visible_text, texts)]))


def _article(index: ArticleIndex, data: Mapping[str, object], texts: Sequence[str]) -> Article | None:
    """Return the article that a task names, or that has one of its texts."""
    for key in ID_FIELDS:
        name = data.get(key)
        if isinstance(name, str) and name in index.articles:
            return index.articles[name]
    variants = _variants(texts)
    soft = [_soft(text) for text in variants]
    for level, keys in zip(index.levels, (variants, variants, soft, soft), strict=True):
        for key in keys:
            if key in level:
                return index.articles[level[key]]
    return None


def _annotated(data: Mapping[str, object], texts: Sequence[str]) -> str:
    """Return the text that was most likely annotated, of a task with no text of its article."""
    text = data.get("text")
    return text if isinstance(text, str) else max(texts, key=len, default="")


def _same(start: int, end: int) -> tuple[int, int]:
    return start, end


def _place(article: Article, raw: str | None, seen: str) -> Place | None:
    """Return how spans of the text that was seen are found in the article, or None if it has another text."""
    if seen == article.text:
        return _same
    soft = _soft(seen)
    if soft == _soft(article.text):
        return _by_letters(seen, article.text)
    if raw is None or soft != _soft(raw):
        return None
    into_raw = _same if seen == raw else _by_letters(seen, raw)
    try:
        aligned = unpack_edits(article.text, raw, article.edits)
    except ValueError:  # the document was replaced since the article was made
        return None

    def place(start: int, end: int) -> tuple[int, int] | None:
        inside = into_raw(start, end) if 0 <= start < end <= len(seen) else None
        low, high = aligned.text_span(*inside) if inside else (0, 0)
        return (low, high) if low < high else None

    return place


def _by_letters(seen: str, text: str) -> Place:
    """Return how spans of one text are found in another that has the same characters but for those of _SOFT."""
    before, after = ([match.start() for match in _FIRM.finditer(one)] for one in (seen, text))

    def place(start: int, end: int) -> tuple[int, int] | None:
        first, last = bisect_left(before, start), bisect_left(before, end)
        return (after[first], after[last - 1] + 1) if first < last else None

    return place


@dataclass(frozen=True, slots=True)
class _ExportedSpan:
    """A span that was exported with its words: whether it has `globalOffsets`, its offsets and the words."""

    is_hyper: bool
    start: int
    end: int
    words: str


def _readings(
    text: str, seen: str, places: Mapping[str, Place | None], annotations: Sequence[object]
) -> tuple[Reading, Reading]:
    """Return how the spans of a task without and with `globalOffsets` are read."""
    given = list(_words(annotations))
    plain, hyper = ([one for one in given if one.is_hyper is is_hyper] for is_hyper in (False, True))
    return _best([text, seen], places, plain), _best([seen, text], places, hyper)


def _best(texts: Sequence[str], places: Mapping[str, Place | None], given: Sequence[_ExportedSpan]) -> Reading:
    """Return the reading that agrees with most of the words that spans were exported with; the first one if several do."""
    readings = [
        Reading(text, units, places.get(text))
        for text in dict.fromkeys(texts)
        for units in ((), _utf16(text))
        if not units or len(units) <= units[-1]
    ]

    def agreement(reading: Reading) -> int:
        spans = ((reading.code_points(one.start, one.end), one.words) for one in given)
        return sum(bare(reading.seen[max(0, start) : max(0, end)]) == bare(words) for (start, end), words in spans)

    return readings[0] if len(readings) == 1 else max(readings, key=agreement)


def _utf16(text: str) -> tuple[int, ...]:
    """Return the start of each code point in UTF-16 units, and the end of the text."""
    return tuple(accumulate((1 + (character > "\uffff") for character in text), initial=0))


def _words(annotations: Sequence[object]) -> Iterator[_ExportedSpan]:
    """Yield each span that was exported with its words."""
    for annotation in annotations:
        results = annotation.get("result") if isinstance(annotation, dict) else None
        for result in results if isinstance(results, list) else ():
            value: Any = result.get("value") if isinstance(result, dict) else None
            if isinstance(value, dict):
                is_hyper = isinstance(value.get("globalOffsets"), dict)
                offsets = value["globalOffsets"] if is_hyper else value
                start, end, words = offsets.get("start"), offsets.get("end"), value.get("text")
                if type(start) is int and type(end) is int and isinstance(words, str) and bare(words):
                    yield _ExportedSpan(is_hyper, start, end, words)
