"""The command `reopen`: a release becomes a batch again."""

import json
import shutil
from dataclasses import replace

import pytest

from builder.annotation import reopen as reopened
from builder.annotation.quality.repeats import REPEAT_REASON, merge_decisions
from builder.commands import reopen as reopening
from builder.commands.adjudicate import adjudicate
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.status import status
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.io.parquet import to_table
from builder.labelstudio import upload
from builder.project import release_inputs
from builder.project.annotations import read_batch, read_decisions
from builder.project.corpus import read_articles
from builder.project.judgements import canonical_judgements, compute_gold, load_batch_inputs
from builder.project.project import Project
from builder.records import (
    GOLD,
    AnnotatorAssignment,
    BatchItem,
    Decision,
    Dispute,
    Gold,
    Judgement,
    KhabarError,
    PublishedAnnotation,
    Span,
    Stance,
)
from builder.records.arrow import records_of
from tests.builders import judge, snapshot, walk
from tests.conftest import ROOT
from tests.tables import project_judgements

pytestmark = pytest.mark.slow  # each test runs several commands on a project


@pytest.fixture
def released(project):
    """A project whose first release was built from one batch, with a decision."""
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    adjudicate(project)
    disputes = read_jsonl(project.work / "disputes.jsonl", Dispute)
    dispute = next(one for one in disputes if one.what.startswith("stance:"))
    text_sha = next(a.text_sha for a in read_articles(project) if a.id == dispute.article_id)
    stance = Stance(dispute.what.removeprefix("stance:"), "neutral")
    decision = Decision(dispute.article_id, text_sha, "lead", None, (stance,))
    write_jsonl(project.annotations / "pilot" / "decisions.jsonl", [decision])
    build(project, "1.0.0")
    return project


def reopen(project, name="1.0.0", **options):
    return reopening.reopen(project, name, base=project.root, **options)


def answers(project, batch="reopen-1-0-0"):
    return read_jsonl(project.annotations / batch / "predictions.jsonl", PublishedAnnotation)


def resubmit(project, batch="reopen-1-0-0", change=lambda one: one):
    """What each annotator would submit of a reopened batch: the own prediction, or a change of it, or None."""
    schema, made = project.schema, []
    for one in answers(project, batch):
        given = change(one) if one.who != GOLD else None
        if given is not None:
            spans = tuple(replace(span, id=f"new-{n}") for n, span in enumerate(given.spans))
            made.append(Judgement(
                given.article_id, given.text_sha, batch, given.who, spans, given.stances, "submitted", 1.5,
                "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z", schema.guideline_version, schema.label_hash,
                7000 + len(made), 9000 + len(made),
            ))  # fmt: skip
    write_jsonl(project.annotations / batch / "judgements.jsonl", made)
    return made


def test_batch_holds_every_answer_and_the_gold(released):
    report = reopen(released)
    items = read_jsonl(released.annotations / "reopen-1-0-0" / "batch.jsonl", BatchItem)
    pilot = read_jsonl(released.annotations / "pilot" / "batch.jsonl", BatchItem)
    judged = project_judgements(released)
    golds = {
        one.article_id: one for one in records_of(release_inputs.load_release_inputs(released).material.golds, Gold)
    }
    found = {(one.article_id, one.who): one for one in answers(released)}

    assert {(i.article_id, i.text_sha, i.group_id, i.source) for i in items} == {
        (i.article_id, i.text_sha, i.group_id, i.source) for i in pilot
    }
    assert len(found) == len(answers(released)) > 90
    for one in judged:
        given = found[one.article_id, one.annotator]
        assert given.spans == tuple(sorted(replace(span, id="") for span in one.spans))
        assert given.stances == tuple(sorted(one.stances))
    settled = [one for one in found.values() if one.who == GOLD and one.spans]
    assert len(settled) > 20
    assert all(set(one.spans) == {replace(s, id="") for s in golds[one.article_id].spans} for one in settled)
    assert {one.version for one in found.values()} == {"1.0.0"}
    assert report.next is None
    assert all(account.balanced for account in report.accounts)


