"""Annotator statistics and coverage of a batch: pace, answers to known articles, missing judgements.

The input is a table of judgements that count (canonical.py). A warning is a reason to look at the work together,
not proof of bad work. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.annotation.columns import Ints, coded
from builder.io.parquet import to_table, whole
from builder.records import AnnotatorAssignment, Article, Decision, Issue, Judgement, Span, counted, mark_set
from builder.records.arrow import records_of
from builder.schema.labels import Labels
from builder.text.tokens import canonical_span

Floats = NDArray[np.float64]

LEAST = 10
"""Least number of articles shared with others before an annotator is compared with them."""

FAST = 1 / 3
"""Threshold of the median ratio of an annotator's time to the others', below which to warn."""

FEW = 1 / 2
"""Threshold of the same ratio for the number of spans."""


def pace_warnings(table: pa.Table) -> list[Issue]:
    """Return a warning for each annotator who is much faster, or marks much less, than others on the same articles.

    On each article an annotator's figure is divided by the median of the others' figures. The median of these
    ratios is compared with the threshold, so neither long articles nor single breaks matter.
    """
    spans = pc.list_value_length(table["spans"]).to_numpy().astype(float)
    seconds = pc.fill_null(table["seconds"], np.nan).to_numpy()
    return [
        *_slow_or_few(table, seconds, "fast-annotator", FAST, "seconds on an article"),
        *_slow_or_few(table, spans, "few-spans", FEW, "spans in an article"),
    ]


def _slow_or_few(table: pa.Table, figure: Floats, code: str, threshold: float, unit: str) -> list[Issue]:
    """Return a warning for each annotator whose median ratio of a figure to the others' is below a threshold."""
    known = np.flatnonzero(~np.isnan(figure))
    article, people, figure = coded(table["article_id"]).codes[known], coded(table["annotator"]), figure[known]
    others = _median_of_others(article, figure)
    compared = np.flatnonzero(others > 0)
    person, figure, others = people.codes[known][compared], figure[compared], others[compared]
    each = [_medians(person, values, len(people.names)) for values in (figure / others, figure, others)]
    numbers = np.bincount(person, minlength=len(people.names))
    issues: list[Issue] = []
    for place in np.flatnonzero((numbers >= LEAST) & (each[0] < threshold)).tolist():
        ratio, typical, typical_of_others = (values[place] for values in each)
        message = (
            f"median {typical:.1f} {unit}, the others {typical_of_others:.1f}; "
            f"median ratio {ratio:.2f} over {numbers[place]} articles"
        )
        fix = "review some of these articles with the annotator"
        issues.append(Issue("warning", code, message, "pace", fix, annotator=people.names[place]))
    return issues


