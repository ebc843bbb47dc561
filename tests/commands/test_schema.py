"""The command `schema`: check, render and suggest."""

import json

import pytest

from builder.commands.ingest import ingest
from builder.commands.schema import check, render, suggest
from builder.project.project import Project
from builder.records import KhabarError
from tests.corpus.cleaning.named import paragraph

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_annotation_page_is_written(project, tmp_path):
    report = render(project, page=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")

    assert report.page == tmp_path / "page.html"
    assert "نسخة الإرشادات: " + project.schema.guideline_version in page
    assert page.count('class="lsf-label"') == len(project.schema.labels.entities)


def test_check_counts_rules_and_examples(project, khabar):
    done = khabar("schema", "check", cwd=project.root)

    assert (done.returncode, done.stderr) == (0, "")
    assert "of which 0 fail" in done.stdout


LINE = "راديو النورس الأزرق كل صباح"


@pytest.fixture
def recurring(project, tmp_path):
    """A project with pages that end with the same line."""
    records = [
        {
            "text": f"{paragraph(n)}\n{paragraph(n + 500)}\n{LINE}",
            "source": "nasim",
            "url": f"https://nasim.example/{n}",
        }
        for n in range(9)
    ]
    path = tmp_path / "nasim.jsonl"
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in records), encoding="utf-8")
    ingest(project, [path])
    return project


def boilerplate(project):
    return (project.root / "schema" / "boilerplate.yaml").read_bytes()


def test_suggest_prints_proposals_and_applies_none(recurring, khabar):
    before = boilerplate(recurring)
    text = khabar("schema", "suggest", cwd=recurring.root)
    done = khabar("schema", "suggest", "--json", cwd=recurring.root)
    (one,) = json.loads(done.stdout)["proposals"]

    assert (text.returncode, done.returncode, boilerplate(recurring)) == (0, 0, before)
    assert f"+ {LINE}" in text.stdout
    assert one["id"] in text.stdout
    assert (one["kind"], one["documents"], one["of"], one["examples"]) == ("line", 9, 9, [LINE])
    assert one["rules"][0]["match"] == "^راديو النورس الازرق كل صباح$"


def test_apply_writes_the_rule_and_dry_run_prints_it(recurring, khabar):
    before = boilerplate(recurring)
    (one,) = suggest(recurring).proposals
    dry = khabar("schema", "suggest", "--apply", one.id, "--dry-run", cwd=recurring.root)
    assert (dry.returncode, boilerplate(recurring)) == (0, before)
    assert f"- id: {one.id}" in dry.stdout

    done = khabar("schema", "suggest", "--apply", one.id, cwd=recurring.root)
    fresh = Project(recurring.root)
    assert (done.returncode, fresh.schema.boilerplate.sources["nasim"].lines) == (0, one.rules)
    assert boilerplate(recurring).startswith(before.removesuffix(b" {}\n"))
    assert suggest(fresh).proposals == ()
    assert check(fresh).exit_code == 0


def test_unknown_proposal_lists_those_there_are(recurring, khabar):
    before = boilerplate(recurring)
    (one,) = suggest(recurring).proposals
    done = khabar("schema", "suggest", "--apply", f"{one.id},nasim-line-x", cwd=recurring.root)

    assert (done.returncode, boilerplate(recurring)) == (2, before)
    assert f"no proposal has the id nasim-line-x\n    fix: name some of: {one.id}\n" in done.stderr


def test_dry_run_needs_apply(recurring, khabar):
    assert khabar("schema", "suggest", "--dry-run", cwd=recurring.root).returncode == 2


def test_rules_are_not_written_while_another_khabar_works(recurring):
    before = boilerplate(recurring)
    (one,) = suggest(recurring).proposals
    with recurring.lock(), pytest.raises(KhabarError, match="another khabar"):
        suggest(recurring, apply=[one.id])

    assert boilerplate(recurring) == before
