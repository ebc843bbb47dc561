"""Active learning: the candidate articles to annotate next, and why each was chosen.

Combines the model's uncertainty (learner.py), annotators' disagreement on similar articles, and the rareness of
expected labels (ranking.py). Every candidate is read in full, so they should be a sample of a large corpus, such as
a stratified one.
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
    tokenize_texts,
    uncertainties,
)
from builder.annotation.active_learning.ranking import disagreement, nearby_disagreement, pick_diverse, ranks
from builder.annotation.questions import targets_by_article
from builder.records import Article, Gold, Judgement, user_error
from builder.schema.labels import Labels
from builder.text.profiles import profile
from builder.text.projection import tfidf_vectors

Numbers = NDArray[np.float64]

LOOKED_AT = 20
"""Candidates to consider for each article to choose."""

SHOWN = 3
"""Most rare labels and targets named for a chosen article."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An article to annotate next and why it was chosen, stored as one line of the file beside the batch.

    `parts` are ranks among the candidates from 0 to 1, and `score` is their mean. `alike` is the similarity, from 0
    to 1, to the closest article that was annotated or chosen before, and counts against the article. `expected`
    names rare labels and targets the model expects in it. `disputed_like` is the most similar annotated article on
    which annotators disagreed.
    """

    article_id: str
    score: float
    parts: dict[str, float]
    alike: float
    expected: tuple[str, ...] = ()
    disputed_like: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Expected:
    """The model's expectations for each candidate.

    `parts` are the criteria of the ranking: uncertainty and rareness. `names` are labels, then targets, and `amounts`
    and `rare` have a column for each. An amount is the expected number of mentions, or 1 for a target the article
    is asked about. `rare` weights each amount by rareness: 1 / the square root of (1 + the count in the gold).
    """

    parts: Mapping[str, Numbers]
    names: tuple[str, ...]
    amounts: Numbers
    rare: Numbers


def select_articles(
    candidates: Sequence[Article],
    annotated: Sequence[Article],
    golds: Sequence[Gold],
    judgements: Sequence[Judgement],
    labels: Labels,
    size: int,
    seed: int,
    groups: Mapping[str, str] | None = None,
) -> list[Choice]:
    """Choose at most `size` candidates to annotate next, in the order of choosing, with the reasons for each.

    `annotated` are the articles of all earlier batches, including those that `golds` and `judgements` refer to.
    `groups` maps articles to their near-duplicate group. At most one article of a group is chosen, and none of a
    group that has an annotated article. Gold on a text that changed since is not used for training.

    Raises KhabarError with exit code 2 if scikit-learn is not installed, and with exit code 1 if there is no gold to
    learn from.
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
    matrix = tfidf_vectors(fold([article.text for article in [*known, *pool]]))
    before, here = matrix[: len(known)], matrix[len(known) :]
    disagreements = disagreement(judgements)
    rows = [row for row, article in enumerate(known) if article.id in disagreements.articles]
    disputes = np.array([disagreements.articles[known[row].id] for row in rows])
    parts = dict(expected.parts)
    if disputes.any():
        parts["disputed"] = nearby_disagreement(here, before[rows], disputes) + _mean_of(expected, disagreements.names)
    ranked = {name: ranks(values) for name, values in parts.items() if np.ptp(values.round(9)) > 0}
    scores = np.mean(list(ranked.values()), axis=0) if ranked else np.full(len(pool), 0.5)
    disputed = [known[row].id if disagreements.articles[known[row].id] else "" for row in rows]
    return [
        Choice(pool[at].id, round(float(scores[at]), 4), {name: round(float(r[at]), 4) for name, r in ranked.items()},
               round(like, 4), _named(expected, at), _most_like(here[at], before[rows], disputed))
        for at, like in pick_diverse(scores, here, before, size)
    ]  # fmt: skip


def _taught(golds: Sequence[Gold], texts: Mapping[str, Article]) -> list[Gold]:
    """Return the gold on the present texts, sorted by article id; raises KhabarError (exit code 1) if there is none."""
    current = [gold for gold in golds if gold.article_id in texts and texts[gold.article_id].text_sha == gold.text_sha]
    if not current:
        fix = "sample and annotate a batch first; `khabar adjudicate` shows its gold"
        raise user_error("no-gold", "there is no gold to learn from", fix=fix, exit_code=1)
    return sorted(current, key=lambda gold: gold.article_id)


