"""Formats of input files, by their names and by their first bytes."""

import json
import re
from dataclasses import replace
from pathlib import PurePosixPath

from builder.corpus.readers.detection import tags
from builder.corpus.readers.encodings import ARABIC_WORD, LEAST_WORDS, encoding_of
from builder.corpus.readers.rows import File
from builder.corpus.readers.streams import BrokenError, opened

KINDS = {
    ".txt": "text", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv",
    ".parquet": "parquet", ".html": "html", ".htm": "html", ".xhtml": "html", ".warc": "warc", ".wet": "warc",
    ".rss": "feed", ".atom": "feed", ".xml": "feed", ".sgml": "feed", ".sgm": "feed",
    ".zip": "zip",
}  # fmt: skip

PACKINGS = {".gz": "gz", ".zst": "zst"}

READ = "txt, json, jsonl, csv, tsv, parquet, html, warc, rss, xml or zip"

UNPACKED = ("parquet", "zip")
"""Formats that are read at any place of the file, so that they cannot be compressed again."""

ANNOTATED = "annotations"
"""The kind of files that only `khabar import` reads."""

PROGRAMS = frozenset((".php", ".php3", ".phtml", ".shtml", ".asp", ".aspx", ".jsp", ".jsf", ".cfm", ".cgi", ".do"))
"""Endings of the addresses of pages, under which `wget` saves them."""

HEAD = 1 << 16
"""Bytes of a file that are looked at."""

FEED_ROOTS = frozenset(("rss", "feed", "rdf", "channel"))

NO_ARTICLES = frozenset(("urlset", "sitemapindex", "svg", "plist", "opml"))
"""Elements with which other XML begins."""

PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)

FRAGMENT = re.compile(r"<(?:article|div|p|h1|section|main|table|title|meta)\b", re.IGNORECASE)

ROOT = re.compile(r"<(?:[\w.-]+:)?([^\W\d][\w.-]*)")

PROLOGUE = re.compile(
    r"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>\s*)*", re.DOTALL | re.IGNORECASE
)
"""What stands before the first element of XML."""


def kind_of(name: str) -> tuple[str, str]:
    """Return the format and the compression of a file by its name; each is "" if there is none.

    >>> kind_of("news.JSONL.gz"), kind_of("page.html"), kind_of("notes.pdf"), kind_of("a.ann")
    (('jsonl', 'gz'), ('html', ''), ('', ''), ('annotations', ''))
    """
    path = PurePosixPath(name.casefold())
    packing = PACKINGS.get(path.suffix, "")
    suffix = PurePosixPath(path.stem).suffix if packing else path.suffix
    if suffix in tags.SUFFIXES:
        return ANNOTATED, packing
    kind = KINDS.get(suffix, "")
    return (kind, packing) if kind and not (kind in UNPACKED and packing) else ("", "")


def may_be_page(name: str) -> bool:
    """Return whether a name without a known format is one that `wget` gives to pages.

    >>> [may_be_page(name) for name in ("4943459", "news.aspx?id=5", "index.html.1", "view.php", "style.css", ".DS_Store")]
    [True, True, True, True, False, False]
    """
    path = PurePosixPath(name.casefold())
    inner = PurePosixPath(path.stem) if path.suffix in PACKINGS else path
    if name.startswith("."):
        return False
    words = re.fullmatch(r"\.[a-z][a-z0-9]{0,8}", inner.suffix)
    return not words or inner.suffix in PROGRAMS


def looked_at(file: File, declared: str | None) -> File:
    """Return a file with the format of its content, where the name alone does not tell; the kind is "" if none fits."""
    if file.kind not in ("", "json", "jsonl", "feed"):
        return file
    try:
        return replace(file, kind=_kind_by_content(file, declared))
    except (OSError, BrokenError):
        return file  # reported when it is read


def _kind_by_content(file: File, declared: str | None) -> str:
    """Return the format of a file by its first bytes."""
    with opened(file) as stream:
        content = stream.read(HEAD)
    encoding = encoding_of(content, declared, whole=len(content) < HEAD)
    codec = encoding.codec if encoding else "latin-1"
    head = content.decode(codec, "replace").lstrip("\N{ZERO WIDTH NO-BREAK SPACE} \t\r\n")
    if file.kind in ("json", "jsonl"):
        return _json_kind(head, file.kind)
    found = "" if "\0" in head else _kind_of_text(head)
    if file.kind == "feed":
        return _xml_kind(head)
    has_suffix = PurePosixPath(PurePosixPath(file.origin).name).suffix in PROGRAMS
    return "" if found in ("corpus", "text") and has_suffix else found


def _xml_kind(head: str) -> str:
    """Return the format of a file that is named XML; a reader of feeds says what is wrong with other ones."""
    found = _kind_of_markup(head if head.startswith("<?xml") else f"<?xml?>{head}") if head.startswith("<") else ""
    return found or "feed"


def _kind_of_text(head: str) -> str:
    """Return the format of a text by its beginning."""
    if head.startswith("WARC/"):
        return "warc"
    if head.startswith(("{", "[")):
        return _json_kind(head, "json")
    if head.startswith("<"):
        return _kind_of_markup(head)
    if PAGE.search(head[:4_000]):
        return "html"
    return "text" if len(ARABIC_WORD.findall(head[:4_000])) >= LEAST_WORDS else ""


def _kind_of_markup(head: str) -> str:
    """Return the format of XML or HTML by its beginning."""
    prologue = PROLOGUE.match(head)
    root = ROOT.match(head, prologue.end() if prologue else 0)
    name = root[1].casefold() if root else ""
    is_xml = head.startswith("<?xml")
    if name in FEED_ROOTS:
        return "feed"
    if name == "html" or (not is_xml and (PAGE.search(head) or FRAGMENT.match(head))):
        return "html"
    return "corpus" if is_xml and name not in NO_ARTICLES else ""


def _json_kind(head: str, usual: str) -> str:
    """Return `jsonl` if the first line is an object and another follows, `json` if it begins an array or an object."""
    line, _, rest = head.partition("\n")
    if line.startswith("["):
        return "json" if line.strip() == "[" or line[1:].lstrip().startswith("{") or usual == "json" else usual
    if line.strip() == "{":
        return "json"
    return "jsonl" if usual == "jsonl" or (rest.strip() and _is_object(line)) else usual


def _is_object(line: str) -> bool:
    """Return whether a line is a JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
