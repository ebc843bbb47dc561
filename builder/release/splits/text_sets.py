"""The texts of a dataset by column and split: of tables that `datasets` has loaded, and of a folder's files one by one."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from datasets.data_files import DataFilesDict, get_data_patterns

from builder.release.splits.audit import skip_reason
from builder.release.splits.conll_files import read_sentences

Columns = dict[str, dict[str, list[str]]]
"""The values of each column by split; a split that lacks the column is missing."""

STRINGS = {"string", "large_string"}

MODULES = {".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet", ".txt": "text"}
"""The reader of `datasets` for each kind of file."""


@dataclass(frozen=True, slots=True)
class TextSet:
    """Columns of one config, and the names of the files of each of its splits."""

    title: str
    columns: Columns
    files: Mapping[str, tuple[str, ...]]


def load_config(path: str, config: str, revision: str | None) -> TextSet:
    """Load one config of a dataset with `datasets`."""
    builder = datasets.load_dataset_builder(path, config, revision=revision)
    files = {str(split): tuple(Path(name).name for name in names) for split, names in _data_files(builder).items()}
    loaded = datasets.load_dataset(path, config, revision=revision)
    title = "" if config == "default" else f"{config}."
    return TextSet(title, text_columns(loaded), {split: files.get(split, ()) for split in loaded})


def _data_files(builder: datasets.DatasetBuilder) -> Mapping[Any, list[str]]:
    found: Mapping[Any, list[str]] = builder.config.data_files or {}
    return found


def text_columns(tables: Mapping[str, datasets.Dataset]) -> Columns:
    """Return each string column by split, and columns of string lists only if no string column holds texts."""
    plain: Columns = defaultdict(dict)
    joined: Columns = defaultdict(dict)
    for split, table in tables.items():
        flat = table.flatten()
        for name, kind in flat.features.items():
            if getattr(kind, "dtype", "") in STRINGS:
                plain[name][split] = [value or "" for value in flat[name]]
            elif isinstance(kind, datasets.List) and _has_strings(kind.feature):
                joined[name][split] = [" ".join(_strings(value)) for value in flat[name]]
    has_texts = any(skip_reason(values) is None for values in plain.values())
    return dict(plain) if has_texts else {**plain, **joined}


def _has_strings(kind: Any) -> bool:
    if isinstance(kind, dict):
        return any(map(_has_strings, kind.values()))
    return getattr(kind, "dtype", "") in STRINGS


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings of a list, or of the records in a list."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for part in value.values() for text in _strings(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in _strings(part))


def read_folder(folder: Path, *, only_conll: bool) -> list[TextSet]:
    """Read the files of a folder one by one: CoNLL files by sentences, and tables whose columns may differ.

    With `only_conll`, returns nothing if there is no CoNLL file. A split is what `datasets` takes from the names of
    files and folders.
    """
    sentences: dict[str, list[str]] = defaultdict(list)
    names: dict[bool, dict[str, tuple[str, ...]]] = {True: {}, False: {}}
    tables: dict[str, list[Path]] = defaultdict(list)
    for split, paths in _split_files(folder).items():
        for path in paths:
            found = read_sentences(path)
            sentences[split] += found or []
            if found is None and path.suffix in MODULES:
                tables[split].append(path)
            if found is not None or path.suffix in MODULES:
                names[found is not None][split] = (*names[found is not None].get(split, ()), path.name)
    if not names[True] and only_conll:
        return []
    sets = (
        [TextSet("", {"sentences": {split: sentences[split] for split in names[True]}}, names[True])]
        if names[True]
        else []
    )
    return [*sets, TextSet("", _each_file(tables), names[False])] if tables else sets


def _split_files(folder: Path) -> dict[str, list[Path]]:
    try:
        found = DataFilesDict.from_patterns(get_data_patterns(str(folder)), base_path=str(folder))
    except FileNotFoundError:  # an empty folder
        return {}
    return {str(split): [Path(name) for name in names] for split, names in found.items()}


def _each_file(tables: Mapping[str, list[Path]]) -> Columns:
    """Return the columns of tables that are read one by one; a column is that of all files of a split that have it."""
    columns: Columns = defaultdict(lambda: defaultdict(list))
    for split, paths in tables.items():
        for path in paths:
            more = {"sep": "\t"} if path.suffix == ".tsv" else {}
            table = datasets.load_dataset(MODULES[path.suffix], data_files=str(path), split="train", **more)
            for name, values in text_columns({split: table}).items():
                columns[name][split] += values[split]
    return {name: dict(values) for name, values in columns.items()}
