"""The steps of a migration, and what is wrong with `formerly`, from names alone."""

from collections import Counter

import pytest

from builder.annotation.migration.plan import plan
from builder.annotation.migration.versions import NamesUsed, version_of, with_new_names
from builder.schema.labels import EntityType, Labels, Stances, StanceTarget, StanceValue


def entity(name, *formerly, retired=False, key="1", definition="تعريف"):
    return EntityType(name=name, ar=f"نوع {name}", en=name, colour="#1f7a3d", key=key, definition=definition,
                      formerly=formerly, retired=retired)  # fmt: skip


def labels(*entities, stances=None):
    keyed = [one.model_copy(update={"key": "123456789"[place]}) for place, one in enumerate(entities)]
    return Labels(version=1, entities=tuple(keyed), stances=stances)


OLD = labels(entity("PER"), entity("LOC"), entity("MISC"))

VERSIONS = {"v1": version_of(OLD, "v1", 1)}


def used(targets=None, values=None, foreign=(), **entities):
    counts = {"entities": Counter(entities), "targets": Counter(targets or {}), "values": Counter(values or {})}
    return NamesUsed(counts, {"entities": foreign, "targets": (), "values": ()})


def steps(new, versions=VERSIONS, counts=None):
    found = plan(new, versions, counts or used(PER=5, LOC=3, MISC=2))
    assert found.faults == ()
    return [(step.kind, step.old, step.new, step.used) for step in found.steps]


def faults(new, versions=VERSIONS, counts=None):
    found = plan(new, versions, counts or used(PER=5, LOC=3, MISC=2))
    assert found.pending
    return [(issue.message, issue.fix) for issue in found.faults]


def test_nothing_is_pending_where_names_are_the_same_or_nothing_was_annotated():
    assert steps(OLD) == []
    assert steps(labels(entity("NEW", "GONE")), {}, used()) == []


def test_rename_retire_and_add():
    new = labels(entity("PERS", "PER"), entity("LOC"), entity("MISC", retired=True), entity("DATE"))

    assert steps(new) == [("rename", "PER", "PERS", 5), ("retire", "MISC", "", 2), ("add", "", "DATE", 0)]
    assert plan(new, VERSIONS, used(PER=5)).renames()["entities"] == {"PER": "PERS"}


def test_merge_into_a_label_that_is_there_and_of_two_into_a_new_one():
    assert steps(labels(entity("PER"), entity("LOC", "MISC"))) == [("merge", "MISC", "LOC", 2)]
    assert steps(labels(entity("PER"), entity("THING", "LOC", "MISC"))) == [
        ("merge", "LOC", "THING", 3), ("merge", "MISC", "THING", 2),
    ]  # fmt: skip


def test_swapped_names_are_two_renames():
    assert steps(labels(entity("PER", "LOC"), entity("LOC", "PER"), entity("MISC"))) == [
        ("rename", "LOC", "PER", 3), ("rename", "PER", "LOC", 5),
    ]  # fmt: skip


def test_a_split_keeps_the_retired_label():
    new = labels(
        entity("PER"), entity("LOC", retired=True), entity("CITY", "LOC"), entity("LAND", "LOC"), entity("MISC")
    )

    assert steps(new) == [
        ("split", "LOC", "", 3),
        ("retire", "LOC", "", 3),
        ("add", "", "CITY", 0),
        ("add", "", "LAND", 0),
    ]


def test_another_definition_is_a_change_that_holds_nothing_up():
    new = labels(entity("PER", definition="تعريف آخر"), entity("LOC"), entity("MISC"))

    assert steps(new) == [("change", "PER", "PER", 5)]
    assert not plan(new, VERSIONS, used(PER=5)).pending


def test_after_the_migration_nothing_is_pending_though_formerly_stays():
    swapped = labels(entity("PER", "LOC"), entity("LOC", "PER"), entity("MISC"))
    renames = plan(swapped, VERSIONS, used(PER=5, LOC=3)).renames()
    after = {"v1": with_new_names(VERSIONS["v1"], renames), "v2": version_of(swapped, "v2", 2)}

    assert [one.name for one in after["v1"].entities] == ["LOC", "PER", "MISC"]
    assert steps(swapped, after, used(PER=3, LOC=5)) == []


