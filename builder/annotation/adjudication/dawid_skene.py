"""The Dawid and Skene model: the probability of each value for each item, and each annotator's error rates.

A. P. Dawid and A. M. Skene (1979), "Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm", Applied Statistics 28 (1), 20-28. The EM algorithm runs in log space without smoothing, and starts
from the shares of the votes. The result does not depend on the order of the answers. With few answers the
estimated probabilities are overconfident.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from builder.records import Line

Floats = NDArray[np.float64]

Item = tuple[str, str]
"""An article and a target."""

Answers = Mapping[Item, Mapping[str, str]]
"""The value that each annotator gave an item."""

Shares = Mapping[str, float]

SMALLEST = 1e-10
"""Least probability of a value, so that unseen values are unlikely rather than impossible."""

DIGITS = 6
"""Decimals to which probabilities are rounded, so that they are equal on every machine."""


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model: probabilities by value.

    `confusion[annotator][true][given]` is the probability that the annotator gives a value if the true one is `true`.
    """

    posterior: Mapping[Item, Shares]
    prior: Shares
    confusion: Mapping[str, Mapping[str, Shares]]
    rounds: int
    converged: bool

    def accuracy(self, annotator: str) -> float:
        """Return the probability that the annotator's answer is right, the confusion's diagonal weighted by the prior."""
        return sum(share * self.confusion[annotator][value].get(value, 0.0) for value, share in self.prior.items())


@dataclass(frozen=True, slots=True)
class DawidSkeneFit:
    """How the model of stances ended, and how often each annotator is right by it."""

    questions: int
    converged: bool
    rounds: int
    accuracy: dict[str, float]

    def lines(self) -> Iterator[Line]:
        """Return how it ended, and a line for each annotator."""
        ended = "converged" if self.converged else "did not converge"
        yield Line("Dawid-Skene", f"{self.questions} questions, {ended} after {self.rounds} rounds")
        for who, share in self.accuracy.items():
            yield Line(f"  {who} is right", f"{share:.1%}")

    @classmethod
    def of(cls, model: Model) -> Self:
        """Return the fit of a model."""
        accuracy = {who: model.accuracy(who) for who in sorted(model.confusion)}
        return cls(len(model.posterior), model.converged, model.rounds, accuracy)


@dataclass(frozen=True, slots=True)
class _Table:
    """The answers as index arrays: `item`, `annotator` and `value` have one element for each answer."""

    items: list[Item]
    annotators: list[str]
    values: list[str]
    item: NDArray[np.intp]
    annotator: NDArray[np.intp]
    value: NDArray[np.intp]


def estimate(answers: Answers, *, rounds: int = 5000, tolerance: float = 1e-10) -> Model:
    """Fit the model to all answers. Items without answers are left out.

    Stops when the log-likelihood gains less than `tolerance` per answer, or after `rounds` iterations.

    >>> model = estimate({("1", "t"): {"x": "for", "y": "for"}, ("2", "t"): {"x": "against", "y": "against"}})
    >>> round(model.posterior["1", "t"]["for"], 6)
    1.0
    """
    table = _tabulate(answers)
    if not table.items:
        return Model({}, {}, {}, 0, converged=True)
    posterior: Floats = np.zeros((len(table.items), len(table.values)))
    np.add.at(posterior, (table.item, table.value), 1.0)
    posterior /= posterior.sum(axis=1, keepdims=True)
    prior, errors = _maximise(table, posterior)
    before, done, converged = -np.inf, 0, False
    while done < rounds and not converged:
        posterior, likelihood = _expect(table, prior, errors)
        prior, errors = _maximise(table, posterior)
        done += 1
        converged = likelihood - before < tolerance * len(table.item)
        before = likelihood
    return Model(
        posterior={item: _named(row, table.values) for item, row in zip(table.items, posterior, strict=True)},
        prior=_named(prior, table.values),
        confusion={
            annotator: {true: _named(errors[row, :, column], table.values) for column, true in enumerate(table.values)}
            for row, annotator in enumerate(table.annotators)
        },
        rounds=done,
        converged=converged,
    )


def most_likely(shares: Shares, least: float) -> tuple[str, float] | None:
    """Return the value with the highest probability, or None if that is below `least` or two values share it.

    >>> most_likely({"for": 0.95, "against": 0.05}, 0.9)
    ('for', 0.95)
    >>> most_likely({"for": 0.5, "against": 0.5}, 0.1) is None
    True
    """
    ranked = sorted(((round(share, DIGITS), value) for value, share in shares.items()), reverse=True)
    if not ranked or ranked[0][0] < least or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][1], ranked[0][0]


def _tabulate(answers: Answers) -> _Table:
    """Turn answers into index arrays, in sorted order."""
    items = sorted(item for item, given in answers.items() if given)
    annotators = sorted({who for given in answers.values() for who in given})
    values = sorted({value for given in answers.values() for value in given.values()})
    person, kind = (dict(zip(names, range(len(names)), strict=True)) for names in (annotators, values))
    rows = [(row, person[w], kind[v]) for row, item in enumerate(items) for w, v in sorted(answers[item].items())]
    columns = np.array(rows, dtype=np.intp).reshape(-1, 3)
    return _Table(items, annotators, values, columns[:, 0], columns[:, 1], columns[:, 2])


def _maximise(table: _Table, posterior: Floats) -> tuple[Floats, Floats]:
    """Estimate the prior, and the error rates as annotators x given x true (M-step, equations 2.3 and 2.4).

    The error rate of a value that the annotator never gave is 0.
    """
    errors: Floats = np.zeros((len(table.annotators), len(table.values), len(table.values)))
    np.add.at(errors, (table.annotator, table.value), posterior[table.item])
    gave = np.zeros(errors.shape[:2], dtype=bool)
    gave[table.annotator, table.value] = True
    errors = np.where(gave[:, :, None], np.maximum(errors, SMALLEST), 0.0)
    return posterior.mean(axis=0), errors / errors.sum(axis=1, keepdims=True)


def _expect(table: _Table, prior: Floats, errors: Floats) -> tuple[Floats, float]:
    """Compute the probability of each value for each item (E-step, equation 2.5), and the log-likelihood."""
    joint = np.tile(np.log(np.maximum(prior, SMALLEST)), (len(table.items), 1))
    np.add.at(joint, table.item, np.log(errors[table.annotator, table.value]))
    top = joint.max(axis=1, keepdims=True)
    scaled = np.exp(joint - top)
    total = scaled.sum(axis=1, keepdims=True)
    return scaled / total, float((top + np.log(total)).sum())


def _named(shares: Floats, values: list[str]) -> dict[str, float]:
    """Return probabilities by the name of their value."""
    return {value: float(share) for value, share in zip(values, shares, strict=True)}
