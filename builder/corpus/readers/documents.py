"""Read documents from any supported format, in batches; malformed records are set aside and reported.

The raw text is kept unchanged, without newline translation. Only a byte order mark at the start of a file is removed.
The raw text of an HTML page is the text that was extracted from it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from builder.corpus.readers import archives, feeds, hub, markup, tabular, text, web
from builder.corpus.readers.dates.parse import read_date
from builder.corpus.readers.dates.unread import COUNT, date_warning, merge_warnings
from builder.corpus.readers.detection.damage import mojibake, visual_order
from builder.corpus.readers.objects import corpus_xml, lines, shapes
from builder.corpus.readers.objects.records import NO_FIELD
from builder.corpus.readers.rows import BadRecord, File, Note, RawRecord, ReadItem, shown
from builder.corpus.readers.sources import InputPiece, plan, with_sources
from builder.corpus.readers.streams import BrokenError
from builder.io.hashing import sha16
from builder.io.remote import is_remote
from builder.records import Document, Dropped, Issue, KhabarError
from builder.schema.dataset import Fields
from builder.schema.sources import NO_SOURCES, Sources

MOST_REVERSED = 0.05
"""Share of a text's Arabic letters in visual order above which the text is set aside."""

ROWS, CHARACTERS = 500, 8_000_000
"""Limits of a batch: documents, and code points of their texts."""

FIELD = "field"
"""Code of the warning that no record of a file has the field of the text."""

SHOWN = 100
"""Warnings kept for each piece; records that are set aside are all listed."""

FOLDER = frozenset(("text", "html"))
"""Formats whose files take their source from the folder's name; the others take it from the file's name."""

PAGES = frozenset(("text", "html", "warc", "feed"))
"""Formats whose records have no field of HTML; a feed's text is converted by its own reader."""


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """A batch of the records of a piece, in order."""

    documents: tuple[Document, ...]
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]
    counts: Mapping[str, int]
    """Dates that could not be read, by reason."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Result of reading files; `taken` counts files and records, both documents and set aside.

    `issues` are warnings: malformed records, detected encodings, and texts that were damaged before they were read.
    """

    documents: tuple[Document, ...]
    set_aside: tuple[Dropped, ...]
    taken: int
    issues: tuple[Issue, ...] = ()


@dataclass(slots=True)
class _Basket:
    """The batch that is being filled, and the number of warnings of the piece so far."""

    documents: list[Document] = field(default_factory=list)
    set_aside: list[Dropped] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    said: int = 0
    heavy: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    named: set[str] = field(default_factory=set)
    """The reasons of unread dates of which the piece has a warning."""

    def emptied(self) -> DocumentBatch:
        """Return the batch, and start the next one."""
        part = DocumentBatch(tuple(self.documents), tuple(self.set_aside), tuple(self.issues), dict(self.counts))
        self.documents, self.set_aside, self.issues, self.heavy = [], [], [], 0
        self.counts.clear()
        return part

    @property
    def full(self) -> bool:
        """Return whether the batch has reached a limit."""
        return len(self.documents) + len(self.set_aside) >= ROWS or self.heavy >= CHARACTERS

    def warn(self, code: str, where: str, message: str, fix: str) -> None:
        """Add a warning, unless the piece already has SHOWN; those of missing fields are merged later."""
        self.said += code != FIELD
        if self.said <= SHOWN or code == FIELD:
            self.issues.append(Issue("warning", code, message, where=where, fix=fix))

    def date(self, written: str | None, where: str) -> str | None:
        """Return a date in ISO 8601; count one that cannot be read, and warn of the first of each reason."""
        if not written or not written.strip():
            return None
        read = read_date(written)
        if read.fault:
            self.counts[COUNT + read.fault] += 1
            if read.fault not in self.named:
                self.named.add(read.fault)
                self.issues.append(date_warning(written, read.fault, where))
        return read.text


def read(piece: InputPiece) -> Iterator[DocumentBatch]:
    """Yield the records of a piece in batches; a malformed record or file is set aside, and reading continues."""
    basket = _Basket()
    for file in piece.files:
        for record in _records_or_fault(_reader(piece, file)):
            _put(record, file, basket)
            if basket.full:
                yield basket.emptied()
    yield basket.emptied()


def read_documents(
    paths: Sequence[str | Path],
    encoding: str | None = None,
    fields: Fields | None = None,
    sources: Sources = NO_SOURCES,
) -> Reading:
    """Read files and folders into memory, in the given order; only the first of equal texts is kept.

    `encoding` declares the encoding of all files (one of encodings.NAMES); without it, each file's is detected.
    Raises KhabarError (exit code 2) with every fault of the request, or with the reasons if nothing could be read.
    """
    planned = plan([str(path) for path in paths], fields or Fields(), encoding)
    parts = [part for piece in planned.pieces for part in read(with_sources(piece, sources))]
    first: dict[str, Document] = {}
    aside: list[Dropped] = []
    for part in parts:
        aside += part.set_aside
        for document in part.documents:
            known = first.setdefault(document.id, document)
            if known is not document:
                aside.append(Dropped("ingest", document.origin, "same text twice", f"first at {known.origin}"))
    counts = sum((Counter(part.counts) for part in parts), Counter[str]())
    issues = merge_warnings((issue for part in parts for issue in part.issues), counts)
    aside += planned.set_aside
    require_documents(len(first), issues)
    return Reading(tuple(first.values()), tuple(aside), len(first) + len(aside), issues)


