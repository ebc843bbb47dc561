"""Spans that annotators find on the page, by where they come from."""

from dataclasses import replace

import pytest

from builder.annotation.gazetteer import find_mentions, parse_terms
from builder.io.hashing import sha16
from builder.io.jsonl import write_json
from builder.preannotation.sources import predict
from builder.records import Span
from builder.release.tables.features import arrow_schema, features
from builder.schema.labels import Labels
from tests.preannotation.examples import LABELS, article_of, refusal


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gazetteer", "'gazetteer' is not a source of predictions"),
        ("release:", "'release:' is not a source of predictions"),
        ("model:x", "unknown source of predictions 'model'"),
        ("command: ''' ", "invalid command: No closing quotation"),
    ],
)
def test_invalid_source_is_refused_with_the_reason(spec, message):
    assert refusal(predict, spec, [article_of()], LABELS) == [("", message)]


#OURS
# A gazetteer


def found_in(text, *terms, expand=True):
    lines = "".join(f"{term}\t{label}\n" for term, label in terms)
    spans = find_mentions(text, parse_terms(lines.encode(), "terms.tsv", LABELS.entity_names), expand=expand)
    return [(text[span.start : span.end], span.label) for span in spans]


def test_a_gazetteer_finds_each_mention_with_offsets_behind_an_emoji(tmp_path):
    (tmp_path / "terms.tsv").write_text("سالم\tPERS\n\nميناء مرجانة\tORG\r\nمرجانة\tGPE\n", encoding="utf-8-sig")
    found = predict("gazetteer:terms.tsv", [article_of()], LABELS, tmp_path)
    spans = found.spans[article_of().id]

    assert [(TEXT[s.start : s.end], s.label) for s in spans] == [
        ("سالم", "PERS"), ("ميناء مرجانة", "ORG"), ("مرجانة", "GPE"),
    ]  # fmt: skip
    assert found.origin.startswith("gazetteer terms.tsv ")
    assert len(found.origin.split()[-1]) == 8


@pytest.mark.parametrize(
    ("text", "term", "marked"),
    [
        ("زار مَرْجَانَة", "مرجانة", ["مَرْجَانَة"]),
        ("زار مرجـــانه", "مرجانة", ["مرجـــانه"]),
        ("قال احمد", "أحمد", ["احمد"]),
        ("زار مرجانتي", "مرجانة", []),
        ("مجلس\nالأمن", "مجلس الأمن", []),
        ("مجلس  الأمن", "مجلس الأمن", ["مجلس  الأمن"]),
        ("في وبمرجانة", "مرجانة", ["وبمرجانة"]),
        ("قال للوزير", "الوزير", ["للوزير"]),
        ("قال وللوزير", "الوزير", ["وللوزير"]),
        ("وليد هنا", "ليد", ["وليد"]),
        ("بعد", "عد", []),  # two letters after a clitic are mostly another word
    ],
)
def test_words_are_compared_folded_and_may_carry_clitics(text, term, marked):
    assert found_in(text, (term, "GPE")) == [(one, "GPE") for one in marked]


@pytest.mark.parametrize(
    ("text", "marked"),
    [("زار وبمرجانة", "مرجانة"), ("زار وَبِمرجانة", "مرجانة"), ("زار مرجانة", "مرجانة"), ("لمرجانة", "مرجانة")],
)
def test_with_strict_clitics_a_mention_begins_after_them(text, marked):
    assert found_in(text, ("مرجانة", "GPE"), expand=False) == [(marked, "GPE")]


def test_the_longest_term_counts_and_the_word_as_it_stands_goes_before_a_clitic():
    terms = (("بيروت", "GPE"), ("يروت", "PERS"), ("جريدة بيروت", "ORG"), ("جريدة", "PERS"))

    assert found_in("جريدة بيروت في بيروت", *terms) == [("جريدة بيروت", "ORG"), ("بيروت", "GPE")]


