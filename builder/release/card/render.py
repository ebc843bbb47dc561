"""The dataset card, rendered from a template written by people whose {{facts}} the build fills.

builder.release.card.facts computes the facts.
"""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Literal

import pyarrow as pa
import yaml
from pydantic import Field

from builder.io.yaml import parse_yaml
from builder.records import Issue, KhabarError
from builder.release.card.facts import SchemaFiles
from builder.release.card.licences import licence_fields
from builder.release.card.metadata import CardHead, Creator, Source, Tag
from builder.release.tables.build import Tables, non_empty
from builder.release.tables.features import Feature, features, features_yaml, is_asked, label_names
from builder.release.tables.parquet import table_size
from builder.schema.fields import Part
from builder.schema.labels import Labels

TEMPLATE = "dataset_card.md"

SLOT = re.compile(r"\{\{((?:(?!\{\{).)*?)\}\}|\{\{|\}\}", re.DOTALL)

HEAD = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)

PROSE = re.compile(r"<!-- prose: ([^>]*?) -->\n\n(.*?)\n\n<!-- end -->", re.DOTALL)
"""A prose section and the hint for its content; a built card does not contain the marks."""

CREATORS = re.compile(r"^(annotations_creators|language_creators|tags): \[.*\]$", re.MULTILINE)

REQUIRED = frozenset({
    "adjudication", "agreement", "annotators", "citation", "cleaning", "entity_types", "guidelines", "licence_annotations",
    "licence_text", "load", "losses", "profile", "rows", "sources", "splits", "version", "versions",
})  # fmt: skip
"""Facts that every released card must show."""


class Head(Part):
    """The fields of the YAML head that people write in the template; the others are computed."""

    annotations_creators: Annotated[tuple[Creator | Literal["no-annotation"], ...], Field(min_length=1)]
    language_creators: Annotated[tuple[Creator, ...], Field(min_length=1)]
    source_datasets: Annotated[tuple[Source, ...], Field(min_length=1)] = ("original",)
    tags: tuple[Tag, ...] = ()


def render(template: str, facts: Mapping[str, str]) -> str:
    """Fill the {{slots}} of a template.

    Raises KhabarError (exit code 2) with the line and column of every unknown fact, every fact without a value, every stray
    brace pair and every `{{prose: ...}}` slot that is still unwritten.

    >>> render("version {{version}}", {"version": "1.0.0"})
    'version 1.0.0'
    """
    issues = [
        Issue("error", "card", message, where=_place(template, slot.start()), fix=fix)
        for slot in SLOT.finditer(template)
        for message, fix in _slot_faults(slot, facts)
    ]
    if issues:
        raise KhabarError(*issues)
    return SLOT.sub(lambda slot: facts[slot[1].strip()], template)


def blank_prose(template: str) -> str:
    r"""Replace each prose section of the template by a slot, which a build refuses until the section is written.

    >>> blank_prose("<!-- prose: what it is -->\n\nNews of a town.\n\n<!-- end -->")
    '<!-- prose: what it is -->\n\n{{prose: what it is}}\n\n<!-- end -->'
    """
    emptied = PROSE.sub(r"<!-- prose: \1 -->\n\n{{prose: \1}}\n\n<!-- end -->", template)
    return CREATORS.sub(r"\1: []", emptied)


