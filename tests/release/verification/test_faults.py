"""What passed a stranger's `verify` once: each fault, with the manifest signed anew, and what is said of it now."""

import json

import pyarrow.parquet as pq
import pytest

from builder.io.hashing import sha16
from tests.tampering import copy_of, edit_json, edit_rows, messages, recheck, render, shard, sign

pytestmark = pytest.mark.slow  # makes a release


@pytest.fixture
def copy(full, tmp_path):
    return copy_of(full, tmp_path / "release")


def replace_text(copy, path, old, new):
    text = (copy / path).read_text(encoding="utf-8")
    assert old in text
    (copy / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def said(copy):
    """The messages after the manifest was signed anew."""
    sign(copy)
    return messages(recheck(copy))


def test_text_of_a_span(copy):
    edit_rows(copy, "entities", lambda rows: rows[3]["spans"][0].update(text="غيره"))
    render(copy)

    assert messages(recheck(copy)) == [
        "entities/train, row 4: `spans.text` is not the text from `start` to `end`, in 1 rows"
    ]


def test_text_of_a_span_of_an_annotation(copy):
    edit_rows(copy, "annotations", lambda rows: rows[0]["spans"][0].update(text="غيره"))
    render(copy)

    assert messages(recheck(copy)) == [
        "annotations/train, row 1: `spans.text` is not the text from `start` to `end`, in 1 rows"
    ]


def test_tags_that_say_nothing(copy):
    edit_rows(copy, "entities", lambda rows: [row.update(ner_tags=[0] * len(row["tokens"])) for row in rows])
    render(copy)

    assert messages(recheck(copy)) == ["entities/train, row 1: `ner_tags` is not the tags of `spans`, in 21 rows"]


def test_votes_that_contradict_their_number_and_the_annotations(copy):
    edit_rows(copy, "stance", lambda rows: rows[0].update(label_counts=[9, 0, 0, 0, 0]))
    render(copy)
    contradictory = messages(recheck(copy))
    edit_rows(
        copy, "stance", lambda rows: rows[0].update(n_annotators=9, soft_label=[n / 9 for n in rows[0]["label_counts"]])
    )
    render(copy)

    assert contradictory[0] == "stance/train, row 1: `n_annotators` is not the sum of `label_counts`, in 1 rows"
    assert messages(recheck(copy)) == [
        "stance/train, row 1: `label_counts` is not what the votes of `annotations` give, in 1 rows"
    ]


def test_gold_that_no_vote_gives(copy):
    def relabel(rows):
        row = next(row for row in rows if not row["adjudicated"] and row["spans"])
        row["spans"][0]["label"] = (row["spans"][0]["label"] + 1) % 5

    edit_rows(copy, "entities", relabel)
    render(copy)

    assert any("what the votes of `annotations` give" in message or "`ner_tags` is not" in message
               for message in messages(recheck(copy)))  # fmt: skip


def test_texts_that_are_not_those_of_their_hash(copy):
    article = {}

    def change(rows):
        for row in rows:
            if row.get("article_id", row["id"]) == article.setdefault("id", row["id"]):
                row["text"] += " كذا"

    for config in ("articles", "entities"):
        edit_rows(copy, config, change)
    render(copy)

    assert "articles/train, row 1: `text_sha` is not the hash of `text`, in 1 rows" in messages(recheck(copy))


def test_text_that_is_changed_with_its_hash_in_articles_only(copy):
    edit_rows(
        copy, "articles", lambda rows: rows[0].update(text=rows[0]["text"] + ".", text_sha=sha16(rows[0]["text"] + "."))
    )
    render(copy)

    assert "entities/train, row 1: `text` is not that of its article in `articles`, in 1 rows" in messages(
        recheck(copy)
    )


def test_agreement_that_hides_behind_a_redaction(copy):
    def change(plain):
        plain["agreement"][0]["value"] = 0.99
        plain["redacted"] = {"email": 0}

    edit_json(copy, "facts.json", change)
    render(copy)
    found = messages(recheck(copy))

    assert "facts.json: it counts redactions of the kinds ['email'], and [] were to be redacted" in found
    assert any(
        message.startswith("facts.json: entities all all ") and "the card says 0.99 (" in message for message in found
    )


@pytest.mark.parametrize(
    "row", ["| `GPE` | مكان | place | a place | 900 | 90 | 9 | 999 |", "Agreement is perfect.", "# Awards"]
)
def test_an_added_line_of_the_card(copy, row):
    text = (copy / "README.md").read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(text) if line.startswith("| `GPE` |"))
    (copy / "README.md").write_text("\n".join([*text[: at + 1], row, *text[at + 1 :]]) + "\n", encoding="utf-8")

    assert said(copy) == [f"README.md:{at + 2}:1: this line does not come from the build: «{row}»"]


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        ("conll/test.txt", " O\n", " B-GPE\n", "it is not the file that the rows give"),
        ("croissant.json", "CC0-1.0.html", "MIT.html", "`license` is not what the rows and facts.json give"),
        ("croissant.json", '"sha256": "', '"sha256": "0', "`distribution` is not what the rows and facts.json give"),
        ("CITATION.cff", "CC0-1.0", "MIT", "`license` is not what the rows and facts.json give"),
        ("masader.json", '"CC0"', '"MIT License"', "`License` is not what the rows and facts.json give"),
        ("CHANGELOG.md", "| 21 |", "| 2,100 |", "a first version has the counts of its rows, and nothing else"),
        ("assets/entities.svg", ">70<", ">99<", "the plot is not the one that the rows give"),
    ],
)
def test_a_file_beside_the_rows(copy, path, old, new, message):
    replace_text(copy, path, old, new)

    assert f"{path}: {message}" in said(copy)


