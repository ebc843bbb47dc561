"""Reads `.txt`, `.jsonl` and `.html` files, and folders of them, into Documents.

The raw text is kept as it is, with no newline translation; only a byte order mark at the
start of a file is left out. Of an HTML page it is the text that was extracted. Keys of a JSON line other than text, title, url, published_at and
source are ignored. Links inside a folder are read only where they lead to a file of that folder.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.corpus import html
from builder.corpus.encodings import Decoded, decode, mojibake, visual_order
from builder.records import Document, Issue, Refused, SetAside, sha16

MAX_BYTES = 50_000_000
"""Bytes of one text file, or of one JSON line; more is hostile or broken."""

SUFFIXES = (".txt", ".jsonl", ".html", ".htm")
RECODE = "save it as UTF-8, such as with `iconv -f WINDOWS-1256 -t UTF-8`"
BOM = b"\xef\xbb\xbf"
MOST_REVERSED = 0.05
"""Share of a text's Arabic letters in visual order; with more, the text is set aside."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read; `taken` counts files and non-blank JSON lines: documents and set aside together.

    `issues` are warnings: an encoding that was detected, a text that was spoiled before it came here.
    """

    documents: tuple[Document, ...]
    set_aside: tuple[SetAside, ...]
    taken: int
    issues: tuple[Issue, ...] = ()


@dataclass(slots=True)
class _Ledger:
    declared: str | None
    documents: dict[str, Document] = field(default_factory=dict)
    set_aside: list[SetAside] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)
    taken: int = 0

    def aside(self, origin: str, reason: str, detail: str = "") -> None:
        self.taken += 1
        self.set_aside.append(SetAside("ingest", origin, reason, detail))

    def fault(self, where: str, message: str, fix: str) -> None:
        self.issues.append(Issue("error", "unreadable", message, where=where, fix=fix))

    def warn(self, code: str, where: str, message: str, fix: str) -> None:
        self.warnings.append(Issue("warning", code, message, where=where, fix=fix))

    def add(self, document: Document, where: str) -> None:
        first = self.documents.get(document.id)
        backward = visual_order(document.raw)
        if not document.raw.strip():
            self.aside(document.origin, "empty")
        elif first is not None:
            self.aside(document.origin, "same text twice", f"first at {first.origin}")
        elif backward and backward.share > MOST_REVERSED:
            self.aside(document.origin, "visual order", backward.message)
        else:
            self.taken += 1
            self.documents[document.id] = document
            garbled = mojibake(document.raw)
            if garbled:
                self.warn("mojibake", where, garbled.message, garbled.fix)
            if backward:
                self.warn("visual-order", where, backward.message, "look at these words; the rest came in")


def read_documents(paths: Sequence[Path], encoding: str | None = None) -> Reading:
    """Read files and folders, in the given order and sorted within a folder.

    A text file's or a page's source is the name of its folder; a JSON line's is its own, or the file's name.
    `encoding` is what all files are said to be in (encodings.NAMES); without it each is looked at.
    Raises Refused (exit code 2) with every fault of all files, and then nothing is read.
    """
    ledger = _Ledger(encoding)
    for path in paths:
        if path.is_dir():
            _read_folder(path, ledger)
        elif not path.exists():
            ledger.fault(str(path), "there is no such file or folder", "check the path")
        elif path.is_file() and path.suffix.casefold() in SUFFIXES:
            _read_file(path, path.name, ledger)
        else:
            ledger.fault(str(path), "not a .txt, .jsonl or .html file or a folder", "name one of these")
    if ledger.issues:
        raise Refused(*ledger.issues)
    return Reading(tuple(ledger.documents.values()), tuple(ledger.set_aside), ledger.taken, tuple(ledger.warnings))


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
            ledger.aside(origin, "not txt, jsonl or html")
    if not readable:
        ledger.fault(str(folder), "the folder holds no .txt, .jsonl or .html file", "name a folder of scraped articles")


def _read_file(path: Path, origin: str, ledger: _Ledger) -> None:
    readers: dict[str, Callable[[Path, str, _Ledger], None]] = {".txt": _read_text, ".jsonl": _read_lines}
    try:
        readers.get(path.suffix.casefold(), _read_page)(path, origin, ledger)
    except OSError as error:
        ledger.fault(str(path), f"cannot be read: {error.strerror}", "check the file's permissions")


def _read_text(path: Path, origin: str, ledger: _Ledger) -> None:
    content = _content(path, "text file", "one file is one article: split the file", ledger)
    decoded = None if content is None else _decoded(content, path, ledger.declared, ledger)
    if decoded:
        source = path.resolve().parent.name
        ledger.add(_document(decoded.text, source, origin, {}, decoded.said), str(path))


def _read_page(path: Path, origin: str, ledger: _Ledger) -> None:
    content = _content(path, "HTML file", "save the page without what is embedded in it", ledger)
    if content is None:
        return
    decoded = _decoded(content, path, ledger.declared or html.declared(content), ledger)
    if decoded is None:
        return
    try:
        page = html.extract(decoded.text)
    except ImportError:
        ledger.fault(str(path), "needs the html extra", "pip install 'khabar[html]'")
    except ValueError as error:
        ledger.aside(origin, "HTML not read", str(error))
    else:
        if page is None:
            ledger.aside(origin, "no text in HTML")
            return
        fields = {"title": page.title, "url": page.url, "published_at": page.published_at}
        digest = hashlib.sha256(content).hexdigest()
        source = path.resolve().parent.name
        ledger.add(_document(page.text, source, origin, fields, decoded.said, digest), str(path))


def _content(path: Path, kind: str, fix: str, ledger: _Ledger) -> bytes | None:
    size = path.stat().st_size
    if size > MAX_BYTES:
        ledger.fault(str(path), f"{size:,} bytes in one {kind}; at most {MAX_BYTES:,}", fix)
        return None
    return path.read_bytes()


def _document(
    raw: str, source: str, origin: str, fields: Mapping[str, str | None], encoding: str, html_sha: str | None = None
) -> Document:
    url, date, title = (fields.get(key) for key in ("url", "published_at", "title"))
    return Document(sha16(raw), source, url, date, title, raw, origin, encoding, html_sha)


def _decoded(content: bytes, path: Path, declared: str | None, ledger: _Ledger) -> Decoded | None:
    """Text of a whole file; None is a fault."""
    try:
        decoded = decode(content, declared)
    except UnicodeDecodeError as error:
        _not_in(error, content, path, 1, 0, ledger)
        return None
    _say_encoding(decoded, path, declared, ledger)
    return decoded


def _say_encoding(decoded: Decoded, path: Path, declared: str | None, ledger: _Ledger) -> None:
    if decoded.known == "detected":
        why = f"its bytes are, though {declared} was declared" if declared else "detected"
        other = "save it again as UTF-8" if declared else "name its encoding with --encoding, or save it as UTF-8"
        ledger.warn("encoding", str(path), f"read as {decoded.encoding}: {why}", f"if its letters look wrong, {other}")


def _not_in(error: UnicodeDecodeError, content: bytes, path: Path, line: int, offset: int, ledger: _Ledger) -> None:
    """Name the place of a byte; `content` begins at a line (1-based) and a byte offset of the file."""
    *above, current = content[: error.start].decode(error.encoding).split("\n")
    where = f"{path}:{line + len(above)}:{len(current) + 1}"
    fix = RECODE if error.encoding == "utf-8" else "it is cut or broken: fetch it again"
    ledger.fault(where, f"not {error.encoding.upper()} at byte {offset + error.start} of the file", fix)


def _read_lines(path: Path, origin: str, ledger: _Ledger) -> None:
    """A small file is looked at as a whole for its encoding; UTF-8, of any size, is read line by line."""
    if path.stat().st_size <= MAX_BYTES:
        content = path.read_bytes()
        try:
            decoded = decode(content, ledger.declared)
        except UnicodeDecodeError as error:
            if error.encoding != "utf-8":
                _not_in(error, content, path, 1, 0, ledger)
                return
        else:
            _say_encoding(decoded, path, ledger.declared, ledger)
            if decoded.encoding != "utf-8":
                for number, line in enumerate(decoded.text.split("\n"), 1):
                    _read_record(line, path, number, origin, decoded.said, ledger)
                return
    _stream_lines(path, origin, ledger)


def _stream_lines(path: Path, origin: str, ledger: _Ledger) -> None:
    offset = number = 0
    with path.open("rb") as lines:
        while line := lines.readline(MAX_BYTES + 1):
            number += 1
            if len(line) > MAX_BYTES:
                message = f"a line longer than {MAX_BYTES:,} bytes; the rest of the file was not read"
                ledger.fault(f"{path}:{number}:1", message, "one line is one article: split the line")
                return
            try:
                text = line.removeprefix(b"" if offset else BOM).decode("utf-8")
            except UnicodeDecodeError as error:
                _not_in(error, line, path, number, offset, ledger)
            else:
                _read_record(text, path, number, origin, "utf-8", ledger)
            offset += len(line)


def _read_record(line: str, path: Path, number: int, origin: str, encoding: str, ledger: _Ledger) -> None:
    if not line.strip():
        return
    try:
        record = json.loads(line.rstrip("\r\n"))
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
    source = fields["source"] or path.stem
    ledger.add(_document(fields["text"] or "", source, f"{origin}:{number}", fields, encoding), where)


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
