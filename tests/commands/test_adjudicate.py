"""The command `adjudicate`: decisions settle disputes."""

import json

import pytest

from builder.commands.adjudicate import adjudicate
from builder.io.jsonl import write_jsonl
from builder.project.corpus import read_articles
from builder.records import Decision, Stance
from tests.builders import judge, walk
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_decision_settles_a_dispute(project):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    adjudicate(project)
    disputes = [json.loads(line) for line in (project.work / "disputes.jsonl").read_text().splitlines()]
    dispute = next(d for d in disputes if d["what"].startswith("stance:"))
    article = next(a for a in read_articles(project) if a.id == dispute["article_id"])
    stance = Stance(dispute["what"].removeprefix("stance:"), "neutral")
    decision = Decision(article.id, article.text_sha, "lead", None, (stance,))
    write_jsonl(project.annotations / "pilot" / "decisions.jsonl", [decision])

    adjudicate(project)

    left = [json.loads(line) for line in (project.work / "disputes.jsonl").read_text().splitlines()]
    assert dispute not in left
    assert len(left) == len(disputes) - 1
