"""Reads `.txt` and `.jsonl` files, and folders of them, into Documents.

The raw text is kept as it is: UTF-8, no newline translation; only a byte order mark at the
start of a file is left out. Keys of a JSON line other than text, title, url, published_at and
source are ignored. Links inside a folder are read only where they lead to a file of that folder.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.records import Document, Issue, Refused, SetAside, sha16

MAX_BYTES = 50_000_000
"""Bytes of one text file, or of one JSON line; more is hostile or broken."""

SUFFIXES = (".txt", ".jsonl")
RECODE = "save it as UTF-8, such as with `iconv -f WINDOWS-1256 -t UTF-8`"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read; `taken` counts files and non-blank JSON lines: documents and set aside together."""

    documents: tuple[Document, ...]
    set_aside: tuple[SetAside, ...]
    taken: int


@dataclass(slots=True)
class _Ledger:
    documents: dict[str, Document] = field(default_factory=dict)
    set_aside: list[SetAside] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    taken: int = 0

    def aside(self, origin: str, reason: str, detail: str = "") -> None:
        self.taken += 1
        self.set_aside.append(SetAside("ingest", origin, reason, detail))

    def fault(self, where: str, message: str, fix: str) -> None:
        self.issues.append(Issue("error", "unreadable", message, where=where, fix=fix))

    def add(self, raw: str, source: str, origin: str, fields: dict[str, str | None]) -> None:
        first = self.documents.get(sha16(raw))
        if not raw.strip():
            self.aside(origin, "empty")
        elif first is not None:
            self.aside(origin, "same text twice", f"first at {first.origin}")
        else:
            self.taken += 1
            self.documents[sha16(raw)] = Document(
                sha16(raw), source, fields.get("url"), fields.get("published_at"), fields.get("title"), raw, origin
            )


def read_documents(paths: Sequence[Path]) -> Reading:
    """Read files and folders, in the given order and sorted within a folder.

    A text file's source is the name of its folder; a JSON line's is its own, or the file's name.
    Raises Refused (exit code 2) with every fault of all files, and then nothing is read.
    """
    ledger = _Ledger()
    for path in paths:
        if path.is_dir():
            _read_folder(path, ledger)
        elif not path.exists():
            ledger.fault(str(path), "there is no such file or folder", "check the path")
        elif path.is_file() and path.suffix.casefold() in SUFFIXES:
            _read_file(path, path.name, ledger)
        else:
            ledger.fault(str(path), "not a .txt file, a .jsonl file or a folder", "name one of these")
    if ledger.issues:
        raise Refused(*ledger.issues)
    return Reading(tuple(ledger.documents.values()), tuple(ledger.set_aside), ledger.taken)


def _files(folder: Path, ledger: _Ledger) -> Iterator[Path]:
    def closed(error: OSError) -> None:
        ledger.fault(str(error.filename), f"cannot be read: {error.strerror}", "check the folder's permissions")

    for here, folders, files in os.walk(folder, onerror=closed):
        links = [name for name in folders if (Path(here) / name).is_symlink()]
        yield from (Path(here) / name for name in (*files, *links))


def _read_folder(folder: Path, ledger: _Ledger) -> None:
    root = folder.resolve()
    readable = 0
    for path in sorted(_files(folder, ledger)):
        origin = str(Path(root.name) / path.relative_to(folder))
        target = path.resolve()
        if path.is_symlink() and not (target.is_file() and target.is_relative_to(root)):
            ledger.aside(origin, "link not followed")
        elif path.suffix.casefold() in SUFFIXES and path.is_file():
            readable += 1
            _read_file(path, origin, ledger)
        else:
            ledger.aside(origin, "not txt or jsonl")
    if not readable:
        ledger.fault(str(folder), "the folder holds no .txt or .jsonl file", "name a folder of scraped articles")


def _read_file(path: Path, origin: str, ledger: _Ledger) -> None:
    read: Callable[[Path, str, _Ledger], None] = _read_text if path.suffix.casefold() == ".txt" else _read_lines
    try:
        read(path, origin, ledger)
    except OSError as error:
        ledger.fault(str(path), f"cannot be read: {error.strerror}", "check the file's permissions")


def _decoded(content: bytes, path: Path, line: int, offset: int, ledger: _Ledger) -> str | None:
    """Text of bytes that begin at a line (1-based) and a byte offset of the file; None is a fault."""
    marked = offset == 0 and content.startswith(BOM)
    try:
        return content.decode("utf-8").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}" if marked else "")
    except UnicodeDecodeError as error:
        *above, current = content[: error.start].split(b"\n")
        where = f"{path}:{line + len(above)}:{len(current.decode()) + 1}"
        ledger.fault(where, f"not UTF-8 at byte {offset + error.start} of the file", RECODE)
        return None


def _read_text(path: Path, origin: str, ledger: _Ledger) -> None:
    size = path.stat().st_size
    if size > MAX_BYTES:
        message = f"{size:,} bytes in one text file; at most {MAX_BYTES:,}"
        ledger.fault(str(path), message, "one file is one article: split the file")
        return
    raw = _decoded(path.read_bytes(), path, 1, 0, ledger)
    if raw is not None:
        ledger.add(raw, path.resolve().parent.name, origin, {})


def _read_lines(path: Path, origin: str, ledger: _Ledger) -> None:
    offset = number = 0
    with path.open("rb") as lines:
        while line := lines.readline(MAX_BYTES + 1):
            number += 1
            if len(line) > MAX_BYTES:
                message = f"a line longer than {MAX_BYTES:,} bytes; the rest of the file was not read"
                ledger.fault(f"{path}:{number}:1", message, "one line is one article: split the line")
                return
            text = _decoded(line, path, number, offset, ledger)
            if text is not None and text.strip():
                _read_record(text.rstrip("\r\n"), path, number, origin, ledger)
            offset += len(line)


def _read_record(line: str, path: Path, number: int, origin: str, ledger: _Ledger) -> None:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        ledger.fault(f"{path}:{number}:{error.colno}", f"not JSON: {error.msg}", "mend the line, or delete it")
        return
    except (ValueError, RecursionError) as error:
        ledger.fault(f"{path}:{number}:1", f"not JSON: {error}", "mend the line, or delete it")
        return
    where = f"{path}:{number}:1"
    if not isinstance(record, dict):
        ledger.fault(where, f"a JSON {type(record).__name__}, not an object", 'write {"text": "..."} on each line')
        return
    fields = {key: record.get(key) for key in ("text", "title", "url", "published_at", "source")}
    message = _fault_of(fields)
    if message:
        ledger.fault(where, message, 'write {"text": "..."} with strings, title, url, published_at and source optional')
        return
    ledger.add(fields["text"] or "", fields["source"] or path.stem, f"{origin}:{number}", fields)


def _fault_of(fields: dict[str, object]) -> str:
    """Why a JSON line's fields are no article, or nothing."""
    if fields["text"] is None:
        return "the line has no text"
    for key, value in fields.items():
        if value is not None and not isinstance(value, str):
            return f"{key} is a JSON {type(value).__name__}, not a string"
        try:
            (value or "").encode()
        except UnicodeEncodeError as error:
            return f"{key} holds half a surrogate pair at character {error.start}"
    return ""
