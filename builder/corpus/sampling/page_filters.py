"""Filters by what pages say of themselves: their type, their rights, and when they were fetched."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.schema.filters import Filters

REFETCHED = "fetched again"

Flags = NDArray[np.bool_]


def against_facts(articles: pa.Table, filters: Filters) -> list[tuple[str, Flags]]:
    """Return the reason of each filter of what pages say of themselves, and the articles that fail it."""
    found = [("a teaser", np.array([value is True for value in column_of(articles, "is_teaser")], bool))]
    if filters.article_pages:
        found.append(
            ("not an article page", np.array([_is_other(value) for value in column_of(articles, "page_type")], bool))
        )
    if filters.no_paywall:
        found.append(
            ("not accessible for free", np.array([value is False for value in column_of(articles, "is_free")], bool))
        )
    if filters.respect_tdm:
        rights = zip(column_of(articles, "tdm"), column_of(articles, "robots"), strict=True)
        found.append(
            ("text and data mining reserved", np.array([_is_reserved(*reserved) for reserved in rights], bool))
        )
    return found


def _is_other(page_type: object) -> bool:
    """Return whether a page says that it is something else than an article; one that says nothing does not."""
    return isinstance(page_type, str) and re.search(r"article|news|story|post|report", page_type, re.IGNORECASE) is None


def _is_reserved(tdm: object, robots: object) -> bool:
    """Return whether a page reserves text and data mining: `tdm-reservation: 1`, or `noai` for robots."""
    return tdm == "1" or "noai" in re.split(r"[\s,;]+", str(robots or "").casefold())


def column_of(articles: pa.Table, name: str) -> list[object]:
    """Return a column; all None if a table has no such column."""
    values: list[object] = articles[name].to_pylist() if name in articles.column_names else [None] * articles.num_rows
    return values


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