def require_documents(documents: int, issues: Sequence[Issue]) -> None:
    """Raise KhabarError (exit code 2) if faults left no document to read."""
    faults = [replace(issue, severity="error") for issue in issues if issue.code in ("unreadable", FIELD)]
    if faults and not documents:
        raise KhabarError(*merged(faults))


def merged(issues: Sequence[Issue]) -> tuple[Issue, ...]:
    """Return issues with one for all files that lack the same field; the others are unchanged."""
    files = Counter(issue.fix for issue in issues if issue.code == FIELD)
    kept: dict[object, Issue] = {}
    for issue in issues:
        others = files[issue.fix] - 1 if issue.code == FIELD else 0
        message = f"{issue.message}; so it is in {others:,} more files" if others else issue.message
        kept.setdefault(issue.fix if others else issue, replace(issue, message=message))
    return tuple(kept.values())


def _reader(piece: InputPiece, file: File) -> Callable[[], Iterator[ReadItem]]:
    """Return the reader of a file, by its format."""
    fields, declared = piece.fields, piece.encoding
    readers: dict[str, Callable[[], Iterator[ReadItem]]] = {
        "text": lambda: text.text(file, declared),
        "jsonl": lambda: lines.json_lines(file, fields, declared),
        "json": lambda: shapes.json_file(file, fields, declared),
        "corpus": lambda: corpus_xml.corpus(file, fields, declared),
        "csv": lambda: tabular.read_csv(file, fields, declared),
        "tsv": lambda: tabular.read_csv(file, fields, declared),
        "parquet": lambda: tabular.parquet(file, fields),
        "html": lambda: web.page(file, declared, piece.sources),
        "warc": lambda: archives.archive(file, declared, piece.sources),
        "feed": lambda: feeds.feed(file, fields, declared),
        "hub": lambda: hub.rows(file, fields),
    }
    reader = readers[file.kind]
    return reader if fields.html is None or file.kind in PAGES else lambda: markup.extracted(reader(), piece.sources)


def _records_or_fault(reader: Callable[[], Iterator[ReadItem]]) -> Iterator[ReadItem]:
    """Yield the records of a file; an error that ends the file early becomes one more record."""
    last = ""
    try:
        for record in reader():
            last = "" if isinstance(record, Note) else record.place
            yield record
    except BrokenError as error:
        yield BadRecord(
            last,
            error.reason,
            f"{error}{f', after {last[1:]}' if last else ''}",
            "fetch the file again; the records before the fault were read",
        )
    except (MemoryError, KhabarError):
        raise
    except OSError as error:
        yield BadRecord(
            last, "cannot be read", f"cannot be read: {error.strerror or error}", "check the file's permissions"
        )
    except Exception as error:  # noqa: BLE001 - a library's own error costs the rest of this file, and no other file
        reason = (str(error).strip() or type(error).__name__).split("\n")[0]
        yield BadRecord(
            last,
            "cannot be read",
            f"cannot be read{' on' if last else ''}: {reason}",
            "check that the file is complete and undamaged",
        )


def _put(record: ReadItem, file: File, basket: _Basket) -> None:
    """Add a record to the batch, as a document, as set aside, or as a warning."""
    if isinstance(record, Note):
        basket.warn(record.code, file.named, record.message, record.fix)
        return
    origin, position = f"{file.origin}{record.place}", record.place
    where = f"{file.named}{position}{':1' if position.count(':') == 1 else ''}"
    if isinstance(record, BadRecord):
        basket.set_aside.append(Dropped("ingest", origin, record.reason, record.message))
        if record.fix:
            basket.warn(FIELD if record.reason == NO_FIELD else "unreadable", where, record.message, record.fix)
        return
    backward = visual_order(record.text)
    if not record.text.strip():
        basket.set_aside.append(Dropped("ingest", origin, "empty"))
    elif backward and backward.share > MOST_REVERSED:
        basket.set_aside.append(Dropped("ingest", origin, "visual order", backward.message))
    else:
        record = replace(record, published_at=basket.date(record.published_at, where))
        basket.documents.append(_document(record, file, origin))
        basket.heavy += len(record.text)
        is_known = record.encoding.endswith("damaged")  # its lost letters are reported already
        if not is_known and (garbled := mojibake(record.text)):
            basket.warn("mojibake", where, garbled.message, garbled.fix)
        if backward:
            basket.warn("visual-order", where, backward.message, "check these words; the text was read as it is")


def _document(row: RawRecord, file: File, origin: str) -> Document:
    """Return the document of a record; its source is the record's own, else that of its file."""
    return Document(sha16(row.text), row.source or _source(file), row.url, row.published_at, row.title, row.text,
                    origin, row.encoding, row.html_sha, row.author, row.facts)  # fmt: skip


@lru_cache(maxsize=1)
def _source(file: File) -> str:
    """Return the source of the records of a file that name none: its folder, its name or its dataset."""
    path = Path(file.uri.split("://", 1)[-1])
    full_path = path if is_remote(file.uri) else path.resolve()
    if file.member:  # a file in an archive, whose folder is the archive or one inside it
        path = full_path = full_path.with_suffix("") / file.member.name
    if file.kind == "hub":
        return shown(file.origin.rpartition("/")[0].partition("@")[0])
    return shown(full_path.parent.name if file.kind in FOLDER else _stem(path))


def _stem(path: Path) -> str:
    """Return a file's name without the endings of its format and its compression."""
    return path.with_suffix("").stem if path.suffix in (".gz", ".zst") else path.stem
