"""`khabar schema migrate` on files: what is rewritten, all or nothing, there and back."""

import json
import os
import re
import shutil
import signal
import sys
import time
from dataclasses import replace

import pytest

from builder.annotation.migration.versions import latest
from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.init import init
from builder.commands.schema_migrate import annotate_again, migrate, undo
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.labelstudio.download import cache
from builder.labelstudio.parse import ParsedAnnotations
from builder.project.annotations import collected_path, read_judgements
from builder.project.migration.kept import read_versions
from builder.project.migration.state import current_plan, note_versions, say
from builder.project.project import Project, find_project
from builder.project.stages import states
from builder.records import (
    AskedPage,
    BatchItem,
    Decision,
    Dispute,
    Judgement,
    KhabarError,
    Passage,
    PublishedAnnotation,
    Relation,
    Requeued,
    Span,
    Stance,
)
from tests.builders import judge, snapshot, walk
from tests.conftest import DAY, EVERY, ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project

TO = {"{name: PERS,": "{name: PER, formerly: [PERS],", "{name: DATE,": "{name: DATE, retired: true,"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project with judgements under known labels, decisions, disputes, published annotations and a cache."""
    project = Project(tmp_path_factory.mktemp("prepared") / "project")
    init(project.root, card=str)
    walk(project, [ROOT / "examples" / "articles"], size=12)
    judge(project)
    note_versions(project, {project.schema.guideline_version})
    folder = project.annotations / "pilot"
    one = next(one for one in read_judgements(project) if any(span.label == "PERS" for span in one.spans))
    spans = tuple(replace(span, id="") for span in one.spans)
    scope = tuple(sorted({Passage(span.start, span.end) for span in spans}))
    decisions = [Decision(one.article_id, one.text_sha, "a-8", spans, (), "", scope),
                 Decision(one.article_id, one.text_sha, "a-9", spans, one.stances)]  # fmt: skip
    write_jsonl(folder / "decisions.jsonl", decisions)
    write_jsonl(folder / "known.jsonl", [Decision(one.article_id, one.text_sha, "lead", spans)])
    write_jsonl(
        folder / "predictions.jsonl", [PublishedAnnotation(one.article_id, one.text_sha, "1.0.0", "gold", spans)]
    )
    disputes = [
        Dispute(one.article_id, "span:0:4", {"a-0": "PERS+ORG", "a-1": "(none)"}),
        Dispute(one.article_id, "stance:metro", {"a-0": "favor", "a-1": "against"}),
    ]
    write_jsonl(folder / "disputed.jsonl", disputes)
    write_jsonl(folder / "asked.jsonl", [AskedPage(one.article_id, one.text_sha, 1, spans, tuple(disputes))])
    with cache.open_cache(collected_path(project, "pilot")) as db:
        cache.put_source(db, "file:export", ParsedAnnotations(tuple(read_judgements(project))))
    return project.root


@pytest.fixture
def project(prepared, tmp_path):
    return Project(shutil.copytree(prepared, tmp_path / "project"))


def edit(project, changes=TO):
    """The project after its labels.yaml was edited."""
    path = project.root / "schema" / "labels.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return Project(project.root)


def held(project):
    """Every file that a migration may change, with its bytes."""
    files = snapshot(project.annotations) | snapshot(project.work / "collected")
    return {name: content for name, content in files.items() if not name.startswith(".")}


def facts(report):
    return [say(step) for step in report.steps]


def labels_of(project):
    return {span.label for one in read_judgements(project) for span in one.spans}


def test_every_file_gets_the_new_names_and_nothing_else_changes(project):
    before = held(project)
    report = migrate(edit(project))
    after = held(project)
    n = sum(span.label == "PERS" for one in before_spans(before) for span in one)

    assert f"label PERS is renamed to PER: {n} spans have it" in facts(report)
    assert b'"PERS"' not in b"".join(after[name] for name in before if not name.startswith("schemas/"))
    for name in (one for one in before if one.startswith("pilot/")):
        assert after[name].replace(b'"PER"', b'"PERS"').replace(b"PER+ORG", b"PERS+ORG") == before[name]
    assert not current_plan(Project(project.root)).pending
    assert [line.value for line in migrate(Project(project.root)).lines()] == [
        "none: annotations have the names of labels.yaml"
    ]


def before_spans(files):
    """The spans of each annotation of some files, without the cache."""
    for name, content in files.items():
        if re.search("judgements|decisions|known|predictions", name):
            for line in content.splitlines():
                yield [Span(one["start"], one["end"], one["label"]) for one in json.loads(line)["spans"]]


def test_the_cache_gives_what_the_files_have(project):
    migrate(edit(project))
    with cache.open_cache(collected_path(project, "pilot")) as db:
        lines = list(cache.judgements(db))

    kept = (project.annotations / "pilot" / "judgements.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(lines) == sorted(kept)


def test_versions_say_what_pages_showed_and_what_it_is_called_now(project):
    old = project.schema.label_hash
    new = edit(project)
    migrate(new)
    versions = read_versions(Project(project.root))
    shown = {one.shown: one.name for one in versions[old].entities}

    assert (shown["PERS"], shown["DATE"]) == ("PER", "DATE")
    assert [one.name for one in versions[new.schema.label_hash].entities] == list(new.schema.labels.entity_names)
    assert {one.schema for one in read_judgements(project)} == {old}


def test_undo_returns_every_byte_and_the_migration_is_pending_again(project):
    before = held(project)
    migrate(edit(project))
    assert held(project) != before
    undo(Project(project.root))

    assert held(project) == before
    assert current_plan(Project(project.root)).pending
    with pytest.raises(KhabarError, match="this machine has no migration to take back"):
        undo(Project(project.root))


def test_undo_leaves_no_empty_folder(project):
    shutil.rmtree(project.annotations / "schemas")
    shutil.rmtree(project.annotations / "guidelines")
    migrate(edit(project))
    assert (project.annotations / "schemas").is_dir()
    undo(Project(project.root))

    assert sorted(path.name for path in project.annotations.iterdir() if path.is_dir()) == ["pilot"]


@pytest.mark.parametrize("is_known", [True, False])
def test_undo_keeps_what_pages_may_show_since_a_batch_was_sent(project, is_known):
    if not is_known:  # a project of an earlier version of khabar
        shutil.rmtree(project.annotations / "schemas")
    project.note("sent/pilot", {"url": "http://127.0.0.1:1"})
    before, old, labels = (
        held(project),
        project.schema.label_hash,
        (project.root / "schema" / "labels.yaml").read_bytes(),
    )
    swapped = edit(project, {"{name: GPE,": "{name: XX,", "{name: LOC,": "{name: GPE, formerly: [LOC],"} | TO)
    migrate(edit(swapped, {"{name: XX,": "{name: LOC, formerly: [GPE],"}))
    new = Project(project.root).schema.label_hash
    undo(Project(project.root))
    versions = read_versions(Project(project.root))
    after = held(project)

    assert {name: after[name] for name in before} == before
    assert {*versions} == {old, new}
    assert versions[new].number == 0
    assert versions[new].renamed("entities") == {"PER": "PERS", "GPE": "LOC", "LOC": "GPE"}
    assert current_plan(Project(project.root)).pending
    assert (states.next_step(Project(project.root)).command == "khabar schema migrate") is is_known
    (project.root / "schema" / "labels.yaml").write_bytes(labels)
    assert not current_plan(Project(project.root)).steps
    assert "migrate" not in states.next_step(Project(project.root)).command
    note_versions(Project(project.root))
    assert latest(read_versions(Project(project.root))).version == old


def test_undo_and_the_same_migration_again(project):
    project.note("sent/pilot", {"url": "http://127.0.0.1:1"})
    migrate(edit(project))
    once = held(project)
    undo(Project(project.root))
    migrate(Project(project.root))

    assert held(project) == once


def test_undo_refuses_where_files_changed_since(project):
    migrate(edit(project))
    path = project.annotations / "pilot" / "judgements.jsonl"
    write_jsonl(path, read_jsonl(path, Judgement)[1:])
    before = held(project)
    with pytest.raises(KhabarError) as caught:
        undo(Project(project.root))

    assert [(one.where, one.message) for one in caught.value.issues] == [
        ("annotations/pilot/judgements.jsonl", "changed since the migration")
    ]
    assert held(project) == before


def test_a_dry_run_says_the_same_and_changes_nothing(project):
    edit(project)
    before = snapshot(project.root)
    said = migrate(Project(project.root), dry_run=True)
    after = snapshot(project.root)

    assert after | {".khabar/lock": b""} == before | {".khabar/lock": b""}
    assert facts(said) == facts(migrate(Project(project.root)))


def killed(project, event):
    """Run the migration in a child that is killed at its n-th change of the disk; return whether it lived to the end."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    left = event

    def kill(name, arguments):
        nonlocal left
        writes = name == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or name in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate"):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        found = find_project(project.root)
        sys.addaudithook(kill)
        migrate(found)
    finally:
        os._exit(0 if sys.exc_info()[0] is None else 1)


@pytest.mark.parametrize("step", [pytest.param(1 if EVERY else 3, marks=pytest.mark.slow), 12])
def test_a_kill_at_each_write_leaves_the_old_or_the_new_state(project, tmp_path, step, record_property):
    edit(project)
    before = held(project)
    done = Project(shutil.copytree(project.root, tmp_path / "done"))
    migrate(done)
    after = held(done)
    seen = []
    record_property("drawn", f"kills before every {step}. write, from {DAY % step} on, KHABAR_DAY={DAY}")
    for event in range(DAY % step, 1000, step):
        other = Project(shutil.copytree(project.root, tmp_path / "killed"))
        whole = killed(other, event)
        with find_project(other.root).lock():  # the next command, whatever it is
            state = held(other)
        seen.append("new" if state == after else "old" if state == before else "mixed")
        shutil.rmtree(other.root)
        if whole:
            break

    assert whole
    assert len(seen) > 60 // step
    assert seen == sorted(seen, reverse=True)
    assert {*seen} == {"old", "new"}


def test_what_was_killed_after_the_commit_is_finished_by_a_command_that_only_reads(project, khabar):
    before = held(project)
    migrate(edit(project))
    after = held(project)
    path = project.annotations / "pilot" / "judgements.jsonl"
    path.write_bytes(before["pilot/judgements.jsonl"])  # as a kill between two files leaves it
    (project.work / "migrations" / "commit.json").write_text('{"folder": "0001", "side": "new"}', encoding="utf-8")
    assert held(project) not in (before, after)
    khabar("check", cwd=project.root)

    assert held(project) == after


def test_until_it_ran_check_has_one_line_agree_counts_and_build_refuses(project):
    edit(project)
    n = sum(span.label == "PERS" for one in read_judgements(project) for span in one.spans)
    total = n + 3  # a decision, a known answer and a published annotation have spans too
    found = [issue for issue in check(Project(project.root)).issues if "PERS" in issue.message]
    measured = agree(Project(project.root))
    with pytest.raises(KhabarError) as caught:
        build(Project(project.root), "1.0.0")

    assert len(found) == 1
    assert re.fullmatch(r"label PERS is renamed to PER: (\d+) spans have it", found[0].message)
    assert int(found[0].message.split(": ")[1].split()[0]) >= total
    assert found[0].fix == "run `khabar schema migrate`"
    assert f"{n} spans are left out: unknown label" in [issue.message for issue in measured.issues]
    assert caught.value.exit_code == 1
    assert all(issue.message.startswith("build waits: ") for issue in caught.value.issues)
    assert not (project.root / "dist").exists()


def test_what_a_copy_without_the_migration_collected_meanwhile_is_migrated_too(project):
    first = read_judgements(project)
    migrate(
        edit(
            project,
            TO | {"{id: metro,": "{id: subway, formerly: [metro],", "{name: favor,": "{name: pro, formerly: [favor],"},
        )
    )
    migrated = read_judgements(project)
    other = project.annotations / "second" / "judgements.jsonl"
    write_jsonl(other, [replace(one, batch="second", annotator=f"b-{one.annotator}") for one in first])
    report = check(Project(project.root))
    done = migrate(Project(project.root))
    own = [
        replace(one, batch="pilot", annotator=one.annotator.removeprefix("b-")) for one in read_jsonl(other, Judgement)
    ]

    assert {issue.code for issue in report.issues if issue.severity == "error"} == {"migrate"}
    assert [step.split(":")[0] for step in facts(done)] == [
        "label PERS is renamed to PER", "target metro is renamed to subway", "stance favor is renamed to pro",
    ]  # fmt: skip
    assert own == read_jsonl(project.annotations / "pilot" / "judgements.jsonl", Judgement)
    assert len(migrated) == len(own)
    assert not current_plan(Project(project.root)).pending


def test_a_label_of_decisions_alone_marks_their_articles_too(project):
    (project.annotations / "pilot" / "judgements.jsonl").write_bytes(b"")
    having = {one.article_id for one in read_jsonl(project.annotations / "pilot" / "decisions.jsonl", Decision)}
    migrate(edit(project, {'definition: "اسم شخص': 'definition: "كل اسم شخص'}))

    assert {one.article_id for one in read_jsonl(project.annotations / "requeue.jsonl", Requeued)} == having != set()


def test_until_it_ran_adjudicate_says_what_waits(project):
    edit(project)
    waiting = [issue for issue in adjudicate(Project(project.root)).issues if issue.code == "migrate"]
    migrate(Project(project.root))

    assert {issue.severity for issue in waiting} == {"warning"}
    assert [issue.message.split(":")[0] for issue in waiting] == [
        "label PERS is renamed to PER",
        "label DATE is retired",
    ]
    assert not [issue for issue in adjudicate(Project(project.root)).issues if issue.code == "migrate"]


def test_until_it_ran_answers_on_a_renamed_target_are_not_missing(project):
    edit(project, {"{id: metro,": "{id: subway, formerly: [metro],", "{id: dam,": "{id: metro, formerly: [dam],"})
    issues = [issue for issue in check(Project(project.root)).issues if issue.severity == "error"]
    migrate(Project(project.root))

    assert {issue.code for issue in issues} == {"migrate"}
    assert len(issues) == 2
    assert not [issue for issue in check(Project(project.root)).issues if issue.severity == "error"]


def test_after_it_ran_a_release_has_the_new_names_and_says_what_is_retired(project):
    project = edit(project)
    migrate(project)
    dates = sum(span.label == "DATE" for one in read_judgements(project) for span in one.spans)
    found = [issue for issue in check(Project(project.root)).issues if issue.code == "retired"]
    report = build(Project(project.root), "1.0.0", accept="a test")

    assert [issue.message for issue in found] == [f"{dates} spans have the retired label DATE, and are left out"]
    assert "DATE" in labels_of(project)
    assert report.exit_code == 0
    labels = json.loads((project.release("1.0.0") / "facts.json").read_text(encoding="utf-8"))["labels"]
    assert [one["name"] for one in labels["entities"]][:2] == ["PER", "ORG"]
    assert [one["name"] for one in labels["retired_entities"]] == ["DATE"]


def test_a_decision_with_a_retired_label_counts_without_it(project):
    project = edit(project)
    folder = project.annotations / "pilot"
    _, one = read_jsonl(folder / "decisions.jsonl", Decision)
    write_jsonl(folder / "decisions.jsonl", [replace(one, spans=(Span(0, 3, "DATE"), Span(0, 4, "PERS")))])
    migrate(project)
    report = adjudicate(Project(project.root))

    assert [i.message for i in report.issues if i.code == "retired"] == [
        "1 of its answers has a label that is retired; the rest counts"
    ]


def test_a_merge_keeps_one_of_two_equal_spans_and_counts_it(project):
    folder = project.annotations / "pilot"
    judgements = read_jsonl(folder / "judgements.jsonl", Judgement)
    spans = (Span(0, 4, "GPE", "x"), Span(0, 4, "LOC", "y"), Span(0, 4, "LOC", "z"), Span(6, 9, "PERS", "p"))
    judgements[0] = replace(judgements[0], spans=spans, relations=(Relation("y", "p"),))
    write_jsonl(folder / "judgements.jsonl", judgements)
    text = (project.root / "schema" / "labels.yaml").read_text(encoding="utf-8")
    gone = next(line for line in text.splitlines() if "name: LOC" in line)
    report = migrate(edit(project, {gone + "\n": "", "{name: GPE,": "{name: GPE, formerly: [LOC],"}))
    one = read_jsonl(folder / "judgements.jsonl", Judgement)[0]

    assert report.accounts[0].set_aside == {"had both labels": 2}
    assert [dropped.what.split(" in ")[0] for dropped in report.set_aside] == ["span 0:4 LOC"] * 2
    assert one.spans == (Span(0, 4, "GPE", "x"), Span(6, 9, "PERS", "p"))
    assert one.relations == (Relation("x", "p"),)


def test_merged_targets_with_two_answers_are_queued_again(project):
    folder = project.annotations / "pilot"
    judgements = read_jsonl(folder / "judgements.jsonl", Judgement)
    judgements[0] = replace(judgements[0], stances=(Stance("dam", "favor"), Stance("metro", "against")))
    judgements[1] = replace(judgements[1], stances=(Stance("dam", "favor"), Stance("metro", "favor")))
    write_jsonl(folder / "judgements.jsonl", judgements)
    text = (project.root / "schema" / "labels.yaml").read_text(encoding="utf-8")
    gone = next(line for line in text.splitlines() if "id: dam" in line)
    migrate(edit(project, {gone + "\n": "", "{id: metro,": "{id: metro, formerly: [dam],"}))
    now = read_jsonl(folder / "judgements.jsonl", Judgement)
    marked = read_jsonl(project.annotations / "requeue.jsonl", Requeued)

    assert now[0].stances == (Stance("metro", "against"), Stance("metro", "favor"))
    assert now[1].stances == (Stance("metro", "favor"),)
    assert Requeued(judgements[0].article_id, "answers of merged targets differ") in marked


def test_a_split_marks_the_articles_of_the_label(project):
    text = (project.root / "schema" / "labels.yaml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "name: GPE" in line)
    city, land = (
        line.replace("name: GPE,", f"name: {name}, formerly: [GPE],").replace("ar: كيان جيوسياسي", f"ar: {ar}").replace('key: "3"', f'key: "{key}"')
        for name, ar, key in (("CITY", "مدينة", "3"), ("LAND", "دولة", "0"))
    )  # fmt: skip
    new = line.replace("name: GPE,", "name: GPE, retired: true,")
    report = migrate(edit(project, {line: f"{new}\n{city}\n{land}"}))
    having = {one.article_id for one in read_judgements(project) if any(s.label == "GPE" for s in one.spans)}

    assert any(step.startswith("label GPE is split: ") for step in facts(report))
    assert {one.article_id for one in read_jsonl(project.annotations / "requeue.jsonl", Requeued)} == having
    assert f"{len(having)} articles are marked to be annotated again" in " ".join(
        issue.message for issue in check(Project(project.root)).issues
    )


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"{name: PERS,": "{name: PERS, formerly: [PRES],"}, "schema/labels.yaml:5:6", "label PERS is formerly PRES, which never existed"),
        ({"{name: ORG,": "{name: ORG, formerly: [PERS],"}, "schema/labels.yaml:6:6", "label ORG is formerly PERS, and PERS is still in the list"),
        ({"{name: PERS,": "{name: PER,"}, "schema/labels.yaml", "spans have the label PERS, which labels.yaml no longer has"),
    ],
)  # fmt: skip
def test_bad_labels_are_refused_at_their_line_and_nothing_changes(project, changes, place, message):
    before = held(project)
    with pytest.raises(KhabarError) as caught:
        migrate(edit(project, changes))

    assert caught.value.exit_code == 2
    assert any(one.where == place and one.message.endswith(message) and one.fix for one in caught.value.issues)
    assert held(project) == before


