"""Spans that a program finds."""

import sys
import textwrap
import time
from pathlib import Path

import pytest

from builder.preannotation.program import from_command
from builder.preannotation.sources import predict
from builder.records import Span
from tests.preannotation.examples import LABELS, article_of, refusal


def program(tmp_path, body):
    """A program that says `body` of each article; `line` is its input, `put` writes an answer."""
    head = """
    import json, os, sys, time
    def put(line, spans): print(json.dumps({"id": line["id"], "spans": spans}), flush=True)
    """
    path = tmp_path / "tagger.py"
    path.write_text(textwrap.dedent(head) + textwrap.dedent(body))
    return [sys.executable, str(path)]


EACH = "for number, line in enumerate(map(json.loads, sys.stdin)):\n    "
FINDS = EACH + 'at = line["text"].find("سالم"); put(line, [{"start": at, "end": at + 4, "label": "PERS"}])\n'


def test_program_reads_articles_and_prints_code_point_spans(tmp_path):
    hostile = 'سالم </Text><script> $text {{ "\\ \u2028 \N{GRINNING FACE} \x1b'
    articles = [article_of(), article_of(f"\N{GRINNING FACE} {hostile}", 1, None), article_of("\n سالم", 2)]
    found = from_command(program(tmp_path, FINDS), articles, LABELS)

    assert found.origin == f"command {Path(sys.executable).name}"
    assert [a.text[s.start : s.end] for a in articles for s in found.spans[a.id]] == ["سالم"] * 3


def test_program_may_read_everything_before_answering(tmp_path):
    body = "for line in [json.loads(one) for one in sys.stdin.readlines()]:\n    put(line, [])\n"
    articles = [article_of("سالم " * 2000, number) for number in range(300)]

    assert len(from_command(program(tmp_path, body), articles, LABELS).spans) == 300


def test_program_runs_in_folder_without_shell_or_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "secret")
    monkeypatch.setenv("KHABAR_SECRET", "secret")
    (tmp_path / "here").touch()
    body = EACH + (
        'good = os.path.exists("here") and "secret" not in os.environ.values() and sys.argv[1:] == ["$HOME", "a b;c"]\n'
        '    put(line, [{"start": 0, "end": 1 + good, "label": "PERS"}])\n'
    )
    python, path = program(tmp_path, body)
    found = predict(f"command:{python} {path} $HOME 'a b;c'", [article_of()], LABELS, tmp_path)

    assert found.spans == {article_of().id: (Span(0, 2, "PERS"),)}


BAD = [
    ('print("not json")', "Invalid JSON: expected ident at line 1 column 2"),
    ('print("")', "Invalid JSON: EOF while parsing a value at line 2 column 0"),
    ('print(json.dumps({"id": line["id"]}))', "spans: Field required"),
    ('put({"id": "other"}, [])', "expected the answer for article 0000000000000000-0"),
    ('put(line, [{"start": 0, "end": 99, "label": "PERS"}])', "spans.0: 0:99 is not a span in a text of 4 code points"),
    ('put(line, [{"start": 2, "end": 2, "label": "PERS"}])', "spans.0: 2:2 is not a span in a text of 4 code points"),
    ('put(line, [{"start": -1, "end": 2, "label": "PERS"}])', "spans.0.start: Input should be greater than or equal to 0"),
    ('put(line, [{"start": 0.0, "end": 2, "label": "PERS"}])', "spans.0.start: Input should be a valid integer"),
    ('put(line, [{"start": True, "end": 2, "label": "PERS"}])', "spans.0.start: Input should be a valid integer"),
    ('put(line, [{"start": 0, "end": 2, "label": "CITY"}])', "spans.0: unknown label; known: GPE, ORG, PERS"),
    ('put(line, [{"start": 0, "end": 2, "label": "PERS", "x": 1}])', "spans.0.x: Extra inputs are not permitted"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message"), BAD, ids=range(len(BAD)))
def test_bad_line_is_named_by_number(tmp_path, body, message):
    first = article_of("سالم", 7)
    arguments = program(tmp_path, EACH + f'put(line, []) if line["id"].startswith("{first.document_id}") else {body}\n')
    found = refusal(from_command, arguments, [first, article_of("سالم")], LABELS)

    assert found == [(f"line 2 of {arguments[0]}", message)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("put(json.loads(sys.stdin.readline()), [])", "the program ended after 1 of 2 lines"),
        (EACH + "put(line, []); put(line, []) if number else None", "the program wrote more than 2 lines"),
        (EACH + 'put(line, [])\nsys.exit("the model is not here")',
         "the program failed with exit code 1: the model is not here"),
        ('sys.exit("no such option")', "the program failed with exit code 1: no such option"),
    ],
)  # fmt: skip
def test_failed_program_reports_its_last_error(tmp_path, body, message):
    arguments = program(tmp_path, body)

    assert refusal(from_command, arguments, [article_of(), article_of(number=1)], LABELS) == [(arguments[0], message)]


@pytest.mark.parametrize("arguments", [["/no/such/program"], ["nul\0"]])
def test_program_that_cannot_start_is_refused(arguments):
    assert refusal(from_command, arguments, [article_of()], LABELS)[0][1].startswith("cannot be started: ")


@pytest.mark.slow
def test_silent_program_is_killed_with_its_children(tmp_path):
    body = 'import subprocess\nchild = subprocess.Popen(["sleep", "600"])\nopen("pid", "w").write(str(child.pid))\n'
    arguments = program(tmp_path, body + "child.wait()\n")
    began = time.monotonic()
    found = refusal(from_command, arguments, [article_of()], LABELS, folder=tmp_path, silence=1.5)
    deadline = time.monotonic() + 5
    while is_running(int((tmp_path / "pid").read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert found == [(arguments[0], "the program gave no answer for 1.5 seconds")]
    assert time.monotonic() - began < 15
    assert not is_running(int((tmp_path / "pid").read_text()))


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_flooding_program_is_stopped(tmp_path):
    arguments = program(tmp_path, "while True: print('x' * 1000)")
    found = refusal(from_command, arguments, [article_of(number=n) for n in range(30)], LABELS)

    assert len(found) == 21
