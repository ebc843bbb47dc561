"""The command `collect`: annotations from an export file, and what it refuses."""

import csv
import json

import pytest

from builder.commands import collect
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl
from builder.project.annotations import read_judgements
from builder.project.corpus import read_articles
from builder.records import BatchItem, Judgement, KhabarError
from tests.builders import judge, walk

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def export_of(project, file, *, foreign=1, who="huda@example.org"):
    """An export of another Label Studio: each article of the batch judged once, and tasks of no article."""
    texts = {a.id: a.text for a in read_articles(project)}
    items = read_jsonl(project.annotations / "pilot" / "batch.jsonl", BatchItem)
    times = {"created_at": "2026-02-01T09:00:00Z", "updated_at": "2026-02-01T09:00:00Z"}
    value = {"start": 0, "end": 3, "labels": ["PERS"]}
    result = [{"id": "a", "from_name": "label", "type": "labels", "value": value}]
    tasks = [
        {"id": n, "data": {"text": texts[item.article_id]}, "annotations": [
            {"id": n, "completed_by": {"id": 3, "email": who}, "result": result, **times}]}
        for n, item in enumerate(items)
    ]  # fmt: skip
    foreign_task = {"id": 99, "data": {"text": "نص"}, "annotations": [{"id": 99, "completed_by": 1, "result": []}]}
    path = project.root / file
    path.write_text(json.dumps(tasks + [foreign_task] * foreign), encoding="utf-8")
    return path


def test_export_is_read_and_repeats_unchanged(sampled):
    path = export_of(sampled, "elsewhere.json")
    judged = sampled.annotations / "pilot" / "judgements.jsonl"
    report = collect.collect(sampled, None, prune=False, source=path)
    before = judged.read_bytes()
    collect.collect(sampled, None, prune=False, source=path)
    found = read_jsonl(judged, Judgement)

    assert judged.read_bytes() == before
    assert len(found) == 4
    assert {len(j.spans) for j in found} == {1}
    (account,) = report.accounts
    assert (account.taken, account.kept, account.set_aside) == (5, 4, {"no article matches": 1})
    assert [(i.severity, i.code, i.where) for i in report.issues] == [
        ("warning", "unmatched-task", f"{sampled.root.name}/elsewhere.json: task 99")
    ]
    assert report.exit_code == 0


def test_earlier_judgements_stay_beside_a_file(sampled):
    judge(sampled)
    collect.collect(sampled, None, prune=False, source=export_of(sampled, "elsewhere.json", foreign=0))

    assert len(read_judgements(sampled)) == 4 * 3 + 4


def test_no_file_or_log_holds_an_email(sampled, khabar):
    for shape in ({"id": 3, "email": "huda@example.org"}, 3):
        path = export_of(sampled, "elsewhere.json")
        tasks = json.loads(path.read_text())
        for task in tasks:
            task["annotations"][0]["completed_by"] = shape
            task["annotations"].append({"completed_by": "huda@example.org", "result": [{"type": "huda@example.org"}]})
        path.write_text(json.dumps(tasks))
        done = khabar("collect", "--from", "elsewhere.json", "--json", "-v", cwd=sampled.root)
        checked = khabar("check", "-v", cwd=sampled.root)
        path.unlink()
        files = [one for one in sampled.root.rglob("*") if one.is_file() and b"huda" in one.read_bytes()]

        assert (done.returncode, checked.returncode) == (1, 1), done.stderr
        assert "unreadable-annotation" in checked.stderr
        assert "huda" not in done.stdout + done.stderr + checked.stdout + checked.stderr
        assert files == []


def test_missing_file_and_other_format_are_refused(sampled, khabar):
    (sampled.root / "table.csv").write_text("id,text\n1,a\n")

    absent = khabar("collect", "--from", "no.json", cwd=sampled.root)
    table = khabar("collect", "--from", "table.csv", cwd=sampled.root)
    assert (absent.returncode, table.returncode) == (2, 2)
    assert "error[export] cannot be read: No such file or directory" in absent.stderr
    assert "table.csv: error[export] neither JSON nor a table with the column `annotator`" in table.stderr


