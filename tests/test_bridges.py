"""A build whose articles are alike across splits: a new one is left out and named, old ones stop it."""

import json

import pytest

from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.corpus import read_articles
from builder.records import BatchItem, KhabarError, SplitAssignment
from tests.conftest import ROOT


def kept(project):
    """The demonstration's project, built from the judgements that are kept in this repository."""
    (project.annotations / "demo").mkdir()
    for name in ("demo/batch.jsonl", "demo/judgements.jsonl", "demo/decisions.jsonl", "splits.jsonl"):
        (project.annotations / name).write_bytes((ROOT / "annotations" / name).read_bytes())
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)
    return {one.article_id: one.split for one in read_jsonl(project.annotations / "splits.jsonl", SplitAssignment)}


def longest(project, split, ledger):
    return max((a for a in read_articles(project) if ledger.get(a.id) == split), key=lambda a: len(a.text))


@pytest.mark.slow
def test_a_new_article_that_holds_two_of_different_splits_stays_out_and_is_named(project, tmp_path):
    ledger = kept(project)
    build(project, "1.0.0")
    before = (project.annotations / "splits.jsonl").read_bytes()
    train, test = (longest(project, split, ledger) for split in ("train", "test"))
    page = {"source": "صدى المرفأ", "title": None, "text": f"{train.text}\n{test.text}"}
    (tmp_path / "bridge.jsonl").write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")
    ingest(project, [tmp_path / "bridge.jsonl"])
    clean(project)
    (bridge,) = (a for a in read_articles(project) if train.text[:40] in a.text and test.text[:40] in a.text)
    item = BatchItem("more", bridge.id, bridge.text_sha, bridge.id, "صدى المرفأ")
    write_jsonl(project.annotations / "more" / "batch.jsonl", [item])

    report = build(project, "1.1.0")

    (issue,) = report.issues
    assert issue.message.startswith(
        f"article {bridge.id} stays out of the release: its group bridges train and test, as "
    )
    assert (project.annotations / "splits.jsonl").read_bytes() == before
    (account,) = (one for one in report.accounts if one.unit == "articles in articles")
    assert account.set_aside == {"its group bridges train and test": 1}
    assert account.kept == len(ledger)


def test_alike_articles_in_two_splits_stop_a_build_which_writes_nothing(project, tmp_path):
    ledger = kept(project)
    old = longest(project, "train", ledger)
    page = {"source": "صدى المرفأ", "title": None, "text": f"{old.text}\nزيادة في آخر النص."}
    (tmp_path / "copy.jsonl").write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")
    ingest(project, [tmp_path / "copy.jsonl"])
    clean(project)
    (copy,) = (a for a in read_articles(project) if a.text.startswith(old.text[:80]) and a.id != old.id)
    write_jsonl(project.annotations / "more" / "batch.jsonl", [BatchItem("more", copy.id, copy.text_sha, copy.id, "ص")])
    build(project, "1.0.0")
    found = {one.article_id: one.split for one in read_jsonl(project.annotations / "splits.jsonl", SplitAssignment)}
    assert found == ledger | {copy.id: "train"}

    moved = sorted({**found, copy.id: "test"}.items())
    write_jsonl(project.annotations / "splits.jsonl", [SplitAssignment(*pair) for pair in moved])
    with pytest.raises(KhabarError) as caught:
        build(project, "2.0.0")

    messages = [issue.message for issue in caught.value.issues]
    assert any("train" in m and "test" in m and old.id in m and copy.id in m for m in messages)
    assert caught.value.exit_code == 1
    assert not project.release("2.0.0").exists()
