"""The rows and the card inputs of a release, loaded once for all checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builder.records import TOOL, Issue, Release
from builder.release.card.inputs import FILE, CardInputs, parse_card_inputs
from builder.release.editions.hydrate import label_names_of
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import Tables
from builder.release.tables.features import ASKED, LabelNames, arrow_schema, features, features_of, label_names
from builder.release.tables.shards import shards
from builder.release.verification.result import differs

HYDRATED = "standoff"
"""The manifest input of a hydrated release: it names the stand-off edition, and there are no card inputs."""


AS_PUBLISHED = "as-published"
"""The manifest input of an imported set whose splits are those that were published."""


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A release: its folder, its manifest, its card inputs (None in a hydrated release), and its rows.

    `schemas` holds the Arrow schema of each Parquet file by path.
    """

    folder: Path
    release: Release
    basis: CardInputs | None
    names: LabelNames
    tables: Tables
    schemas: Mapping[str, pa.Schema]

    @property
    def is_current(self) -> bool:
        """Return whether this version of khabar made the release, so that wording and columns are the same."""
        return self.release.tool == TOOL

    def articles(self) -> pa.Table:
        """Return the rows of `articles` of all splits, in the order of splits."""
        return pa.concat_tables(self.tables["articles"][split] for split in SPLIT_NAMES)

    def has_text(self) -> bool:
        """Return whether the rows hold the text of their articles."""
        return self.release.edition == "full"


def read_content(folder: Path, release: Release) -> Content:
    """Read the rows and the card inputs of a release.

    Raises KhabarError, ValueError, OSError or pyarrow.ArrowException for what no build can have written.
    """
    found = shards(list(release.files))
    basis = parse_card_inputs((folder / FILE).read_bytes(), FILE) if FILE in release.files else None
    paths = {c: {s: [folder / path for path in own] for s, own in of.items()} for c, of in found.items()}
    schemas = {path: pq.read_schema(folder / path) for of in found.values() for own in of.values() for path in own}
    asked = any(ASKED in schemas[path].names for of in found.get("entities", {}).values() for path in of)
    names = label_names(basis.labels, asked=asked) if basis else label_names_of(paths)
    tables = _tables(folder, release, names, found, schemas)
    return Content(folder, release, basis, names, tables, schemas)


def _tables(
    folder: Path, release: Release, names: LabelNames, found: Mapping[str, Mapping[str, Sequence[str]]],
    schemas: Mapping[str, pa.Schema],
) -> Tables:  # fmt: skip
    """Read the tables as a build made them, with an empty table for a split without a file.

    Releases of another version of khabar may lack columns that came later.
    """
    tables: Tables = {}
    for config, columns in features(names, release.edition).items():
        there = {name for of in found.get(config, {}).values() for path in of for name in schemas[path].names}
        older = release.tool != TOOL and there
        schema = arrow_schema({name: one for name, one in columns.items() if name in there} if older else columns)
        tables[config] = {}
        for split in SPLIT_NAMES:
            paths = found.get(config, {}).get(split, [])
            parts = [pq.ParquetFile(folder / path).read().cast(schema) for path in paths]
            tables[config][split] = pa.concat_tables(parts) if parts else schema.empty_table()
    return tables


def as_published(release: Release) -> frozenset[str]:
    """Return the sources that are imported sets whose splits are those that were published."""
    marked = (key for key, value in release.inputs.items() if value == AS_PUBLISHED)
    return frozenset(key.removeprefix("import/").removesuffix("/splits") for key in marked)


def schema_issues(content: Content) -> list[Issue]:
    """Return an error for each Parquet file whose columns or label names are not those of the release's labels."""
    issues = []
    known = features(content.names, content.release.edition)
    for path, schema in sorted(content.schemas.items()):
        config, _, name = path.partition("/")
        split = name.partition("-")[0]
        if config not in known or split not in SPLIT_NAMES:
            issues.append(differs(path, f"no build makes the config {config!r} or the split {split!r}"))
            continue
        of_file, wanted = features_of(schema), features_of(arrow_schema(known[config]))
        missing = [column for column in wanted if column not in of_file] if content.is_current else []
        wrong = [column for column in of_file if of_file[column] != wanted.get(column)]
        issues += [differs(path, f"the column `{column}` is missing") for column in missing]
        issues += [
            differs(path, f"the column `{column}` is of another type, or has other label names, than {FILE} says")
            for column in wrong
        ]
        if set(schema.metadata or {}) - {b"huggingface"} or any(field.metadata for field in schema):
            issues.append(differs(path, "its metadata hold more than the features of its columns"))
    return issues
