"""SaudiNewsNet and the marks of some of its pages, where the shared folder is: real pages that nobody here wrote."""

import importlib.util
import json
import zipfile
from functools import cache

import pyarrow as pa

from builder.corpus.cleaning.clean import clean_batch
from builder.corpus.cleaning.counts import count_table, merge
from builder.io.hashing import sha16
from builder.records import Document
from builder.text.aligned import unpack_edits
from tests.conftest import SHARED

AT_ONCE = 1_000


def _documents(path):
    """The articles of one zip of JSON arrays that are not empty."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(name for name in archive.namelist() if name.endswith(".json")):
            for number, row in enumerate(json.loads(archive.read(name)), 1):
                raw = row["content"] or ""
                yield Document(sha16(raw), row["source"], row["url"], None, row["title"] or None, raw,
                               f"{path.name}/{name}:{number}", author=row["author"] or None)  # fmt: skip


@cache
def newspapers():
    """All articles, in the order of the files."""
    return [one for path in sorted((SHARED / "pages" / "saudinewsnet").glob("*.zip")) for one in _documents(path)]


@cache
def newspaper_counts(table):
    """What recurs in the sources of all articles."""
    pages = newspapers()
    parts = [pages[first : first + AT_ONCE] for first in range(0, len(pages), AT_ONCE)]
    tables = [
        count_table(pa.table({"raw": [one.raw for one in part], "source": [one.source for one in part]}), table).table
        for part in parts
    ]
    return merge(table.id, sum(one.num_rows for one in tables), lambda: iter(tables))


def kept_ranges(page, articles):
    """The raw ranges that a page's articles keep, a line each."""
    ranges = []
    for article in articles:
        aligned, begin = unpack_edits(article.text, page.raw, article.edits), 0
        for line in article.text.split("\n"):
            ranges.append(aligned.raw_span(begin, begin + len(line)))
            begin += len(line) + 1
    return ranges


def scorer():
    """The shared scorer, as a module."""
    path = SHARED.parent / "tools" / "score_pages.py"
    spec = importlib.util.spec_from_file_location("score_pages", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def score(table, rules):
    """The figures of cleaning on all marked pages; lines that the marks call ambiguous are left out."""
    tool = scorer()
    marked, missing = tool.load(str(SHARED / "pages" / "marks.jsonl"), str(SHARED))
    assert not missing
    total, counts = tool.Counter(), newspaper_counts(table)
    for marks, raw, facts, _ in marked:
        page = Document(
            sha16(raw), facts["source"], None, None, facts["title"] or None, raw, "", author=facts["author"]
        )
        (done,) = clean_batch([page], table, rules, [counts])
        total.update(tool.score_page(marks, raw, kept_ranges(page, done.articles), True)[0])
    return tool.figures(total) | {"altered": total["clean_altered"], "clean": total["clean_pages"]}
