"""Which accounts are one person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.persons import (
    Account,
    People,
    Roster,
    identify,
    is_nobody,
    join_emails,
    nobody,
    person,
    resolve,
)
from builder.annotation.pseudonyms import number_pseudonym, origin_name, pseudonym

KEY = b"key"
ORIGIN = "o-1111111111"
EMAIL = pseudonym(KEY, "huda@nasim.example")
FIVE = number_pseudonym(KEY, ORIGIN, 5)
BOTH = Account("", 5, "huda@nasim.example")


def people(used=(), aliases=None, **given):
    return People(KEY, aliases or {}, frozenset(used), given)


@pytest.mark.parametrize(
    ("account", "known_as", "who", "expected"),
    [
        (Account("", 5), "", people(), (FIVE, {})),
        (Account("", None, "Huda@nasim.example"), "", people(), (EMAIL, {})),
        (BOTH, "", people(), (EMAIL, {FIVE: EMAIL})),
        (Account("", 5), "", people(aliases={FIVE: EMAIL}), (EMAIL, {})),
        (BOTH, "", people({FIVE}), (FIVE, {EMAIL: FIVE})),
        (BOTH, "", people({EMAIL, FIVE}), (EMAIL, {FIVE: EMAIL})),
        (Account("", 5), "a-0000000001", people({"a-0000000001"}), ("a-0000000001", {FIVE: "a-0000000001"})),
        (BOTH, "a-0000000001", people({"a-0000000001"}),
         ("a-0000000001", {EMAIL: "a-0000000001", FIVE: "a-0000000001"})),
        (BOTH, "a-0000000001", people({"a-0000000001", EMAIL}), (EMAIL, {"a-0000000001": EMAIL, FIVE: EMAIL})),
    ],
    ids=["number", "e-mail", "both", "alias", "number in use", "both in use", "known annotation",
         "known annotation and both", "two pseudonyms in use"],
)  # fmt: skip
def test_identify(account, known_as, who, expected):
    assert identify(account, ORIGIN, known_as, who) == expected


@pytest.mark.parametrize("word", ["huda", "Huda@khabar.localhost", pseudonym(KEY, "huda@khabar.localhost")])
def test_person_whom_the_user_names(word):
    huda = pseudonym(KEY, "huda@khabar.localhost")

    assert person(KEY, word) == huda
    assert identify(Account("", 5), ORIGIN, "", people(**{"5": word})) == (huda, {FIVE: huda})


def test_user_joins_two_emails():
    who = people({EMAIL}, **{"ali@nasim.example": "huda@nasim.example"})
    ali = pseudonym(KEY, "ali@nasim.example")

    assert identify(Account("", None, "Ali@nasim.example"), ORIGIN, "", who) == (EMAIL, {ali: EMAIL})


def test_numbers_of_two_origins_are_two_persons_and_names_of_origins_are_keyed():
    assert number_pseudonym(KEY, ORIGIN, 1) != number_pseudonym(KEY, "o-2222222222", 1)
    assert origin_name(KEY, "server huda") != origin_name(b"other", "server huda")


def test_bare_numbers_get_the_email_that_the_export_shows():
    bare, other = Account("", 5), Account("organisation 7", 5)

    assert join_emails({"#0": BOTH, "#1": bare, "#2": other, "#3": Account()}) == {
        "#0": BOTH, "#1": BOTH, "#2": other, "#3": Account(),
    }  # fmt: skip


def test_number_with_two_emails_stays_a_number():
    accounts = {"#0": BOTH, "#1": Account("", 5, "ali@nasim.example"), "#2": Account("", 5)}

    assert join_emails(accounts) == accounts


def test_roster_names_accounts_once_and_nobody_each_time():
    roster = Roster()

    assert [roster.name(account) for account in (BOTH, Account(), BOTH, Account())] == ["#0", "#1", "#0", "#2"]
    assert roster.accounts == {"#0": BOTH, "#1": Account(), "#2": Account()}


def test_annotations_of_nobody_on_one_article_are_of_several():
    names = [nobody(KEY, ORIGIN, rank) for rank in range(3)]

    assert len(set(names)) == 3
    assert [is_nobody(KEY, ORIGIN, name) for name in (*names, EMAIL)] == [True, True, True, False]


@given(st.dictionaries(st.sampled_from("abcde"), st.sampled_from("abcde")), st.sampled_from("abcde"))
def test_circles_of_aliases_end(aliases, name):
    assert resolve(name, aliases) in "abcde"
