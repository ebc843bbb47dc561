"""Quality filters. Articles that fail are flagged with the reason and excluded from sampling; none are deleted.

The preset `fineweb2-arabic` applies the three filters of FineWeb2, in its order and with its thresholds for Arabic
(Penedo and others 2025, configuration arb_Arab), without the English rules of C4. Words are separated by white space.
"""

import importlib.util
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.corpus.sampling.page_filters import FACTS, against_facts, column_of
from builder.corpus.sampling.repetition import Counts, Words, duplicate_runs, top_runs, words_of
from builder.corpus.sampling.script import measure
from builder.executor.shards import BatchResult
from builder.executor.stage import Stage
from builder.records import user_error
from builder.schema.filters import Filters

TOP_RUNS = {2: 0.197, 3: 0.172, 4: 0.146}

DUPLICATE_RUNS = {5: 0.165, 6: 0.153, 7: 0.142, 8: 0.131, 9: 0.12, 10: 0.109}

DUPLICATE_LINES, DUPLICATE_LINE_CHARACTERS = 0.304, 0.1

ENDED_LINES, LINES_A_WORD = 0.143, 0.189

WORD_LENGTH = (2, 9)

LETTERED = 0.787

LEAST_WORDS, MOST_WORDS = 50, 100_000

SYMBOLS, BULLETS, CUT_LINES = 0.1, 0.9, 0.3

STOP_WORDS = frozenset((
    "\N{ARABIC COMMA}", "في", "من", "على", "إلى", "عام", "أن", "مع", "أو", "هو", "عن", "التي", "كان", "بين", "ما", "كانت",
    "هي", "المتحدة", "بعد",
))  # fmt: skip

LEAST_STOP_WORDS = 2

ENDS = (".", "!", "?", "\N{ARABIC QUESTION MARK}", "\N{ARABIC FULL STOP}", "\N{ARABIC END OF TEXT MARK}",
        "\N{ARABIC TRIPLE DOT PUNCTUATION MARK}", "\N{SMALL FULL STOP}", "\N{SMALL QUESTION MARK}",
        "\N{SMALL EXCLAMATION MARK}")  # fmt: skip
"""Punctuation that ends a line of prose."""

LANGUAGES = frozenset(
    ("ar", "arb", "arz", "ary", "apc", "ajp", "acm", "aeb", "afb", "acq", "ars", "arq", "ayl", "ayp", "shu")
)
"""Arabic and its dialects, as py3langid names them."""

LOOKED_AT = 2_000
"""Code points from the beginning of a text that are passed to the language detector."""

JUDGED = 8
"""Fewest words for which the language is detected."""

Flags = NDArray[np.bool_]

_LINES = re.compile("\n+")


def filter_articles(articles: pa.Table, filters: Filters) -> BatchResult:
    """Return one row of SCHEMA for each article, with the first filter that it fails."""
    measured = measure(articles["text"].combine_chunks())
    share, counts = measured.arabic, measured.words
    reasons = np.full(articles.num_rows, None, object)

    def against(failing: Flags, reason: str) -> None:
        reasons[failing & (reasons == None)] = reason  # noqa: E711 - by element

    for reason, failing in against_facts(articles, filters):
        against(failing, reason)
    against(~(share >= filters.arabic) & (filters.arabic > 0), "not in Arabic script")
    against(counts < filters.least_words, "too few words")
    if filters.most_words is not None:
        against(counts > filters.most_words, "too many words")
    judged = _language_asked(articles, filters) & (counts >= JUDGED)
    languages = _languages(articles["text"], judged)
    against(np.array([code is not None and code not in LANGUAGES for code in languages], bool), "another language")
    if filters.preset == "fineweb2-arabic":
        texts = articles["text"].to_pylist()
        for reason, failing in fineweb2(texts, words_of(texts)):
            against(failing, reason)
    flagged = pa.table([articles["id"].combine_chunks(), pa.array(reasons.tolist(), pa.string()), counts,
                      pa.array(share, pa.float64(), from_pandas=True), pa.array(languages, pa.string())], schema=SCHEMA)  # fmt: skip
    return BatchResult(flagged, {"passed": int((reasons == None).sum())})  # noqa: E711


