"""Text and facts of marked HTML pages, by khabar, by trafilatura's three modes and by jusText.

Nothing is fetched. The pages are the files of a folder whose sha256 stands in the marks; tests/cases/page-marks.jsonl
names the repository of each. The marks hold hashes, and no text. Without a folder, an invented page is scored.
"""

import argparse
import hashlib
import json
import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import trafilatura
from results import write_part

from builder.corpus.readers.documents import read_documents
from builder.corpus.readers.pages.decoding import decode_page
from builder.corpus.readers.pages.lines import lines_of
from builder.corpus.readers.pages.tree import parse, prune
from builder.corpus.readers.pages.words import words_of
from builder.io.hashing import sha16
from builder.records import Document

MARKS = Path(__file__).parent.parent / "tests" / "cases" / "page-marks.jsonl"

FACTS = ("title", "day", "zone", "url", "source", "author")

COUNTED = (
    "Words of a page are counted with repeats; the mean and the worst page are given. "
    "Title, date, byline and captions are not article."
)

INVENTED = (
    '<html><head><title>افتتاح المعرض</title></head><body><nav><a href="/">الرئيسية</a></nav><article>'
    + "".join(f"<p>افتتح الوزير المعرض رقم {number} في المدينة، وقال إنه مفتوح للجميع.</p>" for number in range(9))
    + "</article></body></html>"
)


@dataclass(frozen=True, slots=True)
class Marked:
    """A page with its marks and the words of its article."""

    path: Path
    content: bytes
    marks: Mapping[str, Any]
    words: Counter[str]


@dataclass(slots=True)
class Score:
    """Recall and precision of words on each page."""

    recalls: list[float] = field(default_factory=list)
    precisions: list[float] = field(default_factory=list)

    def add(self, right: Counter[str], text: str) -> None:
        """Score the text of a page."""
        found = Counter(words_of(text))
        both = (right & found).total()
        self.recalls.append(both / right.total())
        self.precisions.append(both / found.total() if found else 0.0)


def hashed(text: str) -> str:
    """Return the hash of the words of a text, as it stands in the marks."""
    return sha16(" ".join(words_of(text)))


def marked_pages(folder: Path, marks: Sequence[Mapping[str, Any]]) -> Iterator[Marked]:
    """Yield the pages of a folder that are marked; exit if a marked line is not on its page."""
    known = {mark["page"]: mark for mark in marks}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        mark = known.get(hashlib.sha256(content).hexdigest())
        if mark is None:
            continue
        tree = parse(decode_page(content, None).decoded.text)
        prune(tree)
        lines = {hashed(line): line for line in lines_of(tree, ("head",))}
        if missing := [line for line in mark["lines"] if line not in lines]:
            raise SystemExit(f"{path}: {len(missing)} marked lines are not on the page; mark it again")
        yield Marked(path, content, mark, Counter(words_of("\n".join(lines[line] for line in mark["lines"]))))


def methods() -> dict[str, Callable[[Marked], str]]:
    """Return the extractors by name; jusText is left out where it is not installed."""

    def bare(**options: bool) -> Callable[[Marked], str]:
        return lambda page: trafilatura.extract(page.content, include_comments=False, **options) or ""

    found: dict[str, Callable[[Marked], str]] = {
        "khabar": lambda page: "\n".join(document.raw for document in documents_of(page)),
        "trafilatura, default": bare(),
        "trafilatura, precision": bare(favor_precision=True),
        "trafilatura, recall": bare(favor_recall=True),
    }
    try:
        import justext
    except ImportError:
        return found
    stoplist = justext.get_stoplist("Arabic")
    return found | {
        "jusText": lambda page: "\n".join(
            part.text for part in justext.justext(page.content, stoplist) if not part.is_boilerplate
        )
    }


def documents_of(page: Marked) -> Sequence[Document]:
    """Read a page as `khabar ingest` does."""
    return read_documents([page.path]).documents


def right_facts(page: Marked) -> dict[str, bool]:
    """Return whether each fact of a page is right; facts that the page leaves open are left out."""
    (document,) = documents_of(page)
    found = {
        "title": hashed(document.title or ""),
        "day": (document.published_at or "")[:10],
        "zone": _zone(document.published_at),
        "url": sha16(unquote(document.url)) if document.url else "",
        "source": document.source,
        "author": hashed(document.author) if document.author else "",
    }
    return {name: found[name] == page.marks[name] for name in FACTS if page.marks[name] is not None}


def _zone(moment: str | None) -> str:
    """Return the offset of a moment, such as +03:00; empty if it has none."""
    try:
        zone = datetime.fromisoformat(moment or "").strftime("%z")
    except ValueError:
        return ""
    return f"{zone[:3]}:{zone[3:5]}" if zone else ""


def report(pages: Sequence[Marked]) -> str:
    """Score all methods on the pages, and describe the result."""
    scores: dict[str, Score] = {}
    for name, run in methods().items():
        scores[name] = Score()
        for page in pages:
            scores[name].add(page.words, run(page))
    rows = [
        f"| {name} | {_mean(score.recalls):.3f} | {min(score.recalls):.3f} | {_mean(score.precisions):.3f} "
        f"| {min(score.precisions):.3f} |"
        for name, score in scores.items()
    ]
    facts = [right_facts(page) for page in pages]
    answered = {name: [fact[name] for fact in facts if name in fact] for name in FACTS}
    said = ", ".join(f"{name} {sum(right)} of {len(right)}" for name, right in answered.items())
    sites = len({page.marks["source"] or page.path.name for page in pages})
    return "\n".join((
        "# Text and facts of HTML pages",
        "",
        f"{len(pages)} marked pages of {sites} sites, trafilatura {trafilatura.__version__}. {COUNTED}",
        "",
        "| method | recall | worst | precision | worst |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"Facts that are right, by khabar: {said}.",
    ))  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


def _invented(folder: Path) -> Marked:
    """Write the invented page, all of whose paragraphs are article."""
    path = folder / "page.html"
    path.write_text(INVENTED, encoding="utf-8")
    article = lines_of(parse(INVENTED).find(".//article"))
    marks = dict.fromkeys(FACTS) | {"title": hashed("افتتاح المعرض")}
    return Marked(path, INVENTED.encode(), marks, Counter(words_of("\n".join(article))))


def main() -> None:
    """Score the pages of a folder, and write the result into results.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--marks", type=Path, default=MARKS)
    parser.add_argument("--write", action="store_true", help="write the section `pages` of results.md")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    marks = [json.loads(line) for line in options.marks.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory(prefix="khabar-pages-") as place:
        pages = list(marked_pages(options.folder, marks)) if options.folder else [_invented(Path(place))]
        if not pages:
            raise SystemExit(f"{options.folder}: no file of it is marked in {options.marks}")
        text = report(pages)
    if options.write:
        write_part("pages", text)
    print(text)


if __name__ == "__main__":
    main()