def test_reopening_changes_no_byte_of_the_release(released):
    before = snapshot(released.release("1.0.0"))
    reopen(released)
    report = build(released, "1.0.0")

    assert report.state == "same"
    assert snapshot(released.release("1.0.0")) == before


def test_confirmed_answers_change_no_byte_of_the_release(released):
    before = snapshot(released.release("1.0.0"))
    reopen(released)
    made = resubmit(released)
    decisions = read_jsonl(released.annotations / "pilot" / "decisions.jsonl", Decision)
    write_jsonl(released.annotations / "reopen-1-0-0" / "decisions.jsonl", decisions)
    report = build(released, "1.0.0")
    saved = released.accounts("check")

    assert report.state == "same"
    assert snapshot(released.release("1.0.0")) == before
    assert len(made) > 80
    assert (saved[0].unit, saved[0].set_aside) == ("submissions", {REPEAT_REASON: len(made)})
    assert not [issue for issue in check(released).issues if issue.code == "superseded"]


def test_repeated_skip_changes_nothing(project):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    path = project.annotations / "pilot" / "judgements.jsonl"
    first, *others = read_jsonl(path, Judgement)
    write_jsonl(path, [replace(first, status="skipped"), *others])
    build(project, "1.0.0")
    before = snapshot(project.release("1.0.0"))
    reopen(project)
    made = resubmit(project)
    skipped = replace(first, status="skipped", batch="reopen-1-0-0", updated_at="2026-05-01T00:00:00Z", spans=())
    write_jsonl(project.annotations / "reopen-1-0-0" / "judgements.jsonl", [*made, skipped])
    build(project, "1.0.0")

    assert not any((one.article_id, one.who) == (first.article_id, first.annotator) for one in answers(project))
    assert snapshot(project.release("1.0.0")) == before


def test_new_judgement_replaces_the_annotators_older_one(released):
    reopen(released)
    first = answers(released)[0]
    assert first.who != GOLD
    fresh = replace(first, spans=(*first.spans[:-1], replace(first.spans[-1], label="NORP")))
    resubmit(released, change=lambda one: fresh if one == first else one)
    before = project_judgements(released)
    counting = {(one.article_id, one.annotator): one for one in before}
    account = next(one for one in released.accounts("check") if one.unit == "judgements")
    report = build(released, "2.0.0")

    changed = counting[first.article_id, first.who]
    assert {replace(span, id="") for span in changed.spans} == set(fresh.spans)
    assert changed.batch == "pilot"
    assert account.set_aside["replaced in a later batch"] == 1
    assert {one.updated_at for one in before} == {"2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z"}
    assert len([one for one in before if one.updated_at > "2026-02"]) == 1
    assert all(account.balanced for account in report.accounts)


def test_return_to_an_earlier_answer_counts(released):
    reopen(released)
    first = answers(released)[0]
    other = replace(first, spans=())
    resubmit(released, change=lambda one: other if one == first else None)
    reopen(released, batch="third")
    resubmit(released, "third", change=lambda one: one if one == first else None)
    path = released.annotations / "third" / "judgements.jsonl"
    (third,) = read_jsonl(path, Judgement)
    write_jsonl(path, [replace(third, updated_at="2026-06-01T00:00:00Z")])
    judged = project_judgements(released)

    (counts,) = [one for one in judged if (one.article_id, one.annotator) == (first.article_id, first.who)]
    assert counts.updated_at == "2026-06-01T00:00:00Z"
    assert {replace(span, id="") for span in counts.spans} == set(first.spans)


def test_same_answer_under_new_guidelines_is_new(released):
    reopen(released)
    made = resubmit(released)
    path = released.annotations / "reopen-1-0-0" / "judgements.jsonl"
    write_jsonl(path, [replace(made[0], guideline="12345678"), replace(made[1], remark="جديد"), *made[2:]])
    project_judgements(released)
    saved = {one.unit: one.set_aside for one in released.accounts("check")}

    assert saved["submissions"] == {REPEAT_REASON: len(made) - 2}
    assert saved["judgements"]["replaced in a later batch"] == 2


