"""The rows and columns of `articles`, and the accounts of authors and dates."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.lists import Ints, owners
from builder.records import Dropped
from builder.release.tables.arrow import Bools, Columns, none_at
from builder.release.tables.lookup import ConfigRows, Lookup, config_rows, exclusions

WITHHELD_AUTHOR = "not published (publish_authors is off)"

SLICE = 4_000
"""Articles whose authors are looked up at once."""


def articles_rows(known: Lookup) -> ConfigRows:
    """Choose the rows of `articles`, as numbers of articles."""
    numbers = np.arange(len(known.ids))
    excluded = exclusions(numbers, known.splits)
    aside = [
        Dropped("build", f"article {article_id} in articles", known.why(article_id, why))
        for article_id, why in _named(known.ids, excluded)
    ]
    kept = numbers[excluded == 0]
    return config_rows("articles in articles", len(numbers), kept, known.splits[kept], aside)


def _named(ids: pa.Array, excluded: Ints) -> list[tuple[str, int]]:
    """Return the articles of which nothing can be published, and why."""
    rows = np.flatnonzero(excluded)
    return [*zip(ids.take(pa.array(rows)).to_pylist(), excluded[rows].tolist(), strict=True)]


def authors_rows(known: Lookup) -> ConfigRows:
    """Account for the authors of the published articles, all of which are withheld unless they may be published."""
    numbers = np.flatnonzero(exclusions(np.arange(len(known.ids)), known.splits) == 0)
    found = [numbers[low : low + SLICE] for low in range(0, len(numbers), SLICE)]
    named = np.concatenate([numbers[:0], *(part[_is_filled(authors(part, known))] for part in found)])
    ids = [] if known.publish_authors else known.ids.take(pa.array(named)).to_pylist()
    aside = [Dropped("build", f"author of {article_id}", WITHHELD_AUTHOR) for article_id in ids]
    return config_rows("authors", len(named), named, known.splits[named], aside)


def _is_filled(values: pa.Array) -> Bools:
    """Return which strings are neither null nor empty."""
    return np.asarray(pc.fill_null(pc.not_equal(values, ""), fill_value=False), bool)


def dates_rows(known: Lookup) -> ConfigRows:
    """Check the dates of the published documents."""
    excluded = exclusions(np.arange(len(known.ids)), known.splits)
    used = np.unique(known.document_rows[excluded == 0])
    used = used[pc.sort_indices(known.document_ids.take(pa.array(used))).to_numpy()]
    dated = known.documents.take(used, ["id", "published_at"])
    filled = _is_filled(dated["published_at"])
    used, dated = used[filled], dated.filter(pa.array(filled))
    unread = dated.filter(pc.is_null(known.dates.take(pa.array(used))))
    aside = [
        Dropped("build", f"document {document_id}", "not an ISO 8601 date", date)
        for document_id, date in zip(unread["id"].to_pylist(), unread["published_at"].to_pylist(), strict=True)
    ]
    return config_rows("dates", len(used), used, np.full(len(used), -1), aside)


def articles(numbers: Ints, known: Lookup) -> Columns:
    """Compute the columns of `articles`."""
    names = ["id", "document_id", "part", "title", "text", "drops", "profile", "text_sha"]
    own = known.articles.take(known.article_rows[numbers], names)
    rows = known.document_rows[numbers]
    pages = known.documents.take(rows, ["source", "url"])
    return {
        "id": own["id"],
        "document_id": own["document_id"],
        "part": own["part"].cast(pa.int32()),
        "text": own["text"],
        "source_name": _extracted(own["drops"], "source_name"),
        "author": authors(numbers, known) if known.publish_authors else pa.nulls(len(numbers), pa.string()),
        "profile": own["profile"],
        "text_sha": own["text_sha"],
        "title": own["title"],
        "source": pages["source"],
        "url": pages["url"],
        "published_at": known.dates.take(pa.array(rows)),
        "published_zone": known.zones.take(pa.array(rows)),
        "split_group": known.groups.take(pa.array(numbers)),
    }


def authors(numbers: Ints, known: Lookup) -> pa.Array:
    """Return the author that the text of each article names, else that of its record.

    The record names the author of its main article, not those of the articles embedded in it.
    """
    own = known.articles.take(known.article_rows[numbers], ["part", "drops"])
    of_record = known.documents.take(known.document_rows[numbers], ["author"])["author"]
    main = pc.if_else(pc.equal(own["part"], 0), of_record, pa.scalar(None, pa.string()))
    return pc.coalesce(_extracted(own["drops"], "author"), main)


def _extracted(drops: pa.Array, name: str) -> pa.Array:
    """Return the last field of a name that the drops of each article extracted, null if none did."""
    fields = drops.flatten().field("extracted")
    offsets = np.asarray(fields.offsets, np.int64)
    places = np.flatnonzero(pc.equal(fields.keys.slice(offsets[0], offsets[-1] - offsets[0]), name))
    last = np.full(len(drops), -1)
    last[np.repeat(owners(drops), np.diff(offsets))[places]] = places + offsets[0]
    return none_at(fields.items, last)
