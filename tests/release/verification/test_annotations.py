"""Annotations and gold of releases: columns give what rows give."""

import pytest

from builder.records import PublishedAnnotation
from builder.records.arrow import records_of
from builder.release.publish.annotations import read_annotations
from builder.release.publish.folder import read_manifest
from builder.release.publish.open import open_folder
from tests.release.publish import reference
from tests.tampering import copy_of, edit_rows, sign


def sorted_spans(answers):
    return [(one.article_id, one.who, one.text_sha, sorted(one.spans), one.stances, one.answers) for one in answers]


def check_same(folder):
    side = open_folder(folder).side
    found = read_annotations(side)
    pages, answers, unsettled = reference.read_annotations(side)

    assert sorted_spans(records_of(found.answers, PublishedAnnotation)) == sorted_spans(answers)
    assert found.unsettled == unsettled
    assert [tuple(row.values()) for row in found.pages.to_pylist()] == [(name, *page) for name, page in pages.items()]


@pytest.mark.parametrize("edition", ["full", "standoff", "rich"])
def test_columns_read_what_rows_read(request, edition):
    check_same(request.getfixturevalue(edition))


@pytest.mark.parametrize("config", ["entities", "stance", "questions"])
def test_articles_without_gold_are_read_alike(rich, tmp_path, config):
    copy = copy_of(rich, tmp_path / "release")
    splits = read_manifest(copy).splits
    edit_rows(copy, config, lambda rows: rows.__delitem__(slice(0, len(rows), 2)))
    sign(copy, splits=splits | {config: splits[config] | {"train": splits[config]["train"] // 2}})

    check_same(copy)
