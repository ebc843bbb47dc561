"""Push of a release to a storage without a Hub: a local folder or any URL that fsspec can write to, such as s3://.

Each version has its own folder below the target. A file is uploaded under a temporary name, read back, and then
renamed. The manifest comes last, so that a release with a manifest is complete. A file with other bytes is never
overwritten.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fsspec.registry import known_implementations, registry

from builder.io.hashing import sha256_of
from builder.io.remote import filesystem_of, is_remote, redact_credentials, translate_errors
from builder.records import MANIFEST, Notify, Release, user_error
from builder.release.publish.folder import read_manifest, refuse_unsafe
from builder.release.publish.plan import ReleaseFile, stage
from builder.release.tables.shards import shards

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


@dataclass(frozen=True, slots=True)
class Copied:
    """The address of a release and the files that were copied there; `already` is true if it was complete before."""

    place: str
    copied: tuple[str, ...]
    already: bool


def copy(folder: Path, release: Release, target: str, *, progress: Notify, dry_run: bool = False) -> Copied:
    """Copy a release to TARGET/v<version>, its manifest last, and read it back.

    Raises KhabarError: 1 the folder is not as it was built, or what was read back differs, 2 no fsspec backend for the
    target, 3 an error of the target, 4 other bytes are there already.
    """
    staged = sorted(stage(folder, release), key=lambda file: (file.path == MANIFEST, file.path))
    files, base = _open(target)
    name = f"v{release.version}"
    final, scratch = f"{base}/{name}", f"{base}/.{name}.partial"
    address = f"{redact_credentials(target).rstrip('/')}/{name}"
    with translate_errors(target, "target"):
        present = _refuse_others(files, final, staged, address)
        missing = [file for file in staged if file.path not in present]
        for file in missing if dry_run else ():
            progress(f"would copy {file.path} ({file.size:,} bytes)")
        if dry_run:
            return Copied(address, tuple(file.path for file in missing), already=not missing)
        for file in missing:
            progress(f"copying {file.path} ({file.size:,} bytes)")
            _put(files, folder / file.path, f"{scratch}/{file.path}", f"{final}/{file.path}", file)
        if missing and files.exists(scratch):
            files.rm(scratch, recursive=True)
        progress(f"reading {address} back")
        _refuse_others(files, final, staged, address, whole=True)
    return Copied(address, tuple(file.path for file in missing), already=not missing)


@contextmanager
def fetched(url: str, scratch: Path) -> Iterator[Path]:
    """Download the files of a release at a URL to the folder `scratch`, for the duration of the block.

    These are the files that its manifest lists, and any other file that load_dataset would load. Raises KhabarError: 1 a
    path leaves the folder, 2 no release is there, 3 an error of the target.
    """
    files, base = _open(url)
    with translate_errors(url, "target"):
        if not files.exists(f"{base}/{MANIFEST}"):
            raise user_error(
                "no-release",
                f"{redact_credentials(url)} has no {MANIFEST}: it is not a complete release",
                fix="give the folder of a version, such as s3://bucket/dataset/v1.0.0",
            )
        files.get_file(f"{base}/{MANIFEST}", str(scratch / MANIFEST))
        listed = sorted(read_manifest(scratch, redact_credentials(url)).files)
        present = _present(files, base)
        wanted = present & ({*listed} | _loaded(present, listed))
        refuse_unsafe(wanted, redact_credentials(url))
        for path in sorted(wanted - {MANIFEST}):
            (scratch / path).parent.mkdir(parents=True, exist_ok=True)
            files.get_file(f"{base}/{path}", str(scratch / path))
    yield scratch


def _open(target: str) -> "tuple[AbstractFileSystem, str]":
    """Return the file system of a target, and its path there. Raises KhabarError for an unknown protocol."""
    protocol = target.split("://", 1)[0] if is_remote(target) else "file"
    if protocol not in {*known_implementations, *registry}:
        message = f"fsspec does not support {protocol}://"
        raise user_error("target", message, fix="give a folder, or a URL such as s3://bucket/dataset")
    return filesystem_of(target, "target")


def _refuse_others(
    files: "AbstractFileSystem", final: str, staged: Sequence[ReleaseFile], address: str, *, whole: bool = False
) -> set[str]:
    """Return the files of the release that are stored already.

    Raises KhabarError if one has other bytes, if there is another file that load_dataset would load, or, with `whole`, if
    one is missing.
    """
    present = _present(files, final)
    release_files = {file.path: file for file in staged}
    differing = [
        path
        for path in sorted(present & release_files.keys())
        if _sha256(files, f"{final}/{path}") != release_files[path].sha256
    ]
    foreign = sorted(_loaded(present, sorted(release_files)) - release_files.keys())
    missing = sorted(release_files.keys() - present) if whole else []
    if not (differing or foreign or missing):
        return present & release_files.keys()
    faults = [f"{path} has other bytes" for path in differing]
    faults += [f"{path} is not part of the release, but readers would load it" for path in foreign]
    faults += [f"{path} is not there" for path in missing]
    more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
    raise user_error(
        "target-differs",
        f"{address} is not this release: {', '.join(faults[:3])}{more}",
        where=address,
        fix="run the same command again"
        if whole
        else "a published version never changes: build and push the next version, or empty that folder yourself",
        exit_code=1 if whole else 4,
    )


def _present(files: "AbstractFileSystem", base: str) -> set[str]:
    if not files.exists(base):
        return set()
    root = str(files._strip_protocol(base)).rstrip("/") + "/"  # noqa: SLF001 - the paths from find() begin with it
    return {str(path).removeprefix(root) for path in files.find(base)}


def _loaded(present: set[str], release_files: Sequence[str]) -> set[str]:
    """Return the files that load_dataset would load as data of the release."""
    folders = tuple(f"{config}/" for config in shards(release_files))
    return {path for path in present if path.startswith(folders)} if folders else set()


def _put(files: "AbstractFileSystem", source: Path, scratch: str, final: str, file: ReleaseFile) -> None:
    for path in (scratch, final):
        files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    files.put_file(str(source), scratch)
    if _sha256(files, scratch) != file.sha256:
        raise user_error(
            "target-differs", f"{file.path} arrived with other bytes", fix="run the same command again", exit_code=3
        )
    files.mv(scratch, final)


def _sha256(files: "AbstractFileSystem", path: str) -> str:
    with files.open(path, "rb") as content:
        return sha256_of(content)
