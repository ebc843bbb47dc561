"""Plan of an ingest: the inputs of the command line as pieces, each of which one worker reads.

An input is a file, a folder, an address that fsspec reads, or a dataset. Planning reads only the columns of tables, and
reports every fault of the request before the first record is read.
"""

import hashlib
import importlib.util
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pyarrow as pa

from builder.corpus.readers import hub, streams, tabular, text
from builder.corpus.readers.detection import tags, zips
from builder.corpus.readers.detection.kinds import ANNOTATED, READ, kind_of, looked_at, may_be_page
from builder.corpus.readers.rows import BadRecord, File, shown
from builder.executor import storage
from builder.io.remote import redact_credentials
from builder.records import Dropped, Issue, KhabarError
from builder.schema.dataset import Fields
from builder.schema.sources import NO_SOURCES, Sources

EXTRAS = {"html": ("trafilatura", "html"), "warc": ("warcio", "warc")}
"""The package that a format needs, and the extra that installs it."""

HEAVY, MANY = 16_000_000, 2_000
"""Limits of one piece: bytes and files."""


@dataclass(frozen=True, slots=True)
class InputPiece:
    """Files that one worker reads in order; `digest` is the sha256 of their names, states and reading options."""

    name: str
    digest: str
    files: tuple[File, ...]
    fields: Fields
    encoding: str | None
    sources: Sources = NO_SOURCES
    """How the pages of each source are read."""

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files)

    def __str__(self) -> str:
        return f"{self.files[0].origin}{' and others' if len(self.files) > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The pieces in order, and the files that are skipped, each with its reason."""

    pieces: tuple[InputPiece, ...]
    set_aside: tuple[Dropped, ...]


@dataclass(slots=True)
class _Search:
    """The files, skipped files and faults found so far."""

    fields: Fields
    declared: str | None
    files: list[File] = field(default_factory=list)
    set_aside: list[Dropped] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def fault(self, where: str, message: str, fix: str) -> None:
        """Record a fault of the request."""
        self.issues.append(Issue("error", "unreadable", message, where=shown(where), fix=fix))

    def aside(self, origin: str, reason: str) -> None:
        """Record a file that is skipped."""
        self.set_aside.append(Dropped("ingest", shown(origin), reason))

    def add(self, file: File) -> int:
        """Add a file, or the members of an archive, and return how many can be read; others are skipped."""
        if file.kind == "zip":
            return self._unzip(file)
        known = file if file.kind else looked_at(file, self.declared) if may_be_page(_name(file)) else file
        if known.kind in ("", ANNOTATED):
            self.aside(file.origin, tags.REASON if known.kind else f"not {READ}")
            return 0
        self.files.append(looked_at(known, self.declared))
        return 1

    def _unzip(self, file: File) -> int:
        """Add the members of an archive, and return how many can be read."""
        count = 0
        try:
            for member in zips.members(file):
                if isinstance(member, File):
                    count += self.add(member)
                else:
                    self.set_aside.append(member)
        except (OSError, ValueError) as error:
            self.fault(file.named, str(error), "fetch the archive again, or unpack it and pass its folder")
            return 1
        return count


def _name(file: File) -> str:
    """Return the name of a file without its folders."""
    return PurePosixPath(file.member.name if file.member else file.uri).name


def plan(inputs: Sequence[str], fields: Fields, encoding: str | None = None) -> Plan:
    """Divide files, folders and addresses into pieces, in the given order and sorted within a folder.

    Raises KhabarError (exit code 2) with every fault of the request: a missing path, a file of an unsupported format, a
    table without the columns that `fields` names, or a missing package.
    """
    search = _Search(fields, encoding)
    for given in inputs:
        if given.startswith(hub.SCHEME):
            files, issues = hub.files(given, fields)
            search.files += files
            search.issues += issues
        elif "://" in given:
            _remote(given, search)
        else:
            _local(Path(given), search)
    _look(search)
    if search.issues:
        raise KhabarError(*search.issues)
    return Plan(tuple(_pieces(search)), tuple(search.set_aside))


def _local(path: Path, search: _Search) -> None:
    """Add a local file, or all files below a local folder."""
    if path.is_dir():
        _folder(path, search)
    elif not path.exists():
        search.fault(str(path), "there is no such file or folder", "check the path")
    elif path.is_file() and kind_of(path.name)[0] == ANNOTATED:
        search.fault(str(path), tags.ANNOTATIONS.message, tags.IMPORT)
    elif not (path.is_file() and search.add(_file(path, path.name))):
        is_archive = kind_of(path.name)[0] == "zip"
        message = f"the archive holds no {READ} file" if is_archive else f"not a {READ} file or a folder"
        search.fault(str(path), message, "pass one of these; they may be compressed as .gz or .zst")


def _file(path: Path, origin: str) -> File:
    """Return a local file with its size and its time of modification."""
    state = path.stat()
    uri, named = str(path.absolute()), shown(str(path))
    return File(uri, named, shown(origin), *kind_of(path.name), state.st_size, str(state.st_mtime_ns))


