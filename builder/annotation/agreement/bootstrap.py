"""How sure a figure is: the middle 95 % of it over resampled articles.

Percentile bootstrap (Efron and Tibshirani 1993, chapter 13) over articles, as the judgements of one
article are not independent. A figure is a function of counts that add up over articles, so that a
resample is a weighted sum; all figures are resampled together, with the same draws.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CELLS = 4_000_000
"""Cells of the resampling matrix that are held at once."""


@dataclass(frozen=True, slots=True)
class Part:
    """One figure before it is resampled: a row of counts for each article, and what their sums say.

    `of` takes sums of rows (... x columns) and gives the figure (...), NaN where it is undefined.
    `telling` counts the articles that say anything, `n` the `unit`s; `why` says why the figure is undefined, where it is.
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
        """The figure of all articles, None where it is undefined."""
        value = float(self.of(self.rows.sum(axis=0)))
        return None if np.isnan(value) else value


Interval = tuple[float, float] | None


def intervals(parts: Sequence[Part], seed: int, resamples: int) -> list[Interval]:
    """The middle 95 % of each part's figure, over the resamples where it is defined.

    None where fewer than two articles say anything. The rows of all parts are those of the same articles.
    """
    articles = len(parts[0].rows) if parts else 0
    chosen = [place for place, part in enumerate(parts) if part.telling > 1]
    found: list[Interval] = [None] * len(parts)
    if not chosen or not resamples:
        return found
    numbers = np.random.default_rng(seed)
    drawn: dict[int, list[Floats]] = {place: [] for place in chosen}
    for start in range(0, resamples, step := max(1, _CELLS // articles)):
        size = min(step, resamples - start)
        picks = numbers.integers(articles, size=(size, articles)) + np.arange(size)[:, None] * articles
        weights = np.bincount(picks.ravel(), minlength=size * articles).reshape(size, articles).astype(float)
        for place in chosen:
            drawn[place].append(parts[place].of(weights @ parts[place].rows))
    for place, values in drawn.items():
        found[place] = _middle(np.concatenate(values))
    return found


def _middle(values: Floats) -> Interval:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.percentile(defined, (2.5, 97.5))
    return float(low), float(high)
