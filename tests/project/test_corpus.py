"""Articles across shards."""

import pytest

from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.project.corpus import read_articles, select_rows
from builder.records import Article
from tests.news import lines, news

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_article_is_found_by_id_in_any_shard(project, tmp_path):
    for number in range(3):
        ingest(project, [lines(tmp_path / f"{number}.jsonl", [news(number)])])
    clean(project)
    ids = [article.id for article in read_articles(project)]

    assert [a.id for a in select_rows(project, "articles", Article, "id", ids[1:2])] == ids[1:2]
    assert select_rows(project, "articles", Article, "id", ["none"]) == []
