"""Agreement against the floors of dataset.yaml: what stops a release.

Pure. A figure that is undefined, or was not measured, does not pass a floor: nothing says that it would.
"""

from collections.abc import Sequence

from builder.annotation.agreement.spans import SPAN_F1
from builder.annotation.agreement.stances import ALPHA
from builder.records import Agreement, Issue, KhabarError, user_error
from builder.schema.dataset import Floors
from builder.schema.labels import Labels

LONGEST = 500
"""Characters of a reason, which stands on the card."""

_FIX = "talk over the guidelines with the annotators, or `khabar build VERSION --accept-low-agreement REASON`"


def shortfalls(figures: Sequence[Agreement], floors: Floors, labels: Labels) -> tuple[Issue, ...]:
    """Every figure over all labels and annotators that is below its floor, undefined or missing.

    Of all batches together, and of each. A dataset without a stance layer has no floor for it.
    """
    issues: list[Issue] = []
    wanted = [("entities", SPAN_F1, floors.span_f1)]
    wanted += [("stance", ALPHA, floors.stance_alpha)] if labels.stances else []
    for layer, measure, floor in wanted:
        if floor is None:
            continue
        whole = [f for f in figures if not f.between and not f.period]
        found = [f for f in whole if (f.layer, f.label, f.measure) == (layer, "all", measure)]
        low = [figure for figure in found if figure.value is None or figure.value < floor]
        issues += [_issue(measure, figure.batch, _said(figure), floor) for figure in low]
        if not found:
            issues.append(_issue(measure, "all", "was not measured, so it does not reach", floor))
    return tuple(issues)


def accepted(low: Sequence[Issue], reason: str | None) -> tuple[Issue, ...]:
    """The shortfalls that a release has to own up to.

    Raises Refused: exit code 1 with all of them where no `reason` accepts them, 2 for a reason that says nothing.
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
    if figure.value is None:
        return f"undefined ({figure.why}), so it does not reach"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f} is below"
    return f"{figure.value:.3f} (95 % interval {figure.low:.3f} to {figure.high:.3f}) is below"


def _issue(measure: str, batch: str, said: str, floor: float) -> Issue:
    return Issue("error", "below-floor", f"{measure}: {said} the floor of {floor}", where=f"batch {batch}", fix=_FIX)