@given(
    st.lists(st.sampled_from(["سالم", "وسالم", "مَرجانة", "ميناء", "،", "\N{GRINNING FACE}", "\n", "«"]), max_size=12)
)
def test_every_span_of_a_gazetteer_folds_to_its_term(words):
    text = " ".join(words)
    found = found_in(text, ("سالم", "PERS"), ("مرجانة", "GPE"), ("ميناء مرجانة", "ORG"), expand=False)
    plain = {"سالم": "PERS", "مَرجانة": "GPE", "ميناء مَرجانة": "ORG"}

    assert all(plain.get(marked) == label for marked, label in found)
    assert sum(label == "PERS" for _, label in found) == sum("سالم" in word for word in words)


def test_every_bad_line_of_a_gazetteer_is_told_by_its_number(tmp_path):
    lines = [b"\xd8\xb3\xd8\xa7\tPERS", b"one field", b"a\tb\tc", b"x\tCITY", b"\xff\tPERS", b"...\tPERS",
             "سا\tORG".encode()]  # fmt: skip
    (tmp_path / "bad.tsv").write_bytes(b"\n".join(lines))
    found = refusal(predict, "gazetteer:bad.tsv", [article_of()], LABELS, tmp_path)
    where = str(tmp_path / "bad.tsv")

    assert found == [
        (f"{where}:2", "1 fields, not 2"),
        (f"{where}:3", "3 fields, not 2"),
        (f"{where}:4", "unknown label 'CITY'; known: GPE, ORG, PERS"),
        (f"{where}:5", "not UTF-8 at byte 0"),
        (f"{where}:6", "the term has no word"),
        (f"{where}:7", "the same term has the label PERS in line 1"),
    ]


def test_a_gazetteer_that_is_not_there_or_is_empty_is_refused(tmp_path):
    (tmp_path / "empty.tsv").write_text("\n")

    assert refusal(predict, "gazetteer:empty.tsv", [], LABELS, tmp_path)[0][1] == "the file has no terms"
    assert refusal(predict, "gazetteer:none.tsv", [], LABELS, tmp_path)[0][1] == (
        "cannot be read: No such file or directory"
    )


def test_of_a_thousand_bad_lines_twenty_are_told():
    found = refusal(parse_terms, b"x\n" * 1000, "t.tsv", {"PERS"})

    assert len(found) == 21
    assert found[-1] == ("t.tsv", "and 980 more bad lines")


# An earlier release


#THEIRS
#END
def release_of(folder, rows, labels=LABELS):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: features(labels)["entities"][name] for name in ("id", "text", "spans")}
    names = labels.entity_names
    plain = [
        {
            "id": article.id,
            "text": article.text,
            "spans": [
                {"start": s.start, "end": s.end, "label": names.index(s.label), "text": article.text[s.start : s.end]}
                for s in spans
            ],
        }
        for article, spans in rows
    ]
    (folder / "entities").mkdir(parents=True)
    table = pa.Table.from_pylist(plain, schema=arrow_schema(columns))
    pq.write_table(table, folder / "entities" / "train-00000-of-00001.parquet")
    write_json(folder / "MANIFEST.json", {"version": "1.2.0"})


def test_release_spans_are_carried_to_changed_texts(tmp_path):
    old, same = article_of("زار سالم ميناء مرجانة", 1), article_of("وصل سالم", 2)
    spans = (Span(4, 8, "PERS"), Span(9, 21, "ORG"))
    release_of(tmp_path / "v1.2.0", [(old, spans), (same, (Span(4, 8, "PERS"),)), (article_of(number=9), ())])
    new = replace(old, text="أمس زار سالم ميناء اللؤلؤة")
    found = predict("release:v1.2.0", [new, same, article_of(number=3)], LABELS, tmp_path)

    assert found.origin == "release v1.2.0"
    assert found.spans == {old.id: (Span(8, 12, "PERS"),), same.id: (Span(4, 8, "PERS"),)}
    assert [(one.what, one.reason) for one in found.set_aside] == [(f"{old.id} 9-21 ORG", "its text changed")]


