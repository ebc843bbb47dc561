"""How well annotators agree, with intervals: over all of them, between two, in each batch, from week to week.

Undefined is said, never given as 0, 1 or NaN. Expects canonical judgements (check.py), one for
each annotator and article.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from builder.annotation.agreement import spans, stances
from builder.annotation.agreement.bootstrap import Part, intervals
from builder.annotation.agreement.spans import MODES, SPAN_F1, UNITIZING, macro
from builder.annotation.agreement.stances import ALPHA
from builder.records import Agreement, Judgement
from builder.schema.labels import Labels

DIGITS = 6
"""Decimals of a figure, so that it is the same on every machine."""

_SHOWN = frozenset({SPAN_F1, macro(SPAN_F1), UNITIZING, macro(UNITIZING), ALPHA})

Shared = Sequence[Sequence[Judgement]]


def agree(
    judgements: Sequence[Judgement],
    labels: Labels,
    lengths: Mapping[str, int],
    *,
    seed: int = 13,
    resamples: int = 1000,
) -> list[Agreement]:
    """Agreement over all judgements (batch "all"), in each batch and each week where there are several.

    `lengths` are the code points of each article's text. Layer "entities": F1 over the sets of (start, end,
    label) of every pair of annotators who judged the same article, counts added up over pairs, and unitizing
    alpha; for all labels (micro and macro) and for each. Layer "stance": alpha over (article, target), for
    all targets and for each; an unpublished value is a value. `n` counts the articles, or the pairs of
    article and target, that at least two judged. Between two annotators, and for one against all others:
    strict F1, kappa, the share of equal answers. An article belongs to the week of its last judgement.
    """
    by_article: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in sorted(judgements, key=lambda j: (j.article_id, j.annotator)):
        by_article[judgement.article_id].append(judgement)
    shared = [found for found in by_article.values() if len(found) > 1]
    figures = _resampled(_over_all(shared, labels, lengths), "all", "", seed, resamples)
    pairs = spans.between(shared) + stances.between(shared, labels)
    figures += _resampled(pairs, "all", "", seed, resamples)
    batches = sorted({judgement.batch for judgement in judgements})
    for batch in batches if len(batches) > 1 else []:
        of_batch = [[j for j in judged if j.batch == batch] for judged in shared]
        parts = _over_all([judged for judged in of_batch if len(judged) > 1], labels, lengths, (SPAN_F1,))
        figures += _resampled(parts, batch, "", seed, resamples)
    weeks = sorted({week for judged in shared if (week := _week(judged))})
    for week in weeks if len(weeks) > 1 else []:
        parts = _over_all([judged for judged in shared if _week(judged) == week], labels, lengths, (SPAN_F1,))
        figures += _resampled([part for part in parts if part.label == "all"], "all", week, seed, resamples)
    return figures


def headline(figure: Agreement) -> bool:
    """Whether a figure is over all annotators, in a measure that a card shows; not a pair's, nor a week's."""
    return figure.measure in _SHOWN and not figure.between and not figure.period


def _over_all(shared: Shared, labels: Labels, lengths: Mapping[str, int], modes: Sequence[str] = MODES) -> list[Part]:
    return spans.over_all(shared, labels, lengths, modes) + stances.over_all(shared, labels)


def _week(judged: Sequence[Judgement]) -> str:
    """The ISO week of the last judgement of an article, empty where one's time is not known."""
    try:
        year, week, _ = max(datetime.fromisoformat(judgement.created_at) for judgement in judged).isocalendar()
    except (ValueError, TypeError):  # elsewhere's exports have other times, with and without a zone
        return ""
    return f"{year}-W{week:02}"


def _resampled(parts: Sequence[Part], batch: str, period: str, seed: int, resamples: int) -> list[Agreement]:
    figures: list[Agreement] = []
    for part, interval in zip(parts, intervals(parts, seed, resamples), strict=True):
        value = part.value
        low, high = interval if interval and value is not None else (None, None)
        layer = "stance" if part.unit == stances.UNIT else "entities"
        figures.append(Agreement(
            part.measure, layer, part.label, batch, _rounded(value), _rounded(low), _rounded(high), part.n, part.unit,
            "" if value is not None else part.why, part.between, period,
        ))  # fmt: skip
    return figures


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS) + 0.0
