"""Dawid and Skene's model: how likely each value is for each item, and how each annotator errs.

A. P. Dawid and A. M. Skene (1979), "Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm", Applied Statistics 28 (1), 20-28. Expectation-maximisation in logarithms, without smoothing,
from the shares of the votes: the same answers in any order give the same figures. With few answers the
likelihood is surer than it should be. Settles nothing: adjudicate.py does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Item = tuple[str, str]
"""An article and a target."""

Answers = Mapping[Item, Mapping[str, str]]
"""The value that each annotator gave an item."""

Shares = Mapping[str, float]

SMALLEST = 1e-10
"""The least probability: what was never seen is unlikely, not impossible."""

DIGITS = 6
"""Decimals that are the same on every machine."""


@dataclass(frozen=True, slots=True)
class Model:
    """What the answers come to: probabilities, by value.

    `confusion[annotator][true][given]` is how likely the annotator gives a value where another, or the same, is true.
    """

    posterior: Mapping[Item, Shares]
    prior: Shares
    confusion: Mapping[str, Mapping[str, Shares]]
    rounds: int
    converged: bool

    def accuracy(self, annotator: str) -> float:
        """How likely an answer of the annotator is right: the diagonal of the confusion, weighed by the prior."""
        return sum(share * self.confusion[annotator][value].get(value, 0.0) for value, share in self.prior.items())


@dataclass(frozen=True, slots=True)
class _Table:
    """The answers as numbers, one place for each answer in `item`, `annotator` and `value`."""

    items: list[Item]
    annotators: list[str]
    values: list[str]
    item: NDArray[np.intp]
    annotator: NDArray[np.intp]
    value: NDArray[np.intp]


def estimate(answers: Answers, *, rounds: int = 5000, tolerance: float = 1e-10) -> Model:
    """Fit the model to all answers; an item without any is left out.

    Ends when the logarithm of the likelihood gains less than `tolerance` per answer, or after `rounds`.

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
            annotator: {
                true: _named(errors[place, :, column], table.values) for column, true in enumerate(table.values)
            }
            for place, annotator in enumerate(table.annotators)
        },
        rounds=done,
        converged=converged,
    )


def most_likely(shares: Shares, least: float) -> tuple[str, float] | None:
    """The value with the highest probability, which is at least `least`; None where there is none, or two are as high.

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
    items = sorted(item for item, given in answers.items() if given)
    annotators = sorted({who for given in answers.values() for who in given})
    values = sorted({value for given in answers.values() for value in given.values()})
    person, kind = (dict(zip(names, range(len(names)), strict=True)) for names in (annotators, values))
    rows = [(place, person[w], kind[v]) for place, item in enumerate(items) for w, v in sorted(answers[item].items())]
    places = np.array(rows, dtype=np.intp).reshape(-1, 3)
    return _Table(items, annotators, values, places[:, 0], places[:, 1], places[:, 2])


def _maximise(table: _Table, posterior: Floats) -> tuple[Floats, Floats]:
    """The prior, and each annotator's errors as annotator x given x true (equations 2.3 and 2.4).

    A value that an annotator never gave has no share in the errors.
    """
    errors: Floats = np.zeros((len(table.annotators), len(table.values), len(table.values)))
    np.add.at(errors, (table.annotator, table.value), posterior[table.item])
    gave = np.zeros(errors.shape[:2], dtype=bool)
    gave[table.annotator, table.value] = True
    errors = np.where(gave[:, :, None], np.maximum(errors, SMALLEST), 0.0)
    return posterior.mean(axis=0), errors / errors.sum(axis=1, keepdims=True)


def _expect(table: _Table, prior: Floats, errors: Floats) -> tuple[Floats, float]:
    """The probability of each value for each item (equation 2.5), and the logarithm of the likelihood."""
    joint = np.tile(np.log(np.maximum(prior, SMALLEST)), (len(table.items), 1))
    np.add.at(joint, table.item, np.log(errors[table.annotator, table.value]))
    top = joint.max(axis=1, keepdims=True)
    scaled = np.exp(joint - top)
    total = scaled.sum(axis=1, keepdims=True)
    return scaled / total, float((top + np.log(total)).sum())


def _named(shares: Floats, values: list[str]) -> dict[str, float]:
    return {value: float(share) for value, share in zip(values, shares, strict=True)}
