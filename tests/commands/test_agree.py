"""The command `agree`: the table, JSON, the page, and files that cannot be written."""

import json
import re

import pytest

from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.measure import headline
from builder.annotation.agreement.stances import ALPHA
from builder.commands.agree import agree
from builder.io.jsonl import read_jsonl
from builder.project.project import Project
from builder.records import Agreement
from tests.builders import judge, walk
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_terminal_shows_headlines_and_json_all_figures(annotated, khabar):
    shown, as_json = (khabar("agree", *flags, cwd=annotated.root) for flags in ((), ("--json",)))
    figures = read_jsonl(annotated.work / "agreement.jsonl", Agreement)
    rows = [line for line in shown.stdout.splitlines() if re.match("(entities|stance) ", line)]
    report = json.loads(as_json.stdout)

    assert (shown.returncode, as_json.returncode) == (0, 0)
    assert len(rows) == sum(
        headline(one) and (one.label == "all" or one.measure in (SPAN_F1, ALPHA)) for one in figures
    )
    assert f"{len(figures) - len(rows)} more figures: -v shows all" in shown.stdout
    assert report["figures"] == [
        json.loads(line) for line in (annotated.work / "agreement.jsonl").read_text().splitlines()
    ]
    assert {one["between"] for one in report["figures"]} > {""}


def test_verbose_shows_all_figures(annotated, khabar):
    shown = khabar("agree", "-v", cwd=annotated.root)
    figures = read_jsonl(annotated.work / "agreement.jsonl", Agreement)

    assert len(re.findall("^(?:entities|stance) ", shown.stdout, re.MULTILINE)) == len(figures)


def test_page_is_written_whole_and_named(annotated, khabar):
    done = khabar("agree", "--html", "pages/agree.html", cwd=annotated.root)
    text = (annotated.root / "pages" / "agree.html").read_text(encoding="utf-8")
    figure = next(f for f in agree(annotated).figures if (f.measure, f.label, f.between) == (SPAN_F1, "all", ""))

    assert done.returncode == 0, done.stderr
    assert "\npage: pages/agree.html\n" in done.stdout
    assert f">{figure.value:.3f}<" in text
    assert text.endswith("</html>\n")
    assert [one.name for one in (annotated.root / "pages").iterdir()] == ["agree.html"]
    assert "@" not in re.sub(r"@(media|container)|standard@1", "", text), "annotators go by pseudonyms"


def test_same_judgements_give_the_same_page(annotated, tmp_path):
    for name in ("one", "two"):
        agree(annotated, tmp_path / name)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("/proc/nothing/a.html", "/proc/nothing: error[system] No such file or directory\n"),
        ("schema", "schema: error[system] Is a directory\n"),
        ("dataset_card.md/a.html", "dataset_card.md: error[system] File exists\n"),
    ],
)
@pytest.mark.parametrize("opened", [(), ("--open",)])
def test_page_that_cannot_be_written_is_not_opened(annotated, khabar, tmp_path, page, message, opened):
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\ntouch {tmp_path}/opened\n")
    browser.chmod(0o755)
    done = khabar("agree", "--html", page, *opened, cwd=annotated.root, BROWSER=f"{browser} %s")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == message + "    fix: check free disk space and permissions, then retry\n"
    assert not (tmp_path / "opened").exists()


def test_open_shows_a_page_in_the_work_folder(annotated, khabar, tmp_path):
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
    assert done.stderr == f"no browser found; open {annotated.work / 'agreement.html'} yourself\n"


def test_agreement_below_a_floor_exits_1(project):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    settings = project.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text().replace("span_f1: 0.5", "span_f1: 0.999"))

    report = agree(Project(project.root))

    assert report.exit_code == 1
    assert "below the floor of 0.999" in report.issues[0].message
