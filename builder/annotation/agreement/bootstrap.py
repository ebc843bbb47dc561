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
"""Most cells of the resampling matrix held in memory at once."""


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
    between: str = ""

    @property
    def value(self) -> float | None:
        """The figure over all articles, or None if it is undefined."""
        value = float(self.of(self.rows.sum(axis=0)))
        return None if np.isnan(value) else value


Interval = tuple[float, float] | None


def intervals(parts: Sequence[Statistic], seed: int, resamples: int) -> list[Interval]:
    """Compute the 95 % interval of each part's figure, over the resamples in which it is defined.

    The interval is None if fewer than two articles contribute to the figure. The rows of all parts must belong
    to the same articles.
    """
    articles = len(parts[0].rows) if parts else 0
    chosen = [number for number, part in enumerate(parts) if part.telling > 1]
    bounds: list[Interval] = [None] * len(parts)
    if not chosen or not resamples:
        return bounds
    random = np.random.default_rng(seed)
    drawn: dict[int, list[Floats]] = {number: [] for number in chosen}
    for start in range(0, resamples, step := max(1, _CELLS // articles)):
        size = min(step, resamples - start)
        picks = random.integers(articles, size=(size, articles)) + np.arange(size)[:, None] * articles
        weights = np.bincount(picks.ravel(), minlength=size * articles).reshape(size, articles).astype(float)
        for number in chosen:
            drawn[number].append(parts[number].of(weights @ parts[number].rows))
    for number, values in drawn.items():
        bounds[number] = _middle(np.concatenate(values))
    return bounds


def _middle(values: Floats) -> Interval:
    """Return the 2.5th and 97.5th percentile of the values that are not NaN, or None if all are."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.percentile(defined, (2.5, 97.5))
    return float(low), float(high)
