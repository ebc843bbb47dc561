"""The command `explain`: what DOC may be, what is printed, and each refusal."""

import json
import os
import pty
import subprocess
import sys

import pytest

from builder.commands.clean import clean
from builder.commands.explain import explain, explain_worst
from builder.commands.ingest import ingest
from builder.io.hashing import sha16
from builder.project.corpus import cleaning_config, read_columns
from builder.records import KhabarError

pytestmark = pytest.mark.slow  # each test runs several commands on a project


RULES = """\
version: 1
lines:
  - id: source
    evidence: hard
    match: '^المصدر: (?P<source_name>.+)$'
    examples:
      matches: ['المصدر: نسيم']
      leaves: ['قال المصدر']
"""
TEXTS = {
    "one.txt": "وصلت السفينة  قدما\N{ARABIC FATHATAN} إلى مرفأ السدر.\nالمصدر: نسيم\n",
    "two.txt": "المصدر: نسيم\n",
}


def similar_ids():
    """Two texts whose ids begin with the same four digits."""
    seen = {}
    for number in range(5000):
        text = f"خبر رقم {number} من السدر."
        other = seen.setdefault(sha16(text)[:4], text)
        if other != text:
            return other, text
    raise AssertionError


@pytest.fixture
def cleaned(project, tmp_path):
    """A project with two pages and two whose ids are alike, cleaned by one rule."""
    (project.root / "schema" / "boilerplate.yaml").write_text(RULES, encoding="utf-8")
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, text in (TEXTS | dict(zip(("a.txt", "b.txt"), similar_ids(), strict=True))).items():
        (folder / name).write_text(text, encoding="utf-8")
    ingest(project, [folder])
    clean(project)
    return project


ONE = sha16(TEXTS["one.txt"])


@pytest.mark.parametrize("name", [ONE, ONE.upper(), ONE[:4], f"{ONE}-0", "pages/one.txt"])
def test_document_is_found_by_id_prefix_article_or_origin(cleaned, name):
    explanation = explain(cleaned, name)

    assert (explanation.document_id, explanation.origin) == (ONE, "pages/one.txt")


def test_page_is_printed_and_nothing_is_written(cleaned, khabar):
    before = {path: path.stat().st_mtime_ns for path in cleaned.root.rglob("*")}
    done = khabar("explain", "pages/one.txt", cwd=cleaned.root)

    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[4:] == [
        f"   0:36  part 0 │ {TEXTS['one.txt'][:35]}⟨LF⟩",
        "                │   SPACE at 13 → whitespace tidied",
        "                │   ARABIC FATHATAN at 18 → deleted",
        "- 36:48  source │ المصدر: نسيم⟨LF⟩",
        "                │   source_name = نسيم",
        "",
        "49 code points = 33 kept + 12 dropped + 1 changed + 3 whitespace tidied",
        "    kept               33  part 0, 1 line",
        "    dropped            12  source, 1 line",
        "    changed             1  ARABIC FATHATAN → deleted",
        "    whitespace tidied   2  U+000A LF",
        "    whitespace tidied   1  SPACE",
    ]
    assert {path: path.stat().st_mtime_ns for path in cleaned.root.rglob("*")} == before


def test_json_is_one_document(cleaned, khabar):
    done = khabar("explain", ONE, "--json", cwd=cleaned.root)

    assert "".join(piece["raw"] for piece in json.loads(done.stdout)["pieces"]) == TEXTS["one.txt"]


def test_page_without_an_article_is_explained(cleaned, khabar):
    done = khabar("explain", "pages/two.txt", cwd=cleaned.root)

    assert "no article: cleaning left no body text\n" in done.stdout
    assert "- 0:12  source │ المصدر: نسيم⟨LF⟩\n" in done.stdout


