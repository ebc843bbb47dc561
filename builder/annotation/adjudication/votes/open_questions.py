"""Open questions as columns: what each is about, and what each annotator answered. They become the table of disputes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Ints
from builder.io.lists import cuts, ranges
from builder.records import Dispute
from builder.records.arrow import arrow_schema


@dataclass(frozen=True, slots=True, eq=False)
class OpenQuestions:
    """Questions that votes did not settle, by article; `sizes` counts the annotators who were asked each.

    `judge` has the judgements of those annotators, and `answer` what each answered.
    """

    article: Ints
    what: pa.Array
    sizes: Ints
    judge: Ints
    answer: pa.Array

    def taken(self, order: Ints) -> "OpenQuestions":
        """Return the questions in another order."""
        begins = np.cumsum(self.sizes) - self.sizes
        entries = ranges(begins[order], self.sizes[order])
        rows, chosen = pa.array(order), pa.array(entries)
        return OpenQuestions(
            self.article[order], self.what.take(rows), self.sizes[order], self.judge[entries], self.answer.take(chosen)
        )


def together(parts: Sequence[OpenQuestions]) -> OpenQuestions:
    """Return the questions of several kinds, one kind after the other."""
    article, sizes, judge = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("article", "sizes", "judge")
    )
    what, answer = (pa.concat_arrays([getattr(part, name) for part in parts]) for name in ("what", "answer"))
    return OpenQuestions(article, what, sizes, judge, answer)


def dispute_table(questions: OpenQuestions, ids: pa.Array, whose: pa.Array) -> pa.Table:
    """Return open questions as disputes; `ids` names the articles, and `whose` the annotator of each judgement."""
    offsets = pa.array(cuts(questions.sizes), pa.int32())
    answers = pa.MapArray.from_arrays(offsets, whose.take(pa.array(questions.judge)), questions.answer)
    columns = [ids.take(pa.array(questions.article)), questions.what, answers]
    return pa.Table.from_arrays(columns, schema=arrow_schema(Dispute))
