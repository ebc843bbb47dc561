"""What to annotate next: which candidates the gold so far knows least about, and why.

Puts together what the model of the gold (learner.py), annotators' disagreement and rareness say (ranking.py). Chooses
among the candidates that it is given, such as a large stratified sample: it reads every word of them.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.annotation.active_learning.model import (
    check_installed,
    entropy,
    hashed,
    learn,
    mentions,
    pair_features,
    tags_of,
    unsure,
    words_of,
)
from builder.annotation.active_learning.ranking import disagreement, nearby, pick, ranks
from builder.annotation.questions import targets_for
from builder.records import Article, Gold, Judgement, user_error
from builder.schema.labels import Labels
from builder.text.profiles import profile
from builder.text.projection import vectors

Numbers = NDArray[np.float64]

LOOKED_AT = 20
"""Candidates that are looked at for each that is chosen."""

SHOWN = 3
"""Rare labels and targets that are named of a choice."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An article to annotate next, and why: one line of the file beside the batch.

    `parts` are ranks among the candidates, from 0 to 1, and `score` their mean; `alike` is how like it is to what was
    annotated or chosen before it, 0 to 1, and lowers its place. `expected` names rare labels and targets that are
    expected in it, `disputed_like` the annotated article most like it that annotators parted on.
    """

    article_id: str
    score: float
    parts: dict[str, float]
    alike: float
    expected: tuple[str, ...] = ()
    disputed_like: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Expected:
    """What the model expects in each candidate, how unsure it is of that, and how rare it is.

    `names` are labels, then targets; `amounts` and `rare` have a column for each: mentions expected, or 1 for a target
    that is asked about, and the same with each counted by the root of how often the gold has it.
    """

    parts: Mapping[str, Numbers]
    names: tuple[str, ...]
    amounts: Numbers
    rare: Numbers


def next_up(
    candidates: Sequence[Article],
    annotated: Sequence[Article],
    golds: Sequence[Gold],
    judgements: Sequence[Judgement],
    labels: Labels,
    size: int,
    seed: int,
    groups: Mapping[str, str] | None = None,
) -> list[Choice]:
    """At most `size` of these candidates in the order of choosing, each with why.

    `annotated` are the articles of all earlier batches, with those that `golds` and `judgements` speak of; `groups`
    names the near-duplicate group of articles: of a group only one is chosen, and none of an annotated one's. Gold on
    a text that has changed since teaches nothing. Raises Refused (exit code 2) where scikit-learn is not installed,
    and (exit code 1) where there is no gold to learn from.
    """
    check_installed()
    of = {article.id: (groups or {}).get(article.id, article.id) for article in [*candidates, *annotated]}
    pool = _one_of_each(candidates, of, {of[article.id] for article in annotated})
    texts = {article.id: article for article in annotated}
    taught = _taught(golds, texts)
    if not pool:
        return []
    known = sorted(texts.values(), key=lambda article: article.id)
    expected = _expected(pool, [texts[gold.article_id] for gold in taught], taught, labels, seed)
    fold = profile("search@1").fold_batch
    own = vectors(fold([article.text for article in [*known, *pool]]))
    before, here = own[: len(known)], own[len(known) :]
    parted = disagreement(judgements)
    rows = [row for row, article in enumerate(known) if article.id in parted.articles]
    disputes = np.array([parted.articles[known[row].id] for row in rows])
    parts = dict(expected.parts)
    if disputes.any():
        parts["disputed"] = nearby(here, before[rows], disputes) + _mean_of(expected, parted.names)
    ranked = {name: ranks(values) for name, values in parts.items() if np.ptp(values.round(9)) > 0}
    scores = np.mean(list(ranked.values()), axis=0) if ranked else np.full(len(pool), 0.5)
    disputed = [known[row].id if parted.articles[known[row].id] else "" for row in rows]
    return [
        Choice(pool[at].id, round(float(scores[at]), 4), {name: round(float(r[at]), 4) for name, r in ranked.items()},
               round(like, 4), _named(expected, at), _most_like(here[at], before[rows], disputed))
        for at, like in pick(scores, here, before, size)
    ]  # fmt: skip


def _taught(golds: Sequence[Gold], texts: Mapping[str, Article]) -> list[Gold]:
    """The gold on these texts as they are, in the order of ids."""
    own = [gold for gold in golds if gold.article_id in texts and texts[gold.article_id].text_sha == gold.text_sha]
    if not own:
        fix = "sample and judge a batch first; `khabar adjudicate` shows its gold"
        raise user_error("no-gold", "there is no gold to learn from", fix=fix, exit_code=1)
    return sorted(own, key=lambda gold: gold.article_id)


def _one_of_each(candidates: Sequence[Article], of: Mapping[str, str], taken: Collection[str]) -> list[Article]:
    """One candidate of each group that is not taken, in the order of ids."""
    found: dict[str, Article] = {}
    for article in sorted(candidates, key=lambda article: article.id):
        if of[article.id] not in taken:
            found.setdefault(of[article.id], article)
    return list(found.values())


def _expected(
    pool: Sequence[Article], taught_on: Sequence[Article], golds: Sequence[Gold], labels: Labels, seed: int
) -> _Expected:
    """What is expected of entities, and of stances."""
    words = words_of([article.text for article in [*taught_on, *pool]])
    learnt, here = np.arange(len(taught_on)), np.arange(len(taught_on), len(taught_on) + len(pool))
    model = learn(words.features[words.rows(learnt)], tags_of(words, learnt, [gold.spans for gold in golds]), seed)
    chances = model.expects(words.features[words.rows(here)])
    amounts, names = mentions(words, here, chances, model.answers)
    held = Counter(span.label for gold in golds for span in gold.spans)
    rare = amounts / np.sqrt([1 + held[name] for name in names])
    per_word = rare.sum(axis=1) / np.maximum(np.diff(words.cuts)[here], 1)
    asked = [[target.id for target in targets_for(article, labels)] for article in pool]
    stances = _expected_stances(pool, asked, taught_on, golds, seed)
    return _Expected(
        {"unsure of entities": unsure(words, here, chances), "rare labels": per_word, **stances.parts},
        (*names, *stances.names),
        np.concatenate([amounts, stances.amounts], axis=1),
        np.concatenate([rare, stances.rare], axis=1),
    )


def _expected_stances(
    pool: Sequence[Article],
    asked: Sequence[Sequence[str]],
    taught_on: Sequence[Article],
    golds: Sequence[Gold],
    seed: int,
) -> _Expected:
    """What is expected on the targets that each article is asked about.

    Unsure is the mean entropy over them. Rare are answers: each that is likely on a target, by the root of how often
    the gold gives it on that target.
    """
    targets = sorted({target for own in asked for target in own})
    rows = np.repeat(np.arange(len(pool)), [len(own) for own in asked])
    columns = np.array([targets.index(target) for own in asked for target in own], np.int64)
    told = [(article.text, stance) for article, gold in zip(taught_on, golds, strict=True)
            for stance in sorted(gold.stances)]  # fmt: skip
    model = learn(hashed(pair_features((text, s.target) for text, s in told)), [s.value for _, s in told], seed)
    pairs = [(pool[row].text, targets[column]) for row, column in zip(rows, columns, strict=True)]
    chances = model.expects(hashed(pair_features(pairs)))
    held = Counter((stance.target, stance.value) for _, stance in told)
    weights = np.array([[1 / np.sqrt(1 + held[target, value]) for value in model.answers] for target in targets])
    rare = (chances * weights[columns]).sum(axis=1) if told and pairs else np.ones(len(pairs))
    amounts, weighed = np.zeros((len(pool), len(targets))), np.zeros((len(pool), len(targets)))
    amounts[rows, columns], weighed[rows, columns] = 1, rare
    counts = np.maximum(amounts.sum(axis=1), 1)
    doubt = np.bincount(rows, entropy(chances), minlength=len(pool)) / counts
    return _Expected(
        {"unsure of stances": doubt, "rare stances": weighed.sum(axis=1)}, tuple(targets), amounts, weighed
    )


def _mean_of(expected: _Expected, disputed: Mapping[str, float]) -> Numbers:
    """How disputed the labels and targets are that are expected, in the mean by how much of each is."""
    values = expected.amounts @ np.array([disputed.get(name, 0.0) for name in expected.names])
    return np.asarray(values / np.maximum(expected.amounts.sum(axis=1), 1e-9))


def _named(expected: _Expected, at: int) -> tuple[str, ...]:
    """The names that weigh most as rare, of those that are expected there rather than not."""
    order = np.argsort(-expected.rare[at].round(9), kind="stable")
    return tuple(expected.names[place] for place in order[:SHOWN] if expected.amounts[at, place] >= 0.5)


def _most_like(own: NDArray[np.float32], annotated: NDArray[np.float32], names: Sequence[str]) -> str:
    """The disputed article most like one, or none where none shares more with it than chance does."""
    like = (annotated @ own) * np.array([bool(name) for name in names]) if len(names) else np.zeros(0)
    return names[int(like.argmax())] if len(like) and like.max() >= 0.2 else ""