def test_a_chain_of_renames_over_versions():
    first = labels(entity("PERS", "PER"), entity("LOC"), entity("MISC"))
    moved = with_new_names(VERSIONS["v1"], plan(first, VERSIONS, used(PER=5)).renames())
    after = {"v1": moved, "v2": version_of(first, "v2", 2)}
    second = labels(entity("PERSON", "PERS", "PER"), entity("LOC"), entity("MISC"))
    third = with_new_names(moved, plan(second, after, used(PERS=5)).renames())

    assert steps(second, after, used(PERS=5)) == [("rename", "PERS", "PERSON", 5)]
    assert (third.entities[0].shown, third.entities[0].name) == ("PER", "PERSON")


def test_a_name_is_reused_for_another_label():
    new = labels(entity("PERS", "PER"), entity("PER", "MISC"), entity("LOC"))

    assert steps(new) == [("rename", "PER", "PERS", 5), ("rename", "MISC", "PER", 2)]


def test_targets_and_values_have_steps_of_their_own():
    def asked(targets, values=("favor", "against")):
        return Stances(
            values=tuple(
                StanceValue(name=v, ar="قيمة" if v != "against" else v, en=v, formerly=("pro",) if v == "for" else ())
                for v in values
            ),
            targets=tuple(StanceTarget(id=t, ar=t[:3], en=t, keywords=(t,), formerly=f) for t, f in targets),
        )

    old = labels(entity("PER"), stances=asked([("dam", ())], ("pro", "against")))
    new = labels(entity("PER"), stances=asked([("dam-2", ("dam",)), ("metro", ())], ("for", "against")))
    counts = used({"dam": 4}, {"pro": 3, "against": 1}, PER=1)

    assert steps(new, {"v1": version_of(old, "v1", 1)}, counts) == [
        ("rename", "dam", "dam-2", 4), ("add", "", "metro", 0), ("rename", "pro", "for", 3),
    ]  # fmt: skip


BAD = {
    "never": (
        labels(entity("PERS", "PERSON"), entity("PER"), entity("LOC"), entity("MISC")),
        "label PERS is formerly PERSON, which never existed", "correct it; known: LOC, MISC, PER",
    ),
    "twice": (
        labels(entity("PER"), entity("CITY", "LOC"), entity("LAND", "LOC"), entity("MISC")),
        "CITY and LAND are both formerly LOC",
        "name it under one; to split it, keep LOC with `retired: true`, and its articles are queued again",
    ),
    "self": (
        labels(entity("PER", "PER"), entity("LOC"), entity("MISC")),
        "label PER is formerly PER, which is its own name", "take it out of `formerly`",
    ),
    "there": (
        labels(entity("PERS", "PER"), entity("PER"), entity("LOC"), entity("MISC")),
        "label PERS is formerly PER, and PER is still in the list", "take PER out of the list, or out of `formerly`",
    ),
    "gone": (
        labels(entity("PER"), entity("LOC")),
        "2 spans have the label MISC, which labels.yaml no longer has",
        "write `formerly: [MISC]` at its new name, or keep it with `retired: true`; then run `khabar schema migrate`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_migrated_is_said(name):
    new, message, fix = BAD[name]

    assert faults(new)[:1] == [(message, fix)]


def test_formerly_that_was_edited_after_the_migration_is_refused():
    first = labels(entity("PERS", "PER"), entity("LOC"), entity("MISC"))
    moved = with_new_names(VERSIONS["v1"], plan(first, VERSIONS, used(PER=5)).renames())
    after = {"v1": moved, "v2": version_of(first, "v2", 2)}
    edited = labels(entity("PERS"), entity("LOC", "PER"), entity("MISC"))

    assert faults(edited, after, used(PERS=5, LOC=3, MISC=2)) == [(
        "label LOC is formerly PER, but an earlier migration made PER PERS",
        "restore `formerly` as it was, or write `formerly: [PERS]`",
    )]  # fmt: skip


def test_a_name_that_pages_never_showed_holds_nothing_up():
    assert steps(OLD, counts=used(PER=5, X=1, foreign={"X"})) == []


def test_a_label_that_was_never_used_may_leave_the_file():
    assert steps(labels(entity("PER"), entity("LOC")), counts=used(PER=5, LOC=3)) == [("retire", "MISC", "", 0)]
