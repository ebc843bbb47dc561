"""Folders of shards: on this machine, or anywhere that fsspec writes to, such as s3://.

A shard is there when its marker says so. On this machine a file is replaced by a rename; elsewhere, where there is
none, an object gets a name of its own for each content, and the marker, written last, says which one counts.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

from builder.project import replacing
from builder.records import Refused, refuse

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

CHUNK = 1 << 20


def absolute(place: str | Path) -> str:
    """A place as every worker understands it: a path from the root, or a URI.

    >>> absolute("/data/../shards/"), absolute("s3://bucket/news/"), absolute("file:///data")
    ('/shards', 's3://bucket/news', '/data')
    """
    plain = str(place).removeprefix("file://")
    return plain.rstrip("/") if "://" in plain else str(Path(plain).resolve())


def remote(place: str) -> bool:
    """Whether a place is not a folder of this machine."""
    return "://" in place


@contextmanager
def opened(uri: str) -> Iterator[BinaryIO]:
    """Read a file of anywhere."""
    if not remote(uri):
        with Path(uri).open("rb") as file:
            yield file
        return
    files, path = _reached(uri)
    with files.open(path, "rb") as file:
        yield file


def listed(folder: str) -> dict[str, int]:
    """The files of a folder, and their sizes in bytes; an absent folder has none."""
    if not remote(folder):
        place = Path(folder)
        found = sorted(place.iterdir()) if place.is_dir() else []
        return {path.name: path.stat().st_size for path in found if path.is_file()}
    files, base = _reached(folder)
    with _spoken(folder):
        files.invalidate_cache()  # others write there too
        if not files.exists(base):
            return {}
        entries: list[dict[str, Any]] = files.ls(base, detail=True)
        return {str(one["name"]).rsplit("/", 1)[1]: int(one["size"] or 0) for one in entries if one["type"] == "file"}


def below(place: str) -> list[tuple[str, str, int, str]]:
    """The files at or below an address: the address of each, its path from there, its size, and what changes when it does.

    Raises FileNotFoundError where nothing is there.
    """
    files, base = _reached(place)
    with _spoken(place):
        files.invalidate_cache()
        found: dict[str, dict[str, Any]] = files.find(base, detail=True)
        if not found:
            raise FileNotFoundError(place)
        stamps = {path: str(one.get("ETag") or one.get("etag") or files.ukey(path)) for path, one in found.items()}
    return [
        (files.unstrip_protocol(path), path.removeprefix(base).lstrip("/"), int(one["size"] or 0), stamps[path])
        for path, one in sorted(found.items())
    ]


def contents(folder: str, names: Iterable[str]) -> Mapping[str, bytes]:
    """What some files of a folder hold; those that went away meanwhile are left out."""
    wanted = [*names]
    if not remote(folder):
        paths = [Path(folder, name) for name in wanted]
        return {path.name: path.read_bytes() for path in paths if path.is_file()}
    files, base = _reached(folder)
    with _spoken(folder):
        found: dict[str, bytes] = files.cat([f"{base}/{name}" for name in wanted], on_error="omit") if wanted else {}
    return {str(path).rsplit("/", 1)[1]: content for path, content in found.items()}


def data_name(folder: str, name: str, key: str) -> str:
    """The file of a shard; where nothing can be renamed, each content has a name of its own.

    >>> data_name("/shards", "a-1", "0123456789"), data_name("s3://b/shards", "a-1", "0123456789")
    ('a-1.parquet', 'a-1-01234567.parquet')
    """
    return f"{name}-{key[:8]}.parquet" if remote(folder) else f"{name}.parquet"


def put(folder: str, name: str, write: Callable[[BinaryIO], None]) -> tuple[str, int]:
    """Write a file whole or not at all; gives back its sha256 and its size in bytes."""
    if not remote(folder):
        path = Path(folder, name)
        with replacing(path) as out:
            write(out)
        return hashed(path)
    files, base = _reached(folder)
    with tempfile.TemporaryDirectory(prefix="khabar.") as scratch:
        path = Path(scratch, "file")
        with replacing(path) as out:
            write(out)
        with _spoken(folder):
            files.makedirs(base, exist_ok=True)
            files.put_file(str(path), f"{base}/{name}")
        return hashed(path)


def hashed(path: Path) -> tuple[str, int]:
    """The sha256 of a file, and its size in bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


def remove(folder: str, names: Iterable[str]) -> None:
    """Remove files of a folder; those that are not there are no fault."""
    doomed = [*names]
    if not remote(folder):
        for name in doomed:
            Path(folder, name).unlink(missing_ok=True)
        return
    files, base = _reached(folder)
    with _spoken(folder):
        for name in doomed:
            try:
                files.rm_file(f"{base}/{name}")
            except FileNotFoundError:
                continue


def sweep(folder: str) -> None:
    """Remove what writes of this machine left that were killed; elsewhere they leave nothing."""
    if not remote(folder):
        remove(folder, [name for name in listed(folder) if name.startswith(".")])


def _reached(place: str) -> "tuple[AbstractFileSystem, str]":
    import fsspec

    with _spoken(place):
        files, base = fsspec.core.url_to_fs(place)
        return files, str(base).rstrip("/")


@contextmanager
def _spoken(place: str) -> Iterator[None]:
    """Turn what a backend raises into Refused; a file that is not there is for the caller."""
    protocol = place.split("://", 1)[0]
    try:
        yield
    except (Refused, FileNotFoundError, MemoryError):
        raise
    except ImportError as error:
        raise refuse("no-backend", f"{protocol}:// needs a package that is not installed: {error}",
                     fix=f"install what fsspec needs for {protocol}://") from None  # fmt: skip
    except Exception as error:  # noqa: BLE001 - each backend has exceptions of its own
        said = (str(error).strip() or type(error).__name__).split("\n")[0].replace(place, shown(place))
        raise refuse("store", f"{shown(place)} cannot be used: {said}", exit_code=3,
                     fix="is the address right, and are you let in? then run the same command again") from None  # fmt: skip


def shown(place: str) -> str:
    """An address without the user and password that it may hold.

    >>> shown("sftp://me:secret@host/data"), shown("/data")
    ('sftp://host/data', '/data')
    """
    parts = urlsplit(place)
    if "@" not in parts.netloc:
        return place
    return urlunsplit(parts._replace(netloc=parts.netloc.rsplit("@", 1)[1]))
