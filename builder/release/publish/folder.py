"""Release folder: the Parquet files, card, changelog and manifest that `load_dataset` reads.

The folder is written under a temporary name beside its final path and then renamed, so that it is never incomplete.
"""

import ctypes
import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import ValidationError

from builder.io.atomic import add_path_to_error
from builder.io.hashing import file_sha256
from builder.io.jsonl import write_json
from builder.io.plain import from_plain, to_plain
from builder.records import MANIFEST, Issue, KhabarError, Release, user_error
from builder.release.diff.version import parse_version
from builder.release.tables.build import Tables, non_empty
from builder.release.tables.parquet import write_shards
from builder.release.tables.spill import WRITERS, TableSpill

AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Constants of the Linux system call renameat2(2)."""


@dataclass(frozen=True, slots=True)
class Written:
    """A written release, and whether its folder is new, has the same bytes as before, or replaced another."""

    release: Release
    state: Literal["new", "same", "replaced"]


def write_release(
    folder: Path, tables: Tables, texts: Mapping[str, str | bytes], release: Release, *, frozen: bool = False,
    spill: TableSpill | None = None, look: Callable[[Path], None] = lambda _: None,
    describe: Callable[[Mapping[str, str]], Mapping[str, bytes]] = lambda _: {},
) -> Written:  # fmt: skip
    """Write a release folder: the tables, the `texts` by path, and the manifest with its `splits` and `files` filled in.

    After rows are written, `spill` frees their memory; Parquet files that it holds already are moved. `look` is called
    with the complete temporary folder, and if it raises, the release folder stays as it was. `describe` gets the sha256
    of every file written so far, and returns further texts. If the folder holds the same bytes already, nothing
    changes. Raises KhabarError (exit code 4) if it holds other bytes and is `frozen`, like a published version.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = folder.parent / f".{folder.name}.old"
    if old.exists() and not folder.exists():  # an earlier run was killed between the two renames of _put
        old.rename(folder)
    for leftover in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(leftover)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        fresh.chmod(0o755)
        made = _fill(fresh, tables, texts, release, spill, describe)
        look(fresh)
        if not folder.exists():
            fresh.rename(folder)
            return Written(made, "new")
        if _hashes(folder) == _hashes(fresh):
            return Written(made, "same")
        if frozen:
            raise user_error(
                "published",
                f"version {release.version} was published, and this build of it differs",
                where=str(folder),
                fix="a published version never changes: build the next one",
                exit_code=4,
            )
        _put(fresh, folder, old)
        return Written(made, "replaced")
    except OSError as error:
        add_path_to_error(error, folder)
        raise
    finally:
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _put(fresh: Path, folder: Path, old: Path) -> None:
    """Replace a folder with another, atomically if the system can exchange two names (renameat2)."""
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if exchange and exchange(AT_FDCWD, os.fsencode(fresh), AT_FDCWD, os.fsencode(folder), RENAME_EXCHANGE) == 0:
        return
    folder.rename(old)
    fresh.rename(folder)


def _fill(
    folder: Path, tables: Tables, texts: Mapping[str, str | bytes], release: Release, spill: TableSpill | None,
    describe: Callable[[Mapping[str, str]], Mapping[str, bytes]],
) -> Release:  # fmt: skip
    tables = non_empty(tables)
    _write(folder, texts)
    for config in tables:
        (folder / config).mkdir()
    # Threads are enough, because Parquet compression releases Python's lock.
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [
            pool.submit(_write_table, table, folder / config, split, spill)
            for config, splits in tables.items()
            for split, table in splits.items()
        ]
    for future in writing:
        future.result()
    hashes = _hashes(folder)
    hashes |= _write(folder, describe(hashes))
    rows = {config: {split: table.num_rows for split, table in splits.items()} for config, splits in tables.items()}
    inputs = dict(sorted(release.inputs.items()))
    made = dataclasses.replace(release, inputs=inputs, splits=rows, files=dict(sorted(hashes.items())))
    write_json(folder / MANIFEST, to_plain(made))
    return made


def _write_table(table: pa.Table, folder: Path, split: str, spill: TableSpill | None) -> None:
    """Write a table's Parquet files, or move those that were written early."""
    for shards in spill.early if spill else ():
        if shards.table is table:
            shards.move(folder)
            return
    write_shards(table, folder, split, rest=spill.rest if spill else lambda: None)


def _write(folder: Path, texts: Mapping[str, str] | Mapping[str, bytes] | Mapping[str, str | bytes]) -> dict[str, str]:
    for path, content in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
    return {path: file_sha256(folder / path) for path in texts}


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}


def read_manifest(folder: Path, place: str = "") -> Release:
    """Read the manifest of a release folder, whose messages name `place` if it was copied from there.

    Raises KhabarError: 1 it names a file outside of the folder, 2 it is missing or invalid.
    """
    path = place or folder / MANIFEST
    try:
        release = from_plain(Release, json.loads((folder / MANIFEST).read_bytes()))
        if parse_version(release.version) is None:
            raise ValueError(release.version)
    except FileNotFoundError:
        raise user_error(
            "no-release", "no release is here", where=str(path), fix="run `khabar build VERSION`"
        ) from None
    except (ValueError, ValidationError):
        raise user_error(
            "manifest", "not a valid manifest", where=str(path), fix="run `khabar build VERSION` again"
        ) from None
    refuse_unsafe(release.files, str(path))
    return release


def refuse_unsafe(paths: Iterable[str], place: str) -> None:
    """Raise KhabarError (exit code 1) with each path that leaves the folder of its release."""
    issues = [
        Issue("error", "unsafe-path", f"{path!r} is not a path inside the release", where=place,
              fix="do not use this release; report it to who published it")
        for path in sorted(paths)
        if not is_safe_path(path)
    ]  # fmt: skip
    if issues:
        raise KhabarError(*issues, exit_code=1)


def is_safe_path(path: str) -> bool:
    r"""Return whether a path that a release lists or names stays inside its folder, on any system.

    >>> [is_safe_path(path) for path in ("a/b.parquet", "../x", "/etc/passwd", "a//b", "a/./b", "C:x", "a\\b")]
    [True, False, False, False, False, False, False]
    """
    parts = path.split("/")
    return path.isprintable() and not any(part in ("", ".", "..") or {*part} & {":", "\\"} for part in parts)
