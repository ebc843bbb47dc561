"""Models for active learning, trained on the gold so far: a token tagger and a stance classifier.

Both are logistic regressions over hashed features of folded words, trained with scikit-learn (extra `select`).
The same seed and gold give the same numbers; rows are used in the order given. Offsets are code points, end
exclusive. The tagger is trained on the outermost of nested spans only. Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from builder.records import Span, outermost, user_error
from builder.text.profiles import profile
from builder.text.tokens import sentences, tokenize

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


Numbers = NDArray[np.float64]

Places = NDArray[np.int64]

OUTSIDE = "O"

_FEATURES = 1 << 18

_ROUNDS = 12
"""Training epochs. More do not change which articles are ranked first."""

_CLITICS = ("وال", "فال", "بال", "كال", "ولل", "فلل", "ال", "لل", "و", "ف", "ب", "ل", "ك")

_EDGE = ""


@dataclass(frozen=True, slots=True, eq=False)
class TokenTable:
    """The tokens of many texts, with their offsets in their text and their features.

    Text number i has the tokens cuts[i] to cuts[i + 1], end exclusive. `firsts` holds the first token of each
    sentence.
    """

    starts: Places
    ends: Places
    cuts: Places
    firsts: Places
    features: "csr_matrix"

    def rows(self, texts: Places) -> Places:
        """Return the numbers of the tokens of these texts, one text after another."""
        ranges = [np.arange(self.cuts[text], self.cuts[text + 1]) for text in texts]
        return np.concatenate([np.empty(0, np.int64), *ranges])


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A trained classifier. `fitted` is None if all training rows had the same answer."""

    answers: tuple[str, ...]
    fitted: Any = None

    def expects(self, features: "csr_matrix") -> Numbers:
        """Return the probability of each of `answers` (rows x answers)."""
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
    """Raise KhabarError (exit code 2) with the command to install scikit-learn, if it is not installed."""
    try:
        _sklearn()
    except ImportError:
        message = "active learning needs scikit-learn, which is not installed"
        raise user_error("no-learner", message, fix="pip install 'khabar[select]'") from None


def tokenize_texts(texts: Sequence[str]) -> TokenTable:
    """Tokenize texts and compute token features: the folded word, its prefixes and suffixes, form and neighbours."""
    tokens = [tokenize(text) for text in texts]
    flat = [text[start:end] for text, of_text in zip(texts, tokens, strict=True) for start, end in of_text]
    folded = profile("search@1").fold_batch(flat)
    cuts = np.cumsum([0, *map(len, tokens)])
    firsts = np.unique([begin + n for begin, text, of_text in zip(cuts[:-1], texts, tokens, strict=True)
                        for n in _firsts(text, of_text)]).astype(np.int64)  # fmt: skip
    edges = np.array([edges for of_text in tokens for edges in of_text], np.int64).reshape(-1, 2)
    return TokenTable(edges[:, 0], edges[:, 1], cuts, firsts, hashed(_features(folded, firsts)))


def hashed(rows: Iterator[list[str]]) -> "csr_matrix":
    """Hash each list of features into a row of a sparse matrix, normalized to length 1."""
    sklearn = _sklearn()
    hasher = sklearn.FeatureHasher(_FEATURES, input_type="string", alternate_sign=False)
    first = next(rows, None)
    if first is None:
        empty: csr_matrix = hasher.transform([[]])[:0]
        return empty
    matrix: csr_matrix = sklearn.normalize(hasher.transform(chain([first], rows)), copy=False)
    return matrix


def learn(features: "csr_matrix", answers: Sequence[str], seed: int) -> Model:
    """Train a logistic regression that predicts an answer from a row of features."""
    known = tuple(sorted(set(answers)))
    if len(known) < 2:
        return Model(known)
    fitted = _sklearn().SGDClassifier(
        "log_loss", alpha=1e-5, max_iter=_ROUNDS, tol=None, average=True, random_state=seed, n_jobs=1
    )
    fitted.fit(features, np.array(answers))
    return Model(tuple(map(str, fitted.classes_)), fitted)


def tags_of(words: TokenTable, texts: Places, spans: Sequence[Sequence[Span]]) -> list[str]:
    """Return the IOB2 tag of each token of these texts, from the outermost of their spans."""
    tags: list[str] = []
    for text, of_text in zip(texts, spans, strict=True):
        low, high = words.cuts[text], words.cuts[text + 1]
        text_tags = [OUTSIDE] * int(high - low)
        for span in outermost(of_text):
            first = int(np.searchsorted(words.ends[low:high], span.start, "right"))
            after = int(np.searchsorted(words.starts[low:high], span.end, "left"))
            text_tags[first:after] = [f"B-{span.label}", *[f"I-{span.label}"] * (after - first - 1)][: after - first]
        tags += text_tags
    return tags


