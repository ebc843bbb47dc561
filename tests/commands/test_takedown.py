"""The command `takedown`: no later release holds the article."""

import pyarrow.parquet as pq
import pytest

from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.commands.takedown import LONGEST, takedown
from builder.io.jsonl import read_jsonl
from builder.project.annotations import read_batch
from builder.project.corpus import read_articles
from builder.project.groups import groups_for
from builder.project.project import Project
from builder.project.splits import read_splits
from builder.records import KhabarError, Takedown
from tests.builders import said
from tests.editions import release_text
from tests.news import lines, near_copy, news


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


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["random", "by_time", "by_source", "by_target"])
def test_no_takedown_blocks_a_build(annotated, strategy):
    settings = annotated.root / "schema" / "dataset.yaml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("strategy: random", f"strategy: {strategy}"), encoding="utf-8"
    )
    build(Project(annotated.root), "1.0.0")
    articles = [item.article_id for item in read_batch(annotated, "demo")]
    ledger = {one.article_id: one.split for one in read_splits(annotated)}
    for number, name in enumerate(articles[:-1], 2):
        takedown(annotated, name, "asked for by its publisher")
        built = build(Project(annotated.root), f"{number}.0.0", accept="few articles are left")

        assert name not in release_text(annotated.release(f"{number}.0.0"))
        assert all(account.balanced for account in built.accounts)
    takedown(annotated, articles[-1], "asked for by its publisher")
    with pytest.raises(KhabarError, match="was taken down"):
        build(Project(annotated.root), "99.0.0")

    assert {one.article_id: one.split for one in read_splits(annotated)} == ledger


def copied(project, tmp_path):
    """A project with three news of which the first two are copies, and their ids."""
    ingest(project, [lines(tmp_path / "a.jsonl", [news(1), near_copy(1), news(2)])])
    clean(project)
    sample(project, "pilot", 3)
    return sorted(group.article_id for group in groups_for(project, {one.id for one in read_articles(project)})
                  if group.kind != "single")  # fmt: skip


@pytest.mark.slow
def test_copies_of_an_article_are_listed_and_taken_down_on_demand(project, tmp_path):
    one, other = copied(project, tmp_path)
    asked = []
    report = takedown(project, one, "why", ask=asked.extend)

    assert [article.id for article in asked] == [other]
    assert [(issue.code, issue.article_id, issue.fix) for issue in report.issues] == [
        ("copy", other, f"khabar takedown {other}, or run the command again with --copies")
    ]
    both = takedown(project, one, "why", ask=lambda _: True)
    assert (both.articles, both.issues) == ((other,), ())
    assert takedown(project, one, "why").issues == ()


@pytest.mark.slow
def test_copies_option_takes_the_group_down(project, tmp_path, khabar):
    one, other = copied(project, tmp_path)
    listed = khabar("takedown", one, "--reason", "why", cwd=project.root)
    done = khabar("takedown", one, "--reason", "why", "--copies", cwd=project.root)

    assert f"{other}: warning[copy] an article of the same group stays" in listed.stderr
    assert (done.returncode, f"taken down: {other}\n" in done.stdout) == (0, True)


def test_unknown_id_is_refused(annotated):
    document = next(iter(annotated.batches()))
    with pytest.raises(KhabarError, match=f"no article or document has the id '{document}'"):
        takedown(annotated, document, "why")


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["", " ", "two\nlines", "x" * (LONGEST + 1)])
def test_reason_is_one_short_line(annotated, reason):
    with pytest.raises(KhabarError, match=f"takes one line of at most {LONGEST} characters"):
        takedown(annotated, "x", reason)