def _one_of_each(candidates: Sequence[Article], of: Mapping[str, str], taken: Collection[str]) -> list[Article]:
    """Return the first candidate, by id, of each group that is not taken."""
    by_group: dict[str, Article] = {}
    for article in sorted(candidates, key=lambda article: article.id):
        if of[article.id] not in taken:
            by_group.setdefault(of[article.id], article)
    return list(by_group.values())


def _expected(
    pool: Sequence[Article], taught_on: Sequence[Article], golds: Sequence[Gold], labels: Labels, seed: int
) -> _Expected:
    """Train the models on the gold, and return their expectations for entities and stances."""
    words = tokenize_texts([article.text for article in [*taught_on, *pool]])
    learnt, here = np.arange(len(taught_on)), np.arange(len(taught_on), len(taught_on) + len(pool))
    model = learn(words.features[words.rows(learnt)], tags_of(words, learnt, [gold.spans for gold in golds]), seed)
    chances = model.expects(words.features[words.rows(here)])
    amounts, names = mentions(words, here, chances, model.answers)
    held = Counter(span.label for gold in golds for span in gold.spans)
    rare = amounts / np.sqrt([1 + held[name] for name in names])
    per_word = rare.sum(axis=1) / np.maximum(np.diff(words.cuts)[here], 1)
    asked = [[target.id for target in found] for found in targets_by_article(pool, labels).values()]
    stances = _expected_stances(pool, asked, taught_on, golds, seed)
    return _Expected(
        {"unsure of entities": uncertainties(words, here, chances), "rare labels": per_word, **stances.parts},
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
    """Train the stance model, and return its expectations for the targets that each article is asked about.

    Uncertainty is the mean entropy over an article's targets. The rareness of a target is the sum over answers of
    their probability, divided by the square root of 1 + their count on that target in the gold.
    """
    targets = sorted({target for of_article in asked for target in of_article})
    rows = np.repeat(np.arange(len(pool)), [len(of_article) for of_article in asked])
    columns = np.array([targets.index(target) for of_article in asked for target in of_article], np.int64)
    answered = [(article.text, stance) for article, gold in zip(taught_on, golds, strict=True)
                for stance in sorted(gold.stances)]  # fmt: skip
    features = hashed(pair_features((text, stance.target) for text, stance in answered))
    model = learn(features, [stance.value for _, stance in answered], seed)
    pairs = [(pool[row].text, targets[column]) for row, column in zip(rows, columns, strict=True)]
    chances = model.expects(hashed(pair_features(pairs)))
    held = Counter((stance.target, stance.value) for _, stance in answered)
    weights = np.array([[1 / np.sqrt(1 + held[target, value]) for value in model.answers] for target in targets])
    rare = (chances * weights[columns]).sum(axis=1) if answered and pairs else np.ones(len(pairs))
    amounts, weighed = np.zeros((len(pool), len(targets))), np.zeros((len(pool), len(targets)))
    amounts[rows, columns], weighed[rows, columns] = 1, rare
    counts = np.maximum(amounts.sum(axis=1), 1)
    doubt = np.bincount(rows, entropy(chances), minlength=len(pool)) / counts
    return _Expected(
        {"unsure of stances": doubt, "rare stances": weighed.sum(axis=1)}, tuple(targets), amounts, weighed
    )


def _mean_of(expected: _Expected, disputed: Mapping[str, float]) -> Numbers:
    """Compute the mean disagreement on each candidate's expected labels and targets, weighted by their amounts."""
    values = expected.amounts @ np.array([disputed.get(name, 0.0) for name in expected.names])
    return np.asarray(values / np.maximum(expected.amounts.sum(axis=1), 1e-9))


def _named(expected: _Expected, at: int) -> tuple[str, ...]:
    """Return the SHOWN rarest labels and targets of a candidate, leaving out those with an amount below one half."""
    order = np.argsort(-expected.rare[at].round(9), kind="stable")
    return tuple(expected.names[column] for column in order[:SHOWN] if expected.amounts[at, column] >= 0.5)


def _most_like(vector: NDArray[np.float32], annotated: NDArray[np.float32], names: Sequence[str]) -> str:
    """Return the name of the most similar disputed article, or "" if none is more similar than by chance.

    `names` has the name of each annotated article that is disputed, and "" for the others.
    """
    like = (annotated @ vector) * np.array([bool(name) for name in names]) if len(names) else np.zeros(0)
    return names[int(like.argmax())] if len(like) and like.max() >= 0.2 else ""
