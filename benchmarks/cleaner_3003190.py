"""Cleaning by khabar at commit 3003190, run by benchmarks/newspapers.py with the interpreter of its own environment.

Reads JSON: the texts to time, the rounds, and the marked pages (source, title, raw text). Writes JSON: megabytes per
second of cleaning and of UTF-8 decoding, and the ranges of raw code points that each marked page keeps.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builder.corpus.clean import Cleaning, clean_batch, clean_table

import builder
from builder.project import to_table
from builder.records import Document, sha16
from builder.schema import load_schema
from builder.text.aligned import unpacked
from builder.text.profiles import profile

AT_ONCE = 1_000


def main() -> None:
    """Clean, and write the results."""
    wanted = json.load(sys.stdin)
    rules = load_schema(Path(builder.__file__).parent.parent / "schema").boilerplate
    texts = [_document("site", None, raw) for raw in wanted["texts"]]
    tables = [to_table(texts[first : first + AT_ONCE], Document) for first in range(0, len(texts), AT_ONCE)]
    config = Cleaning(profile("standard@1"), rules)
    encoded = [raw.encode() for raw in wanted["texts"]]
    size, cleaning, decoding = sum(map(len, encoded)) / 1e6, [], []
    for _ in range(wanted["rounds"]):
        start = time.perf_counter()
        for table in tables:
            clean_table(table, config)
        cleaning.append(time.perf_counter() - start)
        start = time.perf_counter()
        [data.decode() for data in encoded]
        decoding.append(time.perf_counter() - start)
    marked = [_document(*page) for page in wanted["marked"]]
    kept = [_ranges(page.raw, done.articles) for page, done in zip(marked, _clean(marked, rules), strict=True)]
    json.dump({"speed": size / min(cleaning), "decode": size / min(decoding), "kept": kept}, sys.stdout)


def _document(source: str, title: str | None, raw: str) -> Document:
    return Document(sha16(raw), source, None, None, title or None, raw, "page")


def _clean(documents: Sequence[Document], rules: Any) -> list[Any]:
    table = profile("standard@1")
    parts = [documents[first : first + AT_ONCE] for first in range(0, len(documents), AT_ONCE)]
    return [done for part in parts for done in clean_batch(part, table, rules)]


def _ranges(raw: str, articles: Sequence[Any]) -> list[tuple[int, int]]:
    ranges = []
    for article in articles:
        aligned, begin = unpacked(article.text, raw, article.edits), 0
        for line in article.text.split("\n"):
            ranges.append(aligned.raw_span(begin, begin + len(line)))
            begin += len(line) + 1
    return ranges


if __name__ == "__main__":
    main()