def test_labels_missing_from_the_schema_are_dropped(tmp_path):
    article = article_of("وصل سالم", 2)
    release_of(tmp_path / "old", [(article, (Span(4, 8, "PERS"),))])
    fewer = Labels(version=2, entities=LABELS.entities[1:])
    found = predict("release:old", [article], fewer, tmp_path)

    assert found.spans == {article.id: ()}
    assert [one.reason for one in found.set_aside] == ["unknown label"]


def test_non_release_is_refused(tmp_path):
    (tmp_path / "broken" / "entities").mkdir(parents=True)
    (tmp_path / "broken" / "entities" / "train-00000-of-00001.parquet").write_bytes(b"not Parquet")
    write_json(tmp_path / "broken" / "MANIFEST.json", {"version": "1.2.0"})

    assert refusal(predict, "release:none", [], LABELS, tmp_path) == [
        (str(tmp_path / "none"), "the folder holds no release with entities")
    ]
    assert refusal(predict, "release:broken", [], LABELS, tmp_path)[0][1] == (
        "not a release that khabar built: ArrowInvalid"
    )
#OURS


# A program


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


def test_a_program_reads_articles_and_prints_spans_in_code_points(tmp_path):
    hostile = 'سالم </Text><script> $text {{ "\\ \u2028 \N{GRINNING FACE} \x1b'
    articles = [article_of(), article_of(f"\N{GRINNING FACE} {hostile}", 1, None), article_of("\n سالم", 2)]
    found = from_command(program(tmp_path, FINDS), articles, LABELS)

    assert found.origin == f"command {Path(sys.executable).name}"
    assert [a.text[s.start : s.end] for a in articles for s in found.spans[a.id]] == ["سالم"] * 3


def test_a_program_that_reads_all_before_it_answers_is_served_too(tmp_path):
    body = "for line in [json.loads(one) for one in sys.stdin.readlines()]:\n    put(line, [])\n"
    articles = [article_of("سالم " * 2000, number) for number in range(300)]

    assert len(from_command(program(tmp_path, body), articles, LABELS).spans) == 300


def test_a_program_is_run_without_a_shell_in_the_folder_and_without_secrets(tmp_path, monkeypatch):
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
def test_a_bad_line_of_a_program_is_told_by_its_number(tmp_path, body, message):
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
def test_a_program_that_fails_is_told_with_its_last_word(tmp_path, body, message):
    arguments = program(tmp_path, body)

    assert refusal(from_command, arguments, [article_of(), article_of(number=1)], LABELS) == [(arguments[0], message)]


@pytest.mark.parametrize("arguments", [["/no/such/program"], ["nul\0"]])
def test_a_program_that_cannot_be_started_is_refused(arguments):
    assert refusal(from_command, arguments, [article_of()], LABELS)[0][1].startswith("cannot be started: ")


@pytest.mark.slow
def test_a_silent_program_is_ended_with_its_children(tmp_path):
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


def test_a_program_that_floods_is_stopped(tmp_path):
    arguments = program(tmp_path, "while True: print('x' * 1000)")
    found = refusal(from_command, arguments, [article_of(number=n) for n in range(30)], LABELS)

    assert len(found) == 21


# As tasks hold them


def test_a_prediction_answers_the_questions_that_are_not_asked_and_is_marked_as_one():
    unused = {"id": "-", "name": "-", "options": []}
    task = {"data": {"text": "زار سالم", "targets": [{"id": "port", "name": "", "options": []}, unused]}}
    made = with_predictions(task, [Prediction("gazetteer x", (Span(4, 8, "PERS"),)), Prediction("nothing", ())])

    assert task == {"data": task["data"]}
    assert [one["model_version"] for one in made["predictions"]] == ["gazetteer x"]
    assert [(part["from_name"], part["value"], part["origin"]) for part in made["predictions"][0]["result"]] == [
        ("ner", {"start": 4, "end": 8, "text": "سالم", "labels": ["PERS"]}, "prediction"),
        ("stance_1", {"choices": ["_unused"]}, "prediction"),
    ]
    assert json.loads(json.dumps(made)) == made
#THEIRS
#END
