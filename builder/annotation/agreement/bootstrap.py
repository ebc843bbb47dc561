"""Bootstrap confidence intervals of agreement figures: the middle 95 % over resampled articles.

Uses the percentile bootstrap (Efron and Tibshirani 1993, chapter 13). The resampling unit is the article, as
the judgements of one article are not independent. Each figure is a function of counts that add up over
articles, so a resample is a weighted sum. All figures are resampled together, with the same draws.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CELLS = 4_000_000
"""Most cells of the resampling matrix that are drawn, or held as numbers of 8 bytes, at once."""

_TOGETHER = 2_000_000
"""Most resampled figures held in memory at once."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic to resample: a row of counts for each article, and the function that turns their sums into a figure.

    `of` takes sums of rows (... x columns) and returns the figure (...), NaN where it is undefined. `telling`
    counts the articles that contribute to the figure, `n` counts its `unit`s. `why` is the reason to report if
    the figure is undefined.
    """

    measure: str
    label: str
    rows: Floats
    of: Callable[[Floats], Floats]
    telling: int
    n: int
    unit: str
    why: str

    @property
    def value(self) -> float | None:
        """The figure over all articles, or None if it is undefined."""
        value = float(self.of(self.rows.sum(axis=0)))
        return None if np.isnan(value) else value


Interval = tuple[float, float] | None


def intervals(parts: Sequence[Statistic], articles: int, seed: int, resamples: int) -> list[Interval]:
    """Compute the 95 % interval of each part's figure, over the resamples in which it is defined.

    The interval is None if fewer than two articles contribute to the figure. The rows of all parts belong to the same
    `articles`. Parts that share their rows are added up once.
    """
    bounds: list[Interval] = [None] * len(parts)
    chosen = [number for number, part in enumerate(parts) if part.telling > 1]
    if not chosen or not resamples:
        return bounds
    weights = draw(articles, seed, resamples)
    by_rows: dict[int, list[int]] = {}
    for number in chosen:
        by_rows.setdefault(id(parts[number].rows), []).append(number)
    waiting: list[int] = []
    drawn: list[Floats] = []
    for numbers in by_rows.values():
        sums = _sums(weights, parts[numbers[0]])
        waiting += numbers
        drawn += [parts[number].of(sums) for number in numbers]
        if len(drawn) * resamples > _TOGETHER:
            _bound(bounds, waiting, drawn)
            waiting, drawn = [], []
    _bound(bounds, waiting, drawn)
    return bounds


def draw(articles: int, seed: int, resamples: int) -> NDArray[np.uint16]:
    """Return how often each resample draws each article (articles x resamples)."""
    random = np.random.default_rng(seed)
    weights = np.zeros((articles, resamples), np.uint16)
    for start in range(0, resamples, step := max(1, _CELLS // articles)):
        size = min(step, resamples - start)
        picks = random.integers(articles, size=(size, articles)) + np.arange(size)[:, None] * articles
        weights[:, start : start + size] = (
            np.bincount(picks.ravel(), minlength=size * articles).reshape(size, articles).T
        )
    return weights


def _sums(weights: NDArray[np.uint16], part: Statistic) -> Floats:
    """Return the sums of a part's rows in each resample (resamples x columns)."""
    step = max(1, _CELLS // weights.shape[1])
    sums = np.zeros((weights.shape[1], part.rows.shape[1]))
    for begin in range(0, len(weights), step):
        sums += weights[begin : begin + step].T.astype(float) @ part.rows[begin : begin + step]
    return sums


def _bound(bounds: list[Interval], numbers: Sequence[int], drawn: Sequence[Floats]) -> None:
    """Set the intervals of parts from their figures in each resample."""
    for number, bound in zip(numbers, middles(np.stack(drawn)) if drawn else (), strict=True):
        bounds[number] = bound


def middles(drawn: Floats) -> list[Interval]:
    """Return the interval of each row of resampled figures, None where none is defined."""
    if not drawn.size:
        return [None] * len(drawn)
    values = np.sort(drawn, axis=1)  # NaN last
    defined = np.count_nonzero(~np.isnan(values), axis=1)
    low, high = (_percentile(values, defined, share).tolist() for share in (0.025, 0.975))
    return [pair if number else None for pair, number in zip(zip(low, high, strict=True), defined, strict=True)]


@dataclass(frozen=True, slots=True)
class PairFigure:
    """A figure of a pair of annotators, or of one against all others, with its interval."""

    measure: str
    value: float | None
    interval: Interval
    n: int
    unit: str
    why: str
    between: str


def pair_figures(
    measure: str, unit: str, who: Sequence[str], values: Floats, telling: NDArray[np.int64], n: Sequence[int],
    why: Sequence[str],
) -> list[PairFigure]:  # fmt: skip
    """Return figures from their values over all articles and in each resample (pairs x (1 + resamples))."""
    bounds = middles(values[:, 1:])
    return [
        PairFigure(
            measure, None if np.isnan(value) else value, bound if tells > 1 else None, number, unit, reason, name
        )
        for value, bound, tells, number, reason, name in zip(
            values[:, 0].tolist(), bounds, telling.tolist(), n, why, who, strict=True
        )
    ]


def _percentile(values: Floats, defined: NDArray[np.intp], share: float) -> Floats:
    """Return a percentile of the `defined` first values of each sorted row, between two of them linearly."""
    place = np.maximum(defined - 1, 0) * share
    below = np.floor(place).astype(int)
    rows, part = np.arange(len(values)), place - below
    first, second = values[rows, below], values[rows, np.minimum(below + 1, np.maximum(defined - 1, 0))]
    return np.where(part < 0.5, first + (second - first) * part, second - (second - first) * (1 - part))
