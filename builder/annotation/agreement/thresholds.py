"""Agreement thresholds of dataset.yaml (`floors:`), which a release must reach.

A figure that is undefined or was not measured does not reach its threshold. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.questions import measure_of
from builder.annotation.agreement.stances import ALPHA
from builder.records import Agreement, Issue, KhabarError, user_error
from builder.schema.dataset import Floors
from builder.schema.labels import Labels

LONGEST = 500
"""Most characters of a reason, which is printed on the card."""

_FIX = "review the guidelines with the annotators, or run `khabar build VERSION --accept-low-agreement REASON`"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A figure that has a floor: its layer, label and measure, how messages name it, and the floor."""

    layer: str
    label: str
    measure: str
    name: str
    floor: float | None


def shortfalls(figures: Sequence[Agreement], floors: Floors, labels: Labels) -> tuple[Issue, ...]:
    """Return an issue for each figure over all labels and annotators that is below its threshold or undefined.

    Figures over all batches and of each batch are compared, of questions on the whole article those of each question.
    A figure that is missing is one issue. The stance threshold is ignored if the dataset has no stance layer.
    """
    issues: list[Issue] = []
    whole = [figure for figure in figures if not figure.between and not figure.period]
    for wanted in _wanted(floors, labels):
        if wanted.floor is None:
            continue
        of = (wanted.layer, wanted.label, wanted.measure)
        measured = [f for f in whole if (f.layer, f.label, f.measure) == of]
        low = [figure for figure in measured if figure.value is None or figure.value < wanted.floor]
        issues += [_issue(wanted.name, figure.batch, _said(figure), wanted.floor) for figure in low]
        if not measured:
            issues.append(_issue(wanted.name, "all", "was not measured, so it does not reach", wanted.floor))
    return tuple(issues)


def _wanted(floors: Floors, labels: Labels) -> Iterator[_Wanted]:
    """Yield the figures of a dataset that may have a floor."""
    yield _Wanted("entities", "all", SPAN_F1, SPAN_F1, floors.span_f1)
    if labels.stances:
        yield _Wanted("stance", "all", ALPHA, ALPHA, floors.stance_alpha)
    for question in labels.questions:
        measure = measure_of(question)
        yield _Wanted("questions", question.id, measure, f"{measure}, question {question.id}", floors.question_alpha)


def accepted(low: Sequence[Issue], reason: str | None) -> tuple[Issue, ...]:
    """Return the shortfalls that the release has to report on its card.

    Raises KhabarError with exit code 1 and all shortfalls if there are any and `reason` is None, and with exit code 2
    if `reason` is blank, longer than LONGEST or not one printable line.
    """
    if reason is not None and not (reason.isprintable() and reason.strip() and len(reason) <= LONGEST):
        raise user_error(
            "reason",
            f"--accept-low-agreement takes a reason: one line of at most {LONGEST} characters",
            fix='such as --accept-low-agreement "a pilot with new annotators"',
        )
    if low and reason is None:
        raise KhabarError(*low, exit_code=1)
    return tuple(low)


def _said(figure: Agreement) -> str:
    """Return the first part of an issue's message: the figure, and that it does not reach."""
    if figure.value is None:
        return f"undefined ({figure.why}), so it does not reach"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f} is below"
    return f"{figure.value:.3f} (95 % interval {figure.low:.3f} to {figure.high:.3f}) is below"


def _issue(name: str, batch: str, shortfall: str, floor: float) -> Issue:
    message = f"{name}: {shortfall} the floor of {floor}"
    return Issue("error", "below-floor", message, where=f"batch {batch}", fix=_FIX)
