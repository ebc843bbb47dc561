"""The card on labels that not all articles were asked for, and on questions about whole articles."""

from collections import Counter, defaultdict

import pyarrow as pa
import pyarrow.compute as pc

from builder.release.card.markdown import markdown_table
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import Tables
from builder.release.tables.features import ASKED, is_asked
from builder.schema.labels import Labels

HOW_MANY = {"one": "one answer", "several": "one or several"}

QUESTIONS_NOTE = (
    "An answer is the value that more than half of those who answered gave; where several are allowed, each value is voted "
    "on alone. `label_counts` and `soft_label` follow `values`, which has the values of the row's question in the order of "
    "this table; `soft_label` is the share of the annotators who gave a value, and with several answers the shares need not "
    "add up to 1. `confidence` is that of the least certain answer."
)

MASI = (
    " Agreement on questions with several answers is Krippendorff's alpha with MASI distance (Passonneau 2006): 1 minus the "
    "Jaccard coefficient of two sets of answers times 1 where they are equal, 2/3 where one holds the other, 1/3 where they "
    "share a value, and 0 where they share none."
)

ASKED_NOTE = (
    "\n\nNot every label was asked of every article: one that was added later was not asked in earlier batches. There "
    "its absence says nothing, neither in `spans` nor in `ner_tags`. The column `labels_asked` of `entities` names the "
    "labels that the annotators of an article were asked for.\n\n"
)


def labels_asked(tables: Tables, labels: Labels) -> str:
    """Return the table of the labels that were asked of some articles only, with the batches from which they were."""
    if not is_asked(tables):
        return ""
    batches: dict[str, set[str]] = defaultdict(set)
    for table in tables["annotations"].values():
        for article, batch in zip(table["article_id"].to_pylist(), table["batch"].to_pylist(), strict=True):
            batches[article].add(batch)
    asked = {
        article: set(names)
        for table in tables["entities"].values()
        for article, names in zip(table["id"].to_pylist(), table[ASKED].to_pylist(), strict=True)
    }
    rows = []
    for name in labels.entity_names:
        having = [article for article, names in asked.items() if name in names]
        if len(having) < len(asked):
            of = sorted({batch for article in having for batch in batches[article]})
            rows.append(
                [f"`{name}`", f"{len(having)} of {len(asked)}", ", ".join(f"`{batch}`" for batch in of) or "none"]
            )
    return ASKED_NOTE + markdown_table(["label", "articles asked", "batches"], rows)


def questions_section(tables: Tables, labels: Labels) -> str:
    """Return the table of questions and answers with their counts by split, and how to read the rows."""
    if not labels.questions:
        return "This dataset asks no questions on whole articles."
    counts = {split: _counts(table) for split, table in tables["questions"].items()}
    rows = []
    for question in labels.questions:
        for value in question.values:
            numbers = [counts[split][question.id, value.name] for split in SPLIT_NAMES]
            about = [f"`{question.id}`", question.en, HOW_MANY[question.answers], f"`{value.name}`", value.ar, value.en]
            rows.append([*about, *numbers, sum(numbers)])
    head = ["question", "meaning", "answers", "value", "Arabic", "English", *SPLIT_NAMES, "all"]
    several = any(question.answers == "several" for question in labels.questions)
    return f"{markdown_table(head, rows)}\n\n{QUESTIONS_NOTE}{MASI * several}"


def _counts(table: pa.Table) -> Counter[tuple[str, str]]:
    """Count the answers of each question in the rows of a split."""
    answers = table["answers"].combine_chunks()
    asked = table["question"].combine_chunks().take(pc.list_parent_indices(answers))
    return Counter(zip(asked.to_pylist(), pc.list_flatten(answers).to_pylist(), strict=True))
