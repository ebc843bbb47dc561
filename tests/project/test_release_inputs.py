"""The inputs that a manifest names: each with its SHA-256."""

import hashlib
from dataclasses import replace

import pytest

from builder.io.jsonl import read_jsonl, write_jsonl
from builder.io.parquet import from_table
from builder.project import release_inputs
from builder.project.project import Project
from builder.records import Article, Decision, Judgement, Takedown
from builder.text.profiles import profile
from tests.builders import judge, walk
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


CARD, TOOL = "# card", "khabar 1"
FILES = ("boilerplate.yaml", "dataset.yaml", "guidelines.md", "labels.yaml")


@pytest.fixture
def judged(project):
    walk(project, [ROOT / "examples" / "articles"], size=8)
    judge(project)
    return project


def hashed(project, material, card=CARD, tool=TOOL):
    inputs = release_inputs.load_release_inputs(Project(project.root))
    return release_inputs.hash_inputs(replace(inputs, material=material), card, tool)


def changed(before, after):
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def test_each_input_has_its_sha256(judged):
    found = hashed(judged, release_inputs.load_release_inputs(judged).material)

    assert all(len(value) == 64 and set(value) <= set("0123456789abcdef") for value in found.values())
    assert {*found} == {
        "articles", "card", "cleaning", "counts", "decisions", "judgements", "profile", "splits", "takedowns", "tool",
        *(f"schema/{name}" for name in FILES),
    }  # fmt: skip
    for name in FILES:
        assert found[f"schema/{name}"] == hashlib.sha256((judged.root / "schema" / name).read_bytes()).hexdigest()
    assert found["card"] == hashlib.sha256(CARD.encode()).hexdigest()
    assert found["profile"].startswith(profile("standard@1").hash)


@pytest.mark.parametrize("name", FILES)
def test_changed_schema_file_changes_one_hash(judged, name):
    material = release_inputs.load_release_inputs(judged).material
    before = hashed(judged, material)
    path = judged.root / "schema" / name
    path.write_text(path.read_text(encoding="utf-8") + "\n# one more line\n", encoding="utf-8")

    assert changed(before, hashed(judged, material)) == {f"schema/{name}"}


def test_other_changed_input_changes_one_hash(judged):
    material = release_inputs.load_release_inputs(judged).material
    before = hashed(judged, material)
    (first,), others = from_table(material.articles.slice(0, 1), Article), material.articles.slice(1)
    split = {**material.splits, first.id: "elsewhere"}

    assert changed(before, hashed(judged, material, card="# another")) == {"card"}
    assert changed(before, hashed(judged, material, tool="khabar 2")) == {"tool"}
    assert changed(before, hashed(judged, replace(material, articles=others))) == {"articles"}
    assert changed(before, hashed(judged, replace(material, splits=split))) == {"splits"}
    write_jsonl(judged.annotations / "takedowns.jsonl", [Takedown(first.id, "asked for")])
    assert changed(before, hashed(judged, material)) == {"takedowns"}
    decision = Decision(first.id, first.text_sha, "lead")
    write_jsonl(judged.annotations / "pilot" / "decisions.jsonl", [decision])
    assert changed(before, hashed(judged, material)) == {"takedowns", "decisions"}


def test_hash_ignores_server_times_and_ids(judged):
    material = release_inputs.load_release_inputs(judged).material
    before = hashed(judged, material)
    path = judged.annotations / "pilot" / "judgements.jsonl"
    judgements = read_jsonl(path, Judgement)
    write_jsonl(
        path, [replace(one, updated_at="2027-02-02T00:00:00Z", annotation_id=9) for one in reversed(judgements)]
    )
    again = hashed(judged, material)
    write_jsonl(path, [replace(judgements[0], remark="غير واضح"), *judgements[1:]])

    assert again == before
    assert changed(before, hashed(judged, material)) == {"judgements"}


def test_own_profile_is_an_input(judged):
    material = release_inputs.load_release_inputs(judged).material
    before = hashed(judged, material)
    own = "version: 1\nprofiles:\n  - name: house@1\n    base: standard@1\n    keep: []\n"
    (judged.root / "schema" / "profiles.yaml").write_text(own, encoding="utf-8")

    assert changed(before, hashed(judged, material)) == {"schema/profiles.yaml"}
