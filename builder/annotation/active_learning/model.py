"""A small model of the gold so far: what it expects in texts that nobody has annotated, and how unsure it is.

A tagger of tokens and a classifier of stances, both logistic regression over hashed features of folded words, by
scikit-learn (extra `select`). The same seed and gold give the same numbers; rows are learnt in the order given.
Offsets are code points, end exclusive. Nested spans are not learnt: the tagger sees the outermost. Reads no files.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from builder.records import Span, user_error
from builder.text.profiles import profile
from builder.text.tokens import sentences, tokenize

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


Numbers = NDArray[np.float64]

Places = NDArray[np.int64]

OUTSIDE = "O"

_FEATURES = 1 << 18

_ROUNDS = 12
"""How often the gold is gone through: more no longer changes what is ranked first."""

_CLITICS = ("وال", "فال", "بال", "كال", "ولل", "فلل", "ال", "لل", "و", "ف", "ب", "ل", "ك")

_EDGE = ""


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The tokens of many texts: where each stands in its text, and its features.

    `cuts` says which token is the first of each text, one more than there are texts; `firsts` which is the first of
    each sentence.
    """

    starts: Places
    ends: Places
    cuts: Places
    firsts: Places
    features: "csr_matrix"

    def rows(self, texts: Places) -> Places:
        """The tokens of these texts, one text after another."""
        own = [np.arange(self.cuts[text], self.cuts[text + 1]) for text in texts]
        return np.concatenate([np.empty(0, np.int64), *own])


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What a number of rows taught; without a model where all of them had one answer."""

    answers: tuple[str, ...]
    fitted: Any = None

    def expects(self, features: "csr_matrix") -> Numbers:
        """The probability of each of `answers`, row by row."""
        if self.fitted is None:
            return np.ones((features.shape[0], len(self.answers)))
        return (
            np.asarray(self.fitted.predict_proba(features)) if features.shape[0] else np.empty((0, len(self.answers)))
        )


class _Sklearn(NamedTuple):
    """What the model uses of scikit-learn."""

    FeatureHasher: Any
    SGDClassifier: Any
    normalize: Any


def _sklearn() -> _Sklearn:
    from sklearn import feature_extraction, linear_model, preprocessing  # noqa: PLC0415 - extra `select`

    return _Sklearn(feature_extraction.FeatureHasher, linear_model.SGDClassifier, preprocessing.normalize)


def check_installed() -> None:
    """Raise Refused (exit code 2) where scikit-learn is not installed, with the command that installs it."""
    try:
        _sklearn()
    except ImportError:
        message = "what to annotate next is asked of a small model, and scikit-learn is not installed"
        raise user_error("no-learner", message, fix="pip install 'khabar[select]'") from None


def words_of(texts: Sequence[str]) -> Words:
    """The tokens of these texts with their features: the word folded, its ends, its form, and its neighbours."""
    places = [tokenize(text) for text in texts]
    flat = [text[start:end] for text, own in zip(texts, places, strict=True) for start, end in own]
    folded = profile("search@1").fold_batch(flat)
    cuts = np.cumsum([0, *map(len, places)])
    firsts = np.unique([begin + n for begin, text, own in zip(cuts[:-1], texts, places, strict=True)
                        for n in _firsts(text, own)]).astype(np.int64)  # fmt: skip
    edges = np.array([place for own in places for place in own], np.int64).reshape(-1, 2)
    return Words(edges[:, 0], edges[:, 1], cuts, firsts, hashed(_features(folded, firsts)))


def hashed(rows: Iterator[list[str]]) -> "csr_matrix":
    """A row of a sparse matrix for each list of features, each of length 1."""
    sklearn = _sklearn()
    hasher = sklearn.FeatureHasher(_FEATURES, input_type="string", alternate_sign=False)
    first = next(rows, None)
    if first is None:
        empty: csr_matrix = hasher.transform([[]])[:0]
        return empty
    matrix: csr_matrix = sklearn.normalize(hasher.transform(chain([first], rows)), copy=False)
    return matrix


def learn(features: "csr_matrix", answers: Sequence[str], seed: int) -> Model:
    """Learn which answer goes with which features."""
    known = tuple(sorted(set(answers)))
    if len(known) < 2:
        return Model(known)
    fitted = _sklearn().SGDClassifier(
        "log_loss", alpha=1e-5, max_iter=_ROUNDS, tol=None, average=True, random_state=seed, n_jobs=1
    )
    fitted.fit(features, np.array(answers))
    return Model(tuple(map(str, fitted.classes_)), fitted)


def tags_of(words: Words, texts: Places, spans: Sequence[Sequence[Span]]) -> list[str]:
    """The IOB2 tag of each token of these texts, by the outermost of their spans."""
    tags: list[str] = []
    for text, own in zip(texts, spans, strict=True):
        low, high = words.cuts[text], words.cuts[text + 1]
        found = [OUTSIDE] * int(high - low)
        for span in outermost(own):
            first = int(np.searchsorted(words.ends[low:high], span.start, "right"))
            after = int(np.searchsorted(words.starts[low:high], span.end, "left"))
            found[first:after] = [f"B-{span.label}", *[f"I-{span.label}"] * (after - first - 1)][: after - first]
        tags += found
    return tags


def spans_of(words: Words, text: int, tags: Sequence[str]) -> list[Span]:
    """The spans that the tags of one text's tokens mean; an I that follows no span of its label begins one."""
    low = int(words.cuts[text])
    found: list[Span] = []
    for place, tag in enumerate(tags):
        begin, _, label = tag.partition("-")
        start, end = int(words.starts[low + place]), int(words.ends[low + place])
        if begin == "I" and found and place and tags[place - 1][2:] == label:
            found[-1] = Span(found[-1].start, end, label)
        elif tag != OUTSIDE:
            found.append(Span(start, end, label))
    return found


