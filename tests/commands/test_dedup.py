"""The command `dedup`: it needs articles that today's rules cleaned."""

import pytest

from builder.commands.clean import clean
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.project.project import Project
from builder.records import KhabarError
from tests.builders import walk
from tests.conftest import ROOT
from tests.news import lines, near_copy, news

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_changed_rules_ask_for_clean(project):
    walk(project, [ROOT / "examples" / "articles"])
    rules = project.root / "schema" / "boilerplate.yaml"
    rules.write_text(rules.read_text().replace("version: 1", "version: 2"))

    with pytest.raises(KhabarError, match="changed since the last `khabar clean`"):
        dedup(Project(project.root))


def test_dedup_counts_copies(project, tmp_path, khabar):
    ingest(project, [lines(tmp_path / "a.jsonl", [news(1), news(2), near_copy(1)])])
    clean(project)

    done = khabar("dedup", cwd=project.root)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dedup: 3 articles in, ")
