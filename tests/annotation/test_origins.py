"""Which annotations of exports are the same, and which server an export is of."""

from dataclasses import replace

import pytest

from builder.annotation.origins import Evidence, Export, merge, origin_of, weigh
from builder.annotation.persons import Account, People
from builder.annotation.pseudonyms import number_pseudonym, origin_name
from builder.records import Judgement, Span

KEY = b"key"
HUDA = "o-1111111111"


def made(number, *, article="a-0", created="2026-03-01T10:00:00.25Z", updated="", origin="", who="#0", label="PERS"):
    return Judgement(
        article, "sha", "pilot", who, (Span(0, 4, label, "r"),), (), "submitted", None, created, updated or created,
        "", "", 0, number, origin=origin,
    )  # fmt: skip


WHOLE = "2026-03-01T10:00:00Z"

LATER = "2026-03-02T10:00:00Z"


@pytest.mark.parametrize(
    ("new", "old", "evidence"),
    [
        (made(1), made(1), Evidence(1, 0, 1)),
        (made(1, label="ORG"), made(1), Evidence(1, 0, 1)),
        (made(1, created="2026-03-01T13:00:00.250+03:00"), made(1), Evidence(1, 0, 1)),
        (made(1, article="b-0"), made(1), Evidence(1, 0, 1)),
        (made(1, created=WHOLE), made(1, created=WHOLE), Evidence(1, 0, 0)),
        (made(1, created=WHOLE, updated=LATER, label="ORG"), made(1, created=WHOLE), Evidence(1, 0, 0)),
        (made(1, created=WHOLE, label="ORG"), made(1, created=WHOLE), Evidence(0, 1, 0)),
        (made(1, created=WHOLE, article="b-0"), made(1, created=WHOLE), Evidence(0, 1, 0)),
        (made(1, created=LATER), made(1), Evidence(0, 1, 0)),
    ],
    ids=[
        "same", "other reading", "other time zone", "text moved to another article", "same by whole seconds",
        "changed later", "other answers at one time", "other article by whole seconds", "made at another time",
    ],
)  # fmt: skip
def test_annotations_of_one_number_are_told_apart(new, old, evidence):
    assert weigh([new], [replace(old, origin=HUDA)]) == {HUDA: evidence}


def test_annotation_with_an_unknown_number_is_no_evidence():
    assert weigh([made(2)], [made(1)]) == {}


def people(*used, aliases=None, given=None):
    return People(KEY, aliases or {}, frozenset(used), given or {})


FIRST = Account("", 1)


def export(*judgements, account=FIRST, named="", place=""):
    return Export(place, judgements, frozenset([account]), named)


ONE = number_pseudonym(KEY, HUDA, 1)

KNOWN = [made(1, origin=HUDA, who=ONE), made(2, origin=HUDA, who=ONE)]


def test_first_export_has_an_origin_of_its_own():
    origin, issues = origin_of(export(made(1)), [], people())

    assert (origin[:2], len(origin), issues) == ("o-", 12, [])
    assert origin_of(export(made(1)), [], people())[0] == origin
    assert origin_of(export(made(1, created=LATER)), [], people())[0] != origin


def test_repeated_annotation_gives_the_earlier_origin():
    assert origin_of(export(made(2), made(3)), KNOWN, people(ONE)) == (HUDA, [])


def test_other_annotations_of_the_same_numbers_are_of_another_server():
    origin, (warning,) = origin_of(export(made(1, created=LATER), made(2, created=LATER)), KNOWN, people(ONE))

    assert origin not in ("", HUDA)
    assert (warning.severity, warning.code) == ("warning", "another-server")
    assert ONE in warning.message


@pytest.mark.parametrize(
    "new",
    [
        (made(11),),
        (made(11, created=WHOLE), made(12, created=WHOLE)),
        (made(1), made(2, created=LATER)),
    ],
    ids=["no number shared", "no number shared, whole seconds", "one repeated and one of another time"],
)
def test_number_that_may_be_two_persons_is_asked_for(new):
    _, (error,) = origin_of(export(*new), KNOWN, people(ONE))

    assert (error.severity, error.code) == ("error", "which-annotator")
    assert f"{ONE}, with 2 judgements" in error.message
    assert f"--annotator 1={ONE}" in error.fix
    assert "--annotator 1=NAME" in error.fix
    assert f"--origin {HUDA}" in error.fix