def test_only_disputed_articles_are_reopened(released):
    report = reopen(released, only_disputed=True)
    items = {one.article_id for one in read_batch(released, "disputed-1-0-0")}
    loaded = load_batch_inputs(released)
    disputes = compute_gold(loaded, (), canonical_judgements(loaded).table).disputes
    counted = adjudicate(released)
    still_open = read_jsonl(released.work / "disputes.jsonl", Dispute)
    decided = {decision.article_id for decision in read_decisions(released)}

    named = {*disputes["article_id"].to_pylist()}
    assert items == named == {one.article_id for one in still_open} | decided
    assert report.disputes == len(disputes)
    assert len(disputes) == len(still_open) + 1  # a decision settled one
    assert len(status(released).open_disputes) == counted.open_disputes == len(still_open)
    assert 0 < len(items) < 30
    (articles, _) = report.accounts
    assert articles.set_aside == {"not in dispute": 30 - len(items)}


def test_other_content_of_an_existing_batch_is_refused(released):
    reopen(released)
    before = snapshot(released.annotations)
    again = reopen(released)

    assert not again.is_new
    assert snapshot(released.annotations) == before
    with pytest.raises(KhabarError, match="batch reopen-1-0-0 already exists with other content") as caught:
        reopen(released, only_disputed=True, batch="reopen-1-0-0")
    assert caught.value.exit_code == 2
    with pytest.raises(KhabarError, match="already exists with other content"):
        reopen(released, batch="pilot")
    assert snapshot(released.annotations) == before


@pytest.mark.parametrize("name", ["../x", "", "A", "1.0", "x" * 32])
def test_bad_batch_name_writes_nothing(released, name):
    before = snapshot(released.annotations)
    with pytest.raises(KhabarError, match="is not a batch name"):
        reopen(released, batch=name)

    assert snapshot(released.annotations) == before


def test_each_missing_article_is_named(released, tmp_path):
    init(tmp_path / "other", card=str)
    other = Project(tmp_path / "other")
    folders = sorted((ROOT / "examples" / "articles").iterdir())
    ingest(other, folders[1:])
    clean(other)
    here = {one.id for one in read_articles(other)}
    absent = sorted({one.id for one in read_articles(released)} - here)
    with pytest.raises(KhabarError) as caught:
        reopening.reopen(other, str(released.release("1.0.0")), base=tmp_path)

    published = {one.article_id for one in read_batch(released, "pilot")}
    assert [issue.where for issue in caught.value.issues] == [one for one in absent if one in published]
    assert {issue.code for issue in caught.value.issues} == {"no-article"}
    assert all("khabar ingest" in issue.fix for issue in caught.value.issues)
    assert other.batches() == []


def test_reopen_in_a_project_with_only_the_pages(released, tmp_path):
    init(tmp_path / "other", card=str)
    other = Project(tmp_path / "other")
    ingest(other, [ROOT / "examples" / "articles"])
    clean(other)
    reopening.reopen(other, str(released.release("1.0.0")), base=tmp_path)
    reopen(released)

    def batch(project):  # without its counts: those of the first project's texts stand beside its first batch
        rests = {"reopen-1-0-0/counts.jsonl", "reopen-1-0-0/basis.jsonl"}
        made = {name: content for name, content in snapshot(project.annotations).items() if name.startswith("reopen-")}
        assert rests <= made.keys()
        return {name: content for name, content in made.items() if name not in rests}

    assert batch(other) == batch(released)
    assert not [name for name in snapshot(other.annotations) if not name.startswith("reopen-")]


def test_standoff_release_is_reopened(released):
    reopen(released)
    whole = answers(released)
    shutil.rmtree(released.annotations / "reopen-1-0-0")
    shutil.rmtree(released.root / "dist")
    (released.annotations / "releases.jsonl").unlink()
    settings = released.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "text: standoff\n", encoding="utf-8")
    project = Project(released.root)
    build(project, "1.0.0")
    reopen(project)

    assert answers(project) == whole