def test_a_swap_and_its_undo(project):
    before = read_judgements(project)
    swapped = edit(project, {"{name: GPE,": "{name: XX,", "{name: LOC,": "{name: GPE, formerly: [LOC],"})
    migrate(edit(swapped, {"{name: XX,": "{name: LOC, formerly: [GPE],"}))
    other = {"GPE": "LOC", "LOC": "GPE"}

    assert [[(s.start, other.get(s.label, s.label)) for s in one.spans] for one in before] != [
        [(s.start, s.label) for s in one.spans] for one in before
    ]
    assert [sorted((s.start, s.end, other.get(s.label, s.label)) for s in one.spans) for one in before] == [
        [(s.start, s.end, s.label) for s in one.spans] for one in read_judgements(project)
    ]
    assert not current_plan(Project(project.root)).pending


@pytest.mark.slow
def test_ten_thousand_judgements_take_at_most_ten_seconds(project):
    folder = project.annotations / "pilot"
    judgements = read_jsonl(folder / "judgements.jsonl", Judgement)
    many = [replace(judgements[n % len(judgements)], annotator=f"a-{n}", annotation_id=n) for n in range(10_000)]
    write_jsonl(folder / "judgements.jsonl", many)
    edit(project)
    start = time.perf_counter()
    migrate(Project(project.root))

    assert time.perf_counter() - start < 10


