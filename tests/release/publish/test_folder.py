"""The release folder: the same bytes every time, never there in part, read by the real `datasets`."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from builder.io.plain import from_plain
from builder.records import KhabarError, Release
from builder.release.card.facts import card_facts
from builder.release.card.render import make_card
from builder.release.diff.changelog import changelog, section
from builder.release.publish.folder import read_manifest, write_release
from tests.release.material import build_tables

READER = """
import json, sys
from datasets import get_dataset_config_names, load_dataset, load_dataset_builder
folder, cache = sys.argv[1:]
found = {}
for config in get_dataset_config_names(folder):
    dataset = load_dataset(folder, config, cache_dir=cache)
    found[config] = {
        "version": str(dataset["train"].info.version),
        "features": {name: str(feature) for name, feature in dataset["train"].features.items()},
        "rows": {split: [dict(row) for row in dataset[split]] for split in dataset},
    }
print(json.dumps([load_dataset_builder(folder, cache_dir=cache).config.name, found], default=str))
"""


def everything(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def write(built, schema, facts_of, root):
    """Write a release of the built tables; `tables` may be others."""

    def run(folder, built=built, **options):
        facts = card_facts(built=built, **facts_of)
        card = make_card((root / "dataset_card.md").read_text(), "1.0.0", schema, built.tables, facts)
        release = Release(
            "1.0.0",
            "khabar/demo-news",
            "",
            "khabar 0.1.0",
            schema.hash,
            "standard@1+ab12",
            {"b": "2", "a": "1"},
            {},
            {},
        )
        return write_release(
            folder,
            built.tables,
            {"README.md": card, "CHANGELOG.md": changelog(section("1.0.0", built.tables))},
            release,
            **options,
        )

    return run


def test_two_builds_in_two_folders_have_the_same_bytes(write, tmp_path, material):
    write(tmp_path / "a" / "v1.0.0")
    write(tmp_path / "b" / "v1.0.0", build_tables(material))

    assert everything(tmp_path / "a" / "v1.0.0") == everything(tmp_path / "b" / "v1.0.0")


def test_the_manifest_names_every_file_and_input_by_hash(write, tmp_path):
    made = write(tmp_path / "v1.0.0").release
    files = everything(tmp_path / "v1.0.0")
    manifest = json.loads(files.pop("MANIFEST.json"))

    assert from_plain(Release, manifest) == made == read_manifest(tmp_path / "v1.0.0")
    assert manifest["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert list(manifest["inputs"]) == ["a", "b"]
    assert manifest["splits"]["entities"] == {"train": 5, "validation": 1, "test": 2}
    assert len(files) == 4 * 3 + 2


def test_a_second_build_leaves_the_folder_alone(write, tmp_path):
    assert write(tmp_path / "v1.0.0").state == "new"
    before = (tmp_path / "v1.0.0" / "README.md").stat()

    assert write(tmp_path / "v1.0.0", frozen=True).state == "same"
    assert (tmp_path / "v1.0.0" / "README.md").stat() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "v1.0.0"]


def test_another_build_of_a_version_replaces_it_whole(write, tmp_path, altered, material):
    write(tmp_path / "v1.0.0")
    (tmp_path / "v1.0.0" / "stale.txt").write_text("x")
    fewer = altered(golds=material.golds[1:])

    assert write(tmp_path / "v1.0.0", fewer).state == "replaced"
    assert "stale.txt" not in everything(tmp_path / "v1.0.0")
    assert read_manifest(tmp_path / "v1.0.0").splits["entities"]["train"] == 4
    assert list(tmp_path.iterdir()) == [tmp_path / "v1.0.0"]


def test_a_published_version_is_never_replaced(write, tmp_path, altered, material):
    write(tmp_path / "v1.0.0")
    before = everything(tmp_path / "v1.0.0")
    with pytest.raises(KhabarError, match=r"version 1\.0\.0 was published, and this build of it differs") as caught:
        write(tmp_path / "v1.0.0", altered(golds=material.golds[1:]), frozen=True)

    assert caught.value.exit_code == 4
    assert everything(tmp_path / "v1.0.0") == before
    assert list(tmp_path.iterdir()) == [tmp_path / "v1.0.0"]


def test_what_a_killed_build_left_is_cleared_away(write, tmp_path):
    (tmp_path / ".v1.0.0.half" / "entities").mkdir(parents=True)
    write(tmp_path / "v1.0.0")

    assert list(tmp_path.iterdir()) == [tmp_path / "v1.0.0"]


def test_a_folder_that_a_kill_left_between_two_names_comes_back(write, tmp_path):
    write(tmp_path / "v1.0.0")
    before = everything(tmp_path / "v1.0.0")
    (tmp_path / "v1.0.0").rename(tmp_path / ".v1.0.0.old")  # where no two names can be exchanged at one stroke

    again = write(tmp_path / "v1.0.0")

    assert again.state == "same"
    assert everything(tmp_path / "v1.0.0") == before
    assert [path.name for path in tmp_path.iterdir()] == ["v1.0.0"]


def test_a_failed_build_leaves_the_old_folder_and_nothing_else(write, tmp_path, built):
    write(tmp_path / "v1.0.0")
    before = everything(tmp_path / "v1.0.0")
    release = read_manifest(tmp_path / "v1.0.0")
    with pytest.raises(FileNotFoundError):
        write_release(
            tmp_path / "v1.0.0",
            built.tables | {"no/folder": built.tables["stance"]},
            {"README.md": "", "CHANGELOG.md": ""},
            release,
        )

    assert everything(tmp_path / "v1.0.0") == before
    assert list(tmp_path.iterdir()) == [tmp_path / "v1.0.0"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no release is here"), ("{", "not a valid manifest"), ("[]", "not a valid manifest")],
)
def test_a_folder_without_a_manifest_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "MANIFEST.json").write_text(content)
    with pytest.raises(KhabarError, match=message):
        read_manifest(tmp_path)


def test_parquet_is_compressed_with_zstd_and_has_a_page_index(write, tmp_path):
    write(tmp_path / "v1.0.0")
    column = pq.ParquetFile(tmp_path / "v1.0.0/articles/train-00000-of-00001.parquet").metadata.row_group(0).column(0)

    assert column.compression == "ZSTD"
    assert column.has_offset_index


def read(folder, tmp_path):
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", READER, str(folder), str(tmp_path / "cache")]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)


@pytest.mark.slow
def test_datasets_reads_the_folder_with_its_version_labels_and_rows(write, tmp_path, built):
    write(tmp_path / "v1.0.0")
    default, found = read(tmp_path / "v1.0.0", tmp_path)

    assert default == "entities"
    assert list(found) == list(built.tables)
    for config, splits in built.tables.items():
        assert found[config]["version"] == "1.0.0"
        assert list(found[config]["features"]) == splits["train"].column_names
        for split, table in splits.items():
            assert found[config]["rows"][split] == json.loads(json.dumps(table.to_pylist(), default=str))
    assert "'B-PERS', 'I-PERS'" in found["entities"]["features"]["ner_tags"]
    assert "names=['favor', 'against', 'neutral', 'unrelated']" in found["stance"]["features"]["stance"]
    assert "'unclear'" in found["annotations"]["features"]["stances"]


@pytest.mark.slow
def test_datasets_reads_a_release_in_which_splits_and_configs_are_empty(write, tmp_path, altered, material):
    golds = tuple(dataclasses.replace(gold, stances=()) for gold in material.golds[:5])
    write(tmp_path / "v1.0.0", altered(golds=golds))
    _, found = read(tmp_path / "v1.0.0", tmp_path)

    assert {config: list(content["rows"]) for config, content in found.items()} == {
        "entities": ["train"],
        "annotations": ["train", "validation", "test"],
        "articles": ["train", "validation", "test"],
    }
    assert "`datasets` cannot load an empty one" in (tmp_path / "v1.0.0" / "README.md").read_text()


def test_a_release_of_nothing_is_refused(write, tmp_path, altered):
    with pytest.raises(
        KhabarError, match="no article has settled spans, stances or answers, so there is nothing to release"
    ) as caught:
        write(tmp_path / "v1.0.0", altered(golds=()))

    assert caught.value.exit_code == 1
    assert list(tmp_path.iterdir()) == []
