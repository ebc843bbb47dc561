"""schema/profiles.yaml: a project's own normalization profiles."""

import pytest
from hypothesis import given

from builder.schema.profiles import OwnProfile, Profiles
from builder.text.policies import NAMES
from builder.text.profiles import profile
from tests.builders import yaml_faults
from tests.text.strategies import PAGES


def own_profile(**fields):
    return OwnProfile.model_validate({"name": "verse@1", "base": "standard@1", **fields})


def test_own_profile_is_a_built_in_one_with_exceptions():
    verse = profile(
        "verse@1",
        own_profile(
            keep=["ARABIC SHADDA", "U+0671"],
            delete=["EM DASH"],
            replace={"ARABIC LETTER GAF": "ARABIC LETTER KAF", "ARABIC COMMA": "U+003B"},
        ),
    )
    raw = "قطّةٌ \N{EM DASH} \N{ARABIC LETTER GAF}تاب، ٱلخبر"

    assert verse.apply(raw).text == "قطّة  كتاب; ٱلخبر"
    assert verse.name == "verse@1"
    assert verse.hash not in {profile(name).hash for name in NAMES}


def test_other_tables_have_other_hashes():
    assert profile("verse@1", own_profile(keep=["ARABIC SHADDA"])).hash != profile("verse@1", own_profile()).hash


@given(PAGES)
def test_own_profile_is_idempotent(raw):
    kept = own_profile(keep=["ARABIC TATWEEL", "ARABIC FATHA", "ARABIC LETTER KEHEH"], delete=["ARABIC LETTER PEH"])
    once = profile("verse@1", kept).apply(raw).text

    assert profile("verse@1", kept).apply(once).text == once


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("keep: [ARABIC SHADA]", "unknown character 'ARABIC SHADA'"),
        ("keep: [U+110000]", "unknown character 'U+110000'"),
        ("delete: [SPACE]", "'SPACE' is a line end or the space"),
        ("replace: {U+000A: ARABIC COMMA}", "'U+000A' is a line end or the space"),
        ("replace: {ARABIC COMMA: LINE SEPARATOR}", "'LINE SEPARATOR' is a line end or the space"),
        (
            "keep: [ARABIC SHADDA]\n    delete: [ARABIC SHADDA]",
            "character listed twice in keep, delete and replace: ARABIC SHADDA",
        ),
        ("replace: {ARABIC COMMA: COMMA, COMMA: ARABIC COMMA}", "replacement is itself kept, deleted or replaced"),
    ],
)
def test_bad_profile_is_refused_at_its_place(fields, message):
    text = f"version: 1\nprofiles:\n  - name: verse@1\n    base: standard@1\n    {fields}\n"
    (fault,) = yaml_faults(text, Profiles)

    assert fault[0].startswith("labels.yaml:")
    assert message in fault[1]


def test_built_in_name_is_refused():
    ((_, message),) = yaml_faults("version: 1\nprofiles: [{name: light@1, base: standard@1}]", Profiles)

    assert message == "file: profile name is a duplicate or built in: light@1"
