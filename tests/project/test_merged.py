"""Two annotation leads and one git repository: what a merge leaves in annotations/ is joined, or refused with both lines."""

import itertools
import json
import shutil
import subprocess
from dataclasses import replace

import pytest

from builder.annotation.quality.merged import contradictions, join
from builder.commands.build import build
from builder.commands.collect import collect
from builder.commands.init import init
from builder.commands.takedown import takedown
from builder.io.jsonl import read_jsonl, read_lines, write_jsonl
from builder.labelstudio.exports.merge import ImportCounts
from builder.project.annotations import read_decisions, read_judgements, read_merged, read_takedowns
from builder.project.corpus import read_articles
from builder.project.project import Project
from builder.project.splits import read_splits
from builder.records import (
    AnnotatorAssignment,
    AskedPage,
    BatchItem,
    Decision,
    Dispute,
    Judgement,
    KhabarError,
    LedgerEntry,
    Passage,
    Span,
    SplitAssignment,
    Stance,
    Takedown,
)
from tests.builders import judge, walk
from tests.conftest import ROOT

GIT = shutil.which("git") or ""
NAMED = ("-c", "user.email=lead@example.org", "-c", "commit.gpgsign=false")


def git(folder, *arguments, fails=False):
    done = subprocess.run(
        [GIT, "-c", f"user.name={folder.name}", *NAMED, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def judgement(number, at="2026-01-01T00:00:00Z", who="a-1", **fields):
    return Judgement("0-0", "s", "pilot", who, (), (), "submitted", None, "", at, "", "", 5, number, **fields)


NEW, OLD = judgement(1, "2026-01-02T00:00:00Z", origin="o-1"), judgement(1, origin="o-1")


EXACT = replace(OLD, annotation_id=7, created_at="2026-01-01T00:00:00.012345Z")
LATER = replace(EXACT, origin="o-2", updated_at="2026-01-03T00:00:00Z", remark="later")
OTHER = judgement(8, origin="o-2")
"""Another annotation of the second export, which shares one with the first."""


@pytest.mark.parametrize(
    ("records", "joined"),
    [
        ([NEW, NEW], [NEW]),
        ([NEW, OLD], [NEW]),
        ([judgement(1), NEW], [NEW]),
        ([judgement(1), judgement(2)], [judgement(1), judgement(2)]),
        ([EXACT, replace(EXACT, origin="o-2", task_id=0)], [EXACT]),
        ([LATER, EXACT, OTHER], [replace(LATER, origin="o-1"), replace(OTHER, origin="o-1")]),
        ([NEW, replace(OLD, origin="o-2")], [NEW, replace(OLD, origin="o-2")]),
        ([NEW, replace(NEW, annotator="a-2")], [NEW, replace(NEW, annotator="a-2")]),
        ([judgement(1, "2026-01-01T23:30:00-01:00"), judgement(1, "2026-01-02T00:00:00Z")],
         [judgement(1, "2026-01-01T23:30:00-01:00")]),
        ([Takedown("1-0", "b"), Takedown("1-0", "a")], [Takedown("1-0", "b")]),
        ([AnnotatorAssignment("pilot", "1-0", "a-1", "shared"), AnnotatorAssignment("pilot", "1-0", "a-1", "overlap")],
         [AnnotatorAssignment("pilot", "1-0", "a-1", "shared")]),
        ([Decision("1-0", "s", "a-1"), Decision("1-0", "s", "a-1")], [Decision("1-0", "s", "a-1")]),
    ],
    ids=["equal", "later version", "with and without origin", "two annotations", "two exports of one annotation", "two exports of one server", "two servers", "two people",
         "times of two zones", "two reasons", "two kinds", "equal decisions"],
)  # fmt: skip
def test_lines_of_both_sides_are_joined_in_any_order(records, joined):
    for order in itertools.permutations(records):
        assert {one for _, one in join(list(enumerate(order, 1)))} == set(joined)


RULED = Decision("1-0", "s", "a-1", (Span(0, 3, "LOC"),), (Stance("port", "favor"),))
PASSAGE = Decision("1-0", "s", "a-1", (Span(0, 3, "LOC"),), scope=(Passage(0, 3), Passage(5, 7)))
ASKED = AskedPage("1-0", "s", 1, (Span(0, 3, "LOC"),), (Dispute("1-0", "span:5:7", {"a-1": "LOC"}),))


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        (SplitAssignment("1-0", "train"), SplitAssignment("1-0", "test"), "the split of article 1-0"),
        (RULED, replace(RULED, spans=()), "the spans of article 1-0 by a-1"),
        (RULED, replace(RULED, stances=(Stance("port", "against"),)), "the stance on port of article 1-0 by a-1"),
        (PASSAGE, replace(PASSAGE, spans=()), "the span 0:3 of article 1-0 by a-1"),
        (ASKED, replace(ASKED, settled=()), "page 1 of article 1-0"),
        (BatchItem("p", "1-0", "s", "g", "x"), BatchItem("p", "1-0", "t", "g", "x"), "the text of article 1-0"),
        (NEW, replace(NEW, remark="رأي آخر"), "annotation 1 of article 0-0 by a-1"),
        (LedgerEntry("1.0.0", "a"), LedgerEntry("1.0.0", "b"), "the manifest of version 1.0.0"),
    ],
)
def test_what_two_lines_decide_differently_is_refused_with_both(tmp_path, first, second, what):
    path = tmp_path / "some.jsonl"
    write_jsonl(path, [first, first, second])
    with pytest.raises(KhabarError) as caught:
        read_merged(Project(tmp_path), path, type(first))

    (issue,) = caught.value.issues
    assert (issue.where, issue.message) == (f"{path}:3", f"contradicts {path}:1: both lines give {what}")