def _median_of_others(group: Ints, figure: Floats) -> Floats:
    """Return for each row the median of the other rows of its group, NaN if there are none."""
    order = np.lexsort((figure, group))
    sizes = np.bincount(group)[group[order]]
    begin = np.searchsorted(group[order], group[order])
    place, ranked = np.arange(len(order)) - begin, figure[order]
    middle = []
    for half in ((sizes - 2) // 2, (sizes - 1) // 2):  # places of the middle ones among the others, from both sides
        at = begin + half + (place <= half)
        middle.append(ranked[np.minimum(at, len(order) - 1)])
    found = np.empty(len(order))
    found[order] = np.where(sizes > 1, (middle[0] + middle[1]) / 2, np.nan)
    return found


def _medians(group: Ints, figure: Floats, groups: int) -> Floats:
    """Return the median of each group, NaN for an empty one."""
    order = np.lexsort((figure, group))
    sizes, ranked = np.bincount(group, minlength=groups), np.append(figure[order], np.nan)
    begin = np.cumsum(sizes) - sizes
    low, high = (ranked[np.where(sizes > 0, begin + half, len(order))] for half in ((sizes - 1) // 2, sizes // 2))
    return np.asarray((low + high) / 2)


def known_missed(
    table: pa.Table, known: Iterable[Decision], articles: Mapping[str, Article], labels: Labels
) -> list[Issue]:
    """Return a warning for each annotator whose answers differ from the known ones, with counts."""
    whole = labels.clitics == "expand"
    sound = {
        decision.article_id: decision
        for decision in known
        if decision.article_id in articles and articles[decision.article_id].text_sha == decision.text_sha
    }
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    where: dict[str, list[str]] = defaultdict(list)
    asked = pc.is_in(table["article_id"], pa.array([*sound], pa.string()))
    for judgement in records_of(table.filter(asked), Judgement):
        decision = sound[judgement.article_id]
        counts = _compared(judgement, decision, articles[judgement.article_id].text, whole_words=whole)
        seen[judgement.annotator].update(counts, articles=1)
        if counts["missed"] or counts["added"] or counts["differing"] or counts["otherwise"]:
            where[judgement.annotator].append(judgement.article_id)
    issues: list[Issue] = []
    for who, missed in sorted(where.items()):
        n = seen[who]
        asked_too = f"{n['otherwise']} of {n['questions']} questions answered otherwise, " if n["questions"] else ""
        message = (
            f"known answers: {n['missed']} of {n['spans']} spans missed, {n['added']} added, "
            f"{n['differing']} of {n['stances']} stances differ, {asked_too}in {len(missed)} of {n['articles']} articles: "
            + ", ".join(sorted(missed)[:3])
        )
        fix = "review these articles with the annotator; correct known.jsonl if it is wrong"
        issues.append(Issue("warning", "known-missed", message, "known.jsonl", fix, annotator=who))
    return issues


def _compared(judgement: Judgement, decision: Decision, text: str, *, whole_words: bool) -> Counter[str]:
    """Count the known spans, stances and questions of an article, and the differences of a judgement from them."""
    counts: Counter[str] = Counter()
    if decision.spans is not None:
        right = {
            (*edges, span.label) for span in decision.spans if (edges := _edges(text, span, whole_words=whole_words))
        }
        given = mark_set(judgement.spans)
        counts.update(spans=len(right), missed=len(right - given), added=len(given - right))
    answers = {stance.target: stance.value for stance in judgement.stances}
    wrong = sum(answers.get(stance.target) != stance.value for stance in decision.stances)
    counts.update(stances=len(decision.stances), differing=wrong)
    for question in {answer.question for answer in decision.answers}:
        said, known = ({one for one in by.answers if one.question == question} for by in (judgement, decision))
        counts.update(questions=1, otherwise=said != known)
    return counts


def _edges(text: str, span: Span, *, whole_words: bool) -> tuple[int, int] | None:
    """Return a span's canonical edges, or None if it is out of bounds or has no words."""
    if not 0 <= span.start < span.end <= len(text):
        return None
    return canonical_span(text, span.start, span.end, whole_words=whole_words)


def coverage(
    batch: str,
    table: pa.Table,
    items: pa.Table,
    assigned: Iterable[AnnotatorAssignment],
    overlap: int,
) -> list[Issue]:
    """Return warnings about a batch: articles with too few or too many annotators, and unassigned judgements.

    `items` are the articles of the batch, each once.
    """
    names, asked = items["article_id"].to_pylist(), to_table(assigned, AnnotatorAssignment)
    people = coded(pa.concat_arrays([whole(part["annotator"]) for part in (table, asked)]))
    article = coded(pa.concat_arrays([whole(part["article_id"]) for part in (table, asked)])).among(names)
    pair, size = article * len(people.names) + people.codes, table.num_rows
    done, duty = (np.unique(pair[rows][article[rows] >= 0]) for rows in (slice(size), slice(size, None)))
    judged, least = (np.bincount(own // max(len(people.names), 1), minlength=len(names)) for own in (done, duty))
    least = least if asked.num_rows else np.full(len(names), overlap)
    missing, (few, many) = least - judged, (np.flatnonzero(apart) for apart in (judged < least, judged > least))
    where, of = f"batch {batch}", f"of {len(names)} articles have"
    issues: list[Issue] = []
    if len(few):
        short = f"({missing[few].sum()} judgements are missing): {_some([names[place] for place in few])}"
        message = f"{len(few)} {of} fewer annotators than they should {short}"
        issues.append(Issue("warning", "too-few-annotators", message, where, "wait, or remind the annotators"))
    if len(many):
        message = f"{len(many)} {of} more annotators than they should: {_some([names[place] for place in many])}"
        issues.append(Issue("warning", "too-many-annotators", message, where, "no action needed: all of them count"))
    stray = np.setdiff1d(done, duty) % len(people.names) if asked.num_rows else done[:0]
    for who, number in zip(*(each.tolist() for each in np.unique(stray, return_counts=True)), strict=True):
        message = f"judged {counted(number, 'article')} not assigned to this annotator"
        fix = "check who used this annotator's account"
        issues.append(Issue("warning", "not-assigned", message, where, fix, annotator=people.names[who]))
    return issues


def _some(names: Sequence[str]) -> str:
    """Return the first three names, and "..." if there are more."""
    return ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
