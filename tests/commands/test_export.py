"""The command `export`: releases as files of other tools, and published sets as they were."""

import json

import pytest

from builder.commands.adjudicate import adjudicate
from builder.commands.build import build
from builder.commands.export import export
from builder.commands.import_ import import_set
from builder.io.jsonl import read_jsonl
from builder.project.project import Project
from builder.records import Decision, KhabarError
from tests.builders import fresh, snapshot
from tests.conftest import SHARED
from tests.published import AQMAR, LABELS, PRESS, no_floors, put

pytestmark = pytest.mark.slow  # each test imports and builds a release

WORDS = ("سلمى", "النمر", "سامي", "في", "مرجانة", "الهيئة", ".")


@pytest.fixture
def bare(project):
    return no_floors(project)


def released(project, rules, kind="conll", **files):
    """Import a set and build release 1.0.0; return the folder of the files."""
    folder, where = put(project, rules, **files)
    import_set(project, [folder], kind, where)
    adjudicate(project)
    build(project, "1.0.0")
    return folder


def exported(project, kind, **options):
    report = export(project, "1.0.0", kind, base=project.root, **options)
    return report, snapshot(project.root / "exports" / "1.0.0" / kind)


def rows(*tags, mark=" "):
    return "".join(f"{word}{mark}{tag}\n" for word, tag in zip(WORDS, tags, strict=True))


@pytest.mark.parametrize(
    ("rules", "content"),
    [
        ("", PRESS),
        ("articles: sentence\n", PRESS),
        ("conll: {scheme: iob1}\n", rows("I-PER", "I-PER", "B-PER", "O", "I-LOC", "I-ORG", "O")),
        ("conll: {scheme: bioes}\n", rows("B-PER", "E-PER", "S-PER", "O", "S-LOC", "S-ORG", "O")),
        ("conll: {scheme: bilou}\n", rows("B-PER", "L-PER", "U-PER", "O", "U-LOC", "U-ORG", "O")),
        ("conll: {scheme: bare}\n", rows("PER", "PER", "PER", "O", "LOC", "ORG", "O")),
        ("conll: {separator: tab}\n", rows("B-PER", "I-PER", "B-PER", "O", "B-LOC", "B-ORG", "O", mark="\t")),
        (
            "conll: {separator: comma, header: true}\n",
            "token,tag\n" + rows("B-PER", "I-PER", "B-PER", "O", "B-LOC", "O", "O", mark=","),
        ),
        ("conll: {tags: rest}\n", rows("B-ORG", "I-ORG B-ORG", "I-ORG I-ORG B-LOC", "O", "O", "O", "O")),
        ("conll: {tags: [1, 2]}\n", rows("B-ORG O", "I-ORG B-LOC", "I-ORG I-LOC", "O O", "O O", "O O", "O O")),
    ],
)
def test_what_was_imported_goes_out_byte_for_byte(bare, rules, content):
    folder = released(bare, LABELS + rules, press__txt=content)
    report, files = exported(bare, "conll", against=folder)

    assert files["press.txt"].decode() == content
    assert report.differing == {}


def test_each_line_that_differs_has_its_reason(bare):
    content = """\
عاد O
سامي I-PER
( I-PER
أحمد I-PER
) I-PER
\N{NO-BREAK SPACE} O
إلى OO
مرجانة B-CITY
و O
كندا B-LAND
. O
رجل B-JOB
"""
    rules = "labels: {PER: PERS, CITY: GPE, LAND: GPE, JOB: null}\ntags: {OO: O}\nrepairs: [inside begins]\n"
    folder = released(bare, rules, press__txt=content)
    report, _ = exported(bare, "conll", against=folder)
    said = [(one.what, one.reason) for one in report.set_aside if one.stage == "export"]

    assert said == [
        ("press.txt:2 'سامي I-PER' is 'سامي B-PER'", "mentions that begin with I-"),
        ("press.txt:5 ') I-PER' is ') O'", "edges: khabar's mentions neither begin nor end in punctuation"),
        ("press.txt:6 '\\xa0 O' is ''", "blank token"),
        ("press.txt:7 'إلى OO' is 'إلى O'", "odd tag"),
        ("press.txt:8 'مرجانة B-CITY' is 'مرجانة B-GPE'", "several published labels are one label here"),
        ("press.txt:10 'كندا B-LAND' is 'كندا B-GPE'", "several published labels are one label here"),
        ("press.txt:12 'رجل B-JOB' is 'رجل O'", "label left out by the map"),
    ]
    assert sum(report.differing.values()) == 7
    assert report.differing["several published labels are one label here"] == 2


def test_a_brat_folder_goes_out_as_it_came_in(bare):
    text, marks = "زار سامي 😀 مرجانة.\nوعاد\n", "T1\tPER 4 8\tسامي\nT2\tLOC 11 17\tمرجانة\n"
    released(bare, LABELS, "brat", a__txt=text, a__ann=marks)
    _, files = exported(bare, "brat")

    assert (files["a.txt"].decode(), files["a.ann"].decode()) == (text, marks)
    assert files["annotation.conf"].decode().startswith("[entities]\nLOC\nPER\n")


