"""The command `sample`: which articles a batch gets."""

import json
from collections import Counter

import pytest

from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.io.hashing import sha16
from builder.project import groups
from builder.project.annotations import read_batch
from builder.project.batches import batch_article_ids
from builder.project.corpus import read_articles
from builder.project.project import Project
from builder.records import KhabarError
from tests.builders import judge, walk
from tests.conftest import ROOT
from tests.news import lines, news

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_copy_of_a_sampled_article_is_not_chosen(project, tmp_path):
    walk(project, [ROOT / "examples" / "articles"], size=1)
    (item,) = read_batch(project, "pilot")
    text = next(a.text for a in read_articles(project) if a.id == item.article_id)
    for number in range(200):
        copy = f"{text}\n{number}"
        if sha16(copy) < item.group_id:
            break
    (tmp_path / "copy.txt").write_text(copy, encoding="utf-8")
    ingest(project, [tmp_path / "copy.txt"])
    clean(project)

    sample(project, "second", 100)

    ids = [article.id for article in read_articles(project)]
    group_of = {group.article_id: group.group_id for group in groups.groups_for(project, ids)}
    assert group_of[item.article_id] == group_of[f"{sha16(copy)}-0"] == item.group_id
    assert item.group_id not in {one.group_id for one in read_batch(project, "second")}


def test_next_batch_is_chosen_by_gold_with_reasons(project, khabar):
    walk(project, [ROOT / "examples" / "articles"], size=12)
    early = khabar("sample", "--next", "--batch", "second", cwd=project.root)
    judge(project)
    report = sample(project, "second", 5, by_gold=True)
    folder = project.annotations / "second"
    why = [json.loads(line) for line in (folder / "next.jsonl").read_text(encoding="utf-8").splitlines()]

    assert (early.returncode, (project.annotations / "second" / "batch.jsonl").exists()) == (1, True)
    assert "there is no gold to learn from" in early.stderr
    assert [one["article_id"] for one in why] == [item.article_id for item in read_batch(project, "second")]
    assert len(why) == 5
    assert all(0 <= one["score"] <= 1 and one["parts"] for one in why)
    assert {*batch_article_ids(project)} >= {one["article_id"] for one in why}
    assert report.why == folder / "next.jsonl"
    assert report.accounts[1].set_aside["in an earlier batch"] == 12


def test_filters_apply_and_can_be_removed(project, tmp_path):
    ingest(project, [lines(tmp_path / "a.jsonl", [news(1), news(2), "The minister opened it. " * 20])])
    english = clean(project).accounts[-1]
    settings = project.root / "schema" / "dataset.yaml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before + "filters:\n  arabic: 0\n  least_words: 85\n  per_source: 1\n", encoding="utf-8")
    changed = Project(project.root)
    sampled = sample(changed, "pilot", 5)

    assert (english.kept, english.set_aside) == (2, {"not in Arabic script": 1})
    assert sampled.accounts[0].set_aside == {"too few words": 1}
    assert sampled.accounts[1].set_aside == {"filtered: over 1 of one source": 1, "filtered: too few words": 1}
    settings.write_text(before, encoding="utf-8")
    (changed.annotations / "pilot" / "batch.jsonl").unlink()
    assert sample(Project(project.root), "pilot", 5).accounts[0] == english


def test_cap_for_each_source(project, tmp_path):
    ingest(project, [lines(tmp_path / f"{name}.jsonl", map(news, range(at, at + 9)), name)
                               for at, name in ((0, "nasim"), (20, "barq"))])  # fmt: skip
    clean(project)
    settings = project.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "filters:\n  per_source: 4\n", encoding="utf-8")
    report = sample(Project(project.root), "pilot", 50)

    assert report.accounts[1].set_aside == {"filtered: over 4 of one source": 10}
    assert Counter(item.source for item in read_batch(project, "pilot")) == {"nasim": 4, "barq": 4}


def test_limits_of_dataset_yaml_let_published_sentences_in(project, tmp_path):
    settings = project.root / "schema" / "dataset.yaml"
    limits = "sampling:\n  min_length: 10\n  one_of_each_group: false\n"
    settings.write_text(settings.read_text(encoding="utf-8").replace("sampling:\n", limits), encoding="utf-8")
    project = Project(project.root)
    for number, text in enumerate(("زارت سلمى المرفأ صباحا.", "زارت سلمى المرفأ صباحا!", "قصير")):
        (tmp_path / f"{number}.txt").write_text(text, encoding="utf-8")
        ingest(project, [tmp_path / f"{number}.txt"])
    clean(project)
    report = sample(project, "pilot", 9)

    assert report.articles == 2
    assert report.accounts[-1].set_aside == {"too short": 1}
    with pytest.raises(KhabarError, match="no article is left to choose"):
        sample(project, "second", 9)