def _slot_faults(slot: re.Match[str], facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the message and the fix for each fault of a slot."""
    if slot[1] is None:
        return [(f"a stray {slot[0]!r}", "close the slot or remove the braces")]
    name = " ".join(slot[1].split())
    if name.startswith("prose:"):
        hint = name.removeprefix("prose:").strip()
        return [(f"this part is not written yet: {hint}", "write the text in place of the slot, or remove the section")]
    if name not in facts:
        return [(f"unknown fact {name!r}", f"the facts are: {', '.join(sorted(facts))}")]
    if not facts[name].strip():
        return [(f"the fact {name!r} has no value", "remove the slot, or run the command that computes the fact")]
    return []


def _place(template: str, offset: int) -> str:
    """Return the file, line and column of an offset in the template."""
    line = template.count("\n", 0, offset) + 1
    return f"{TEMPLATE}:{line}:{offset - template.rfind(chr(10), 0, offset)}"


def make_card(
    template: str,
    version: str,
    schema: SchemaFiles,
    tables: Tables,
    facts: Mapping[str, str],
    required: Collection[str] = (),
) -> str:
    """Render the card: the computed YAML head, then the template's prose with its facts.

    Raises KhabarError: exit code 2 with all faults of head and slots, each at its line and column, and for every `required`
    fact that the template does not show; exit code 1 if there is nothing to release.
    """
    template = template.replace("\r\n", "\n")
    issues: list[Issue] = []
    head_block = HEAD.match(template)
    head = None
    try:
        # The empty line replaces the opening ---, so that error messages count lines as in the file.
        head = parse_yaml("\n" + (head_block[1] if head_block else ""), Head, TEMPLATE)
    except KhabarError as refused:
        issues += refused.issues
    try:
        text = render(template, facts)
    except KhabarError as refused:
        issues += refused.issues
    slots = {slot[1].strip() for slot in SLOT.finditer(template) if slot[1]}
    if (schema.dataset.text == "standoff" or schema.dataset.redact) and "edition" not in slots:
        what = "a stand-off edition" if schema.dataset.text == "standoff" else "redaction"
        issues.append(Issue("error", "card", f"the card must say what {what} protects and what it does not",
                            where=TEMPLATE, fix="add {{edition}} to the card"))  # fmt: skip
    if schema.labels.questions and "questions" not in slots:
        issues.append(Issue("error", "card", "the card must show the questions of labels.yaml with their answers",
                            where=TEMPLATE, fix="add {{questions}} to the card"))  # fmt: skip
    issues += [
        Issue("error", "card", f"the card does not show the required fact {name!r}", where=TEMPLATE,
              fix=f"add {{{{{name}}}}} where its number or table belongs; do not type the number by hand")
        for name in sorted(set(required) - slots)
    ]  # fmt: skip
    if issues or head is None:
        raise KhabarError(*issues)
    computed = metadata(head, version, schema, non_empty(tables))
    CardHead.model_validate(computed)
    return with_head(computed, PROSE.sub(r"\2", HEAD.sub("", text, count=1)))


def with_head(head: Mapping[str, object], body: str) -> str:
    """Join a YAML head and the body of a card."""
    return f"---\n{yaml.safe_dump(dict(head), allow_unicode=True, sort_keys=False, width=100)}---\n{body}"


def metadata(head: Head, version: str, schema: SchemaFiles, tables: Tables) -> dict[str, object]:
    """Compute the card's YAML head: creators, licence, tasks, and the configs with features and counts."""
    tasks = {"token-classification": "named-entity-recognition"}
    if "stance" in tables:
        tasks["text-classification"] = "multi-class-classification"
    elif "questions" in tables:
        tasks["text-classification"] = min(_question_tasks(schema.labels))
    return {
        "language": ["ar"],
        **licence_fields(schema.dataset),
        "pretty_name": schema.dataset.title,
        "task_categories": list(tasks),
        "task_ids": [*tasks.values(), *sorted(_question_tasks(schema.labels) - {*tasks.values()})],
        "annotations_creators": list(head.annotations_creators),
        "language_creators": list(head.language_creators),
        "multilinguality": ["monolingual"],
        "size_categories": [size_category(sum(table.num_rows for table in tables["articles"].values()))],
        "source_datasets": list(head.source_datasets),
        "tags": list(head.tags),
        **loading(version, features(label_names(schema.labels, asked=is_asked(tables)), schema.dataset.text), tables),
    }


def _question_tasks(labels: Labels) -> set[str]:
    """Return the Hub's names of the tasks that the questions on whole articles are."""
    kinds = {"one": "multi-class-classification", "several": "multi-label-classification"}
    return {kinds[question.answers] for question in labels.questions}


def loading(version: str, columns: Mapping[str, Mapping[str, Feature]], tables: Tables) -> dict[str, object]:
    """Compute the part of the YAML head that `load_dataset` reads."""
    configs = [
        {
            "config_name": config,
            "version": version,
            **({"default": True} if config == next(iter(tables)) else {}),
            "data_files": [{"split": split, "path": f"{config}/{split}-*"} for split in splits],
        }
        for config, splits in tables.items()
    ]
    return {"configs": configs, "dataset_info": [_info(name, tables[name], columns[name]) for name in tables]}


def _info(config: str, splits: Mapping[str, pa.Table], columns: Mapping[str, Feature]) -> dict[str, object]:
    """Compute the `dataset_info` entry of a config."""
    sizes = {split: table_size(table) for split, table in splits.items()}
    return {
        "config_name": config,
        "features": features_yaml(columns),
        "splits": [
            {"name": split, "num_bytes": sizes[split], "num_examples": table.num_rows}
            for split, table in splits.items()
        ],
        "dataset_size": sum(sizes.values()),
    }


def size_category(rows: int) -> str:
    """Return the Hub's size category for a number of rows.

    >>> size_category(999), size_category(1000), size_category(10**12)
    ('n<1K', '1K<n<10K', 'n>1T')
    """
    bounds = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    below = sum(rows >= 10 ** (3 + i) for i in range(len(bounds)))
    if below == 0:
        return "n<1K"
    return "n>1T" if below == len(bounds) else f"{bounds[below - 1]}<n<{bounds[below]}"
