"""The stream of an export's tasks: shapes, positions of faults, and windows smaller than a task."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.labelstudio.exports import stream
from builder.labelstudio.exports.stream import is_json, read_elements, task_of
from builder.records import KhabarError

TASK = {"id": 1, "data": {"text": "زار الوزير ميناء مرجانة."}, "annotations": []}


def written(folder, content):
    path = folder / "export.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path):
    with pytest.raises(KhabarError) as caught:
        list(read_elements(path))
    issue = caught.value.issues[0]
    return issue.where, issue.message


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
def test_elements_are_the_same_in_windows_of_any_size(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(stream, "CHUNK", chunk)
    values = [TASK, {"id": 2, "data": {"text": 'نص \\ " \n \N{GRINNING FACE}'}}, 5, -1.5, None, True, "نص", [], {}]
    for text in (json.dumps(values), json.dumps(values, ensure_ascii=False, indent=1), "\ufeff" + json.dumps(values)):
        assert list(read_elements(written(tmp_path, text))) == values


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("[]", []),
        (" [ ] \n", []),
        (json.dumps(TASK), [TASK]),
        (json.dumps({"tasks": [TASK, TASK]}), [TASK, TASK]),
        (f"{json.dumps(TASK)}\n{json.dumps(TASK)}\n", [TASK, TASK]),
    ],
    ids=["empty", "blank", "one task", "tasks of an object", "json lines"],
)
def test_documents_of_each_shape(tmp_path, text, elements):
    assert list(read_elements(written(tmp_path, text))) == elements


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('[{"a": 1},\n {"a": "نص', "2:11", "not JSON: the file ends in the middle, after 1 whole tasks"),
        ('[{"a": 1},\n', "2:1", "not JSON: the file ends in the middle, after 1 whole tasks"),
        ('[{"a": 1}', "1:10", "not JSON: the file ends in the middle, after 1 whole tasks"),
        ('[{"a": tru', "1:11", "not JSON: the file ends in the middle, after 0 whole tasks"),
        ('[{"a": oop', "1:8", "not JSON: Expecting value"),
        ('[{"a": 1} {"a": 2}]', "1:11", "not JSON: a comma or a bracket is missing"),
        ('[{"a": 1}]\n]', "2:1", "not JSON: more text follows the end of the list"),
        ('[\n\n  {"a": oops, "b": "a longer rest of it"}]', "3:9", "not JSON: Expecting value"),
        ("[" * 100_000, "1:2", "not JSON: a number is too long, or the nesting too deep"),
        ('[{"a": ' + "9" * 5000 + "}]", "1:2", "not JSON: a number is too long, or the nesting too deep"),
    ],
    ids=[
        "cut in a string",
        "cut after a comma",
        "cut after a task",
        "cut in a word",
        "short word",
        "no comma",
        "rest",
        "word",
        "deep",
        "long number",
    ],
)
def test_faults_have_line_and_column(tmp_path, text, where, message):
    assert refusal(written(tmp_path, text)) == (f"export.json:{where}", message)


def test_other_encodings_and_missing_files_are_refused(tmp_path):
    assert refusal(written(tmp_path, b'[{"a": "\xff"}]')) == ("export.json", "not JSON: not UTF-8")
    assert refusal(tmp_path / "no.json") == (str(tmp_path / "no.json"), "cannot be read: No such file or directory")
    assert refusal(tmp_path) == (str(tmp_path), "cannot be read: Is a directory")


def test_task_over_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "CHUNK", 100)
    monkeypatch.setattr(stream, "MAX_TASK", 1000)
    path = written(tmp_path, json.dumps([{"a": "ن" * 10_000}], ensure_ascii=False))

    assert refusal(path) == ("export.json:1:2", "a task of more than 1,000 characters")


def test_memory_does_not_grow_with_the_file(tmp_path):
    line = json.dumps({"id": 1, "data": {"text": "نص " * 300}, "annotations": []}, ensure_ascii=False)
    peaks = []
    for number in (3_000, 30_000):
        path = written(tmp_path, "[" + ",\n".join([line] * number) + "]")
        tracemalloc.start()
        assert sum(1 for _ in read_elements(path)) == number
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.5 * peaks[0]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "export.json"
    path.write_text("[" + text, encoding="utf-8", errors="replace")
    try:
        elements = list(read_elements(path))
    except KhabarError as refused:
        assert refused.issues[0].message.startswith("not JSON")  # noqa: PT017 - either outcome is right
    else:
        assert elements == json.loads(path.read_text(encoding="utf-8"))


def test_csv_is_no_json_and_unreadable_files_count_as_json(tmp_path):
    assert [is_json(written(tmp_path, text)) for text in ("id,text\n", "\ufeff [", '{"a"', "")] == [
        False, True, True, False,
    ]  # fmt: skip
    assert is_json(tmp_path / "no.json")


def test_completions_become_annotations():
    completion = {"id": 1001, "created_at": 1609789589, "created_username": "huda", "result": []}
    task = task_of({"id": 1, "data": {}, "completions": [completion, {"id": 1002, "result": []}, 7]})

    assert task["annotations"] == [
        {**completion, "created_at": "2021-01-04T19:46:29Z", "completed_by": "huda"}, {"id": 1002, "result": []}, 7,
    ]  # fmt: skip


@pytest.mark.parametrize("time", [1e300, -1e300, float("nan"), float("inf"), 10**30])
def test_impossible_time_of_a_completion_is_left_out(time):
    task = task_of({"data": {}, "completions": [{"id": 1, "created_at": time}]})

    assert task["annotations"] == [{"id": 1, "created_at": ""}]


def test_annotation_of_storage_becomes_a_task():
    task = task_of({"id": 11, "completed_by": 5, "result": [], "task": TASK})

    assert task == {**TASK, "annotations": [{"id": 11, "completed_by": 5, "result": []}]}


@pytest.mark.parametrize(
    "element", [None, 7, "نص", [], {}, {"data": []}, {"task": 5, "result": []}, {"task": {}, "result": 1}]
)
def test_other_elements_are_no_task(element):
    assert task_of(element) is None