@pytest.mark.parametrize(
    "other",
    [
        replace(RULED, adjudicator="a-2", spans=()),
        replace(RULED, article_id="2-0", spans=()),
        replace(RULED, text_sha="t", spans=()),
        replace(RULED, spans=None, stances=(Stance("metro", "against"),)),
        replace(RULED, spans=(Span(0, 3, "LOC", "other id"),), note="written later"),
        replace(PASSAGE, spans=()),
    ],
)
def test_other_rulings_are_no_contradiction(other):
    assert list(contradictions("x", [(1, RULED), (2, other)])) == []


def test_conflict_that_git_wrote_into_a_file_is_named(tmp_path):
    path = tmp_path / "some.jsonl"
    path.write_text('<<<<<<< HEAD\n{"article_id": "1-0", "split": "train"}\n=======\n>>>>>>> theirs\n')
    _, issues = read_lines(path, SplitAssignment)

    assert [issue.where for issue in issues] == [f"{path}:{number}" for number in (1, 3, 4)]
    assert {issue.message for issue in issues} == {
        "not a SplitAssignment: a conflict that git could not merge: keep the lines of both sides, and delete this one"
    }


@pytest.fixture
def leads(project, tmp_path):
    """Two clones of one project, each with its own tables of the same articles, and the repository that both push to."""
    walk(project, [ROOT / "examples" / "articles"], size=8)
    judge(project)
    shared = tmp_path / "shared.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", shared)
    git(project.root, "init", "-q", "-b", "main")
    git(project.root, "add", "-A")
    git(project.root, "commit", "-qm", "Begin")
    git(project.root, "push", "-q", shared, "main")
    clones = []
    for name in ("huda", "samir"):
        git(tmp_path, "clone", "-q", shared, name)
        shutil.copytree(project.root / ".khabar", tmp_path / name / ".khabar")
        clones.append(Project(tmp_path / name))
    return clones


def change(project, name, record, edit):
    path = project.annotations / name
    records = read_jsonl(path, record)
    write_jsonl(path, sorted(edit(records), key=repr))


def save(project):
    git(project.root, "add", "-A")
    git(project.root, "commit", "-qm", "Work")


def meet(huda, samir):
    """Both push: the second one is refused, merges and pushes, and the first one pulls."""
    save(huda)
    save(samir)
    git(huda.root, "push", "-q")
    git(samir.root, "push", "-q", fails=True)
    git(samir.root, "pull", "-q", "--no-rebase", "--no-edit")
    git(samir.root, "push", "-q")
    git(huda.root, "pull", "-q", "--no-rebase", "--no-edit")