def _language_asked(articles: pa.Table, filters: Filters) -> Flags:
    """Return for which articles the language is detected."""
    if filters.language is not None:
        return np.full(articles.num_rows, filters.language)
    return np.asarray(pc.is_valid(column_of(articles, "html_sha")), bool)


def check_installed(filters: Filters, has_pages: bool = False) -> None:
    """Raise KhabarError (exit code 2) if a filter needs a package that is not installed.

    `has_pages` says whether an article was read from HTML.
    """
    is_asked = has_pages if filters.language is None else filters.language
    if is_asked and importlib.util.find_spec("py3langid") is None:
        unasked = filters.language is None
        raise user_error(
            "no-language",
            "the language of HTML pages is detected with the language extra"
            if unasked
            else "filters.language needs the language extra",
            where="schema/dataset.yaml",
            fix="pip install 'khabar[language]'" + (", or write `language: false` under `filters:`" if unasked else ""),
        )


def _languages(texts: pa.ChunkedArray, is_judged: Flags) -> list[str | None]:
    """Return the language of the judged texts, and None for the others."""
    rows = np.flatnonzero(is_judged)
    found: list[str | None] = [None] * len(texts)
    for row, text in zip(rows.tolist(), texts.take(pa.array(rows)).to_pylist(), strict=True):
        found[row] = language(text)
    return found


def language(text: str) -> str:
    """Detect the language of a text; return py3langid's code."""
    import py3langid  # noqa: PLC0415 - extra `language`

    code: str = py3langid.classify(text[:LOOKED_AT])[0]
    return code


SCHEMA = pa.schema([
    pa.field("id", pa.string(), nullable=False), pa.field("reason", pa.string()), pa.field("words", pa.int64()),
    pa.field("arabic", pa.float64()), pa.field("language", pa.string()),
])  # fmt: skip
"""One row for each article; `reason` is null if it passes, `arabic` if its text has no letter."""

STAGE = Stage(
    "filter",
    2,
    filter_articles,
    "articles",
    "filters",
    SCHEMA,
    ("id", "text"),
    columns=("id", "text", "html_sha", *FACTS),
)


def fineweb2(texts: Sequence[str], words: Words) -> list[tuple[str, Flags]]:
    """Return the reason of each rule of the preset and the texts that fail it, in the order of FineWeb2's filters.

    `words` are the words of `texts`.
    """
    sizes = np.array([max(len(text), 1) for text in texts])
    lines = _line_measures(texts)
    duplicates = duplicate_runs(words, [*DUPLICATE_RUNS])
    kinds = _word_measures(words)
    all_words, plain_words = np.maximum(words.counts, 1), np.maximum(kinds["plain"], 1)
    return [
        ("no words", words.counts == 0),
        ("the same lines", lines["twice"] > DUPLICATE_LINES),
        *((f"one run of {n} words", top_runs(words, n) / sizes > most) for n, most in TOP_RUNS.items()),
        *((f"the same runs of {n} words", duplicates[n] / sizes > most) for n, most in DUPLICATE_RUNS.items()),
        ("few lines end as sentences do", lines["ended"] < ENDED_LINES),
        ("much of the same lines", lines["again"] > DUPLICATE_LINE_CHARACTERS),
        ("a list", lines["breaks"] / all_words > LINES_A_WORD),
        ("too short for prose", kinds["plain"] < LEAST_WORDS),
        ("too long for prose", kinds["plain"] > MOST_WORDS),
        ("words too short", kinds["length"] / plain_words < WORD_LENGTH[0]),
        ("words too long", kinds["length"] / plain_words > WORD_LENGTH[1]),
        ("too many number signs", lines["hashes"] / all_words > SYMBOLS),
        ("too many ellipses", lines["ellipses"] / all_words > SYMBOLS),
        ("mostly bullets", lines["bullets"] > BULLETS),
        ("lines that are cut", lines["cut"] > CUT_LINES),
        ("words without letters", kinds["lettered"] / all_words < LETTERED),
        ("no words of grammar", kinds["stop words"] < LEAST_STOP_WORDS),
    ]


