"""The texts of a dataset by column and split: of tables that `datasets` has loaded, and of a folder's files one by one."""

import re
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

_SPLITS = {
    split: re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE)
    for split, words in (
        ("train", "train|training"),
        ("validation", "validation|valid|dev|val"),
        ("test", "test|testing|eval"),
    )
}
"""How names of files and folders name a split; the keywords are those of `datasets`."""


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
    """Return each string column by split, and columns of string lists only if no string column holds texts.

    Records of single words, such as answers to questions, are joined into one word each: they are labels, no texts.
    """
    plain: Columns = defaultdict(dict)
    joined: Columns = defaultdict(dict)
    for split, table in tables.items():
        flat = table.flatten()
        for name, kind in flat.features.items():
            if getattr(kind, "dtype", "") in STRINGS:
                plain[name][split] = [value or "" for value in flat[name]]
            elif isinstance(kind, datasets.List) and _has_strings(kind.feature):
                rows = [[*_strings(value)] for value in flat[name]]
                are_labels = isinstance(kind.feature, dict) and not any(" " in word for row in rows for word in row)
                joined[name][split] = [("_" if are_labels else " ").join(row) for row in rows]
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


def has_configs(folder: Path) -> bool:
    """Return whether the card of a folder names the files of its configs and splits."""
    try:
        return re.search(r"(?m)^configs:", (folder / "README.md").read_text(encoding="utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def read_folder(folder: Path, *, needed: bool) -> list[TextSet]:
    """Read the files of a folder one by one: CoNLL files by sentences, and tables whose columns may differ.

    Unless that is `needed`, returns nothing where `datasets` reads the folder as well: if it has no CoNLL file, and no
    split that only the case of letters hides (`X_Test.csv`).
    """
    sentences: dict[str, list[str]] = defaultdict(list)
    names: dict[bool, dict[str, tuple[str, ...]]] = {True: {}, False: {}}
    tables: dict[str, list[Path]] = defaultdict(list)
    splits, is_hidden = _split_files(folder)
    for split, paths in splits.items():
        for path in paths:
            found = read_sentences(path)
            sentences[split] += found or []
            if found is None and path.suffix in MODULES:
                tables[split].append(path)
            if found is not None or path.suffix in MODULES:
                names[found is not None][split] = (*names[found is not None].get(split, ()), path.name)
    if not (names[True] or is_hidden or needed):
        return []
    conll = TextSet("", {"sentences": {split: sentences[split] for split in names[True]}}, names[True])
    return [*([conll] if names[True] else []), *([TextSet("", _each_file(tables), names[False])] if tables else [])]


def _split_files(folder: Path) -> tuple[dict[str, list[Path]], bool]:
    """Return the files of each split, and whether `datasets` takes them for one split.

    A split is what `datasets` takes from the names of files and folders; if that is one, their case is ignored.
    """
    try:
        found = DataFilesDict.from_patterns(get_data_patterns(str(folder)), base_path=str(folder))
    except FileNotFoundError:  # an empty folder
        return {}, False
    files = {str(split): [Path(name) for name in names] for split, names in found.items()}
    if len(files) != 1:
        return files, False
    hidden: dict[str, list[Path]] = defaultdict(list)
    (only,) = files
    for path in files[only]:
        hidden[_split_of(str(path.relative_to(folder))) or only].append(path)
    return (dict(hidden), True) if len(hidden) > 1 else (files, False)


def _split_of(name: str) -> str | None:
    """Return the split that a path names in any case, or None."""
    return next((split for split, pattern in _SPLITS.items() if pattern.search(name)), None)


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