def gold_answers(project):
    reopen(project)
    return [one for one in answers(project) if one.who == GOLD]


def test_spans_move_with_their_words_or_are_counted(released):
    rows = {one.article_id: one for one in gold_answers(released)}
    article = next(a for a in read_articles(released) if a.id in rows and rows[a.id].spans)
    first = rows[article.id].spans[0]
    shorter = article.text[: first.start] + "س" + article.text[first.end :]
    moved = reopened.transfer_answers(
        to_table([rows[article.id]], PublishedAnnotation),
        {article.id: replace(article, text=shorter)},
        {article.id: article.text},
    )

    (one,) = records_of(moved.answers, PublishedAnnotation)
    assert moved.taken == len(rows[article.id].spans)
    assert len(one.spans) == moved.taken - len(moved.set_aside) < moved.taken
    assert {shorter[s.start : s.end] for s in one.spans} <= {
        article.text[s.start : s.end] for s in rows[article.id].spans
    }
    assert {aside.reason for aside in moved.set_aside} == {"its text changed"}


def test_separate_projects_get_their_own_articles(released):
    settings = released.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "assignment: separate\n", encoding="utf-8")
    project = Project(released.root)
    reopen(project)
    pairs = read_jsonl(project.annotations / "reopen-1-0-0" / "assignment.jsonl", AnnotatorAssignment)

    assert {(one.article_id, one.annotator) for one in pairs} == {
        (one.article_id, one.who) for one in answers(project) if one.who != GOLD
    }


def test_own_project_shows_own_answers_and_gold(released):
    reopen(released)
    schema, given = released.schema, answers(released)
    articles = {one.id: one for one in read_articles(released)}
    items = {one.article_id: one for one in read_batch(released, "reopen-1-0-0")}
    published = reopened.predictions(given, articles, schema.labels)
    material = upload.UploadInputs(schema, articles, dict.fromkeys({a.document_id for a in articles.values()}, "s"), items,
                                published=published)  # fmt: skip
    pool = upload.build_upload(upload.AnnotatorProject(None, "t"), items, material)
    own = upload.build_upload(upload.AnnotatorProject(None, "t", "a-1"), items, material)

    def origins(parcel):
        return {t["data"]["article_id"]: [p["model_version"] for p in t["predictions"]] for t in parcel.tasks}

    everybody = {article: [f"{one.who} v1.0.0" for one in given if one.article_id == article] for article in items}
    assert (pool.shown, own.shown) == ("", "a-1 v1.0.0")
    assert origins(pool) == everybody
    assert origins(own) == {
        article: [one for one in names if one in ("a-1 v1.0.0", "gold v1.0.0")] for article, names in everybody.items()
    }


def test_next_command_and_unknown_release(released, khabar):
    done = khabar("reopen", "v1.0.0", "--disputed", "--json", cwd=released.root)
    wrong = khabar("reopen", "1.5", cwd=released.root)

    assert json.loads(done.stdout)["next"]["command"] == "khabar send --batch disputed-1-0-0"
    assert (wrong.returncode, wrong.stderr.splitlines()[0]) == (2, "error[no-release] '1.5' is not a release")


def test_newest_decision_counts_item_by_item():
    spans, others = (Span(0, 3, "PERS"),), (Span(4, 6, "GPE"),)
    old = Decision("x-0", "t", "lead", spans, (Stance("a", "favor"), Stance("b", "against")))
    foreign = replace(old, adjudicator="else")

    assert merge_decisions([[old, foreign], [old]]) == [old, foreign]
    assert merge_decisions([[old], [replace(old, spans=None, stances=(Stance("a", "neutral"),))]]) == [
        replace(old, stances=(Stance("b", "against"),)),
        replace(old, spans=None, stances=(Stance("a", "neutral"),)),
    ]
    assert merge_decisions([[old], [replace(old, spans=others)]]) == [
        replace(old, spans=None),
        replace(old, spans=others, stances=()),
    ]
    assert merge_decisions([[old], [replace(old, text_sha="u")]]) == [old, replace(old, text_sha="u")]