def _line_measures(texts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the measures of `_lines` by name, with one value for each text."""
    names = ("twice", "ended", "again", "breaks", "hashes", "ellipses", "bullets", "cut")
    rows = [_lines(text) for text in texts]
    return {name: np.array([row[index] for row in rows], float) for index, name in enumerate(names)}


def _lines(text: str) -> tuple[float, ...]:
    """Return the line measures of a text, in the order of `_line_measures`.

    They are the share of duplicate lines, the share of lines that end as sentences, the share of characters in
    duplicate lines, the counts of newlines, number signs and ellipses, and the shares of bulleted and of truncated lines.
    """
    parts, filled = _LINES.split(text), [line for line in text.split("\n") if line.strip()]
    lines = text.splitlines()
    ended = sum(line.endswith(ENDS) for line in filled) / len(filled) if filled else 1.0
    again = _again(filled, len) / max(len(text) - text.count("\n"), 1)
    bullets = sum(line.lstrip().startswith(("\N{BULLET}", "-")) for line in lines) / max(len(lines), 1)
    cut = sum(line.rstrip().endswith(("...", "\N{HORIZONTAL ELLIPSIS}")) for line in lines) / max(len(lines), 1)
    ellipses = text.count("...") + text.count("\N{HORIZONTAL ELLIPSIS}")
    return (
        _again(parts, lambda _: 1) / len(parts),
        ended,
        again,
        text.count("\n"),
        text.count("#"),
        ellipses,
        bullets,
        cut,
    )


def _again(lines: Sequence[str], weight: Callable[[str], int]) -> int:
    """Return the total weight of duplicate lines."""
    if len(set(lines)) == len(lines):
        return 0
    return sum(map(weight, lines)) - sum(map(weight, set(lines)))


def _word_measures(words: Words) -> dict[str, Counts]:
    """Count, for each text, words that are not only signs, their code points, words with a letter, and stop words.

    Each stop word counts once.
    """
    plain = np.array([not all(_sign(c) for c in form) for form in words.forms], bool)
    lettered = np.array([any(c.isalpha() for c in form) for form in words.forms], bool)
    owners = np.repeat(np.arange(len(words.counts)), words.counts)

    def summed(weights: NDArray[np.generic]) -> Counts:
        return np.bincount(owners, weights, len(words.counts)).astype(np.int64)

    grammar = np.isin(words.codes, np.flatnonzero([form in STOP_WORDS for form in words.forms]))
    pairs = np.unique(np.stack([owners[grammar], words.codes[grammar]]), axis=1)[0]
    is_plain = plain[words.codes] if len(words.codes) else np.empty(0, bool)
    return {
        "plain": summed(is_plain),
        "length": summed(np.where(is_plain, words.sizes, 0)),
        "lettered": summed(lettered[words.codes] if len(words.codes) else is_plain),
        "stop words": np.bincount(pairs, minlength=len(words.counts)),
    }


@cache
def _sign(character: str) -> bool:
    """Return whether a character is punctuation, a symbol or a control character."""
    return unicodedata.category(character)[0] in "PSC"


def over_limit(sources: pa.Array, groups: pa.Array, chances: NDArray[np.uint64], most: int) -> Flags:
    """Flag the rows of each source beyond its first `most`, in the order of their hashes `chances`.

    Rows of equal hash are ordered by group, so that the rows of a group stay together.

    >>> over_limit(pa.array(["a", "a", "b"]), pa.array(["g", "h", "i"]), np.array([2, 1, 3], np.uint64), 1).tolist()
    [True, False, False]
    """
    source = np.asarray(sources.dictionary_encode().indices)
    group = np.asarray(groups.dictionary_encode().indices)
    order = np.lexsort((group, chances, source))
    begins = np.searchsorted(source[order], source[order])
    over = np.zeros(len(source), bool)
    over[order] = np.arange(len(source)) - begins >= most
    return over
