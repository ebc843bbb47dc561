"""Targets and stance values with another name: shown once, and told from those that were merged, split or swapped."""

from dataclasses import replace

import pytest

from builder.records import Stance
from builder.release.diff import html, text
from builder.release.diff.compare import compare, side_of
from builder.release.diff.records import ReleaseId, StanceChange
from builder.release.diff.stance_renames import AnswerRename, StanceRenames, stance_renames
from builder.release.tables.build import non_empty
from tests.release.material import build_tables


def side(material, version="1.0.0"):
    about = ReleaseId(version, "khabar/demo-news", "0" * 64, "full")
    return side_of(about, non_empty(build_tables(material).tables), "# card\n")


def renamed(material, targets=(), values=()):
    """The material with other names of targets and stance values, in labels.yaml, gold, votes and judgements."""
    targets, values = dict(targets), dict(values)
    stances = material.labels.stances
    made = {targets.get(one.id, one.id): one for one in stances.targets}
    shown = {values.get(one.name, one.name): one for one in stances.values}
    own = stances.model_copy(
        update={
            "targets": tuple(one.model_copy(update={"id": name}) for name, one in made.items()),
            "values": tuple(one.model_copy(update={"name": name}) for name, one in shown.items()),
        }
    )

    def told(answers):
        return tuple(Stance(targets.get(s.target, s.target), values.get(s.value, s.value)) for s in answers)

    return replace(
        material,
        labels=material.labels.model_copy(update={"stances": own}),
        golds=tuple(replace(gold, stances=told(gold.stances), votes=()) for gold in material.golds),
        judgements=tuple(replace(one, stances=told(one.stances)) for one in material.judgements),
    )


@pytest.fixture
def two(material):
    """The material with an answer on a second target in each article, of which half are against."""
    golds = tuple(
        replace(gold, stances=(*gold.stances, Stance("dam", ("favor", "against")[number % 2])))
        for number, gold in enumerate(material.golds)
    )
    return replace(material, golds=golds)


def found(old, new):
    return stance_renames(compare(side(old), side(new, "2.0.0")))


def test_a_renamed_target_is_shown_once_with_its_answers(two):
    diff = compare(side(two), side(renamed(two, {"metro": "subway"}), "2.0.0"))
    lines = list(text.lines(diff, every=True))

    assert diff.stances
    assert stance_renames(diff).targets == (AnswerRename("metro", "subway", 8),)
    assert stance_renames(diff).others == ()
    assert lines[lines.index("targets renamed: 1") + 1] == "    metro -> subway: 8 answers"
    assert not any(line.startswith("stances changed") for line in lines)
    assert '<code>subway</code></td><td><span class="n">8</span>' in html.page(diff)


def test_a_renamed_value_is_shown_once_with_its_answers(two):
    diff = compare(side(two), side(renamed(two, values={"favor": "support"}), "2.0.0"))
    lines = list(text.lines(diff, every=True))

    assert stance_renames(diff).values == (AnswerRename("favor", "support", 12),)
    assert stance_renames(diff).others == ()
    assert lines[lines.index("stance values renamed: 1") + 1] == "    favor -> support: 12 answers"
    assert not any(line.startswith("stances changed") for line in lines)
    assert '<code>support</code></td><td><span class="n">12</span>' in html.page(diff)


def test_a_target_and_a_value_at_once(two):
    made = found(two, renamed(two, {"dam": "da"}, {"favor": "for"}))

    assert made == StanceRenames((AnswerRename("dam", "da", 8),), (AnswerRename("favor", "for", 12),), ())


def test_a_target_whose_name_is_contained_in_another(two):
    old = renamed(two, {"metro": "dam-line"})

    assert found(old, renamed(two, {"metro": "dam-line", "dam": "da"})).targets == (AnswerRename("dam", "da", 8),)
    assert found(two, renamed(two, {"metro": "metro-line", "dam": "metro"})).targets == ()  # both releases have `metro`


@pytest.mark.parametrize(
    ("targets", "values"),
    [({"dam": "metro"}, {}), ({"metro": "dam", "dam": "metro"}, {}), ({}, {"favor": "against"}),
     ({}, {"favor": "all", "against": "all"}), ({}, {"favor": "against", "against": "favor"})],
)  # fmt: skip
def test_merged_and_swapped_ones_are_not_renamed(two, targets, values):
    diff = compare(side(two), side(renamed(two, targets, values), "2.0.0"))
    made = stance_renames(diff)

    assert made.targets == made.values == ()
    assert made.others == diff.stances
    assert diff.stances


def test_an_answer_that_changed_beside_is_still_shown_under_the_new_name(two):
    new = renamed(two, {"metro": "subway"})
    first, second = new.golds[:2]
    other = replace(first, stances=(Stance("subway", "against"), first.stances[1]))
    without = replace(second, stances=second.stances[1:])
    made = found(two, replace(new, golds=(other, without, *new.golds[2:])))

    assert made.targets == (AnswerRename("metro", "subway", 7),)
    assert made.others == (
        StanceChange(first.article_id, "subway", "changed", "favor", "against"),
        StanceChange(second.article_id, "subway", "removed", "favor", ""),
    )


def test_a_target_whose_articles_are_not_those_of_the_new_one_is_not_renamed(two):
    new = renamed(two, {"metro": "subway"})
    few = tuple(
        replace(gold, stances=gold.stances[:1] if number < 4 else gold.stances[1:])
        for number, gold in enumerate(new.golds)
    )
    made = found(two, replace(new, golds=few))

    assert made.targets == ()
    assert {(one.target, one.kind) for one in made.others} >= {("metro", "removed"), ("subway", "added")}
