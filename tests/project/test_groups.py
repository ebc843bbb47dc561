"""Groups of near-duplicates, kept up to date."""

from collections import Counter

import pytest

from builder.commands.clean import clean
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.corpus import versions
from builder.corpus.dedup import pipeline
from builder.project import groups as grouping
from builder.project.corpus import read_articles
from builder.release.splits.assign import assign
from builder.schema.dataset import Splits
from tests.news import TEXTS, lines, near_copy, news

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_groups_of_an_earlier_version_are_recomputed(project, tmp_path, monkeypatch):
    ingest(project, [lines(tmp_path / "one.jsonl", TEXTS[:20])])
    clean(project)
    dedup(project)
    before, found = project.stamped_step("dedup"), []
    monkeypatch.setattr(
        pipeline, "find_groups", lambda *given, find=pipeline.find_groups: found.append(1) or find(*given)
    )
    dedup(project)
    assert (found, project.stamped_step("dedup")) == ([], before)
    monkeypatch.setattr(versions, "GROUPS", versions.GROUPS + 1)
    dedup(project)
    assert found == [1]
    assert project.stamped_step("dedup") != before


def test_new_shards_keep_groups_and_splits(project, tmp_path):
    frozen, names, groups = {}, {}, {}
    for number in range(4):
        first = 60 * number
        texts = [*map(news, range(first, first + 60)), *map(near_copy, range(0, first, 5))]
        ingest(project, [lines(tmp_path / f"{number}.jsonl", texts)])
        clean(project)
        dedup(project)
        articles = read_articles(project)
        groups = {g.article_id: g.group_id for g in grouping.groups_for(project, [a.id for a in articles])}

        assert {article: groups[article] for article in names} == names
        splits, aside = assign(groups, Splits(), frozen)
        assert {article: splits[article] for article in frozen} == frozen
        assert not aside
        names, frozen = groups, splits
    assert max(Counter(groups.values()).values()) >= 2
