"""Storage of shard folders, on this machine or on any backend of fsspec, such as s3://.

A shard exists once its marker does. Local files are replaced by an atomic rename. Object stores have no rename, so an
object gets a new name for each content, and the marker, written last, names the valid one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from builder.io.atomic import atomic_write
from builder.io.hashing import Versions, file_sha256, versions_of
from builder.io.remote import filesystem_of, is_remote, translate_errors
from builder.io.scratch import scratch_folder


def absolute(location: str | Path) -> str:
    """Return a location in a form that is valid for every worker, which is an absolute path or a URI.

    >>> absolute("/data/../shards/"), absolute("s3://bucket/news/"), absolute("file:///data")
    ('/shards', 's3://bucket/news', '/data')
    """
    path = str(location).removeprefix("file://")
    return path.rstrip("/") if "://" in path else str(Path(path).resolve())


def listed(folder: str) -> dict[str, int]:
    """Return the files of a folder with their sizes in bytes; a folder that does not exist has none."""
    if not is_remote(folder):
        root = Path(folder)
        paths = sorted(root.iterdir()) if root.is_dir() else []
        return {path.name: path.stat().st_size for path in paths if path.is_file()}
    files, base = filesystem_of(folder)
    with translate_errors(folder):
        files.invalidate_cache()  # other processes write there too
        if not files.exists(base):
            return {}
        entries: list[dict[str, Any]] = files.ls(base, detail=True)
        return {
            str(entry["name"]).rsplit("/", 1)[1]: int(entry["size"] or 0)
            for entry in entries
            if entry["type"] == "file"
        }


def versions(folder: str) -> Versions | None:
    """Return the version of each file of a folder, or None for a remote one."""
    if is_remote(folder):
        return None
    root = Path(folder)
    return versions_of(sorted(root.iterdir()) if root.is_dir() else [])


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file: its URI, its path below an address, its size in bytes, and a stamp that changes with its content."""

    uri: str
    path: str
    size: int
    stamp: str


def find_files(address: str) -> list[StoredFile]:
    """Return the files at or below an address.

    Raises FileNotFoundError if there is no file.
    """
    files, base = filesystem_of(address)
    with translate_errors(address):
        files.invalidate_cache()
        entries: dict[str, dict[str, Any]] = files.find(base, detail=True)
        if not entries:
            raise FileNotFoundError(address)
        stamps = {
            path: str(entry.get("ETag") or entry.get("etag") or files.ukey(path)) for path, entry in entries.items()
        }
    return [
        StoredFile(
            files.unstrip_protocol(path), path.removeprefix(base).lstrip("/"), int(entry["size"] or 0), stamps[path]
        )
        for path, entry in sorted(entries.items())
    ]


def contents(folder: str, names: Iterable[str]) -> Mapping[str, bytes]:
    """Read files of a folder; names that do not exist are left out."""
    wanted = [*names]
    if not is_remote(folder):
        paths = [Path(folder, name) for name in wanted]
        return {path.name: path.read_bytes() for path in paths if path.is_file()}
    files, base = filesystem_of(folder)
    with translate_errors(folder):
        read: dict[str, bytes] = files.cat([f"{base}/{name}" for name in wanted], on_error="omit") if wanted else {}
    return {str(path).rsplit("/", 1)[1]: content for path, content in read.items()}


def data_name(folder: str, name: str, key: str) -> str:
    """Return the file name of a shard's data; in a remote folder it depends on the key, as nothing can be renamed.

    >>> data_name("/shards", "a-1", "0123456789"), data_name("s3://b/shards", "a-1", "0123456789")
    ('a-1.parquet', 'a-1-01234567.parquet')
    """
    return f"{name}-{key[:8]}.parquet" if is_remote(folder) else f"{name}.parquet"


def put(folder: str, name: str, write: Callable[[BinaryIO], None]) -> tuple[str, int]:
    """Write a file atomically; return its sha256 and its size in bytes."""
    if not is_remote(folder):
        path = Path(folder, name)
        with atomic_write(path) as out:
            write(out)
        return file_sha256(path), path.stat().st_size
    files, base = filesystem_of(folder)
    with scratch_folder("put") as scratch:
        path = Path(scratch, "file")
        with atomic_write(path) as out:
            write(out)
        with translate_errors(folder):
            files.makedirs(base, exist_ok=True)
            files.put_file(str(path), f"{base}/{name}")
        return file_sha256(path), path.stat().st_size


def remove(folder: str, names: Iterable[str]) -> None:
    """Remove files of a folder; names that do not exist are ignored."""
    unwanted = [*names]
    if not is_remote(folder):
        for name in unwanted:
            Path(folder, name).unlink(missing_ok=True)
        return
    files, base = filesystem_of(folder)
    with translate_errors(folder):
        for name in unwanted:
            try:
                files.rm_file(f"{base}/{name}")
            except FileNotFoundError:
                continue


def sweep(folder: str) -> None:
    """Remove temporary files that killed writers left in a local folder; remote writes leave none."""
    if not is_remote(folder):
        remove(folder, [name for name in listed(folder) if name.startswith(".")])