def test_batch_without_assignments_is_refused(sampled, monkeypatch):
    sampled.__dict__["schema"] = sampled.schema.__class__(**{
        **{f: getattr(sampled.schema, f) for f in sampled.schema.__slots__},
        "dataset": sampled.schema.dataset.model_copy(update={"assignment": "separate"}),
    })  # fmt: skip
    monkeypatch.setattr("builder.commands.collect.connections", lambda _: [("", None)])
    with pytest.raises(KhabarError, match="batch pilot was not sent yet: nobody was assigned to its articles"):
        collect.collect(sampled, None, prune=False)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "words"),
    [("raw-text.json", ["سراج الكتاني", "بلدية السدر"]), ("trimmed.json", ["سراج الكتاني", "مرفأ السدر"])],
)
def test_shared_case_of_an_export_of_the_raw_text(project, shared, file, words):
    cases = shared.parent / "cases"
    walk(project, [cases / "00-articles-of-the-collect-cases" / f"a{n}.txt" for n in (1, 2, 3)], size=3)
    report = collect.collect(project, None, prune=False, source=cases / "33-export-of-the-raw-text" / file)
    (judgement,) = read_judgements(project)
    text = next(a.text for a in read_articles(project) if a.id == judgement.article_id)

    assert (report.accounts[0].taken, report.accounts[0].kept, report.issues, report.exit_code) == (1, 1, (), 0)
    assert [text[s.start : s.end] for s in judgement.spans] == words
    assert judgement.text_sha == sha16(text)


def test_raw_text_with_marks_and_crlf_is_collected_with_all_its_spans(project, tmp_path):
    raw = (
        "أعلنت بلديّةُ مرجانة أمس شراءَ متجراً قديماً في السوق لتجعل منه داراً للكتب، وقال رئيسها قُصيّ السنديان إن العمل يبدأ غداً.\r\n\r\n"
        "وأضافَ السنديان أن وكالةَ نسيم ستنقل الحفلَ مباشرةً إلى جزيرة الملح، وأن الدار تضم قاعة للقراءة وأخرى للأطفال.\r\n"
    )
    (tmp_path / "a.txt").write_bytes(raw.encode())
    walk(project, [tmp_path / "a.txt"], size=1)
    marked = ["بلديّةُ مرجانة", "قُصيّ السنديان", "وكالةَ نسيم", "جزيرة الملح"]
    results = [{"id": w[:2], "type": "labels", "from_name": "l", "value": {
        "start": raw.index(w), "end": raw.index(w) + len(w), "text": w, "labels": ["ORG"]}} for w in marked]  # fmt: skip
    task = {"id": 1, "data": {"text": raw}, "annotations": [{"id": 1, "completed_by": 1, "result": results}]}
    (tmp_path / "e.json").write_text(json.dumps([task]), encoding="utf-8")
    report = collect.collect(project, None, prune=False, source=tmp_path / "e.json")
    (judgement,), (article,) = read_judgements(project), read_articles(project)

    assert (report.issues, report.exit_code) == ((), 0)
    assert [article.text[s.start : s.end] for s in judgement.spans] == [
        "بلدية مرجانة",
        "قصي السنديان",
        "وكالة نسيم",
        "جزيرة الملح",
    ]


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_flat_exports_are_collected(sampled, kind):
    tasks = json.loads(export_of(sampled, "elsewhere.json", foreign=0).read_text(encoding="utf-8"))
    records = [{"id": task["id"], "text": task["data"]["text"], "annotator": 7 + n % 2, "annotation_id": 50 + n,
                "label": [{"start": 0, "end": 3, "labels": ["PERS"]}]} for n, task in enumerate(tasks)]  # fmt: skip
    path = sampled.root / f"flat.{kind}"
    if kind == "json":
        path.write_text(json.dumps(records), encoding="utf-8")
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, [*records[0]])
            table.writeheader()
            table.writerows(record | {"label": json.dumps(record["label"])} for record in records)
    report = collect.collect(sampled, None, prune=False, source=path)
    found = read_judgements(sampled)

    assert (report.accounts[0].taken, report.accounts[0].kept, report.exit_code) == (4, 4, 0)
    assert {len(j.spans) for j in found} == {1}
    assert (len({j.annotator for j in found}), {j.annotation_id for j in found}) == (2, {50, 51, 52, 53})