@pytest.mark.slow
def test_work_of_two_leads_is_merged_by_git(leads):
    huda, samir = leads
    texts = [
        (one.article_id, one.text_sha) for one in read_jsonl(huda.annotations / "pilot" / "batch.jsonl", BatchItem)
    ]
    judgements = "pilot/judgements.jsonl"
    for lead, at, who in ((huda, "2026-02-01T00:00:00Z", "a-7"), (samir, "2026-02-02T00:00:00Z", "a-8")):
        change(lead, judgements, Judgement, lambda all_, at=at, who=who: [
            replace(all_[0], updated_at=at, seconds=float(at[8:10])), *all_[1:],
            replace(all_[0], annotator=who, annotation_id=100, updated_at=at),
        ])  # fmt: skip
    for lead, (article, sha) in ((huda, texts[0]), (samir, texts[1]), (samir, texts[0])):
        ruled = Decision(article, sha, "a-9", ())
        change(lead, "pilot/decisions.jsonl", Decision, lambda all_, ruled=ruled: [*all_, ruled])
    for lead, (article, _) in ((huda, texts[2]), (samir, texts[3])):
        takedown(lead, article, "asked for")
    before = len(read_judgements(huda))
    meet(huda, samir)
    found = read_judgements(huda)

    assert found == read_judgements(samir)
    assert len(found) == before + 1  # of the one that both have only the later version
    assert [one.seconds for one in found if one.updated_at.startswith("2026-02-02") and one.annotator != "a-8"] == [2.0]
    assert {one.annotator for one in found} >= {"a-7", "a-8"}
    assert sorted(one.article_id for one in read_decisions(huda)) == sorted(article for article, _ in texts[:2])
    assert {one.article_id for one in read_takedowns(huda)} == {article for article, _ in texts[2:4]}
    manifests = [build(lead, "1.0.0").manifest_sha256 for lead in (huda, samir)]
    assert manifests[0] == manifests[1]
    meet(*leads)
    assert read_splits(huda) == read_splits(samir)


@pytest.mark.slow
def test_what_two_leads_decided_differently_stops_a_build_with_both_lines(leads):
    huda, samir = leads
    (article, sha), *_ = (
        (a.article_id, a.text_sha) for a in read_jsonl(huda.annotations / "pilot" / "batch.jsonl", BatchItem)
    )
    for lead, split, spans in ((huda, "train", ()), (samir, "test", (Span(0, 3, "LOC"),))):
        write_jsonl(lead.annotations / "splits.jsonl", [SplitAssignment(article, split)])
        write_jsonl(lead.annotations / "pilot" / "decisions.jsonl", [Decision(article, sha, "a-9", spans)])
    meet(huda, samir)
    with pytest.raises(KhabarError) as caught:
        build(huda, "1.0.0")

    assert [(issue.where, issue.message.partition(" both")[0]) for issue in caught.value.issues] == [
        ("annotations/pilot/decisions.jsonl:2", "contradicts annotations/pilot/decisions.jsonl:1:"),
        ("annotations/splits.jsonl:2", "contradicts annotations/splits.jsonl:1:"),
    ]


def test_two_leads_who_read_different_exports_of_one_server(tmp_path, monkeypatch):
    """Both exports hold Ali's annotations; the second lead has a later version of one."""
    monkeypatch.setenv("KHABAR_SECRET", "both leads have it")
    ours = Project(tmp_path / "ours")
    init(ours.root, card=str)
    walk(ours, [ROOT / "examples" / "articles"], size=2)
    articles = {a.id: a for a in read_articles(ours)}
    chosen = [articles[i.article_id] for i in read_jsonl(ours.annotations / "pilot" / "batch.jsonl", BatchItem)]
    shutil.copytree(ours.root, tmp_path / "theirs")
    theirs = Project(tmp_path / "theirs")

    def export(project, people, later=""):
        tasks = [
            {"id": number, "data": {"text": article.text}, "annotations": [
                {"id": 10 * number + people[who], "completed_by": {"id": people[who], "email": f"{who}@x.org"}, "result": [],
                 "created_at": f"2026-01-0{number}T10:00:0{people[who]}.123456Z",
                 "updated_at": f"2026-02-0{number}T10:00:00.5Z" if who == later else f"2026-01-0{number}T10:05:00.5Z",
                 "was_cancelled": who == later}
                for who in people
            ]}
            for number, article in enumerate(chosen, 1)
        ]  # fmt: skip
        path = project.root / "export.json"
        path.write_text(json.dumps(tasks), encoding="utf-8")
        return collect(project, None, prune=False, source=path)

    first, second = {"huda": 1, "ali": 2}, {"ali": 2, "sara": 3}
    export(ours, first)
    export(theirs, second, later="ali")
    paths = [one.annotations / "pilot" / "judgements.jsonl" for one in (ours, theirs)]
    merged = paths[0].read_bytes() + paths[1].read_bytes()
    persons = b"".join((one.annotations / "persons.jsonl").read_bytes() for one in (ours, theirs))
    for project, path in zip((ours, theirs), paths, strict=True):
        path.write_bytes(merged)
        (project.annotations / "persons.jsonl").write_bytes(persons)
    reports = [export(ours, first), export(theirs, second, later="ali")]
    found = read_jsonl(paths[0], Judgement)

    assert [report.imported for report in reports] == [ImportCounts(new=0, changed=0, known=4, repeated=0)] * 2
    assert [(report.judgements, report.annotators) for report in reports] == [(6, 3)] * 2
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert len({one.origin for one in found}) == 1
    assert sorted(one.status for one in found) == ["skipped"] * 2 + ["submitted"] * 4
