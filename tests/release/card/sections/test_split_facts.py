"""What the card says of splits and sources: what holds in the rows, in their own letters."""

from dataclasses import replace

import pytest

from builder.release.card.facts import card_facts
from builder.release.card.sections.split_facts import splits_section
from builder.schema.dataset import Splits


def section(built, strategy):
    return splits_section(built.tables, Splits(strategy=strategy))


def test_shares_are_those_of_the_rows(built):
    said = section(built, "random")

    assert "Of 8 articles 5 (62.5%) train, 1 (12.5%) validation, 2 (25.0%) test; wanted were 70% train" in said
    assert "Each article is a group of its own." in said
    assert "each split has its share" not in said


def test_balance_is_a_figure_of_the_rows(altered, material):
    documents = tuple(replace(one, source=f"s{number % 2}") for number, one in enumerate(material.documents))
    said = section(altered(documents=documents), "random")

    assert (
        "The share of a source in a split differs from its share in all 8 articles by at most 50.0 percentage points."
        in said
    )


def test_groups_with_several_articles_are_counted(altered, material):
    first, second, *others = material.groups
    said = section(altered(groups=(first, replace(second, group_id=first.group_id), *others)), "random")

    assert "They form 7 groups, of which 1 have several articles." in said


@pytest.mark.parametrize(("strategy", "config", "column", "what"), [
    ("by_source", "articles", "source", "sources"), ("by_target", "stance", "target", "stance targets"),
])  # fmt: skip
def test_values_that_are_not_held_out_are_counted(built, strategy, config, column, what):
    own = [set(table[column].to_pylist()) for table in built.tables[config].values()]
    several = {value for values in own for value in values if sum(value in other for other in own) > 1}

    assert several
    assert f"Of {len(set.union(*own))} {what} {len(several)} are in several splits." in section(built, strategy)


def test_dates_are_those_of_the_rows(altered, material):
    days = {article.document_id: f"2026-02-{number:02}" for number, article in enumerate(material.articles, 1)}
    documents = tuple(replace(one, published_at=days[one.id]) for one in material.documents)
    said = section(altered(documents=documents), "by_time")

    assert "those of train are from 2026-02-01 to 2026-02-05, those of validation are from 2026-02-06" in said
    assert "older than the newest" not in said


def test_source_is_shown_as_it_is_written(altered, material, facts_of):
    hostile = "[نسيم](https://evil.example) <b>*x*</b>\x1b[31m|`y`"
    documents = tuple(replace(one, source=hostile) for one in material.documents)
    table = card_facts(built=altered(documents=documents), **facts_of)["sources"]

    assert "&#91;نسيم&#93;(https:&#47;/evil.example) &lt;b>&#42;x&#42;&lt;/b>⟨ESC⟩&#91;31m\\|&#96;y&#96;" in table
    assert "\x1b" not in table