@pytest.mark.parametrize(("colours", "styled"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_colours_only_on_a_terminal_that_wants_them(cleaned, colours, styled):
    ours, theirs = pty.openpty()
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(cleaned.root)} | colours
    command = [sys.executable, "-m", "builder", "explain", ONE]
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        subprocess.run(command, cwd=cleaned.root, env=environment, stdout=theirs, check=True)
        os.close(theirs)
        output = terminal.read(60_000).decode()

    assert "ARABIC FATHATAN at 18 → deleted" in output
    assert ("\x1b[" in output) is styled


def test_html_page_is_written_and_opened(cleaned, khabar, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    browser.chmod(0o755)
    written = khabar("explain", ONE, "--html", "page.html", cwd=cleaned.root)
    opened = khabar("explain", ONE, "--open", cwd=cleaned.root, BROWSER=f"{browser} %s")
    both = khabar("explain", ONE, "--html", "page.html", "--json", cwd=cleaned.root)

    page = (cleaned.root / "page.html").read_text(encoding="utf-8")
    assert (written.returncode, written.stdout, written.stderr) == (0, "page: page.html\n", "")
    assert '<html lang="ar" dir="rtl">' in page
    assert (cleaned.work / "explain.html").read_text(encoding="utf-8") == page
    assert opened.stdout == f"page: {cleaned.work / 'explain.html'}\n"
    assert (tmp_path / "opened").read_text() == f"{(cleaned.work / 'explain.html').as_uri()}\n"
    assert json.loads(both.stdout)["document_id"] == ONE


def test_without_a_browser_the_page_is_named(cleaned, khabar):
    done = khabar("explain", ONE, "--open", cwd=cleaned.root, BROWSER="/nowhere/browser %s", PATH="/nowhere")

    assert (done.returncode, done.stderr) == (
        0, f"no browser found; open {cleaned.work / 'explain.html'} yourself\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("نسيم", "no document or article is called 'نسيم'\n    fix: give an id, or an origin, such as ORIGIN"),
        ("ffff0", "no document or article is called 'ffff0'\n    fix: give an id, or an origin, such as ORIGIN"),
        (f"{ONE}0", f"no document or article is called '{ONE}0'\n    fix: give an id, or an origin, such as ORIGIN"),
        (f"{ONE}-7", f"no document or article is called '{ONE}-7'\n    fix: give an id, or one of {ONE}-0"),
        (f"{ONE[:5]}-0", f"no document or article is called '{ONE[:5]}-0'\n    fix: give an id, or an origin, such as ORIGIN"),
        (ONE[:3], f"'{ONE[:3]}' is too short for an id\n    fix: give at least 4 of its digits"),
        ("\x1b[2J", "no document or article is called '\\x1b[2J'\n    fix: give an id, or an origin, such as ORIGIN"),
    ],
)  # fmt: skip
def test_unknown_name_is_refused(cleaned, khabar, name, message):
    (origin, *_) = read_columns(cleaned, "documents", ["id", "origin"]).sort_by("id")["origin"].to_pylist()
    done = khabar("explain", name, cwd=cleaned.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error[no-document] {message}\n".replace("ORIGIN", origin)


def test_article_of_a_page_without_one_is_refused(cleaned):
    two = sha16(TEXTS["two.txt"])

    with pytest.raises(KhabarError) as refused:
        explain(cleaned, f"{two}-0")
    (issue,) = refused.value.issues
    assert (issue.message, issue.fix) == (
        f"no document or article is called '{two}-0'", f"give the page's own id, {two}: it has no article",
    )  # fmt: skip


def test_ambiguous_name_lists_the_documents(cleaned, khabar):
    names = dict(zip(map(sha16, similar_ids()), ("a", "b"), strict=True))
    listed = ", ".join(f"{one} (pages/{names[one]}.txt)" for one in sorted(names))
    prefix = sha16(similar_ids()[0])[:4]
    done = khabar("explain", prefix, cwd=cleaned.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error[ambiguous] '{prefix}' could be 2 documents: {listed}\n    fix: give more digits, or the origin\n"
    )


def test_shared_origin_is_ambiguous(cleaned, tmp_path):
    again = tmp_path / "again" / "pages"
    again.mkdir(parents=True)
    (again / "one.txt").write_text("وصلت سفينة أخرى إلى مرفأ السدر.", encoding="utf-8")
    ingest(cleaned, [again])
    clean(cleaned)

    with pytest.raises(KhabarError, match=r"'pages/one\.txt' could be 2 documents: "):
        explain(cleaned, "pages/one.txt")


def test_page_cleaned_by_older_rules_is_refused(cleaned, khabar):
    (cleaned.root / "schema" / "boilerplate.yaml").write_text("version: 2\n")
    done = khabar("explain", ONE, "--html", "page.html", cwd=cleaned.root)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", (
        "error[stale] boilerplate.yaml changed since the last `khabar clean`\n"
        "    fix: run `khabar clean` first\n"
    ))  # fmt: skip
    assert not (cleaned.root / "page.html").exists()


def test_page_without_an_article_is_explained_with_the_counts_of_its_cleaning(project, monkeypatch):
    (project.root / "schema" / "boilerplate.yaml").write_text(RULES, encoding="utf-8")
    path = project.root / "pages.jsonl"
    path.write_text(json.dumps({"text": "المصدر: نسيم\nالمصدر: برق", "source": "nasim"}, ensure_ascii=False))
    ingest(project, [path])
    asked = []
    monkeypatch.setattr(
        "builder.project.corpus.counts_for",
        lambda config, ids: asked.append((config.counts.digest, ids)) or [config.counts],
    )
    cleaned = clean(project)
    explanation = explain(project, "pages.jsonl:1")

    assert [one.reason for one in cleaned.set_aside] == ["no body"]
    assert asked == [(cleaning_config(project).counts.digest, [explanation.document_id])]
    assert [piece.rule for piece in explanation.pieces if piece.kind == "dropped"] == ["source", "source"]


