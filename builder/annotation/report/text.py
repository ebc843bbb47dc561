"""Plain-text table of agreement figures for the terminal. Pure."""

from collections.abc import Iterable, Sequence

from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.measure import headline
from builder.annotation.agreement.questions import ALPHA_MASI
from builder.annotation.agreement.stances import ALPHA
from builder.records import Agreement, counted
from builder.text.invisible import make_visible

HEAD = ("layer", "label", "batch", "between", "week", "measure", "value", "95 % interval", "n", "")


def lines(figures: Sequence[Agreement], *, every: bool = False) -> list[str]:
    """Return a table of figures with a header line, one figure a line: all of them with `every`, else the main ones.

    The main figures are over all annotators: the card's figures for all labels, overall and per batch, and strict
    F1 and alpha of each label. Batch, annotator and week columns appear only if a figure needs them. The last
    line counts the figures left out.
    """
    chosen = [figure for figure in figures if every or _first(figure)]
    if not chosen:
        return ["nothing was measured"]
    rows = [tuple(_cells(figure)) for figure in chosen]
    table = [HEAD, *rows]
    needed = [column for column in range(len(HEAD)) if any(row[column] for row in rows)]
    widths = {column: max(len(row[column]) for row in table) for column in needed}
    shown = ["  ".join(row[column].ljust(widths[column]) for column in needed).rstrip() for row in table]
    left = len(figures) - len(chosen)
    return shown + ([f"{counted(left, 'more figure')}: -v shows all, --html FILE draws them"] if left else [])


def _first(figure: Agreement) -> bool:
    """Return whether a figure is one of the main ones."""
    whole = figure.label == "all" or (figure.batch == "all" and figure.measure in (SPAN_F1, ALPHA, ALPHA_MASI))
    return headline(figure) and whole


def _cells(figure: Agreement) -> Iterable[str]:
    """Return the cells of a figure's row, in the order of HEAD."""
    interval = "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"
    value = "undefined" if figure.value is None else f"{figure.value:.3f}"
    batch = "" if figure.batch == "all" else make_visible(figure.batch)
    subject = figure.layer, figure.label, batch, figure.between, figure.period
    return *subject, figure.measure, value, interval, f"{figure.n} {figure.unit}", figure.why