def test_a_project_of_an_earlier_version_of_khabar_is_migrated_and_was_asked_for_everything(project):
    shutil.rmtree(project.annotations / "schemas")
    old = project.schema.label_hash
    edited = edit(project, {**TO, "entities:\n": "entities:\n  # another file, another hash\n"})
    report = migrate(edited)
    versions = read_versions(Project(project.root))

    assert [step.split(":")[0] for step in facts(report)] == ["label PERS is renamed to PER", "label DATE is retired"]
    assert versions[old].renamed("entities") == {"PERS": "PER"}
    assert versions[old].now("entities") >= set(edited.schema.labels.entity_names)
    assert not current_plan(Project(project.root)).pending


def test_marked_articles_become_a_batch(project):
    line = next(
        li
        for li in (project.root / "schema" / "labels.yaml").read_text(encoding="utf-8").splitlines()
        if "name: GPE" in li
    )
    migrate(edit(project, {line: line.replace('definition: "', 'definition: "كل ')}))
    having = {one.article_id for one in read_judgements(project) if any(s.label == "GPE" for s in one.spans)}
    annotate_again(Project(project.root), "again")
    items = read_jsonl(project.annotations / "again" / "batch.jsonl", BatchItem)

    assert {item.article_id for item in items} == having
    assert {item.batch for item in items} == {"again"}
    with pytest.raises(KhabarError, match="no article is marked to be annotated again"):
        annotate_again(Project(project.root), "again-2")


