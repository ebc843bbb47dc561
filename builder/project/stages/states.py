"""The state of each step of the road: done, stale, never run, or waiting for people; and the step that comes next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from builder.io.hashing import digest_of, file_digest, versions_of
from builder.io.jsonl import count_lines, read_jsonl
from builder.project.migration.kept import is_pending
from builder.project.project import Project, said
from builder.project.stages.inputs import built_versions, digests
from builder.project.stages.shards import is_empty
from builder.project.stages.table import ROAD, STEPS
from builder.records import LEDGER, AskedPage, Dispute, ImportedSet, LedgerEntry, NextStep
from builder.release.diff.version import parse_version, version_key

StateName = Literal["done", "stale", "never", "waits"]


@dataclass(frozen=True, slots=True)
class StepState:
    """The state of a step: its name, why it is not done, the exact command, and whether only people can go on."""

    command: str
    state: StateName
    why: str = ""
    call: str = ""
    needs_people: bool = False
    blocks: bool = False
    """Whether no later step can run before."""


def read_by(project: Project, command: str) -> dict[str, str]:
    """Return the digest of each input of a command."""
    return digests(project, command, STEPS[command].reads)


def read_by_send(project: Project, batch: str) -> dict[str, str]:
    """Return the digest of each input of `send` for one batch."""
    return read_by(project, "send") | {"batch.jsonl": file_digest(project.annotations / batch / "batch.jsonl")}


def finish(project: Project, command: str, inputs: Mapping[str, str], exit_code: int = 0) -> None:
    """Store what a command read, after it ended. Digests are taken before the command reads."""
    project.stamp_step(command, inputs, exit_code)


def states(project: Project) -> Iterator[StepState]:
    """Yield the state of each step, in order. A step whose input an earlier one has to make again is stale as well."""
    remade: dict[str, str] = {}
    for step in ROAD:
        found = state_of(project, step.command)
        first = next((remade[name] for name in step.reads if name in remade), "")
        if first and found.state == "done":
            found = replace(found, state="stale", why=f"{first} comes first", call=f"khabar {step.command}")
        if found.state in ("stale", "never"):
            remade |= {name: remade.get(name, step.command) for name in step.makes}
        yield found


def next_step(project: Project) -> NextStep | None:
    """Return the next command to run and why, or None if there is nothing to do.

    What khabar can do comes before what waits for people, unless nothing goes on without them.
    """
    if is_pending(project):
        return NextStep("khabar schema migrate", "labels.yaml changed since people annotated")
    later: StepState | None = None
    for found in states(project):
        if found.state in ("stale", "never") or found.blocks:
            return NextStep(found.call, found.why)
        if found.state == "waits":
            later = later or found
    return NextStep(later.call, later.why) if later else None


def state_of(project: Project, command: str) -> StepState:
    """Return the state of one step, whatever the state of earlier ones is."""
    special = {
        "ingest": _ingest, "sample": _sample, "send": _send, "collect": _collect, "adjudicate": _adjudicate,
        "build": _build, "push": _push, "verify": _verify,
    }  # fmt: skip
    found = special[command](project) if command in special else None
    return found or _from_stamp(project, command)


def _from_stamp(project: Project, command: str) -> StepState:
    """Return the state that follows from what a step last read."""
    call = f"khabar {command}"
    changed = project.changes(command, read_by(project, command))
    if changed is None:
        return StepState(command, "never", "not run yet", call)
    if changed:
        return StepState(command, "stale", f"{said(changed)} changed", call)
    before = project.stamped_step(command)
    if before and before.exit_code:
        return StepState(command, "stale", "it reported errors", call)
    return StepState(command, "done")


def imported_sets(project: Project) -> set[str]:
    """Return the names of the published sets that were imported, which are those of their batches."""
    return {one.name for one in read_jsonl(project.annotations / "imports.jsonl", ImportedSet)}


def _ingest(project: Project) -> StepState:
    if is_empty(project, "documents"):
        return StepState("ingest", "never", "no documents yet", "khabar ingest FILES", needs_people=True, blocks=True)
    return StepState("ingest", "done")


def _sample(project: Project) -> StepState:
    return (
        StepState("sample", "done")
        if project.batches()
        else StepState("sample", "never", "no batch yet", "khabar sample")
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """How many judgements a batch has, of how many it asks for."""

    here: int
    wanted: int

    def __str__(self) -> str:
        return f"{self.here} of {self.wanted} judgements"


def answers(project: Project, batch: str) -> Answers:
    """Count the judgements of a batch, and those that it asks for."""
    folder = project.annotations / batch
    wanted = count_lines(folder / "assignment.jsonl")
    wanted = wanted or count_lines(folder / "batch.jsonl") * project.schema.dataset.overlap
    return Answers(count_lines(folder / "judgements.jsonl"), wanted)


def was_sent(project: Project, batch: str) -> bool:
    """Return whether this project sent a batch to Label Studio, to all annotators or to each."""
    sent = project.work / "notes" / "sent"
    return (sent / f"{batch}.json").exists() or (sent / batch).is_dir()


def _send(project: Project) -> StepState:
    """Return the state of the first batch that has to be sent. One that was annotated is not sent again."""
    found = {batch: answers(project, batch) for batch in project.batches()}
    imported = imported_sets(project)
    any_here = bool(imported) or any(each.here for each in found.values())
    for batch, count in found.items():
        if batch in imported:
            continue
        call = f"khabar send --batch {batch}"
        if not was_sent(project, batch) and not count.here:
            why = f"batch {batch} was not sent"
            return StepState("send", "never", why, call, needs_people=True, blocks=not any_here)
        changed = project.changes(f"send-{batch}", read_by_send(project, batch))
        if count.here < count.wanted and changed:
            return StepState("send", "stale", f"{said(changed)} changed", call, needs_people=True)
    return StepState("send", "done") if found else StepState("send", "never", "no batch yet", "khabar send")


def _collect(project: Project) -> StepState:
    """Return the state of the first batch that lacks judgements."""
    found = {batch: answers(project, batch) for batch in project.batches()}
    imported = imported_sets(project)
    blocks = not imported and not any(each.here for each in found.values())
    for batch, count in found.items():
        if count.here < count.wanted and batch not in imported:
            call = f"khabar collect --batch {batch}"
            return StepState("collect", "waits", f"batch {batch} has {count}", call, needs_people=True, blocks=blocks)
    return StepState("collect", "done") if found else StepState("collect", "never", "no batch yet", "khabar collect")


def _adjudicate(project: Project) -> StepState:
    """Return that adjudicators are waited for, where they were asked something that is still open."""
    found = _from_stamp(project, "adjudicate")
    names = ("disputed.jsonl", "asked.jsonl")  # earlier versions wrote the former
    asked = [project.annotations / batch / name for batch in project.batches() for name in names]
    asked = [path for path in asked if path.exists()]
    if found.state != "done" or not asked:
        return found
    files = [*asked, project.work / "disputes.jsonl"]
    waiting = digest_of(("disputes", project.root), versions_of(files), lambda: _waiting(project))
    if not waiting:
        return found
    call = "khabar adjudicate --collect"
    return StepState("adjudicate", "waits", f"{waiting} are open", call, needs_people=True, blocks=True)


def _waiting(project: Project) -> str:
    """Return how many of the disputes that were sent are open, or nothing."""
    still = {(one.article_id, one.what) for one in read_jsonl(project.work / "disputes.jsonl", Dispute)}
    sent: set[tuple[str, str]] = set()
    for batch in project.batches():
        folder = project.annotations / batch
        earlier = read_jsonl(folder / "disputed.jsonl", Dispute)
        questions = [question for page in read_jsonl(folder / "asked.jsonl", AskedPage) for question in page.questions]
        sent |= {(question.article_id, question.what) for question in (*earlier, *questions)}
    return f"{len(sent & still)} of {len(sent)} disputes that were sent" if sent & still else ""


def _build(project: Project) -> StepState:
    """Return the state of the newest release in dist/, which stands for all."""
    versions = built_versions(project)
    if not versions:
        call = f"khabar build {_following(project) or '1.0.0'}"
        return StepState("build", "never", "no release yet", call, needs_people=True, blocks=True)
    newest, found = versions[-1], _from_stamp(project, "build")
    if found.state == "done":
        return found
    why = found.why if found.state == "stale" else f"nothing says what {newest} was made of"
    if project.noted(f"pushed/v{newest}"):
        call = f"khabar build {_following(project)}"
        return StepState(
            "build", "stale", f"{why} since {newest}, which is pushed", call, needs_people=True, blocks=True
        )
    return StepState("build", "stale", why, f"khabar build {newest}")


def _following(project: Project) -> str:
    """Return the version after the newest known one, for a release with more rows, or nothing if there is none."""
    ledger = read_jsonl(project.annotations / LEDGER, LedgerEntry)
    known = [
        version for version in (*built_versions(project), *(line.version for line in ledger)) if parse_version(version)
    ]
    if not known:
        return ""
    newest = version_key(max(known, key=version_key))
    return f"{newest.major}.{newest.minor + 1}.0"


def _push(project: Project) -> StepState:
    versions = built_versions(project)
    if versions and project.noted(f"pushed/v{versions[-1]}"):
        return StepState("push", "done")
    call, why = (f"khabar push {versions[-1]}", "built, not pushed") if versions else ("khabar push", "no release yet")
    return StepState("push", "never", why, call, needs_people=True, blocks=True)


def _verify(project: Project) -> StepState:
    versions = built_versions(project)
    found = _from_stamp(project, "verify")
    call = f"khabar verify {versions[-1]}" if versions else "khabar verify"
    return replace(found, call=call, needs_people=found.state != "done")
