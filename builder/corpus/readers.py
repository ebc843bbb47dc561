"""Reads files of every kind into Documents, a part at a time; one broken record ends nothing.

The raw text is kept as it is, with no newline translation; only a byte order mark at the start of a file is left out.
Of an HTML page it is the text that was extracted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from builder.corpus import feeds, hub, pages, plain, store, tabular
from builder.corpus.encodings import mojibake, visual_order
from builder.corpus.rows import Bad, File, Found, Note, Row
from builder.corpus.sources import Piece, Plan, plan
from builder.corpus.streams import BrokenError
from builder.records import Document, Issue, Refused, SetAside, sha16
from builder.schema import Fields

__all__ = ["Part", "Piece", "Plan", "Reading", "plan", "read", "read_documents"]

MOST_REVERSED = 0.05
"""Share of a text's Arabic letters in visual order; with more, the text is set aside."""
ROWS, CHARACTERS = 500, 8_000_000
"""Documents of a part, or code points of their texts."""
SHOWN = 100
"""Warnings of one piece; what is set aside is listed whole."""
FOLDER = frozenset(("text", "html"))
"""Kinds of which a file's source is its folder; that of others is the file's own name."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of what a piece holds, in order."""

    documents: tuple[Document, ...]
    set_aside: tuple[SetAside, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read; `taken` counts files and records: documents and set aside together.

    `issues` are warnings: a broken record, an encoding that was detected, a text that was spoiled before it came here.
    """

    documents: tuple[Document, ...]
    set_aside: tuple[SetAside, ...]
    taken: int
    issues: tuple[Issue, ...] = ()


@dataclass(slots=True)
class _Basket:
    documents: list[Document] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    said: int = 0
    heavy: int = 0

    def emptied(self) -> Part:
        part = Part(tuple(self.documents), tuple(self.set_aside), tuple(self.issues))
        self.documents, self.set_aside, self.issues, self.heavy = [], [], [], 0
        return part

    @property
    def full(self) -> bool:
        return len(self.documents) + len(self.set_aside) >= ROWS or self.heavy >= CHARACTERS

    def warn(self, code: str, where: str, message: str, fix: str) -> None:
        self.said += 1
        if self.said <= SHOWN:
            self.issues.append(Issue("warning", code, message, where=where, fix=fix))


def read(piece: Piece) -> Iterator[Part]:
    """Read a piece, a part at a time; whatever is wrong with a record, or a file, is set aside and the rest goes on."""
    basket = _Basket()
    for file in piece.files:
        for found in _whatever_comes(_reader(piece, file)):
            _put(found, file, basket)
            if basket.full:
                yield basket.emptied()
    yield basket.emptied()


def read_documents(paths: Sequence[Path], encoding: str | None = None, fields: Fields | None = None) -> Reading:
    """Read files and folders into memory, in the given order; of equal texts the first counts.

    `encoding` is what all files are said to be in (encodings.NAMES); without it each is looked at.
    Raises Refused (exit code 2) with every fault of the request, and where nothing could be read, why.
    """
    planned = plan([str(path) for path in paths], fields or Fields(), encoding)
    parts = [part for piece in planned.pieces for part in read(piece)]
    first: dict[str, Document] = {}
    aside: list[SetAside] = []
    for part in parts:
        aside += part.set_aside
        for document in part.documents:
            known = first.setdefault(document.id, document)
            if known is not document:
                aside.append(SetAside("ingest", document.origin, "same text twice", f"first at {known.origin}"))
    issues = tuple(issue for part in parts for issue in part.issues)
    aside += planned.set_aside
    refuse_nothing(len(first), issues)
    return Reading(tuple(first.values()), tuple(aside), len(first) + len(aside), issues)


def refuse_nothing(documents: int, issues: Sequence[Issue]) -> None:
    """Raise Refused (exit code 2) where nothing was read because of faults."""
    faults = [replace(issue, severity="error") for issue in issues if issue.code == "unreadable"]
    if faults and not documents:
        raise Refused(*faults)


def _reader(piece: Piece, file: File) -> Callable[[], Iterator[Found]]:
    fields, declared = piece.fields, piece.encoding
    readers: dict[str, Callable[[], Iterator[Found]]] = {
        "text": lambda: plain.text(file, declared),
        "jsonl": lambda: plain.json_lines(file, fields, declared),
        "csv": lambda: tabular.separated(file, fields, declared),
        "tsv": lambda: tabular.separated(file, fields, declared),
        "parquet": lambda: tabular.parquet(file, fields),
        "html": lambda: pages.page(file, declared),
        "warc": lambda: pages.archive(file, declared),
        "feed": lambda: feeds.feed(file, fields),
        "hub": lambda: hub.rows(file, fields),
    }
    return readers[file.kind]


def _whatever_comes(reader: Callable[[], Iterator[Found]]) -> Iterator[Found]:
    """The records of a file; what ends it early is one more of them."""
    last = ""
    try:
        for found in reader():
            last = "" if isinstance(found, Note) else found.place
            yield found
    except BrokenError as error:
        yield Bad(
            last,
            error.reason,
            f"{error}{f', after {last[1:]}' if last else ''}",
            "fetch the file again; what came before it is read",
        )
    except (MemoryError, Refused):
        raise
    except OSError as error:
        yield Bad(last, "cannot be read", f"cannot be read: {error.strerror or error}", "check the file's permissions")
    except Exception as error:  # noqa: BLE001 - a library's own: it costs the rest of this file, and no other
        said = (str(error).strip() or type(error).__name__).split("\n")[0]
        yield Bad(last, "cannot be read", f"cannot be read{' on' if last else ''}: {said}", "is the file whole?")


def _put(found: Found, file: File, basket: _Basket) -> None:
    if isinstance(found, Note):
        basket.warn(found.code, file.named, found.message, found.fix)
        return
    origin, place = f"{file.origin}{found.place}", found.place
    where = f"{file.named}{place}{':1' if place.count(':') == 1 else ''}"
    if isinstance(found, Bad):
        basket.set_aside.append(SetAside("ingest", origin, found.reason, found.message))
        if found.fix:
            basket.warn("unreadable", where, found.message, found.fix)
        return
    backward = visual_order(found.text)
    if not found.text.strip():
        basket.set_aside.append(SetAside("ingest", origin, "empty"))
    elif backward and backward.share > MOST_REVERSED:
        basket.set_aside.append(SetAside("ingest", origin, "visual order", backward.message))
    else:
        basket.documents.append(_document(found, file, origin))
        basket.heavy += len(found.text)
        if garbled := mojibake(found.text):
            basket.warn("mojibake", where, garbled.message, garbled.fix)
        if backward:
            basket.warn("visual-order", where, backward.message, "look at these words; the rest came in")


def _document(row: Row, file: File, origin: str) -> Document:
    path = Path(file.uri.split("://", 1)[-1])
    home = path if store.remote(file.uri) else path.resolve()
    own = (
        home.parent.name
        if file.kind in FOLDER
        else file.origin.rpartition("/")[0].partition("@")[0]
        if file.kind == "hub"
        else _stem(path)
    )
    return Document(sha16(row.text), row.source or own, row.url, row.published_at, row.title, row.text, origin,
                    row.encoding, row.html_sha)  # fmt: skip


def _stem(path: Path) -> str:
    return path.with_suffix("").stem if path.suffix in (".gz", ".zst") else path.stem
