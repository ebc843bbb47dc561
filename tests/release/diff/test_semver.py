"""The version rule: each wrong number is refused with what changed; the changelog that is made of it."""

import re
from dataclasses import replace

import pyarrow as pa
import pytest

from builder.records import KhabarError, Span, Stance, Takedown
from builder.release.diff.changelog import Removals, changelog, changes, section
from builder.release.diff.compare import compare, side_of
from builder.release.diff.records import ReleaseId
from builder.release.diff.semver import check_version_step, make_changelog, refuse_backwards
from builder.release.tables.build import non_empty
from tests.release.material import build_tables

FIX = "or any higher version; `khabar diff` shows each change"


def side(material, version, card="card"):
    return side_of(ReleaseId(version, "a/b", "f" * 64, "full"), non_empty(build_tables(material).tables), card)


def relabelled(material):
    first = material.golds[0]
    golds = (replace(first, spans=(replace(first.spans[0], label="ORG"), first.spans[1])), *material.golds[1:])
    return replace(material, golds=golds)


def resplit(material):
    return replace(material, splits=material.splits | {"d05-0": "train"})


def without(material, article_id="d06-0"):
    return replace(
        material,
        articles=[a for a in material.articles if a.id != article_id],
        golds=[g for g in material.golds if g.article_id != article_id],
        judgements=[j for j in material.judgements if j.article_id != article_id],
    )


def renormalised(material):
    first = material.articles[0]
    other = replace(first, text=first.text.replace("جيد", "سيئ"), text_sha="0" * 16)
    golds = (replace(material.golds[0], text_sha="0" * 16), *material.golds[1:])
    said = [replace(j, text_sha="0" * 16) if j.article_id == first.id else j for j in material.judgements]
    return replace(material, articles=(other, *material.articles[1:]), golds=golds, judgements=said)


def with_a_label_less(material):
    labels = material.labels.model_copy(update={"entities": material.labels.entities[:-1]})
    return replace(material, labels=labels)


def answered(material):
    golds = (replace(material.golds[0], stances=(Stance("metro", "against"),)), *material.golds[1:])
    return replace(material, golds=golds)


def span_added(material):
    first = material.golds[0]
    golds = (replace(first, spans=(*first.spans, Span(0, 5, "EVENT"))), *material.golds[1:])
    return replace(material, golds=golds)


def rejudged(material):
    first, *others = material.judgements
    return replace(material, judgements=(replace(first, stances=(Stance("metro", "against"),)), *others))


def revoted(material):
    first = material.golds[0]
    votes = tuple(replace(vote, count=vote.count + 1) for vote in first.votes)
    return replace(material, golds=(replace(first, votes=votes), *material.golds[1:]))


def unchanged(material):
    return material


def retitled(material):
    return replace(material, articles=(replace(material.articles[0], title="عنوان آخر"), *material.articles[1:]))


def without_authors(material):
    return replace(material, publish_authors=False)


VOTES = "1 rows of stance with another label_counts, 1 rows of stance with another soft_label"
WRONG = [
    (relabelled, "1.0.0", "1.1.0", "2.0.0", "major", "1 spans changed"),
    (relabelled, "1.2.3", "1.2.4", "2.0.0", "major", "1 spans changed"),
    (relabelled, "0.4.2", "0.4.3", "0.5.0", "major", "1 spans changed"),
    (span_added, "1.0.0", "1.1.0", "2.0.0", "major", "1 spans changed"),
    (resplit, "1.0.0", "1.9.9", "2.0.0", "major", "6 rows in another split"),
    (without, "1.0.0", "1.1.0", "2.0.0", "major", "6 rows removed"),
    (renormalised, "1.0.0", "1.1.0", "2.0.0", "major", "1 texts changed"),
    (answered, "1.0.0", "1.1.0", "2.0.0", "major", "1 stances changed"),
    (rejudged, "1.0.0", "1.1.0", "2.0.0", "major", "1 judgements changed"),
    (revoted, "1.0.0", "1.1.0", "2.0.0", "major", VOTES),
    (with_a_label_less, "1.0.0", "1.1.0", "2.0.0", "major", "4 columns changed"),
    (unchanged, "1.0.0", "1.0.0", "1.0.1", "patch", "at most the card or metadata changed"),
    (retitled, "1.0.0", "1.0.0", "1.0.1", "patch", "at most the card or metadata changed"),
    (without_authors, "1.0.0", "1.0.0", "1.0.1", "patch", "at most the card or metadata changed"),
]


