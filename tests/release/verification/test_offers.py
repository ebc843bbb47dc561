"""What pages offered, in `facts.json`: a version of labels.yaml that no annotation names confirms nothing it says."""

import pytest

from builder.release.verification.facts import JUDGEMENTS
from tests.tampering import copy_of, edit_json, messages, recheck, render

pytestmark = pytest.mark.slow  # makes a release

STRANGE = "0" * 8
"""A version of labels.yaml that no annotation names."""


def claimed(rich, to, *names, aside=0):
    """The messages on a release that says of fields what pages of a strange version offered, and left annotations out."""

    def change(plain):
        for name in names:
            plain[name][STRANGE] = next(iter(plain[name].values()))
        (account,) = (one for one in plain["built"] if one["unit"] == JUDGEMENTS)
        assert account["taken"] == account["kept"]
        account.update(taken=account["kept"] + aside, set_aside={"withdrawn": aside} if aside else {})

    copy = copy_of(rich, to / "release")
    edit_json(copy, "facts.json", change)
    render(copy)
    return messages(recheck(copy))


@pytest.mark.parametrize("name", ["asked", "asked_targets", "new_questions"])
def test_offers_of_a_version_without_annotations(rich, tmp_path, name):
    assert claimed(rich, tmp_path, name) == [
        "facts.json: it says what pages of 1 versions offered, of which no annotation is"
    ]


def test_a_version_in_several_fields_is_counted_once(rich, tmp_path):
    assert claimed(rich, tmp_path, "asked", "asked_targets", "new_questions") == [
        "facts.json: it says what pages of 1 versions offered, of which no annotation is"
    ]


def test_annotations_that_were_left_out_may_name_the_version(rich, tmp_path):
    assert claimed(rich, tmp_path, "asked", "asked_targets", "new_questions", aside=1) == []