def test_another_repository(copy):
    sign(copy, repo_id="someone/else")

    assert "facts.json: its repo_id is khabar/demo-news, and MANIFEST.json says someone/else" in messages(recheck(copy))


def test_head_of_the_card(copy):
    replace_text(copy, "README.md", "license: cc0-1.0", "license: mit")

    assert any("the card says «license: mit», and its rows give «license: cc0-1.0»" in one for one in said(copy))


def test_prose_that_differs_from_the_template_of_the_release(copy):
    replace_text(copy, "README.md", "its topics are few", "its topics are very few")

    assert any("this prose was changed after the build" in message for message in said(copy))


def test_card_inputs_that_are_left_out(copy):
    for path in ("facts.json", "croissant.json"):
        (copy / path).unlink()

    assert {"MANIFEST.json: the release has no facts.json", "MANIFEST.json: the release has no croissant.json"} <= {
        *said(copy)
    }


def test_a_release_that_claims_another_tool_has_a_list_of_what_was_not_compared(copy):
    edit_json(copy, "facts.json", lambda plain: plain.update(tool="khabar 0.1.9"))
    plain = json.loads((copy / "MANIFEST.json").read_bytes())
    sign(copy, tool="khabar 0.1.9", inputs={k: v for k, v in plain["inputs"].items() if k != "tool"})
    found = recheck(copy)

    assert messages(found) == []
    assert "README.md, below its head" in {one.name for check in found for one in check.unverified}


# What a release passed that was made by a script written without a look at the checks.


@pytest.mark.parametrize(
    ("old", "new"), [(b"\n\n", b"\n\xe2\x80\xa8"), (b"\n", b"\r\n")], ids=["line separator", "CRLF"]
)
def test_line_ends_of_the_card(copy, old, new):
    card = copy / "README.md"
    card.write_bytes(card.read_bytes().replace(old, new))

    assert any(message.startswith("README.md") for message in said(copy))


def test_span_that_stands_twice_in_an_annotation(copy):
    def change(rows):
        spans = next(row["spans"] for row in rows if row["spans"])
        spans.insert(0, spans[0])

    edit_rows(copy, "annotations", change)
    render(copy)

    assert any(
        "`spans` is not a list of labelled places in the text, in order" in one for one in messages(recheck(copy))
    )


@pytest.mark.parametrize("path", ["facts.json", "MANIFEST.json"])
@pytest.mark.parametrize("more", ['"tool": "another",', '"unknown": 1,'], ids=["twice", "unknown"])
def test_field_that_stands_twice_or_is_unknown(copy, path, more):
    sign(copy)
    replace_text(copy, path, "{", "{" + more)
    found = messages(recheck(copy)) if path == "MANIFEST.json" else said(copy)

    assert f"{path}: it holds a field that a build does not write, or one twice" in found


def test_parquet_that_carries_a_note(copy):
    path = shard(copy, "entities")
    table = pq.ParquetFile(path).read()
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"note": b"x"}), path)

    assert any("its metadata hold more than the features of its columns" in message for message in said(copy))