@pytest.mark.parametrize(("change", "before", "wrong", "least", "bump", "what"), WRONG)
def test_wrong_versions_are_refused_with_the_right_one(material, change, before, wrong, least, bump, what):
    old, new = side(material, before), change(material)
    with pytest.raises(KhabarError) as caught:
        check_version_step(compare(old, side(new, wrong)))

    (issue,) = caught.value.issues
    assert (caught.value.exit_code, issue.message, issue.fix) == (
        2, f"{wrong} requires a {bump} version bump from {before}: {what}", f"build {least}, {FIX}"
    )  # fmt: skip
    check_version_step(compare(old, side(new, least)))
    check_version_step(compare(old, side(new, "7.0.3")))


@pytest.mark.parametrize(
    ("before", "wrong", "least"),
    [("1.0.0", "1.0.1", "1.1.0"), ("1.4.2", "1.4.9", "1.5.0"), ("0.4.2", "0.4.2", "0.4.3")],
)
def test_rows_that_are_only_added_ask_for_a_minor_step(material, before, wrong, least):
    old = side(without(material), before)
    with pytest.raises(KhabarError) as caught:
        check_version_step(compare(old, side(material, wrong)))

    (issue,) = caught.value.issues
    assert issue.message == f"{wrong} requires a minor version bump from {before}: 6 rows added"
    assert issue.fix == f"build {least}, {FIX}"
    check_version_step(compare(old, side(material, least)))


def tables_of(material, change=lambda table: table, config="articles"):
    """The tables of a release, those of one config changed."""
    tables = dict(non_empty(build_tables(material).tables))
    return tables | {config: {split: change(table) for split, table in tables[config].items()}}


def with_column(table):
    return table.append_column("reach", pa.array(range(table.num_rows), pa.int64()))


def with_field(table):
    """Every span with a field more."""
    spans = table["spans"].combine_chunks()
    fields = [*spans.values.flatten(), pa.nulls(len(spans.values), pa.string())]
    names = [*(field.name for field in spans.type.value_type), "note"]
    wider = pa.ListArray.from_arrays(spans.offsets, pa.StructArray.from_arrays(fields, names))
    return table.set_column(table.schema.get_field_index("spans"), "spans", wider)


def retyped(table):
    return table.set_column(table.schema.get_field_index("part"), "part", table["part"].cast(pa.int64()))


def about(tables, version):
    plain = {c: {s: table.replace_schema_metadata(None) for s, table in of.items()} for c, of in tables.items()}
    return side_of(ReleaseId(version, "a/b", "f" * 64, "full"), plain, "card")


SHAPES = [
    (with_column, "articles", "1.0.1", "1.1.0", "minor", "1 columns added"),
    (lambda table: with_column(retyped(table)), "articles", "1.1.0", "2.0.0", "major", "1 columns changed"),
    (lambda table: table.drop_columns("author"), "articles", "1.1.0", "2.0.0", "major", "1 columns changed"),
    (lambda table: table.rename_columns({"author": "by"}), "articles", "1.1.0", "2.0.0", "major", "1 columns changed"),
    (retyped, "articles", "1.1.0", "2.0.0", "major", "1 columns changed"),
    (with_field, "entities", "1.1.0", "2.0.0", "major", "1 columns changed"),
]


@pytest.mark.parametrize(("change", "config", "wrong", "least", "bump", "what"), SHAPES)
def test_added_columns_are_minor_and_changed_ones_major(material, change, config, wrong, least, bump, what):
    old = about(tables_of(material), "1.0.0")
    new = tables_of(material, change, config)
    with pytest.raises(KhabarError) as caught:
        check_version_step(compare(old, about(new, wrong)))

    (issue,) = caught.value.issues
    assert issue.message == f"{wrong} requires a {bump} version bump from 1.0.0: {what}"
    assert issue.fix == f"build {least}, {FIX}"
    check_version_step(compare(old, about(new, least)))


