"""What the card says of labels that not all articles were annotated with."""

from collections import defaultdict

from builder.release.card.markdown import markdown_table
from builder.release.tables.build import Tables
from builder.release.tables.features import ASKED, is_asked
from builder.schema.labels import Labels

NOTE = (
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
    return NOTE + markdown_table(["label", "articles asked", "batches"], rows)
