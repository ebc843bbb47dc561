"""The audit of any dataset's splits: what stands in two, in which rows, and what was not compared."""

import csv
import json

import pytest

from builder.release.splits.audit import audit

pytestmark = pytest.mark.slow  # each walks a project through several verbs

BRIEF = " ".join(f"كلمة{n}" for n in range(40))


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("claim", "stance"), *((row, "agree") for row in rows)])


def test_equal_near_and_contained_texts_are_each_counted():
    train = ["عاد المطر إلى مرجانة", BRIEF, "هدأ البحر"]
    test = ["عاد المطر الى مرجانه", BRIEF + " زيادة", BRIEF + " " + BRIEF.replace("كلمة", "غيرها"), "لا شيء"]
    column, issues = audit("claim", {"train": train, "test": test})

    assert (column.texts, column.repeated, column.shared) == (6, 1, {"test": (1, 4)})
    assert column.alike == {"near": 1, "contained": 1}
    assert [issue.message.split(": «")[0] for issue in issues] == [
        "the same text is in train[0] and in test[0]",
        "near-duplicate texts are in train[1] and in test[1]: they share 97% of their shingles",
        "one of the texts in train[1] and in test[2] contains the other: they share 100% of the shorter one's shingles",
    ]  # fmt: skip
    assert issues[0].message.endswith("«عاد المطر إلى مرجانة»")


def test_a_folder_of_tables_is_audited_and_its_labels_are_not(khabar, tmp_path):
    (tmp_path / "set").mkdir()
    write(tmp_path / "set" / "train.csv", ["افتتح المجلس رصيفا جديدا للصيادين", "توقف العمل في محطة القطار"])
    write(tmp_path / "set" / "test.csv", ["افتتح المجلس رصيفاً جديداً للصيادين", "بدأ موسم الحصاد في السهول"])
    done = khabar("audit", "set", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)

    assert done.returncode == 1, done.stderr
    assert report["facts"] == {
        "claim": "1 of 3 texts occur in more than one split; 1 of 2 rows of test share one with train",
        "not compared, as half of the values have under 5 words": "stance",
    }
    assert [issue["message"] for issue in report["issues"]] == [
        "the same text is in train[0] and in test[0]: «افتتح المجلس رصيفا جديدا للصيادين»"
    ]


def test_what_cannot_be_loaded_is_said(khabar, tmp_path):
    (tmp_path / "empty").mkdir()
    empty = khabar("audit", "empty", cwd=tmp_path)
    nothing = khabar("audit", "no such thing", cwd=tmp_path)

    assert (empty.returncode, nothing.returncode) == (2, 2)
    assert "load_dataset cannot read empty" in empty.stderr
    assert nothing.stderr.splitlines()[0] == (
        "error[no-dataset] 'no such thing' is not a local folder or a Hub dataset (NAME/DATASET[@REVISION])"
    )


@pytest.mark.shared
def test_audit_of_a_published_stance_dataset(khabar, shared, tmp_path):
    done = khabar("audit", shared / "stance" / "ans", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)

    assert done.returncode == 1
    assert report["facts"]["s1"] == (
        "43 of 2749 texts occur in more than one split; 37 of 755 rows of validation share one with train; "
        "19 of 379 rows of test share one with train"
    )
    assert sum(issue["where"] == "s1" for issue in report["issues"]) == 43