def _folder(folder: Path, search: _Search) -> None:
    """Add all files below a folder; a link is followed only to a file in the same folder."""
    root, count = folder.resolve(), 0
    for path in sorted(_walk(folder, search)):
        origin = str(Path(root.name) / path.relative_to(folder))
        target = path.resolve()
        if path.is_symlink() and not (target.is_file() and target.is_relative_to(root)):
            search.aside(origin, "link not followed")
        elif path.is_file():
            count += search.add(_file(path, origin))
        else:
            search.aside(origin, f"not {READ}")
    if not count:
        search.fault(str(folder), f"the folder holds no {READ} file", "name a folder of scraped articles")


def _walk(folder: Path, search: _Search) -> Iterator[Path]:
    """Yield the files below a folder, and links to folders; record each folder that cannot be read."""

    def closed(error: OSError) -> None:
        search.fault(str(error.filename), f"cannot be read: {error.strerror}", "check the folder's permissions")

    for parent, folders, files in os.walk(folder, onerror=closed):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        yield from (Path(parent) / name for name in (*files, *links))


def _remote(given: str, search: _Search) -> None:
    """Add a file, or all files below a folder, at an address that fsspec reads."""
    try:
        entries = storage.find_files(given)
    except FileNotFoundError:
        search.fault(redact_credentials(given), "there is no such file or folder", "check the address")
        return
    except KhabarError as refused:
        search.issues += refused.issues
        return
    top = given.rstrip("/").rsplit("/", 1)[1]
    count = 0
    for each in entries:
        origin = f"{top}/{each.path}" if each.path else top
        if ".." in PurePosixPath(each.path).parts:
            search.aside(origin, "path climbs out of its folder")
        else:
            named = shown(redact_credentials(each.uri))
            count += search.add(File(each.uri, named, shown(origin), *kind_of(each.uri), each.size, each.stamp))
    if not count:
        search.fault(redact_credentials(given), f"it holds no {READ} file", "name a folder of scraped articles")


def _look(search: _Search) -> None:
    """Record each package that is missing, and each table without its columns."""
    kinds = {file.kind: file.named for file in reversed(search.files)}
    if search.fields.html and kinds:
        kinds["html"] = kinds.get("html", search.files[0].named)
    for kind in sorted({*kinds} & {*EXTRAS}):
        package, extra = EXTRAS[kind]
        if importlib.util.find_spec(package) is None:
            where = kinds[kind]
            search.fault(where, f"needs the {extra} extra", f"pip install 'khabar[{extra}]'")
    for file in search.files:
        if file.kind in ("csv", "tsv", "parquet"):
            try:
                refused = tabular.refusal(file, search.fields, search.declared)
            except Exception:  # noqa: BLE001, S112 - a faulty file is reported when it is read
                continue
            if refused:
                search.fault(file.named, *refused)


def _pieces(search: _Search) -> Iterator[InputPiece]:
    """Group the files into pieces, up to HEAVY bytes or MANY files; a split of a dataset is a piece by itself."""
    group: list[File] = []
    for file in (part for whole in search.files for part in _parted(whole, search.declared)):
        if group and (
            len(group) == MANY
            or sum(member.size for member in group) + file.size > HEAVY
            or "hub" in (file.kind, group[0].kind)
        ):
            yield _piece(group, search)
            group = []
        group.append(file)
    if group:
        yield _piece(group, search)


def _parted(file: File, declared: str | None) -> Iterator[File]:
    """Divide a large file into parts that can be read independently: uncompressed lines, or Parquet row groups."""
    if file.size <= 2 * HEAVY or file.packing or file.member or file.kind not in ("jsonl", "parquet"):
        yield file
        return
    begin = before = 0
    try:
        encoding = text.file_encoding(file, declared) if file.kind == "jsonl" else None
        if isinstance(encoding, BadRecord):
            yield file  # reported when it is read
            return
        file = replace(file, encoding=encoding)
        parts = streams.line_ends(file, HEAVY, encoding) if encoding else tabular.row_groups(file, HEAVY)
        for end, lines in parts:
            yield replace(file, size=min(HEAVY, file.size), begin=begin, end=end, before=before)
            begin, before = end, lines
    except (OSError, pa.ArrowException):  # reported when the file is read
        pass
    yield replace(file, size=min(HEAVY, file.size), begin=begin, before=before)


def _piece(files: Sequence[File], search: _Search) -> InputPiece:
    """Return the piece of these files, named after its digest."""
    states = [repr((file.uri, file.origin, file.size, file.stamp, file.begin, file.end)) for file in files]
    digest = hashlib.sha256(
        "\n".join([repr(search.fields), str(search.declared), *states]).encode("utf-8", "surrogateescape")
    )
    return InputPiece(digest.hexdigest()[:16], digest.hexdigest(), tuple(files), search.fields, search.declared)


def with_sources(piece: InputPiece, sources: Sources) -> InputPiece:
    """Return a piece whose pages are read by the rules of their sources; without any rules, it is the same piece."""
    if not sources.sources or not (piece.fields.html or {file.kind for file in piece.files} & {"html", "warc"}):
        return piece
    digest = hashlib.sha256(f"{piece.digest}\n{sources.model_dump_json()}".encode()).hexdigest()
    return replace(piece, name=digest[:16], digest=digest, sources=sources)