def spans_of(words: TokenTable, text: int, tags: Sequence[str]) -> list[Span]:
    """Decode the IOB2 tags of one text's tokens into spans. An I tag that continues no span of its label begins one."""
    low = int(words.cuts[text])
    spans: list[Span] = []
    for number, tag in enumerate(tags):
        begin, _, label = tag.partition("-")
        start, end = int(words.starts[low + number]), int(words.ends[low + number])
        if begin == "I" and spans and number and tags[number - 1][2:] == label:
            spans[-1] = Span(spans[-1].start, end, label)
        elif tag != OUTSIDE:
            spans.append(Span(start, end, label))
    return spans


def uncertainties(words: TokenTable, texts: Places, chances: Numbers) -> Numbers:
    """Compute the tagger's uncertainty for each text: the mean over its sentences of 1 - the best tag's probability.

    A sentence counts with the token where that probability is least (least confidence, Culotta and McCallum 2005,
    per token instead of per sequence). `chances` has a row for each of the texts' tokens. A text without tokens
    has an uncertainty of 0.
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


def mentions(
    words: TokenTable, texts: Places, chances: Numbers, answers: Sequence[str]
) -> tuple[Numbers, tuple[str, ...]]:
    """Compute the expected number of mentions in each text (texts x labels), and the labels.

    The arguments are as for `unsure`; `answers` are the tags of the columns of `chances`.
    """
    owners = np.repeat(np.arange(len(texts)), words.cuts[texts + 1] - words.cuts[texts])
    begin = [(column, answer[2:]) for column, answer in enumerate(answers) if answer.startswith("B-")]
    counts = [np.bincount(owners, chances[:, column], minlength=len(texts)) for column, _ in begin]
    return np.array(counts, np.float64).reshape(len(begin), len(texts)).T, tuple(label for _, label in begin)


def pair_features(pairs: Iterable[tuple[str, str]]) -> Iterator[list[str]]:
    """Yield the features of each pair of a text and a target: unigrams and bigrams, alone and with the target."""
    for text, target in pairs:
        words = [_bare(word) for word in profile("search@1").fold(text).split()]
        ngrams = {*words, *(f"{first} {second}" for first, second in pairwise(words))}
        yield ["bias", f"target={target}", *sorted(ngrams), *sorted(f"{target}={ngram}" for ngram in ngrams)]


def entropy(chances: Numbers) -> Numbers:
    """Compute the Shannon entropy of each row, in nats.

    >>> entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).round(3).tolist()
    [0.0, 0.693]
    """
    return np.asarray(-(chances * np.log(np.maximum(chances, 1e-12))).sum(axis=1) + 0.0)


def _firsts(text: str, tokens: Sequence[tuple[int, int]]) -> Iterator[int]:
    """Yield the number of the first token of each sentence."""
    starts = [start for start, _ in tokens]
    for start, _ in sentences(text):
        yield int(np.searchsorted(starts, start))


def _features(words: Sequence[str], firsts: Places) -> Iterator[list[str]]:
    """Yield the features of each word. Neighbours beyond the edge of its sentence are empty."""
    bare = [_bare(word) for word in words]
    sentence = np.searchsorted(firsts, np.arange(len(words)), "right").tolist()
    for number, word in enumerate(words):
        near = [
            words[other] if 0 <= other < len(words) and sentence[other] == sentence[number] else _EDGE
            for other in (number - 2, number - 1, number + 1, number + 2)
        ]
        before2, before, after, after2 = near
        yield [
            "bias", f"w={word}", f"b={bare[number]}", f"f={_form(word)}",
            *(f"<{word[:n]}" for n in (1, 2, 3, 4)), *(f">{word[-n:]}" for n in (1, 2, 3, 4)),
            f"-1={before}", f"-1b={_bare(before)}", f"-1f={_form(before)}", f"+1={after}", f"+1b={_bare(after)}",
            f"+1f={_form(after)}", f"-2={before2}", f"+2={after2}", f"-1w={before} {word}", f"w+1={word} {after}",
            f"-1>{before[-3:]}", f"+1<{after[:3]}",
        ]  # fmt: skip


def _bare(word: str) -> str:
    """Return a folded word without leading clitics and article, if at least three letters remain."""
    return next((word[len(c) :] for c in _CLITICS if word.startswith(c) and len(word) >= len(c) + 3), word)


def _form(word: str) -> str:
    """Return a word's shape: its script or kind, and its length up to 6."""
    if not word:
        return "edge"
    if word.isdigit():
        return f"digits{len(word)}"
    if not any(character.isalnum() for character in word):
        return f"point {word}"
    latin = any("a" <= character <= "z" for character in word.lower())
    return ("latin" if latin else "digit" if any(map(str.isdigit, word)) else "letters") + str(min(len(word), 6))