def unsure(words: Words, texts: Places, chances: Numbers) -> Numbers:
    """How unsure the tags of each text are: the mean over its sentences of 1 - the best tag's probability.

    Of a sentence, at the token where that probability is least (least confidence, Culotta and McCallum 2005, of a
    token instead of a sequence). `chances` has a row for each of the texts' tokens; of a text without any it is 0.
    """
    rows = words.rows(texts)
    sentence = np.searchsorted(words.firsts, rows, "right")
    begins = np.flatnonzero(np.diff(sentence, prepend=-1))
    if not len(rows):
        return np.zeros(len(texts))
    worst = np.maximum.reduceat(1 - chances.max(axis=1), begins)
    owners = np.searchsorted(words.cuts[texts], rows[begins], "right") - 1
    counts = np.bincount(owners, minlength=len(texts))
    return np.asarray(np.bincount(owners, worst, minlength=len(texts)) / np.maximum(counts, 1))


def mentions(words: Words, texts: Places, chances: Numbers, answers: Sequence[str]) -> tuple[Numbers, tuple[str, ...]]:
    """How many mentions of each label are expected in each text, and the labels; arguments as for `unsure`."""
    owners = np.repeat(np.arange(len(texts)), words.cuts[texts + 1] - words.cuts[texts])
    begin = [(place, answer[2:]) for place, answer in enumerate(answers) if answer.startswith("B-")]
    counts = [np.bincount(owners, chances[:, place], minlength=len(texts)) for place, _ in begin]
    return np.array(counts, np.float64).reshape(len(begin), len(texts)).T, tuple(label for _, label in begin)


def pair_features(pairs: Iterable[tuple[str, str]]) -> Iterator[list[str]]:
    """The features of pairs of a text and a target: words and pairs of words, of all targets and of this one."""
    for text, target in pairs:
        words = [_bare(word) for word in profile("search@1").fold(text).split()]
        own = {*words, *(f"{one} {two}" for one, two in pairwise(words))}
        yield ["bias", f"target={target}", *sorted(own), *sorted(f"{target}={word}" for word in own)]


def entropy(chances: Numbers) -> Numbers:
    """Shannon's entropy of each row, in nats.

    >>> entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).round(3).tolist()
    [0.0, 0.693]
    """
    return np.asarray(-(chances * np.log(np.maximum(chances, 1e-12))).sum(axis=1) + 0.0)


def _firsts(text: str, places: Sequence[tuple[int, int]]) -> Iterator[int]:
    starts = [start for start, _ in places]
    for start, _ in sentences(text):
        yield int(np.searchsorted(starts, start))


def outermost(spans: Sequence[Span]) -> Iterator[Span]:
    """The spans that begin outside all others, of those that begin together the longest, in order."""
    end = -1
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.label)):
        if span.start >= end:
            yield span
            end = span.end


def _features(words: Sequence[str], firsts: Places) -> Iterator[list[str]]:
    """The features of each word; words beyond the edge of its sentence are none."""
    bare = [_bare(word) for word in words]
    sentence = np.searchsorted(firsts, np.arange(len(words)), "right").tolist()
    for place, word in enumerate(words):
        near = [
            words[other] if 0 <= other < len(words) and sentence[other] == sentence[place] else _EDGE
            for other in (place - 2, place - 1, place + 1, place + 2)
        ]
        before2, before, after, after2 = near
        yield [
            "bias", f"w={word}", f"b={bare[place]}", f"f={_form(word)}",
            *(f"<{word[:n]}" for n in (1, 2, 3, 4)), *(f">{word[-n:]}" for n in (1, 2, 3, 4)),
            f"-1={before}", f"-1b={_bare(before)}", f"-1f={_form(before)}", f"+1={after}", f"+1b={_bare(after)}",
            f"+1f={_form(after)}", f"-2={before2}", f"+2={after2}", f"-1w={before} {word}", f"w+1={word} {after}",
            f"-1>{before[-3:]}", f"+1<{after[:3]}",
        ]  # fmt: skip


def _bare(word: str) -> str:
    """A folded word without the clitics and article at its front, where three letters remain."""
    return next((word[len(c) :] for c in _CLITICS if word.startswith(c) and len(word) >= len(c) + 3), word)


def _form(word: str) -> str:
    if not word:
        return "edge"
    if word.isdigit():
        return f"digits{len(word)}"
    if not any(character.isalnum() for character in word):
        return f"point {word}"
    latin = any("a" <= character <= "z" for character in word.lower())
    return ("latin" if latin else "digit" if any(map(str.isdigit, word)) else "letters") + str(min(len(word), 6))
