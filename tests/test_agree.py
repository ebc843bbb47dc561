"""`khabar agree` on the demonstration's judgements: the table, JSON, the page, and files that cannot be written."""

import json
import re

import pytest

from builder.annotation.agreement.measure import headline
from builder.annotation.agreement.spans import SPAN_F1
from builder.annotation.agreement.stances import ALPHA
from builder.annotation.report.text import lines
from builder.commands.agree import agree
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.io.jsonl import read_jsonl
from builder.records import Agreement
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each walks a project through several verbs


@pytest.fixture
def annotated(project):
    """A project with the judgements of the repository's demonstration."""
    kept = ROOT / "annotations" / "demo"
    (project.annotations / "demo").mkdir()
    for name in ("batch", "judgements", "decisions"):
        (project.annotations / "demo" / f"{name}.jsonl").write_bytes((kept / f"{name}.jsonl").read_bytes())
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)
    return project


def figure(measure=SPAN_F1, value=0.75, **place):
    given = {"layer": "entities", "label": "all", "batch": "all", "low": 0.5, "high": 0.875, "n": 8, "unit": "articles"}
    return Agreement(measure=measure, value=value, **given | place)


def test_a_figure_is_a_line_of_a_table():
    figures = [
        figure(),
        figure(label="PERS", value=None, low=None, high=None, n=0, why="nobody marked a span"),
        figure(ALPHA, layer="stance", batch="two", low=None, high=None),
    ]

    assert lines(figures) == [
        "layer     label  batch  measure                        value      95 % interval   n",
        "entities  all           span F1, strict, pairwise      0.750      0.500 to 0.875  8 articles",
        "entities  PERS          span F1, strict, pairwise      undefined                  0 articles  nobody marked a span",
        "stance    all    two    Krippendorff's alpha, nominal  0.750                      8 articles",
    ]


def test_what_a_lead_reads_first_is_shown_and_the_rest_counted():
    figures = [figure(), figure(between="a-1 a-2"), figure(period="2026-W47"), figure(label="PERS", batch="two")]

    assert [line.split()[:2] for line in lines(figures)] == [["layer", "label"], ["entities", "all"], ["3", "more"]]
    assert lines(figures)[-1] == "3 more figures: -v shows all, --html FILE draws them"
    assert [line.split()[0] for line in lines(figures, every=True)] == ["layer", *["entities"] * 4]
    assert "a-1 a-2" in lines(figures, every=True)[2]
    assert "2026-W47" in lines(figures, every=True)[3]


def test_where_nothing_was_measured_the_table_says_so():
    assert lines([]) == ["nothing was measured"]


def test_a_batch_cannot_turn_the_table_round():
    assert "⟨RLO⟩b" in lines([figure(batch="\N{RIGHT-TO-LEFT OVERRIDE}b")])[1]


def test_the_terminal_has_the_first_figures_and_json_has_all(annotated, khabar):
    shown, told = (khabar("agree", *flags, cwd=annotated.root) for flags in ((), ("--json",)))
    figures = read_jsonl(annotated.work / "agreement.jsonl", Agreement)
    rows = [line for line in shown.stdout.splitlines() if re.match("(entities|stance) ", line)]
    report = json.loads(told.stdout)

    assert (shown.returncode, told.returncode) == (0, 0)
    assert len(rows) == sum(
        headline(one) and (one.label == "all" or one.measure in (SPAN_F1, ALPHA)) for one in figures
    )
    assert f"{len(figures) - len(rows)} more figures: -v shows all" in shown.stdout
    assert report["figures"] == [
        json.loads(line) for line in (annotated.work / "agreement.jsonl").read_text().splitlines()
    ]
    assert {one["between"] for one in report["figures"]} > {""}


def test_all_figures_are_shown_when_asked_for(annotated, khabar):
    shown = khabar("agree", "-v", cwd=annotated.root)
    figures = read_jsonl(annotated.work / "agreement.jsonl", Agreement)

    assert len(re.findall("^(?:entities|stance) ", shown.stdout, re.MULTILINE)) == len(figures)


def test_the_page_is_written_whole_and_named(annotated, khabar):
    done = khabar("agree", "--html", "pages/agree.html", cwd=annotated.root)
    text = (annotated.root / "pages" / "agree.html").read_text(encoding="utf-8")
    figure = next(f for f in agree(annotated).figures if (f.measure, f.label, f.between) == (SPAN_F1, "all", ""))

    assert done.returncode == 0, done.stderr
    assert "\npage: pages/agree.html\n" in done.stdout
    assert f">{figure.value:.3f}<" in text
    assert text.endswith("</html>\n")
    assert [one.name for one in (annotated.root / "pages").iterdir()] == ["agree.html"]
    assert "@" not in re.sub(r"@(media|container)|standard@1", "", text), "annotators go by pseudonyms"


def test_the_same_judgements_give_the_same_page(annotated, tmp_path):
    for name in ("one", "two"):
        agree(annotated, tmp_path / name)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("/proc/nothing/a.html", "/proc/nothing: error[system] No such file or directory\n"),
        ("schema", "schema: error[system] Is a directory\n"),
        ("dataset_card.md/a.html", "dataset_card.md: error[system] File exists\n"),
    ],
)
@pytest.mark.parametrize("opened", [(), ("--open",)])
def test_a_page_that_cannot_be_written_is_refused_and_not_opened(annotated, khabar, tmp_path, page, said, opened):
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\ntouch {tmp_path}/opened\n")
    browser.chmod(0o755)
    done = khabar("agree", "--html", page, *opened, cwd=annotated.root, BROWSER=f"{browser} %s")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == said + "    fix: see to the disk and its permissions, then run the same command again\n"
    assert not (tmp_path / "opened").exists()


def test_open_shows_a_page_that_is_kept_with_the_projects_work(annotated, khabar, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{tmp_path}/opened\n')
    browser.chmod(0o755)
    done = khabar("agree", "--open", cwd=annotated.root, BROWSER=f"{browser} %s")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "opened").read_text().strip() == (annotated.work / "agreement.html").as_uri()
    assert (annotated.work / "agreement.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_without_a_browser_the_page_is_named(annotated, khabar):
    done = khabar("agree", "--open", cwd=annotated.root, BROWSER="/nowhere/browser %s", PATH="/nowhere")

    assert done.returncode == 0
    assert done.stderr == f"no browser was found: open {annotated.work / 'agreement.html'} yourself\n"
