"""The files of a published dataset, read once, under short names."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.formats.published import InputFile
from builder.records import user_error

SUFFIXES = {
    "conll": (".txt", ".conll", ".iob", ".iob2", ".bio", ".tsv", ".csv", ".ner"),
    "brat": (".ann", ".txt"),
    "jsonl": (".jsonl", ".json", ".ndjson"),
    "labelstudio": (".json",),
    "table": (".csv", ".tsv", ".tab"),
}
"""The names of files that are read from a folder in each format."""


def read_files(paths: Sequence[Path], kind: str) -> list[InputFile]:
    """Read files and the files of folders, in order, under their names below what was given, or all have in common.

    Raises KhabarError (exit code 2) for a path that does not exist, for a folder with no file of the format, and for
    links in a folder that lead out of it.
    """
    found = [one for path in paths for one in _below(path, kind)]
    if len({name for name, _ in found}) < len(found):
        home = os.path.commonpath([path.resolve().parent for _, path in found])
        found = [(path.resolve().relative_to(home).as_posix(), path) for _, path in found]
    return [InputFile(name, path.read_bytes()) for name, path in found]


def _below(path: Path, kind: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of a path with their names."""
    if path.is_file():
        yield path.name, path
        return
    if not path.is_dir():
        raise user_error("no-file", "there is no such file or folder", where=str(path), fix="check the path")
    inside = [one for one in sorted(path.rglob("*")) if one.is_file() and one.suffix.lower() in SUFFIXES[kind]]
    if not inside:
        message = f"the folder has no file of --as {kind} ({', '.join(SUFFIXES[kind])})"
        raise user_error("no-file", message, where=str(path), fix="name the files themselves, or another --as")
    home = path.resolve()
    if away := [one for one in inside if not one.resolve().is_relative_to(home)]:
        message = f"{len(away)} links lead out of the folder, such as to {away[0].resolve()}"
        raise user_error("link", message, where=str(away[0]), fix="name the files themselves, or remove the links")
    for one in inside:
        yield one.relative_to(path).as_posix(), one


def text_of(file: InputFile) -> str:
    """Return the text of a file. Raises KhabarError (exit code 2) if it is not UTF-8."""
    try:
        return file.content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = file.content[: error.start].count(b"\n") + 1
        fix = "convert the file to UTF-8, such as with iconv"
        message = f"not UTF-8 at byte {error.start}"
        raise user_error("encoding", message, where=f"{file.name}:{line}", fix=fix) from None
