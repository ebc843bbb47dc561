"""The command `takedown`: no later release holds the article."""

import pyarrow.parquet as pq
import pytest

from builder.commands.build import build
from builder.commands.takedown import LONGEST, takedown
from builder.io.jsonl import read_jsonl
from builder.records import KhabarError, Takedown
from tests.builders import said
from tests.editions import release_text


@pytest.mark.slow
def test_article_is_in_no_file_of_the_next_release(annotated):
    build(annotated, "1.0.0")
    first = release_text(annotated.release("1.0.0"))
    row = pq.ParquetFile(next((annotated.release("1.0.0") / "entities").glob("train-*"))).read().to_pylist()[0]
    words = row["text"][20:80]
    report = takedown(annotated, row["id"], "asked for by its publisher")
    again = takedown(annotated, row["id"], "asked twice")

    assert report.articles == (row["id"],)
    assert said(again)["taken down"] == "none (already listed)"
    assert read_jsonl(annotated.annotations / "takedowns.jsonl", Takedown) == [
        Takedown(row["id"], "asked for by its publisher")
    ]
    with pytest.raises(KhabarError, match="requires a major version bump"):
        build(annotated, "1.1.0")
    built = build(annotated, "2.0.0")
    second = release_text(annotated.release("2.0.0"))
    assert row["id"] in first
    assert words in first
    assert row["id"] not in second
    assert words not in second
    assert "asked for by its publisher" in (annotated.release("2.0.0") / "CHANGELOG.md").read_text(encoding="utf-8")
    assert all(account.balanced for account in built.accounts)


def test_unknown_id_is_refused(annotated):
    document = next(iter(annotated.batches()))
    with pytest.raises(KhabarError, match=f"no article or document has the id '{document}'"):
        takedown(annotated, document, "why")


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["", " ", "two\nlines", "x" * (LONGEST + 1)])
def test_reason_is_one_short_line(annotated, reason):
    with pytest.raises(KhabarError, match=f"takes one line of at most {LONGEST} characters"):
        takedown(annotated, "x", reason)
