"""The command `audit`: texts that occur in several splits."""

import json

import pytest

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_built_release_repeats_no_text(built, khabar):
    done = khabar("audit", "dist/v1.0.0", cwd=built.root)

    assert (done.returncode, done.stderr) == (0, "")
    assert "articles.text: 0 of 30 texts occur in more than one split" in done.stdout


def test_repeated_text_exits_1(tmp_path, khabar):
    repeated = "افتتحت بلدية مرجانة أمس سوقا جديدة للخضار قرب الميناء بعد أعمال دامت عاما كاملا."
    other = "أعلن نادي السنديان تعاقده مع مدرب جديد لفريق الناشئين حتى نهاية الموسم المقبل."
    (tmp_path / "dataset").mkdir()
    for split, texts in (("train", [repeated, other]), ("test", [repeated])):
        rows = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
        (tmp_path / "dataset" / f"{split}.jsonl").write_text(rows, encoding="utf-8")

    done = khabar("audit", "dataset", cwd=tmp_path)

    assert done.returncode == 1
    assert "1 of 2 texts occur in more than one split" in done.stdout
    assert "error[" in done.stderr


def test_name_of_no_dataset_is_refused(tmp_path, khabar):
    done = khabar("audit", "not a dataset", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "error[no-dataset] 'not a dataset' is not a local folder or a Hub dataset" in done.stderr
