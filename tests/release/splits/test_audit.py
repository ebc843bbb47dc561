"""The audit of any dataset's splits: what stands in two, in which rows, and what was not compared."""

import csv
import json

import datasets
import pytest

from builder.commands.audit import report_of
from builder.release.splits.audit import AuditRequest, audit
from builder.release.splits.audit_child import audit_dataset
from tests.builders import said

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
    assert report["columns"] == [
        {"name": "claim", "texts": 3, "repeated": 1, "of": "train", "shared": {"test": [1, 2]}, "alike": {}}
    ]
    assert report["skipped"] == [{"why": "it holds labels, names or ids", "columns": ["stance"]}]
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


@pytest.fixture
def audited(monkeypatch, tmp_path):
    """A function from files, by name and content, to the exit code and the report on their folder."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def run(files, folder="set"):
        for name, content in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        result = audit_dataset(AuditRequest(str(tmp_path / folder)))
        assert not result.trouble
        report = report_of(result)
        return report.exit_code, report

    return run


def table(*rows, separator=","):
    return "".join(separator.join(row) + "\n" for row in rows)


TEXTS = ["افتتح المجلس رصيفا جديدا للصيادين", "توقف العمل في محطة القطار أمس", "بدأ موسم الحصاد في السهول باكرا"]


@pytest.mark.parametrize(
    "written",
    [
        "{} https://t.co/Ab1",
        "@barq_news {}",
        "  {}\u00a0 ",
        "@ barq _ news {} https : / / t.co / Ab1",
        "{} www.barq.example/x pic.twitter.com/Zz",
    ],
)
def test_texts_are_compared_without_addresses_mentions_and_edges(written):
    column, _ = audit(
        "text", {"train": TEXTS[:2], "test": [written.format("إفتَتَح المجلسُ رصيفاً جديداً للصيّادين"), TEXTS[2]]}
    )

    assert (column.repeated, column.shared) == (1, {"test": (1, 2)})


def test_texts_of_addresses_and_signs_alone_are_compared_with_nothing():
    column, issues = audit(
        "text", {"train": ["https://t.co/a", ". «»", "١٢", "@barq"], "test": ["https://t.co/b", ". «»", "12", "@amwaj"]}
    )

    assert (column.texts, column.repeated, issues) == (0, 0, [])


def test_a_folder_with_one_split_is_not_called_clean(audited):
    code, report = audited({"train.csv": table(("claim", "stance"), (TEXTS[0], "agree"), (TEXTS[1], "agree"))})

    assert code == 1
    assert [(i.code, i.where, i.message, i.fix) for i in report.issues] == [
        ("not-compared", "claim", "only the split train is here (train.csv), so that nothing was compared",
         "add the file of another split beside train.csv, such as test.csv")
    ]  # fmt: skip


@pytest.mark.parametrize("empty", [True, False])
def test_a_column_that_a_split_lacks_is_named_with_its_file(audited, empty):
    train = table(("claim", "body"), (TEXTS[0], TEXTS[1]), (TEXTS[2], TEXTS[2]))
    test = table(("claim", "body"), (TEXTS[0], "")) if empty else table(("claim", "label"), (TEXTS[0], "x"))
    code, report = audited({"train.csv": train, "test.csv": test})

    assert code == 1
    assert said(report)["claim"].startswith("1 of 2 texts occur in more than one split")
    assert [(i.where, i.message, i.fix) for i in report.issues if i.code == "not-compared"] == [
        ("body", "not compared with test: test.csv holds no value of this column",
         "give test.csv a column 'body', or the name that it has in the other splits")
    ]  # fmt: skip


def test_an_optional_column_may_be_empty_in_a_split(audited):
    train = table(("claim", "remark"), *((text + str(n), TEXTS[1] if n == 0 else "") for n, text in enumerate(TEXTS)))
    code, report = audited(
        {"train.csv": train, "test.csv": table(("claim", "remark"), ("نص آخر لا يشبه غيره أبدا", ""))}
    )

    assert (code, report.issues) == (0, ())


def test_files_of_different_tables_are_compared_column_by_column(audited):
    bodies, stances = (("id", "body"), ("1", TEXTS[0])), (("id", "claim"), ("1", TEXTS[1]))
    code, report = audited({
        "train_bodies.csv": table(*bodies), "train_stances.csv": table(*stances),
        "test_bodies.csv": table(*bodies), "test_stances.csv": table(("id", "claim"), ("2", TEXTS[2])),
    })  # fmt: skip

    assert code == 1
    assert said(report)["body"].startswith("1 of 1 texts")
    assert said(report)["claim"].startswith("0 of 2 texts")


@pytest.mark.parametrize(
    "names", [("X_Train.csv", "X_Test.csv"), ("TRAIN.csv", "Blind Test.csv"), ("Train/a.csv", "Dev/a.csv")]
)
def test_names_of_splits_are_seen_in_any_case(audited, names):
    code, report = audited({name: table(("claim",), (TEXTS[0],)) for name in names})

    assert code == 1
    assert said(report)["claim"].startswith("1 of 1 texts")


DATES = [
    "Mon Mar 02 10:00:01 +0000 2026",
    "Tue Mar 03 11:30:00 +0000 2026",
    "2 مارس 2026 10:30 م",
    "الأحد ١٢ تشرين الأول ٢٠٢٥",
]


def test_dates_and_ids_are_no_texts_and_titles_are(audited):
    rows = [
        ("id", "created", "title"),
        *((f"{n}f4e{n}a{n}9", date, f"خبر {word}") for n, (date, word) in enumerate(zip(DATES, "ابجد", strict=True))),
    ]
    code, report = audited({"train.csv": table(*rows[:3]), "test.csv": table(rows[0], *rows[2:])})

    assert code == 1
    assert said(report)["title"].startswith("1 of 4 texts")
    assert said(report)["not compared, as it holds dates"] == "created"
    assert said(report)["not compared, as it holds labels, names or ids"] == "id"


def conll(*sentences, separator=" ", end="\n"):
    return "".join("".join(f"{word}{separator}O\n" for word in sentence.split()) + end for sentence in sentences)


@pytest.mark.parametrize(
    ("suffix", "separator", "first"),
    [
        ("txt", " ", ""),
        ("conll", "\t", ""),
        ("tsv", "\t", "-DOCSTART-\tO\n\n"),
        ("bio", " ", "# sent_id = 1\n"),
        ("txt", "\t_\tB-", ""),
    ],
)
def test_conll_files_are_compared_by_sentences(audited, suffix, separator, first):
    train, test = conll(*TEXTS[:2], separator=separator), conll(TEXTS[2], TEXTS[0], separator=separator)
    code, report = audited({f"train.{suffix}": first + train, f"test.{suffix}": first + test, "LICENSE": "free\n"})

    assert code == 1
    assert said(report) == {
        "sentences": "1 of 3 texts occur in more than one split; 1 of 2 rows of test share one with train"
    }
    assert report.issues[0].message.startswith("the same text is in train[0] and in test[1]: ")


def test_conll_without_empty_lines_is_divided_at_stops(audited):
    files = {
        f"{split}.txt": conll(*(f"{text} ." for text in texts), end="")
        for split, texts in (("train", TEXTS[:2]), ("test", TEXTS[1:]))
    }
    code, report = audited(files)

    assert code == 1
    assert said(report)["sentences"].startswith("1 of 3 texts")


def test_conll_of_one_split_and_tables_beside_conll_are_both_said(audited):
    code, report = audited({"Atom.txt": conll(TEXTS[0]), "Light.txt": conll(TEXTS[1])})
    assert code == 1
    assert [i.code for i in report.issues] == ["not-compared"]

    code, report = audited({
        "ner/train.txt": conll(TEXTS[0]), "ner/dev.txt": conll(TEXTS[1]),
        "raw/train.csv": table(("text",), (TEXTS[2],)), "raw/dev.csv": table(("text",), (TEXTS[2],)),
    }, "both")  # fmt: skip
    assert code == 1
    assert said(report)["sentences"].startswith("0 of 2 texts")
    assert said(report)["text"].startswith("1 of 1 texts")


def test_lines_of_prose_are_no_conll(audited):
    code, report = audited({"train.txt": "\n".join(TEXTS[:2]), "test.txt": TEXTS[2]})

    assert code == 0
    assert said(report)["text"].startswith("0 of 3 texts")


@pytest.mark.shared
def test_audit_of_published_entities_by_sentences(khabar, shared, tmp_path):
    done = khabar("audit", shared / "entities" / "wojood-sample", "--json", cwd=tmp_path)
    alone = khabar("audit", shared / "entities" / "aqmar", "--json", cwd=tmp_path)

    assert (done.returncode, alone.returncode) == (1, 1)
    (column,) = json.loads(done.stdout)["columns"]
    assert (column["name"], column["repeated"], column["texts"]) == ("sentences", 1, 1579)
    assert [i["code"] for i in json.loads(alone.stdout)["issues"]] == ["not-compared"]


@pytest.mark.shared
def test_audit_of_a_published_stance_dataset(khabar, shared, tmp_path):
    done = khabar("audit", shared / "stance" / "ans", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)

    assert done.returncode == 1
    assert next(column for column in report["columns"] if column["name"] == "s1") == {
        "name": "s1", "texts": 2749, "repeated": 43, "of": "train",
        "shared": {"validation": [37, 755], "test": [19, 379]}, "alike": {},
    }  # fmt: skip
    assert sum(issue["where"] == "s1" for issue in report["issues"]) == 43


def test_records_of_single_words_are_labels_and_mentions_are_texts(tmp_path):
    answers = [{"question": "tone", "value": "even"}, {"question": "topic", "value": "topic-20"}] * 2
    mentions = [{"label": "PERS", "text": "سامي الحداد من مدينة مرجانة"}]
    for split in ("train", "test"):
        rows = [{"answers": answers, "spans": mentions}] * 3
        datasets.Dataset.from_list(rows).to_parquet(tmp_path / f"{split}.parquet")
    found = audit_dataset(AuditRequest(str(tmp_path)))

    assert [column.name for column in found.columns] == ["spans"]
    assert found.skipped == {"answers": "it holds labels, names or ids"}
