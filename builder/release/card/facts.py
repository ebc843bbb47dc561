"""The facts of a card as Markdown, counted from the tables.

An undefined figure is shown as undefined, with the reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from builder.records import Agreement, StageCounts
from builder.release.card.citation import bibtex
from builder.release.card.editions import edition_section
from builder.release.card.licences import shown_licence
from builder.release.card.markdown import markdown_table, without_markup
from builder.release.card.plots import images
from builder.release.card.sections.layers import labels_asked, questions_section
from builder.release.card.sections.split_facts import splits_section
from builder.release.card.wording import ASSIGNMENTS, SETTLED
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import BuiltTables, Tables
from builder.schema.dataset import Adjudication, Dataset
from builder.schema.labels import Labels

NO_DATE = "no date"

CHANGES = 40
"""Kinds of normalisation change that a card lists one by one."""

Counts = Mapping[str, Counter[Any]]


class SchemaFiles(Protocol):
    """The schema files that describe how a dataset was made."""

    @property
    def dataset(self) -> Dataset:
        """Return the content of dataset.yaml."""

    @property
    def labels(self) -> Labels:
        """Return the content of labels.yaml."""


def card_facts(  # noqa: PLR0913
    *,
    version: str,
    tool: str,
    schema: SchemaFiles,
    built: BuiltTables,
    agreement: Sequence[Agreement],
    accounts: Sequence[StageCounts],
    changes: Mapping[str, int],
    note: str = "",
    earlier: Sequence[str] = (),
) -> dict[str, str]:
    """Return the value of every {{fact}} that a card may show.

    `accounts` are those of the earlier stages (clean, check, adjudicate). `changes` counts the changes of
    normalisation by Unicode names. `note` is a remark about the annotators. `earlier` lists the earlier versions.
    """
    tables, dataset = built.tables, schema.dataset
    return {
        "title": dataset.title,
        "repo_id": dataset.repo_id,
        "version": version,
        "tool": tool,
        "rows": _rows(tables),
        "edition": edition_section(dataset.text),
        "entity_types": _entity_types(tables, schema.labels) + labels_asked(tables, schema.labels),
        "stances": _stances(tables, schema.labels),
        "stance_order": _stance_order(schema.labels),
        "questions": questions_section(tables, schema.labels),
        "sources": _sources(tables),
        "months": _months(tables),
        "splits": splits_section(tables, dataset.splits),
        "plots": images(tables, schema.labels, agreement),
        "agreement": _agreement(agreement),
        "adjudication": _adjudication(tables, dataset.adjudication),
        "annotators": _annotators(tables, dataset, note),
        "assignment": ASSIGNMENTS[dataset.assignment].format(overlap=dataset.overlap, shared=dataset.shared),
        "guidelines": _versions(tables),
        "profile": ", ".join(f"`{name}`" for name in _distinct(tables, "articles", "profile")) or "no articles",
        "changes": _changes(changes),
        "cleaning": _accounts([account for account in accounts if account.stage == "clean"]),
        "losses": _losses(built, [account for account in accounts if account.stage != "clean"]),
        "licence_text": shown_licence(dataset.licence.text),
        "licence_annotations": shown_licence(dataset.licence.annotations),
        "load": _load(dataset.repo_id, version, _default(tables)),
        "versions": _versions_of(dataset.repo_id, version, earlier),
        "citation": _citation(dataset.repo_id, dataset.title, version),
    }


def _column(tables: Tables, config: str, split: str, name: str) -> pa.ChunkedArray:
    """Return a column of a split."""
    return tables[config][split][name]


def _counts(tables: Tables, config: str, *names: str) -> Counts:
    """Count the values, or combinations of values, of columns in each split."""
    return {
        split: Counter(zip(*(_column(tables, config, split, name).to_pylist() for name in names), strict=True))
        for split in tables[config]
    }


def _distinct(tables: Tables, config: str, name: str) -> list[str]:
    """Return the sorted distinct values of a column over all splits."""
    return sorted({value for split in SPLIT_NAMES for value in _column(tables, config, split, name).to_pylist()})


def _rows(tables: Tables) -> str:
    counts = {config: [table.num_rows for table in splits.values()] for config, splits in tables.items()}
    table = markdown_table(["config", *SPLIT_NAMES, "all"], [[f"`{c}`", *n, sum(n)] for c, n in counts.items()])
    empty = any(0 in n for n in counts.values())
    return table + ("\n\nA split without rows has no file: `datasets` cannot load an empty one." if empty else "")


def _entity_types(tables: Tables, labels: Labels) -> str:
    counts = {
        split: Counter(pc.struct_field(pc.list_flatten(table["spans"]), "label").to_pylist())
        for split, table in tables["entities"].items()
    }
    rows = []
    for number, entity in enumerate(labels.entities):
        numbers = [counts[split][number] for split in SPLIT_NAMES]
        rows.append([f"`{entity.name}`", entity.ar, entity.en, entity.definition, *numbers, sum(numbers)])
    return markdown_table(["type", "Arabic", "English", "definition", *SPLIT_NAMES, "all"], rows)


def _stances(tables: Tables, labels: Labels) -> str:
    if labels.stances is None:
        return "This dataset has no stance layer."
    counts = _counts(tables, "stance", "target", "stance")
    rows = []
    for target in labels.stances.targets:
        for number, name in enumerate(labels.published_values):
            numbers = [counts[split][target.id, number] for split in SPLIT_NAMES]
            rows.append([f"`{target.id}`", target.ar, target.en, f"`{name}`", *numbers, sum(numbers)])
    return markdown_table(["target", "Arabic", "English", "stance", *SPLIT_NAMES, "all"], rows)


def _stance_order(labels: Labels) -> str:
    if labels.stances is None:
        return "This dataset has no stance layer."
    rows = [
        [number, f"`{value.name}`", value.ar, value.en, "yes" if value.published else "no"]
        for number, value in enumerate(labels.stances.values)
    ]
    return markdown_table(["place", "value", "Arabic", "meaning", "an answer in `stance`"], rows)


def _sources(tables: Tables) -> str:
    counts = _counts(tables, "articles", "source")
    sources = sorted({source for of_split in counts.values() for source in of_split})
    rows = [(without_markup(source[0]), [counts[split][source] for split in SPLIT_NAMES]) for source in sources]
    return markdown_table(["source", *SPLIT_NAMES, "all"], [[source, *row, sum(row)] for source, row in rows])


def _months(tables: Tables) -> str:
    """Count articles by the month of their date, in UTC."""
    counts = {
        split: Counter(
            f"{day:%Y-%m}" if day else NO_DATE for day in _column(tables, "articles", split, "published_at").to_pylist()
        )
        for split in tables["articles"]
    }
    months = sorted({month for of_split in counts.values() for month in of_split})
    rows = [(month, [counts[split][month] for split in SPLIT_NAMES]) for month in months]
    return markdown_table(["month", *SPLIT_NAMES, "all"], [[month, *row, sum(row)] for month, row in rows])


def _agreement(figures: Sequence[Agreement]) -> str:
    if not figures:
        return "Agreement was not measured."
    rows = [
        [
            figure.layer,
            figure.label,
            figure.batch,
            f"undefined: {figure.why}" if figure.value is None else f"{figure.value:.3f}",
            "none" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}",
            f"{figure.n:,} {figure.unit}",
            figure.measure,
        ]
        for figure in figures
    ]
    return markdown_table(["layer", "label", "batch", "value", "95 % interval", "n", "measure"], rows)


def _adjudication(tables: Tables, rules: Adjudication) -> str:
    enough = f"at least {rules.votes} of the annotators" if rules.votes else "more than half of the annotators"
    lines = [
        f"Gold rests on at least {rules.min_annotators} annotators. A span is gold where {enough} of its article gave it; "
        + SETTLED[rules.stance]
        + " What neither settles is in dispute until an adjudicator decides it; nothing is drawn by lot."
    ]
    for config, unit in (
        ("entities", "articles"),
        ("stance", "pairs of article and target"),
        ("questions", "pairs of article and question"),
    ):
        if config in tables:
            chosen = [
                flag for split in SPLIT_NAMES for flag in _column(tables, config, split, "adjudicated").to_pylist()
            ]
            lines.append(f"- `{config}`: {sum(chosen):,} of {len(chosen):,} {unit} were adjudicated (`adjudicated`).")
    return "\n".join([lines[0], "", *lines[1:]])


def _annotators(tables: Tables, dataset: Dataset, note: str) -> str:
    people = _distinct(tables, "annotations", "annotator")
    rows = sum(table.num_rows for table in tables["annotations"].values())
    summary = f"{rows:,} judgements by {len(people):,} annotators, who are known here by keyed pseudonyms only."
    rows = [
        [what, answer, number] for what, answers in dataset.annotators.items() for answer, number in answers.items()
    ]
    declared = (
        markdown_table(["declared", "answer", "annotators"], rows) if rows else "They declared nothing of themselves."
    )
    return f"{summary} {note}".strip() + f"\n\n{declared}"


def _versions(tables: Tables) -> str:
    counts = sum(_counts(tables, "annotations", "guideline", "schema").values(), Counter[Any]())
    rows = [[f"`{guideline}`", f"`{schema}`", n] for (guideline, schema), n in sorted(counts.items())]
    return markdown_table(["guidelines", "label schema", "judgements"], rows)


def _accounts(accounts: Sequence[StageCounts]) -> str:
    rows = []
    for account in accounts:
        reasons = "; ".join(f"{reason}: {n:,}" for reason, n in sorted(account.set_aside.items())) or "nothing"
        rows.append([account.unit, account.taken, account.kept, reasons])
    return markdown_table(["what", "came in", "kept", "set aside"], rows) if rows else "No account was kept."


def _changes(changes: Mapping[str, int]) -> str:
    """List the most frequent changes by name and all others in one row, so that the table adds up."""
    if not changes:
        return "Nothing had to be changed."
    ranked = sorted(changes.items(), key=lambda pair: (-pair[1], pair[0]))
    rows: list[Sequence[object]] = [[*name.split(": ", 1), times] for name, times in ranked[:CHANGES]]
    rest = ranked[CHANGES:]
    if rest:
        rows.append([f"{len(rest):,} other kinds", "", sum(times for _, times in rest)])
    return markdown_table(["characters", "became", "times"], rows)


def _losses(built: BuiltTables, earlier: Sequence[StageCounts]) -> str:
    kept = {account.unit: account.kept for account in built.accounts}
    layers = (("ner_tags", built.cut_spans), ("ner_tags_inner", built.cut_inner))
    sentences = [
        f"Of the {kept[f'spans in {name}']:,} spans in `{name}`, {cut:,} begin or end inside a token, which is tagged whole."
        for name, cut in layers
    ]
    return f"{_accounts([*earlier, *built.accounts])}\n\n{' '.join(sentences)}"


def _default(tables: Tables) -> str:
    """Return the default config: the first that has rows."""
    return next((config for config, splits in tables.items() if any(t.num_rows for t in splits.values())), "entities")


def _load(repo_id: str, version: str, config: str) -> str:
    return f"""```python
from datasets import load_dataset

dataset = load_dataset("{repo_id}", "{config}", split="train", revision="v{version}")
assert str(dataset.info.version) == "{version}", "an offline cache gave another version"
```"""


def _versions_of(repo_id: str, version: str, earlier: Sequence[str]) -> str:
    before = (
        f"Before it came {', '.join(earlier)}; CHANGELOG.md says what changed." if earlier else "It is the first one."
    )
    return (
        f"This card is of version {version}. {before} Each version is a git tag, set only after what was published was read "
        f"back and compared, while `main` shows a commit before that: name a version. `huggingface_hub.list_repo_refs('{repo_id}', repo_type='dataset').tags` lists them. "
        "A tag can be moved: who needs certainty names the commit as `revision`."
    )


def _citation(repo_id: str, title: str, version: str) -> str:
    return f"```bibtex\n{bibtex(repo_id, title, version)}\n```"
