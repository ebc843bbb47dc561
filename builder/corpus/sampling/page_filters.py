"""Filters by what pages say of themselves: their type, their rights, and when they were fetched."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.schema.filters import Filters

REFETCHED = "fetched again"

ARTICLE = "article|news|story|post|report"
"""Types of pages that hold an article; one without a type may."""

NO_AI = r"(?:^|[\s\pZ,;])noai(?:[\s\pZ,;]|$)"
"""The word with which directives for robots reserve text and data mining."""

FACTS = ("is_teaser", "page_type", "is_free", "tdm", "robots")
"""The columns that `against_facts` reads."""

STRING = pa.string()

Flags = NDArray[np.bool_]


def against_facts(articles: pa.Table, filters: Filters) -> list[tuple[str, Flags]]:
    """Return the reason of each filter of what pages say of themselves, and the articles that fail it."""
    found = [("a teaser", flags(column_of(articles, "is_teaser", pa.bool_())))]
    if filters.article_pages:
        is_article = pc.match_substring_regex(column_of(articles, "page_type"), ARTICLE, ignore_case=True)
        found.append(("not an article page", flags(pc.invert(is_article))))
    if filters.no_paywall:
        found.append(("not accessible for free", flags(pc.invert(column_of(articles, "is_free", pa.bool_())))))
    if filters.respect_tdm:
        reserved = flags(pc.equal(column_of(articles, "tdm"), "1"))
        for_robots = flags(pc.match_substring_regex(column_of(articles, "robots"), NO_AI, ignore_case=True))
        found.append(("text and data mining reserved", reserved | for_robots))
    return found


def column_of(articles: pa.Table, name: str, kind: pa.DataType = STRING) -> pa.ChunkedArray | pa.Array:
    """Return a column; all null if a table has no such column."""
    return articles[name] if name in articles.column_names else pa.nulls(articles.num_rows, kind)


def flags(column: pa.ChunkedArray | pa.Array) -> Flags:
    """Return a Boolean column with false for null."""
    return np.asarray(pc.fill_null(column, False), bool)


def fetched_again(articles: pa.Table) -> Flags:
    """Flag the articles of pages that a later page of the same address supersedes.

    The columns `document_id`, `url`, `html_sha` and `fetched_at` are read. Of pages fetched at one time, the last id counts.
    """
    is_page = np.asarray(pc.and_(pc.is_valid(articles["html_sha"]), pc.is_valid(articles["url"])), bool)
    rows = np.flatnonzero(is_page)
    if not len(rows):
        return is_page
    pages = articles.select(["url", "fetched_at", "document_id"]).take(pa.array(rows))
    pages = pages.set_column(1, "fetched_at", pc.fill_null(pages["fetched_at"], ""))
    order = pages.append_column("row", pa.array(rows)).sort_by([(name, "ascending") for name in pages.column_names])
    urls, documents = np.asarray(order["url"].combine_chunks().dictionary_encode().indices), order["document_id"]
    numbers = np.asarray(documents.combine_chunks().dictionary_encode().indices)
    ends = np.searchsorted(urls, urls, side="right") - 1
    flags = np.zeros(articles.num_rows, bool)
    flags[np.asarray(order["row"])] = numbers != numbers[ends]
    return flags
