"""Figures of agreement as lines for a terminal: one table, a line for each figure. Pure."""

from collections.abc import Iterable, Sequence

from builder.annotation.agreement.measure import headline
from builder.annotation.agreement.spans import SPAN_F1
from builder.annotation.agreement.stances import ALPHA
from builder.records import Agreement
from builder.text.invisible import visible

HEAD = ("layer", "label", "batch", "between", "week", "measure", "value", "95 % interval", "n", "")


def lines(figures: Sequence[Agreement], *, every: bool = False) -> list[str]:
    """A table of figures, under a line of heads; where not `every`, of those that a lead reads first.

    Those are over all annotators: what a card shows of all labels, in each batch too, then strict F1 and alpha
    of each label. Columns for batches, annotators and weeks are there where a figure needs them. The last line
    says how many are left out.
    """
    chosen = [figure for figure in figures if every or _first(figure)]
    if not chosen:
        return ["nothing was measured"]
    rows = [tuple(_cells(figure)) for figure in chosen]
    table = [HEAD, *rows]
    needed = [column for column in range(len(HEAD)) if any(row[column] for row in rows)]
    widths = {column: max(len(row[column]) for row in table) for column in needed}
    said = ["  ".join(row[column].ljust(widths[column]) for column in needed).rstrip() for row in table]
    left = len(figures) - len(chosen)
    return said + ([f"{left} more figures: -v shows all, --html FILE draws them"] if left else [])


def _first(figure: Agreement) -> bool:
    whole = figure.label == "all" or (figure.batch == "all" and figure.measure in (SPAN_F1, ALPHA))
    return headline(figure) and whole


def _cells(figure: Agreement) -> Iterable[str]:
    reach = "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"
    value = "undefined" if figure.value is None else f"{figure.value:.3f}"
    batch = "" if figure.batch == "all" else visible(figure.batch)
    place = figure.layer, figure.label, batch, figure.between, figure.period
    return *place, figure.measure, value, reach, f"{figure.n} {figure.unit}", figure.why
