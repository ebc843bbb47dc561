"""Columns of `questions` that follow from others and from labels.yaml."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.lists import counts, numbers, owners
from builder.io.parquet import whole
from builder.release.verification.columns import unlike
from builder.release.verification.content import Content
from builder.release.verification.result import Mismatch
from builder.release.verification.spans import differing_lists, rows_of
from builder.schema.labels import Labels


def questions(content: Content, labels: Labels) -> Iterator[Mismatch]:
    """Yield what is wrong in the columns of `questions`."""
    asked = {one.id: one for one in labels.questions}
    for split, table in content.tables.get("questions", {}).items():
        made = pc.binary_join_element_wise(table["article_id"], table["question"], ":")
        yield unlike("questions", split, "id", "`article_id` and `question`", table["id"], made)
        order = numbers(pc.index_in(whole(table["question"]), pa.array([*asked], pa.string())))
        named = [one.ar for one in labels.questions]
        known = np.asarray(pc.is_in(whole(table["question"]), pa.array([*asked], pa.string()))).astype(bool)
        yield Mismatch("questions", split, "question", "a question of labels.yaml", np.flatnonzero(~known))
        yield unlike("questions", split, "question_name", "the name of `question`", table["question_name"],
                     pa.chunked_array([pa.array(named, pa.string()).take(pa.array(order))]))  # fmt: skip
        yield from _values(split, table, labels, order)
        yield from _shares(split, table)


def _values(split: str, table: pa.Table, labels: Labels, order: np.typing.NDArray[np.int64]) -> Iterator[Mismatch]:
    """Yield the rows whose values are not those of their question, in order, or whose answers are none of them."""
    every = sorted({name for one in labels.questions for name in one.value_names})
    names = pa.array(every, pa.string())
    codes = [np.array([every.index(name) for name in one.value_names]) for one in labels.questions]
    sizes = np.array([len(of) for of in codes])[order]
    wanted = np.concatenate([codes[place] for place in order.tolist()]) if len(order) else np.zeros(0, np.int64)
    values, answers = whole(table["values"]), whole(table["answers"])
    said = numbers(pc.fill_null(pc.index_in(values.flatten(), names), -1))
    wrong = differing_lists(values, sizes, (said, wanted))
    yield Mismatch("questions", split, "values", "the values of `question`", np.flatnonzero(wrong))
    given = numbers(pc.fill_null(pc.index_in(answers.flatten(), names), -1))
    own = np.zeros((len(labels.questions), len(every) + 1), bool)
    for place, of in enumerate(codes):
        own[place, of] = True
    strange = rows_of(answers, ~own[order[owners(answers)], given])
    one = np.array([question.answers == "one" for question in labels.questions], bool)[order]
    wrong = strange | (counts(answers) == 0) | (one & (counts(answers) != 1))
    yield Mismatch("questions", split, "answers", "what `question` allows", np.flatnonzero(wrong))


def _shares(split: str, table: pa.Table) -> Iterator[Mismatch]:
    """Yield the rows whose soft labels are not the shares of those who answered, or with more votes than people."""
    lists, soft = whole(table["label_counts"]), whole(table["soft_label"])
    people = numbers(whole(table["n_annotators"]))
    votes, of = numbers(lists.flatten()), people[owners(lists)]
    wrong = rows_of(lists, (votes < 0) | (votes > of)) | (counts(lists) != counts(whole(table["values"])))
    yield Mismatch("questions", split, "label_counts", "votes of at most `n_annotators` people", np.flatnonzero(wrong))
    voted = people > 0
    wanted = (votes / np.maximum(of, 1))[voted[owners(lists)]]
    wrong = differing_lists(soft, np.where(voted, counts(lists), 0), (np.asarray(soft.flatten()), wanted))
    wrong |= np.asarray(pc.is_null(soft)) == voted
    yield Mismatch("questions", split, "soft_label", "the shares of `label_counts`", np.flatnonzero(wrong))
