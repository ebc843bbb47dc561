"""What is taken down is in no later release, in no file of it."""

import pyarrow.parquet as pq
import pytest

from builder.commands.build import build
from builder.commands.takedown import LONGEST, takedown
from builder.io.jsonl import read_jsonl
from builder.records import KhabarError, Takedown
from tests.test_floors import annotated

__all__ = ("annotated",)


def said_in(folder):
    """Every text of a release: its plain files, and every value of its tables."""
    words = [path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix not in {".parquet", ""}]
    return "\n".join(words + [str(pq.ParquetFile(path).read().to_pylist()) for path in folder.rglob("*.parquet")])


@pytest.mark.slow
def test_an_article_that_was_taken_down_is_in_no_file_of_the_next_release(annotated):
    build(annotated, "1.0.0")
    first = said_in(annotated.release("1.0.0"))
    row = pq.ParquetFile(next((annotated.release("1.0.0") / "entities").glob("train-*"))).read().to_pylist()[0]
    words = row["text"][20:80]
    said = takedown(annotated, row["id"], "asked for by its publisher")
    again = takedown(annotated, row["id"], "asked twice")

    assert said.facts["taken down"] == row["id"]
    assert again.facts["taken down"] == "nothing: it was before"
    assert read_jsonl(annotated.annotations / "takedowns.jsonl", Takedown) == [
        Takedown(row["id"], "asked for by its publisher")
    ]
    with pytest.raises(KhabarError, match="requires a major version bump"):
        build(annotated, "1.1.0")
    built = build(annotated, "2.0.0")
    second = said_in(annotated.release("2.0.0"))
    assert row["id"] in first
    assert words in first
    assert row["id"] not in second
    assert words not in second
    assert "asked for by its publisher" in (annotated.release("2.0.0") / "CHANGELOG.md").read_text(encoding="utf-8")
    assert all(account.balanced for account in built.accounts)


def test_a_document_goes_with_all_its_articles_and_an_unknown_id_is_refused(annotated):
    document = next(iter(annotated.batches()))
    with pytest.raises(KhabarError, match=f"no article or document has the id '{document}'"):
        takedown(annotated, document, "why")


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["", " ", "two\nlines", "x" * (LONGEST + 1)])
def test_a_reason_says_something_on_one_line(annotated, reason):
    with pytest.raises(KhabarError, match=f"takes one line of at most {LONGEST} characters"):
        takedown(annotated, "x", reason)