def test_the_next_step_is_the_migration_until_it_ran(project):
    before = states.next_step(project)
    project = edit(project)
    pending = states.next_step(project)
    migrate(project)

    assert (pending.command, pending.why) == ("khabar schema migrate", "labels.yaml changed since people annotated")
    assert "migrate" not in before.command
    assert "migrate" not in states.next_step(Project(project.root)).command


def test_a_renamed_target_has_one_line_until_it_is_migrated(project):
    edit(project, {"{id: metro,": "{id: tram, formerly: [metro],"})
    found = [issue.message for issue in check(Project(project.root)).issues if issue.severity == "error"]

    assert len(found) == 1
    assert re.fullmatch(r"target metro is renamed to tram: \d+ answers have it", found[0])


def test_what_a_colleague_collected_before_the_migration_is_migrated_when_it_comes_from_git(project):
    later = project.annotations / "second"
    shutil.copytree(project.annotations / "pilot", later)
    (project.annotations / "second").rename(project.root / "away")
    edit(project, {"{name: PERS,": "{name: PER, formerly: [PERS],"})
    migrate(Project(project.root))
    (project.root / "away").rename(later)
    report = migrate(Project(project.root))

    assert [re.sub(r"\d+", "n", fact) for fact in facts(report)] == ["label PERS is renamed to PER: n spans have it"]
    assert "PERS" not in labels_of(project)
    assert not current_plan(Project(project.root)).pending


def test_lines_from_before_and_after_a_migration_that_git_joined_are_one_again(project):
    path = project.annotations / "pilot" / "judgements.jsonl"
    before = path.read_bytes()
    edit(project, {"{name: PERS,": "{name: PER, formerly: [PERS],"})
    migrate(Project(project.root))
    after = path.read_bytes()
    judgements = read_judgements(Project(project.root))
    path.write_bytes(after + b"".join(line for line in before.splitlines(keepends=True) if line not in after))
    with pytest.raises(KhabarError) as refused:
        check(Project(project.root))
    report = migrate(Project(project.root))

    assert {one.fix.split(";")[0] for one in refused.value.issues} == {
        "if labels were renamed meanwhile, run `khabar schema migrate`"
    }
    assert len(report.steps) == 1
    assert read_judgements(Project(project.root)) == judgements
    assert not current_plan(Project(project.root)).pending
