"""croissant.json says what the release holds, and the whole folder is written with it; stand-off holds no text."""

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.records import Release
from builder.release.exports.croissant import LabelLists, record_set
from builder.release.publish.folder import write_release
from builder.release.tables.features import arrow_schema
from builder.schema.dataset import Licence

RELEASE = Release("1.0.0", "khabar/demo-news", "", "khabar", "", "", {}, {}, {})


@pytest.fixture
def written(beside, built, tmp_path):
    """The folder of a release with all that stands beside its tables."""

    def run(made=None, name="v1.0.0"):
        made = made or beside()
        write_release(
            tmp_path / name,
            built.tables,
            {"README.md": "", "CHANGELOG.md": "", **made.files},
            RELEASE,
            describe=made.describe,
        )
        return tmp_path / name

    return run


def said(folder):
    return json.loads((folder / "croissant.json").read_bytes())


def test_each_file_has_its_sha256_and_its_address_at_the_tag(written):
    folder = written()
    files = {one["@id"]: one for one in said(folder)["distribution"]}

    expected = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in {".parquet", ".txt"}
    }
    assert {*files} == expected
    assert len(files) == 15
    for path, one in files.items():
        assert one["sha256"] == hashlib.sha256((folder / path).read_bytes()).hexdigest()
        assert one["contentUrl"] == f"https://huggingface.co/datasets/khabar/demo-news/resolve/v1.0.0/{path}"


def test_the_manifest_has_the_sha256_of_every_file_beside_it(written):
    folder = written()
    files = json.loads((folder / "MANIFEST.json").read_bytes())["files"]

    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"MANIFEST.json"}
    assert {"croissant.json", "masader.json", "CITATION.cff", "conll/train.txt"} < there
    assert files == {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in sorted(there)}


def test_each_config_and_split_has_a_record_set_of_all_its_columns(written):
    folder = written()
    sets = {one["@id"]: one for one in said(folder)["recordSet"]}

    for path in folder.glob("*/*.parquet"):
        split = path.name.split("-")[0]
        own = sets.pop(f"{path.parent.name}/{split}")
        assert [one["name"] for one in own["field"]] == ["split", *pq.read_schema(path).names]
        assert own["field"][0]["value"] == split
    assert {*sets} == {"labels/label", "labels/ner_tags", "labels/stance", "labels/value"}


def test_nested_spans_and_lists_of_labels_are_said(written):
    folder = written()
    sets = {one["@id"]: one for one in said(folder)["recordSet"]}
    fields = {one["name"]: one for one in sets["entities/train"]["field"]}

    assert fields["spans"]["isArray"] is True
    start = fields["spans"]["subField"][0]
    assert (start["name"], start["dataType"]) == ("start", "cr:Int32")
    assert start["source"]["extract"] == {"column": "spans"}
    assert start["source"]["transform"] == {"jsonPath": "start"}
    assert fields["ner_tags"]["description"] == "The number of a row of labels/ner_tags."
    assert fields["ner_tags_inner"]["description"] == "The number of a row of labels/ner_tags."
    assert sets["labels/label"]["data"][0] == {"labels/label/number": 0, "labels/label/name": "PERS"}


def test_what_is_responsible_to_say_is_what_the_project_knows(written, beside, with_dataset):
    found = said(written())
    redacted = said(written(beside(schema=with_dataset(redact=("email", "phone"))), "redacted"))

    assert found["rai:annotationsPerItem"] == "3"
    assert found["rai:dataAnnotationPlatform"] == ["Label Studio"]
    assert found["rai:dataCollection"] == "8 news articles from 2 sources: barq, sahel-news."
    assert found["rai:dataAnnotationAnalysis"] == [
        "pairwise strict span F1 (entities, all, batch all): 0.750, 95 % interval 0.500 to 0.900, n = 8 articles",
        "Krippendorff's alpha (stance, dam, batch all): undefined (no article was asked), n = 0 articles",
    ]
    assert found["rai:dataBiases"][0].startswith("Use it to try tools on")
    assert found["rai:personalSensitiveInformation"][1] == "Nothing was redacted in the published text."
    assert redacted["rai:personalSensitiveInformation"][1] == "Taken out of the published text: email, phone."
    named = said(written(beside(schema=with_dataset(publish_authors=True)), "named"))
    names = [each["rai:personalSensitiveInformation"][2] for each in (found, named)]
    assert names == [f"The names of authors are {word}published (`author` of `articles`)." for word in ("not ", "")]
    assert "datePublished" not in found


def test_a_card_that_says_nothing_of_biases_claims_none(written, beside, root):
    card = (root / "dataset_card.md").read_text(encoding="utf-8").replace("limits and biases", "limits")
    found = said(written(beside(template=card)))

    assert "rai:dataBiases" not in found


def test_two_licences_are_both_said(written, beside, with_dataset):
    mixed = with_dataset(licence=Licence(text="publisher's terms", annotations="cc-by-4.0"))
    found = said(written(beside(schema=mixed)))

    assert found["license"] == [
        {"@type": "sc:CreativeWork", "name": "text: publisher's terms"},
        {
            "@type": "sc:CreativeWork",
            "name": "annotations: cc-by-4.0",
            "url": "https://spdx.org/licenses/CC-BY-4.0.html",
        },
    ]


def test_a_standoff_edition_has_no_columns_with_its_text(beside, with_dataset, built):
    made = beside(schema=with_dataset(text="standoff"))

    assert {*made.files} == {"CITATION.cff", "masader.json"}
    text = built.tables["articles"]["train"]["text"][0].as_py()
    assert not any(text.encode() in content for content in made.files.values())


def test_the_same_release_has_the_same_bytes(written, beside):
    one, other = written(), written(beside(), "again")

    assert (one / "croissant.json").read_bytes() == (other / "croissant.json").read_bytes()
    assert (one / "MANIFEST.json").read_bytes() == (other / "MANIFEST.json").read_bytes()


def test_a_split_in_several_files_is_read_from_a_set_of_them(beside, built):
    hashes = {
        path: "0" * 64
        for config, splits in built.tables.items()
        for split in splits
        for path in [f"{config}/{split}-{n:05}-of-00002.parquet" for n in range(2)]
    }
    found = json.loads(beside().describe(hashes)["croissant.json"])
    (both,) = [one for one in found["distribution"] if one["@id"] == "entities/train-*"]

    assert both["containedIn"] == [{"@id": f"entities/train-{n:05}-of-00002.parquet"} for n in range(2)]
    (train,) = [one for one in found["recordSet"] if one["@id"] == "entities/train"]
    assert train["field"][1]["source"]["fileSet"] == {"@id": "entities/train-*"}


def test_lists_of_labels_that_differ_have_records_of_their_own():
    lists = LabelLists()
    schema = arrow_schema({"a": ("x", "y"), "b": ("x", "y"), "c": [{"a": ("z",)}]})
    assert isinstance(schema, pa.Schema)

    fields = record_set("set", "train", schema, {}, lists)["field"]

    assert [one["@id"] for one in lists.record_sets()] == ["labels/a", "labels/a-1"]
    assert [one.get("description") for one in fields[1:3]] == ["The number of a row of labels/a."] * 2
    assert fields[3]["subField"][0]["description"] == "The number of a row of labels/a-1."


def test_people_who_are_not_described_on_the_card_are_not_described_here(written, beside, root):
    card = (root / "dataset_card.md").read_text(encoding="utf-8")
    assert "rai:annotatorDemographics" in said(written(beside(template=card)))

    silent = card.replace("who the annotators are", "them")
    assert "rai:annotatorDemographics" not in said(written(beside(template=silent), "silent"))
