"""Reports: what each command returns is typed, and text and JSON show the same fields."""

import inspect
import json
import re
import types
import typing
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest

from builder.annotation.adjudication.dawid_skene import DawidSkeneFit
from builder.annotation.migration.plan import Step
from builder.cli.output import Console, show
from builder.commands import (
    adjudicate,
    agree,
    build,
    card,
    check,
    clean,
    demo,
    hub,
    reopen,
    run,
    schema,
    schema_migrate,
    studio,
    verify,
)
from builder.commands.audit import audit
from builder.commands.collect import CollectReport
from builder.commands.dedup import dedup
from builder.commands.export import ExportReport, export
from builder.commands.hydrate import HydrateReport
from builder.commands.import_ import import_set
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.push import PushOptions, PushReport, RevertReport, push
from builder.commands.sample import sample
from builder.commands.send import SendReport, SentPredictions, SentTo
from builder.commands.status import status
from builder.commands.takedown import takedown, withdraw
from builder.io.plain import from_plain, to_plain
from builder.labelstudio.exports.merge import ImportCounts
from builder.labelstudio.refresh.projects import Behind
from builder.labelstudio.server.data_dir import DataStats
from builder.labelstudio.server.state import Login, OwnServer, ServerAddress, ServerState
from builder.main import COMMANDS, khabar
from builder.project.project import Project
from builder.records import NextStep, Report
from builder.release.publish.commit import Pushed
from tests.builders import leaves
from tests.conftest import ROOT
from tests.published import LABELS, PRESS, put

OWN_PRINTERS = {"diff", "explain"}
"""Commands that print a result of their own, not a report."""

COMMANDS_BY_WORDS = {
    " ".join(words): command
    for entry in COMMANDS
    for command, words in leaves(khabar.get_command(None, entry.name), [entry.name])
}


def reports_of(command):
    """The classes of the reports that a command returns."""
    found = inspect.signature(inspect.unwrap(command.callback)).return_annotation
    return typing.get_args(found) or (found,)


CLASSES = {
    one for words, command in COMMANDS_BY_WORDS.items() if words not in OWN_PRINTERS for one in reports_of(command)
}


def loose(kind):
    """The types within a type that say nothing of what they hold."""
    if kind in (typing.Any, object, dict, list, tuple) or kind == dict[str, str]:
        return [kind]
    if is_dataclass(kind) and kind.__module__.startswith("builder.commands"):
        hints = typing.get_type_hints(kind)
        return [found for one in fields(kind) for found in loose(hints[one.name])]
    if typing.get_origin(kind) is typing.Literal:
        return []
    return [found for part in typing.get_args(kind) if part is not Ellipsis for found in loose(part)]


def test_each_command_returns_a_report_of_its_own():
    without = {words for words, command in COMMANDS_BY_WORDS.items() if reports_of(command) == (None,)}

    assert without == OWN_PRINTERS
    assert all(issubclass(one, Report) and one is not Report for one in CLASSES)


@pytest.mark.parametrize("one", sorted(CLASSES, key=lambda one: one.__name__), ids=lambda one: one.__name__)
def test_each_field_is_typed(one):
    assert loose(one) == []
    assert len(fields(one)) > len(fields(Report))
    assert "lines" in vars(one) or one.lines is not Report.lines


def test_the_types_that_say_nothing_are_found():
    union = dict[str, str] | None

    assert isinstance(union, types.UnionType)
    assert loose(union) == loose(tuple[dict[str, str], ...]) == [dict[str, str]]
    assert loose(dict[str, dict[str, int]]) == []


