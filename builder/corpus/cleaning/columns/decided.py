"""The decisions on the lines of a batch that a rule or evidence speaks about; all other lines are plain article text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from builder.corpus.cleaning.columns.lines import Lines, Mask
from builder.corpus.cleaning.decisions import PLAIN, LineDecision
from builder.io.lists import ranges
from builder.text.joined import Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Decisions that are not plain, with the number of the line in the batch; in the order of the lines."""

    lines: Numbers
    verdicts: Sequence[LineDecision]
    parts: Numbers
    """The article of its page that each line belongs to."""
    is_body: Mask


def decided_of(lines: Lines, decisions: Mapping[int, Sequence[LineDecision]]) -> Decided:
    """Return the decisions that are not plain, from those on all lines of some pages."""
    pages = np.fromiter(decisions, np.intp, len(decisions))
    numbers = ranges(lines.cuts[pages].astype(np.int64), np.diff(lines.cuts)[pages].astype(np.int64))
    flat = [*chain.from_iterable(decisions.values())]
    some = [row for row, one in enumerate(flat) if one is not PLAIN]
    verdicts = [flat[row] for row in some]
    return Decided(
        numbers[some],
        verdicts,
        np.fromiter((one.part for one in verdicts), np.intp, len(verdicts)),
        np.fromiter((one.role == "body" for one in verdicts), bool, len(verdicts)),
    )
