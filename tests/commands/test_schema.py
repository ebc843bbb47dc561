"""The command `schema`: check, render and suggest."""

import pytest

from builder.commands.schema import render

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_annotation_page_is_written(project, tmp_path):
    report = render(project, page=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")

    assert report.facts["annotation page"] == str(tmp_path / "page.html")
    assert "نسخة الإرشادات: " + project.schema.guideline_version in page
    assert page.count('class="lsf-label"') == len(project.schema.labels.entities)


def test_check_counts_rules_and_examples(project, khabar):
    done = khabar("schema", "check", cwd=project.root)

    assert (done.returncode, done.stderr) == (0, "")
    assert "of which 0 fail" in done.stdout