def by_hand():
    """Reports of commands that need a server, and parts of others that the demonstration does not have."""
    email, url = "zahra@khabar.localhost", "http://127.0.0.1:8080"
    data = DataStats("SQLite", 2_230_000, 4)
    pushed = Pushed(
        "c0ffee", f"{url}/x", created=True, uploaded=("README.md",), deleted=(), tag="v1.0.0", already=False
    )
    proposed = replace(pushed, tag="", pull_request="refs/pr/1")
    path = Path("annotations/demo/decisions.jsonl")
    return {
        "collect": CollectReport(
            "collect", judgements=3, annotators=1, path=Path("annotations/demo/judgements.jsonl"),
            imported=ImportCounts(2, 1, 0, 4), kept=1,
        ),
        "send": SendReport(
            "send", assigned={"overlap": 9, "shared": 2}, places=(SentTo(email, 11, 10, f"{url}/projects/1"),),
            predictions=SentPredictions("gazetteer:a.tsv", 3), shown=("gazetteer", "gold"),
            behind=(Behind(url, 1, 40, 12, 2),),
        ),
        "send --dry-run": SendReport(
            "send", assigned={}, places=(SentTo("", 11, 10, None),), predictions=None, shown=(),
            behind=(Behind(url, 1, 40, 12, 2),), dry_run=True,
        ),
        "schema migrate": schema_migrate.MigrateReport(
            "schema migrate", steps=(Step("rename", "entities", "PERS", "PER", 12), Step("add", "targets", "", "dam")),
            rewritten=1_200, files=9, again=2, was_sent=True, dry_run=False,
        ),
        "schema migrate --dry-run": schema_migrate.MigrateReport(
            "schema migrate", steps=(Step("retire", "entities", "DATE", "", 1),), rewritten=0, files=1, again=0,
            was_sent=True, dry_run=True,
        ),
        "schema migrate, nothing to do": schema_migrate.MigrateReport(
            "schema migrate", steps=(), rewritten=0, files=0, again=0, was_sent=False, dry_run=False
        ),
        "schema migrate --undo": schema_migrate.UndoneReport("schema migrate", files=("annotations/demo/judgements.jsonl",), was_sent=True),
        "schema migrate --again": schema_migrate.AgainReport("schema migrate", batch="again-1", articles=3),
        "adjudicate --send --collect": adjudicate.AdjudicateReport(
            "adjudicate", gold={}, open_disputes=0, model=DawidSkeneFit(7, True, 3, {"a-1": 0.9}),
            rulings=adjudicate.Rulings(2, 1, path, 3, 1), sent=adjudicate.SentDisputes("demo", f"{url}/projects/2/data"),
        ),
        "push": PushReport("push", version="1.0.0", dry_run=False, pushed=pushed),
        "push --dry-run": PushReport("push", version="1.0.0", dry_run=True, pushed=pushed),
        "push --pr": PushReport("push", version="1.0.0", dry_run=False, pushed=proposed),
        "push --pr again": PushReport("push", version="1.0.0", dry_run=False, pushed=replace(pushed, tag="")),
        "push --revert": RevertReport("push", version="1.0.0", commit="c0ffee"),
        "export --against": ExportReport(
            "export", files=2, folder=Path("exports/1.0.0/conll"), as_released=1,
            differing={"odd tag": 9, "blank token": 1},
        ),
        "hydrate": HydrateReport("hydrate", folder=Path("hydrated/v1.0.0"), state="new", documents=30),
        "hub up": hub.HubUpReport("hub up", url=url, xet=True, was_running=False),
        "hub down": hub.HubDownReport("hub down", was_running=True),
        "studio install": studio.InstallReport("studio install", folder=Path("/opt/studio")),
        "studio up": studio.StudioUpReport("studio up", servers=(ServerAddress("studio", url),)),
        "studio up, isolated": studio.StudioUpReport("studio up", servers=(ServerAddress("studio-a-1", url),)),
        "studio down": studio.StudioDownReport("studio down", stopped=2),
        "studio invite": studio.InviteReport("studio invite", logins=(Login(email, "secret", url),)),
        "studio status": studio.StudioStatusReport(
            "studio status", own=None, servers=(ServerState("studio", "running", url, "1.23.2", data),)
        ),
        "studio status, own server": studio.StudioStatusReport(
            "studio status", own=OwnServer(url), servers=(ServerState("studio", "not running", None, None, None),)
        ),
        "studio status, nobody": studio.StudioStatusReport("studio status", own=None, servers=()),
        "studio backup": studio.BackupReport("studio backup", path=Path("b.zip"), size=2_230_000, servers=("studio",)),
        "studio restore": studio.RestoreReport("studio restore", servers=("studio",)),
    }  # fmt: skip


def on_the_demonstration(project, scratch):
    """The reports of the commands that need no server, in an order in which one can follow another."""
    fresh, quiet = scratch / "fresh", {"base": project.root, "rehearse": False, "progress": lambda _: None}
    folder = str(project.release("1.0.0"))
    yield "init", init(fresh)
    yield from on_a_published_set(Project(fresh))
    yield "ingest", ingest(project, [ROOT / "examples" / "articles"])
    yield "clean", clean.clean(project)
    yield "clean --recount --dry-run", clean.clean(project, again=True, dry=True)
    yield "dedup", dedup(project)
    yield "sample", sample(project, "second", 3)
    yield "sample again", sample(project, "second", 3)
    yield "check", check.check(project)
    yield "agree", agree.agree(project)
    yield "adjudicate", adjudicate.adjudicate(project)
    yield "build", build.build(project, "1.0.0", accept="none")
    yield "status", status(project)
    yield "run --dry-run", run.run(project, dry=True)
    yield "verify", verify.verify(project, folder, **quiet)
    yield "card check", card.card(project, folder, **quiet)
    yield "push --to", push(project, "1.0.0", target=str(scratch / "out"), rehearse=False, progress=quiet["progress"])
    yield (
        "push --to --dry-run",
        push(
            project,
            "1.0.0",
            target=str(scratch / "out"),
            rehearse=False,
            progress=quiet["progress"],
            way=PushOptions(dry_run=True),
        ),
    )
    yield "audit", audit(folder, base=project.root)
    yield "schema check", schema.check(project)
    yield "schema render", schema.render(project)
    yield "schema suggest", schema.suggest(project)
    yield "export", export(project, "1.0.0", "conll", base=project.root)
    yield "reopen", reopen.reopen(project, "1.0.0", base=project.root)
    first = json.loads((project.annotations / "demo" / "judgements.jsonl").read_text(encoding="utf-8").split("\n")[0])
    yield "takedown", takedown(project, first["article_id"], "asked for")
    yield "takedown --annotator", withdraw(project, first["annotator"], "asked for")