@pytest.mark.parametrize(
    ("account", "given", "named", "place"),
    [
        (Account("", 2), {}, "", ""),
        (Account("", 1, "huda@nasim.example"), {}, "", ""),
        (Account("", None, "huda@nasim.example"), {}, "", ""),
        (Account(), {}, "", ""),
        (Account("", 1), {"1": "huda"}, "", ""),
        (Account("", 1), {}, "ali", ""),
        (Account("", 1), {}, "", "organisation 7"),
    ],
    ids=["other number", "e-mail", "e-mail alone", "nobody", "annotator given", "origin given", "organisation"],
)
def test_nothing_is_asked_for_what_is_known(account, given, named, place):
    origin, issues = origin_of(
        export(made(11), account=account, named=named, place=place), KNOWN, people(ONE, given=given)
    )

    assert (origin != HUDA, issues) == (True, [])


def test_earlier_batches_keep_their_empty_origin():
    old = [made(1, who=number_pseudonym(KEY, "", 1)), made(2, created=LATER, who="a-2")]

    assert origin_of(export(made(1), made(2)), old, people(old[0].annotator)) == ("", [])
    _, (question,) = origin_of(export(made(9)), old, people(old[0].annotator))
    assert "--origin o-" not in question.fix


def test_named_origin_is_one_and_its_keyed_name_too():
    named = origin_name(KEY, "server huda")
    known = [replace(one, origin=named) for one in KNOWN]

    assert origin_of(export(made(7), named="huda"), known, people(ONE)) == (named, [])
    assert origin_of(export(made(7), named=named), known, people(ONE)) == (named, [])


def test_named_origin_loses_only_to_exact_times():
    whole = [replace(one, created_at=WHOLE, updated_at=WHOLE) for one in KNOWN]
    again = [made(1, created=WHOLE), made(2, created=WHOLE)]

    assert origin_of(export(*again, named="ali"), whole, people(ONE)) == (origin_name(KEY, "server ali"), [])
    assert origin_of(export(made(1), named="ali"), KNOWN, people(ONE)) == (HUDA, [])


def test_name_of_a_server_with_other_annotations_is_refused():
    named = origin_name(KEY, "server huda")
    known = [replace(one, origin=named) for one in KNOWN]
    _, (error,) = origin_of(export(made(1, created=LATER), named="huda"), known, people(ONE))

    assert (error.code, "`--origin huda`" in error.message) == ("which-origin", True)


def test_merge_keeps_the_later_version_and_what_is_lacking():
    old = [made(n, origin=HUDA, who=ONE) for n in (1, 2, 3)]
    same, changed, new = old[0], replace(old[1], updated_at=LATER, spans=()), made(4, origin=HUDA, who=ONE)
    merged = merge([same, changed, new], old)

    assert merged.fresh == (new,)
    assert merged.changed == ((changed, old[1]),)
    assert merged.again == (old[0],)
    assert merged.lacking == (old[2],)


def test_earlier_version_of_an_annotation_changes_nothing():
    old = made(1, updated=LATER, origin=HUDA)
    merged = merge([made(1, origin=HUDA, label="ORG")], [old])

    assert (merged.changed, merged.again, merged.lacking) == ((), (old,), ())


def test_annotation_twice_in_a_file_counts_once_and_its_latest_version():
    first, second = made(1), made(1, updated=LATER, label="ORG")

    assert merge([second, first], []).fresh == (second,)


def test_numbers_that_a_file_uses_again_for_other_articles_or_people_stay_apart():
    found = [made(1), made(1, article="b-0"), made(1, who="#1")]

    assert set(merge(found, []).fresh) == set(found)


def test_annotations_of_a_server_are_not_changed_by_a_file():
    served = made(1, origin=HUDA)
    merged = merge([made(1, updated=LATER, label="ORG", origin=HUDA)], [], [served])

    assert (merged.fresh, merged.changed, merged.again, merged.lacking) == ((), (), (served,), ())