def test_json_lines_that_go_out_come_in_again(bare, tmp_path):
    records = [
        {"id": "7", "text": "عاد سامي 😀 إلى مرجانة", "label": [[4, 8, "PER"], [15, 21, "LOC"]]},
        {"id": "9", "text": "نعم، عاد", "label": []},
    ]
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)
    released(bare, LABELS, "jsonl", train__jsonl=lines)
    _, files = exported(bare, "jsonl")
    (bare.root.parent / "published" / "train.jsonl").write_bytes(files["train.jsonl"])
    other = no_floors(fresh(tmp_path / "other"))
    _, where = put(other, LABELS)
    import_set(other, [bare.root.parent / "published"], "jsonl", where)

    assert files["train.jsonl"].decode() == lines
    assert decisions(other) == decisions(bare)


def decisions(project):
    return read_jsonl(project.annotations / "press" / "decisions.jsonl", Decision)


def test_spacy_reads_the_doc_bins(bare):
    spacy = pytest.importorskip("spacy")
    nested = "هيئة B-ORG\nميناء I-ORG\nمرجانة I-ORG B-LOC\nقالت O\n: O\n« O\nنعم O\n» O\n\nعاد O\nسامي B-PER\n. O\n"
    released(bare, LABELS + "conll: {tags: rest}\n", press__txt=nested)
    report, files = exported(bare, "spacy")
    found = [
        doc
        for name, content in files.items()
        for doc in spacy.tokens.DocBin().from_bytes(content).get_docs(spacy.blank("ar").vocab)
    ]

    assert [doc.text for doc in found] == ["هيئة ميناء مرجانة قالت: «نعم»\nعاد سامي."]
    assert [(mark.text, mark.label_) for mark in found[0].ents] == [("هيئة ميناء مرجانة", "ORG"), ("سامي", "PER")]
    assert [mark.text for mark in found[0].spans["sc"]] == ["هيئة ميناء مرجانة", "مرجانة", "سامي"]
    assert report.accounts[1].set_aside == {"nested or crossing, so not in doc.ents": 1}


def test_a_release_of_our_own_gives_the_columns_that_it_holds(built):
    _, files = exported(built, "conll")
    held = {path.name: path.read_bytes() for path in (built.release("1.0.0") / "conll").iterdir()}

    assert files == held


def test_spacy_and_brat_hold_the_texts_of_a_release_of_our_own(built):
    spacy = pytest.importorskip("spacy")
    _, files = exported(built, "spacy")
    _, beside = exported(built, "brat")
    docs = [
        doc for one in files.values() for doc in spacy.tokens.DocBin().from_bytes(one).get_docs(spacy.blank("ar").vocab)
    ]
    texts = {content.decode() for name, content in beside.items() if name.endswith(".txt")}

    assert {doc.text for doc in docs} == {" ".join(text.split(" ")) for text in texts}


def test_exporting_twice_gives_the_same_bytes(bare):
    released(bare, LABELS, press__txt=PRESS)

    assert [exported(bare, kind)[1] for kind in ("conll", "brat", "jsonl")] == [
        exported(bare, kind)[1] for kind in ("conll", "brat", "jsonl")
    ]


def test_files_of_no_imported_set_are_not_compared(bare, tmp_path):
    released(bare, LABELS, press__txt=PRESS)
    (tmp_path / "other.txt").write_text("نعم O\n", encoding="utf-8")
    with pytest.raises(KhabarError) as caught:
        export(bare, "1.0.0", "conll", base=bare.root, against=tmp_path / "other.txt")

    assert [issue.message for issue in caught.value.issues] == ["no imported set has files of these names"]


@pytest.mark.shared
def test_bilou_tweets_go_out_with_a_reason_for_each_line_that_differs(bare):
    published = ("CITY", "CTRY", "DIST", "HPOI", "NBHD", "NPOI", "OTHR", "PROV", "ST")
    labels = ", ".join(f"{one}: {ours}" for one, ours in zip(published, bare.schema.labels.entity_names, strict=True))
    rules = f"splits: as-published\narticles: sentence\nconll: {{scheme: bilou}}\nlabels: {{{labels}}}\n"
    _, where = put(bare, rules, name="idrisi")
    folder = SHARED / "entities" / "idrisi-time" / "bilou"
    imported = import_set(bare, [folder], "conll", where)
    adjudicate(bare)
    build(Project(bare.root), "1.0.0")
    report, _ = exported(bare, "conll", against=folder)

    assert (imported.accounts[1].taken, imported.accounts[1].kept) == (4_160, 4_160)
    assert {one.reason for one in report.set_aside} == {
        "edges: khabar's mentions neither begin nor end in punctuation", "blank token",
    }  # fmt: skip


@pytest.mark.shared
def test_aqmar_goes_out_with_a_reason_for_each_line_that_differs(bare):
    _, where = put(bare, AQMAR, name="aqmar")
    folder = SHARED / "entities" / "aqmar"
    import_set(bare, [folder], "conll", where)
    adjudicate(bare)
    build(Project(bare.root), "1.0.0")
    report, files = exported(bare, "conll", against=folder)
    reasons = {one.reason for one in report.set_aside}

    assert {path.name for path in folder.iterdir()} == {*files}
    assert reasons == {
        "several published labels are one label here", "mentions that begin with I-", "blank token", "odd tag", "sentence ends",
    }  # fmt: skip


def test_a_published_name_does_not_lead_out_of_the_folder(bare):
    released(bare, LABELS, "conll", press__txt=PRESS)
    path = bare.annotations / "press" / "published.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"press.txt"', '"../../evil.txt"'), encoding="utf-8")
    with pytest.raises(KhabarError, match="1 published names lead out of the folder of the export"):
        exported(bare, "conll")

    assert not (bare.root / "exports" / "evil.txt").exists()
