"""Pages whose every line is marked with what it is: invented, in several styles of sites.

A page of tests/cases/pages is lines of `kind<TAB>text`, and `blank` for a blank line.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass

from builder.corpus.cleaning.clean import clean_batch
from builder.io.hashing import sha16
from builder.records import Document
from builder.schema import load_schema
from builder.text.profiles import profile
from tests.conftest import ROOT

PAGES = ROOT / "tests" / "cases" / "pages"
CLEAN = ROOT / "tests" / "cases" / "clean"
BODY = {"body": "own", "embedded-body": "embedded"}


GENERAL = frozenset({"section", "short-tail", "headlines"})
"""Shipped rules that take any short line; a test of another rule leaves them out."""


def lean(rules):
    """Rules without the general ones."""
    return rules.model_copy(
        update={
            "lines": tuple(one for one in rules.lines if one.id not in GENERAL),
            "lists": tuple(one for one in rules.lists if one.id not in GENERAL),
        }
    )


@dataclass(frozen=True)
class Page:
    """A marked page; `lines` are those that are not blank: (kind, text, where it begins in the raw text)."""

    style: str
    name: str
    document: Document
    lines: tuple[tuple[str, str, int], ...]


def read_pages():
    pages = []
    for path in sorted(PAGES.glob("*/*.tsv")):
        rows = [line.partition("\t")[::2] for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
        lines, begin = [], 0
        for kind, text in rows:
            lines += [(kind, text, begin)] if text else []
            begin += len(text) + 1
        raw = "\n".join(text for _, text in rows)
        style, name = path.parent.name, f"{path.parent.name}/{path.name}"
        pages.append(Page(style, name, Document(sha16(raw), style, None, None, None, raw, name), tuple(lines)))
    return pages


def read_clean_pages(above=(), below=()):
    """The pages on which every line is article text, each by its name; with lines of a site around it."""
    pages = {}
    for path in sorted(CLEAN.glob("*/*.txt")):
        name, text = f"{path.parent.name}/{path.name}", path.read_bytes().decode("utf-8")
        raw = "\n".join([*above, text, *below])
        pages[name] = Document(sha16(raw), path.parent.name, None, None, None, raw, name)
    return pages


def digest(folder=PAGES):
    """The hash of a set of pages and of nothing else."""
    whole = hashlib.sha256()
    for path in sorted(one for kind in ("*/*.tsv", "*/*.txt") for one in folder.glob(kind)):
        whole.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return whole.hexdigest()[:16]


def measure(pages):
    """For each style: body lines kept (hit) and lost (missed), other lines kept (extra), and which."""
    rules, table = load_schema(ROOT / "schema").boilerplate, profile("standard@1")
    counts, wrong = {}, []
    for page, done in zip(pages, clean_batch([page.document for page in pages], table, rules), strict=True):
        gone = {drop.start: drop.rule for drop in done.drops if drop.start < drop.end}
        count = counts.setdefault(page.style, Counter())
        for kind, text, begin in page.lines:
            kept = begin not in gone
            fate = ("hit" if kept else "missed") if kind in BODY else ("extra" if kept else "gone")
            count[fate] += 1
            if fate in ("missed", "extra"):
                wrong.append((page.name, fate, kind, gone.get(begin, ""), text))
    return counts, wrong


def recall(count):
    return count["hit"] / (count["hit"] + count["missed"])


def drop_recall(count):
    return count["gone"] / (count["gone"] + count["extra"])