def test_a_column_more_hides_nothing_else_that_changed(material):
    old, new = about(tables_of(material), "1.0.0"), tables_of(relabelled(material), with_column)
    with pytest.raises(KhabarError, match=r"requires a major version bump from 1\.0\.0: 1 spans changed"):
        check_version_step(compare(old, about(new, "1.1.0")))


def test_removed_configs_are_major_and_added_ones_minor(material):
    whole = tables_of(material)
    less = {config: tables for config, tables in whole.items() if config != "stance"}

    check_version_step(compare(about(less, "1.0.0"), about(whole, "1.1.0")))
    with pytest.raises(KhabarError, match=r"requires a minor version bump .*: \d+ rows added"):
        check_version_step(compare(about(less, "1.0.0"), about(whole, "1.0.1")))
    with pytest.raises(KhabarError, match=r"requires a major version bump .*: \d+ rows removed"):
        check_version_step(compare(about(whole, "1.0.0"), about(less, "1.1.0")))


@pytest.mark.parametrize("change", [unchanged, retitled])
def test_a_card_or_metadata_asks_for_a_patch(material, change):
    check_version_step(compare(side(material, "1.0.0"), side(change(material), "1.0.1", "another card")))


def test_a_version_never_goes_backwards():
    refuse_backwards("1.2.0", ["1.0.0", "1.2.0"])
    refuse_backwards("0.1.0", [])
    with pytest.raises(KhabarError) as caught:
        refuse_backwards("1.9.0", ["1.10.0", "1.2.0"])

    assert caught.value.issues[0].message == "1.9.0 goes backwards: 1.10.0 was built already"


def test_the_first_release_may_have_any_number(material, schema):
    text, inputs = make_changelog(None, "4.5.6", schema.dataset, build_tables(material).tables, "card", Removals())

    assert text.startswith("# Changelog\n\n## 4.5.6\n\nRows of each config and split:\n")
    assert inputs == {}


def test_changelog_is_newest_first_and_names_its_base(material, schema):
    first, _ = make_changelog(None, "1.0.0", schema.dataset, build_tables(material).tables, "card", Removals())
    tables = build_tables(relabelled(material)).tables
    second, inputs = make_changelog(
        (side(material, "1.0.0"), first), "2.0.0", schema.dataset, tables, "card", Removals()
    )
    third, _ = make_changelog(
        (side(relabelled(material), "2.0.0"), second), "2.0.1", schema.dataset, tables, "other", Removals()
    )

    assert inputs == {"since": "f" * 64}
    assert re.findall(r"(?m)^## (.*)$", third) == ["2.0.1", "2.0.0", "1.0.0"]
    assert third.endswith(second.removeprefix("# Changelog\n\n"))
    assert second.endswith(first.removeprefix("# Changelog\n\n"))
    assert "Since 1.0.0:\n\n- 1 span relabelled, in articles that stayed.\n" in second
    assert "| spans | `OCC` | 8 | 7 | 0 | 0 | 0 | 1 | 0 |" in second
    assert "- The tables are the same; the card was edited.\n" in third
    assert not re.search(r"20\d\d", third)


def test_takedown_shows_only_count_and_reason(material):
    gone = without(without(material), "d07-0")
    diff = compare(side(material, "1.0.0"), side(gone, "2.0.0"))
    takedowns = [Takedown("d06-0", "the owner asked\nfor it, <b>`now`</b>."), Takedown("nowhere-0", "never there")]
    takedowns = Removals(takedowns)
    text = changelog(section("2.0.0", build_tables(gone).tables, diff, takedowns))

    assert changes(diff, takedowns) == [
        "1 article taken down: the owner asked for it, \\<b\\>\\`now\\`\\</b\\>.",
        "1 article removed (test 1).",
    ]
    for article in (material.articles[6], material.articles[7]):
        document = next(one for one in material.documents if one.id == article.document_id)
        for secret in (article.id, article.document_id, article.title, article.text, document.url):
            assert secret not in text
    assert "never there" not in text