def on_a_published_set(project):
    """The reports of `import`: of the draft of a map, and of a set that comes in with it."""
    folder, where = put(project, LABELS, press__txt=PRESS)
    rules = where.read_bytes()
    where.unlink()
    yield "import --dry-run", import_set(project, [folder], "conll", where, dry_run=True)
    where.write_bytes(rules)
    yield "import", import_set(project, [folder], "conll", where)


def the_demo(found, logins):
    """The report of `demo`, from those of its commands."""
    names = ("check", "agree", "adjudicate", "build", "push", "verify")
    brief = [replace(found[name], accounts=(), issues=(), set_aside=()) for name in names]
    brief[1] = replace(brief[1], figures=brief[1].figures[:2])
    reports = demo.PipelineReports(*brief)
    return demo.DemoReport(
        "demo", next=NextStep("khabar status", "why not"), folder=found["init"].folder, reports=reports,
        entities=(demo.EntityRow("a-0", 2, ("مرجانة (GPE)", "نسيم (ORG)")),),
        stances=(demo.StanceRow("a-0", "السد", "favor", (2, 0, 1)),),
        page="http://127.0.0.1:8080/projects/1/data?labeling=1", logins=logins, setup_seconds=1.2, seconds=3.4,
    )  # fmt: skip


@pytest.fixture
def reports(built, tmp_path):
    """Every report, by the command as it is typed."""
    found = dict(on_the_demonstration(built, tmp_path)) | by_hand()
    account = Login("annotator-1@khabar.localhost", "secret")
    return found | {"demo": the_demo(found, ()), "demo --keep": the_demo(found, (account,))}


def shortened(value):
    """JSON with the first element of each list."""
    if isinstance(value, list):
        return [shortened(one) for one in value[:1]] + (["..."] if len(value) > 1 else [])
    return {name: shortened(one) for name, one in value.items()} if isinstance(value, dict) else value


def masked(text, folder):
    """Text without what differs by machine or by version: folders, hashes and long decimals."""
    for pattern, instead in (
        (re.escape(str(folder)), "DIR"),
        (r"-?\b\d+\.\d{3,}\b", "N"),
        (r"\b[0-9a-f]{12,64}\b", "HASH"),
        (r"\b(a-)[0-9a-f]{10}\b", r"\1HASH"),
    ):
        text = re.sub(pattern, instead, text)
    return text


def printed(report, capsys, folder):
    """A report as text, cut to 24 lines, and the fields of its own as JSON, each list cut to one element."""
    capsys.readouterr()
    show(replace(report, accounts=report.accounts[:1], issues=()), Console())
    text = capsys.readouterr().out
    show(report, Console(as_json=True))
    document = json.loads(capsys.readouterr().out)
    lines = text.splitlines()
    kept = lines[:24] + (["..."] if len(lines) > 24 else [])
    own = {name: shortened(value) for name, value in document.items() if name not in BASE}
    return masked("\n".join([*kept, json.dumps(own, ensure_ascii=False)]), folder)


BASE = {one.name for one in fields(Report)}


@pytest.mark.slow
def test_every_report_of_the_demonstration_as_text_and_json(reports, capsys, tmp_path):
    found = "\n\n".join(f"# {name}\n{printed(report, capsys, tmp_path)}" for name, report in reports.items()) + "\n"
    (tmp_path / "reports.txt").write_text(found, encoding="utf-8")

    assert {type(report) for report in reports.values()} == CLASSES
    assert found == (ROOT / "tests" / "cases" / "reports.txt").read_text(encoding="utf-8"), tmp_path / "reports.txt"
    for name, report in reports.items():
        plain = json.loads(json.dumps(to_plain(report)))
        assert list(plain) == [one.name for one in fields(report)], name
        assert from_plain(type(report), plain) == report, name
