"""Checks of collected judgements for faults that Label Studio lets through, which people should correct."""

from collections.abc import Callable, Iterator

import numpy as np

from builder.annotation.columns import Ints
from builder.annotation.quality.canonical import Form
from builder.annotation.quality.faults import Found, answer_faults
from builder.annotation.quality.rules import changed, homeless, repeats
from builder.annotation.quality.standing import CHANGED, REASONS, STALE, SUPERSEDED, UNKNOWN, Standing
from builder.records import Issue, Judgement
from builder.records.arrow import records_of

Link = Callable[[str, str, int], str]
"""A function from a judgement's batch, annotator and task to the address of the task."""


def check(form: Form, link: Link) -> list[Issue]:
    """Return every fault in the judgements, sorted by article and annotator.

    The contents of skipped and replaced judgements are not checked: the former hold no answers, the latter do
    not count.
    """
    standing, counting = form.standing, form.standing.rows("")
    found = [*_own_faults(form), *_repeats(standing)]
    found += [(int(counting[row]), fault) for row, fault in answer_faults(form.answers, form.articles, form.labels)]
    rows = np.array([row for row, _ in found], np.int64)
    order = np.argsort(rows, kind="stable")
    named = standing.table.select(["article_id", "annotator", "batch", "task_id"]).take(rows[order])
    issues: list[Issue] = []
    for place, article, who, batch, task in zip(order.tolist(), *(c.to_pylist() for c in named.columns), strict=True):
        severity, code, where, message, fix = found[place][1]
        issues.append(Issue(severity, code, message, where, fix, article, who, link(batch, who, task)))
    return issues


def _own_faults(form: Form) -> Iterator[Found]:
    """Yield the faults of judgements that do not count, though they were submitted."""
    rows = form.standing.rows(CHANGED, UNKNOWN, STALE)
    places, whys = form.standing.place[rows].tolist(), form.standing.reason[rows].tolist()
    for row, judgement, place, why in zip(rows.tolist(), _records(form.standing, rows), places, whys, strict=True):
        article = form.articles[place] if place >= 0 else None
        yield row, changed(judgement) if REASONS[why] == CHANGED else homeless(judgement, article)


def _repeats(standing: Standing) -> Iterator[Found]:
    """Yield the faults of judgements whose annotator submitted the article before in the same batch."""
    earlier, counting = standing.rows(SUPERSEDED), standing.rows("")
    if not len(earlier):
        return
    several = counting[np.isin(standing.person[counting], standing.person[earlier])]
    begins, ends = (
        np.searchsorted(standing.person[earlier], standing.person[several], side) for side in ("left", "right")
    )
    replaced = _records(standing, earlier)
    for row, one, begin, end in zip(several.tolist(), _records(standing, several), begins, ends, strict=True):
        for fault in repeats(one, replaced[begin:end]):
            yield row, fault


def _records(standing: Standing, rows: Ints) -> list[Judgement]:
    return records_of(standing.table.take(rows), Judgement)