WORST = """\
4 pages: 2 lost text, of which 0 lost more than a third and 1 ended with no text

all that lost text:
 100.0%  12 of 12 characters  TWO  pages/two.txt (pages)
         source 1 line; no text is left
  26.7%  12 of 45 characters  ONE  pages/one.txt (pages)
         source 12 characters

by rule, most characters first:
    source  24 characters in 2 drops on 2 pages
            most: 12 characters of ONE, pages/one.txt
"""


def test_worst_pages_are_printed_and_nothing_is_written(cleaned, khabar):
    before = {path: path.stat().st_mtime_ns for path in cleaned.root.rglob("*")}
    done = khabar("explain", "--worst", cwd=cleaned.root)
    one, two = ONE, sha16(TEXTS["two.txt"])

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == WORST.replace("ONE", one).replace("TWO", two)
    assert {path: path.stat().st_mtime_ns for path in cleaned.root.rglob("*")} == before


def test_worst_one_names_one_page(cleaned, khabar):
    done = khabar("explain", "--worst", "1", cwd=cleaned.root)
    plain = json.loads(khabar("explain", "--worst=1", "--json", cwd=cleaned.root).stdout)

    assert "the page that lost the largest share:\n 100.0%" in done.stdout
    assert ONE not in done.stdout.split("by rule")[0]
    assert {name: plain[name] for name in ("pages", "lossy", "over_third", "without_text", "shortened")} == {
        "pages": 4, "lossy": 2, "over_third": 0, "without_text": 1, "shortened": [],
    }  # fmt: skip
    assert plain["emptied"] == [{
        "document_id": sha16(TEXTS["two.txt"]), "origin": "pages/two.txt", "source": "pages", "share": 1.0, "lost": 12,
        "characters": 12, "has_text": False, "rules": [{"rule": "source", "drops": 1, "characters": None}],
    }]  # fmt: skip
    assert [rule["drops"] for rule in plain["rules"]] == [2]


def test_worst_pages_are_written_as_html(cleaned, khabar):
    done = khabar("explain", "--worst", "9", "--html", "worst.html", cwd=cleaned.root)
    page = (cleaned.root / "worst.html").read_text(encoding="utf-8")

    assert (done.returncode, done.stdout, done.stderr) == (0, "page: worst.html\n", "")
    assert page.count("<details") == 2
    assert page.count('<code class="tag dropped">source</code>') == 2


def test_pages_with_one_origin_are_told_apart(project, tmp_path):
    """Of two pages with one origin, only that without text is listed as such."""
    (project.root / "schema" / "boilerplate.yaml").write_text(RULES, encoding="utf-8")
    for place, text in (("a", "المصدر: نسيم"), ("b", TEXTS["one.txt"]), ("c", "المصدر: نسيم\nالمصدر: برق")):
        folder = tmp_path / place / "pages"
        folder.mkdir(parents=True)
        (folder / "x.txt").write_text(text, encoding="utf-8")
        ingest(project, [folder])
    clean(project)
    losses = explain_worst(project, 20)

    assert {(page.document_id, page.characters) for page in losses.emptied} == {
        (sha16("المصدر: نسيم"), 12), (sha16("المصدر: نسيم\nالمصدر: برق"), 23),
    }  # fmt: skip
    assert [page.document_id for page in losses.shortened] == [ONE]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either DOCUMENT or --worst"),
        ([ONE, "--worst", "3"], "give either DOCUMENT or --worst"),
        (["--worst", "0"], "Invalid value for '--worst': 0 is not in the range x>=1."),
        (["--worst", "pages/one.txt"], "Invalid value for '--worst': 'pages/one.txt' is not a valid integer range."),
    ],
)
def test_one_of_document_and_worst_is_needed(cleaned, khabar, arguments, message):
    done = khabar("explain", *arguments, cwd=cleaned.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"Error: {message}"


def test_worst_of_stale_pages_is_refused(cleaned, khabar):
    (cleaned.root / "schema" / "boilerplate.yaml").write_text("version: 2\n")
    done = khabar("explain", "--worst", cwd=cleaned.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("fix: run `khabar clean` first\n")


@pytest.mark.parametrize("argument", [ONE, "--worst"])
def test_empty_project_is_refused(project, khabar, argument):
    done = khabar("explain", argument, cwd=project.root)

    assert (done.returncode, done.stderr) == (
        2, "error[no-documents] the project has no documents\n    fix: run `khabar ingest FILES` first\n",
    )  # fmt: skip
