"""The command `demo`: the full pipeline on invented articles, with a real Label Studio and a local Hub.

The annotators are simulated, and every screen, the card and the release say so. Everything else is what a user runs:
the functions of the other commands, in their order.
"""

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq

from builder.annotation.report.text import lines as agreement_lines
from builder.annotation.simulate import Knowledge, parse_knowledge, simulate_answer, truth
from builder.cli.options import verb
from builder.cli.output import Console
from builder.commands.adjudicate import AdjudicateReport, adjudicate
from builder.commands.agree import AgreeReport, agree
from builder.commands.build import BuildReport, build
from builder.commands.check import CheckReport, check
from builder.commands.clean import clean
from builder.commands.collect import collect
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.push import PushReport, push, push_state
from builder.commands.sample import sample
from builder.commands.send import send
from builder.commands.status import STAGES
from builder.commands.studio import down, install
from builder.commands.verify import VerifyReport, verify
from builder.io.atomic import write_bytes
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.labelstudio import annotator
from builder.labelstudio.server.process import new_credentials, up
from builder.labelstudio.server.state import Login
from builder.project.annotations import read_batch
from builder.project.batches import batch_articles
from builder.project.project import Project, template
from builder.records import (
    Article,
    Decision,
    Dispute,
    Line,
    Notify,
    Passage,
    Report,
    Span,
    Stance,
    counted,
    passage_of,
    user_error,
)


@dataclass(frozen=True, slots=True)
class EntityRow:
    """A row of the config `entities`: its article, its number of spans, and the first of them, each with its type."""

    article_id: str
    spans: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StanceRow:
    """A row of the config `stance`: its article, its target, its value, and the votes for each value."""

    article_id: str
    target: str
    value: str
    votes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PipelineReports:
    """What the commands from `check` on reported."""

    check: CheckReport
    agree: AgreeReport
    adjudicate: AdjudicateReport
    build: BuildReport
    push: PushReport
    verify: VerifyReport


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport(Report):
    """The report of `demo`: what its commands reported, the first rows, the annotation page, and the seconds it took."""

    folder: Path
    reports: PipelineReports
    entities: tuple[EntityRow, ...]
    stances: tuple[StanceRow, ...]
    page: str
    logins: tuple[Login, ...]
    """Accounts of the page; none if Label Studio was stopped."""
    setup_seconds: float
    seconds: float

    def lines(self) -> Iterator[Line]:
        """Return what each command found, the first rows, and what to try next."""
        made = self.reports
        yield Line("check", made.check.summary)
        yield Line("agreement (of simulated annotators)", _block(agreement_lines(made.agree.figures)))
        yield Line("gold", _block(f"{line.label}: {line.value}" for line in made.adjudicate.lines()))
        yield Line("release", _block([made.build.release, f"manifest sha256 {made.build.manifest_sha256}"]))
        yield Line("rehearsal Hub", _block(self._hub_lines()))
        yield Line("first rows of entities", _block(
            f"{row.article_id}  {row.spans} spans: {'; '.join(row.first)}" for row in self.entities
        ))  # fmt: skip
        yield Line("first rows of stance", _block(
            f"{row.article_id}  {row.target}: {row.value}, votes {[*row.votes]}" for row in self.stances
        ))  # fmt: skip
        yield Line("card", str(made.build.card))
        yield Line("the annotation page", _block(self._page_lines()))
        yield Line("time", f"set-up {self.setup_seconds:.0f} s, road {self.seconds:.0f} s")

    def _hub_lines(self) -> Iterator[str]:
        if self.reports.push.pushed:
            yield f"v{VERSION} {push_state(self.reports.push.pushed)}"
        for done in self.reports.verify.checks:
            if done.name == "read back":
                yield f'then load_dataset(..., revision="v{VERSION}") gave the same: {done.said}'

    def _page_lines(self) -> Iterator[str]:
        if not self.logins:
            yield "run `khabar demo --keep` for a page that stays, or, for this project:"
            yield f"khabar -C {self.folder} studio up && khabar -C {self.folder} studio invite NAME"
            return
        yield self.page
        yield from (f"log in as {login.email} with {login.password}" for login in self.logins)
        yield f"stop it with: khabar -C {self.folder} studio down"


def _block(lines: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)


@click.command("demo")
@click.option("--keep", is_flag=True, help="Leave Label Studio up, and print its address and login.")
@click.argument("directory", type=click.Path(path_type=Path), default=Path("khabar-demo"))
@verb
def cli(console: Console, directory: Path, keep: bool) -> DemoReport:
    """Run the full pipeline in DIRECTORY on invented articles with simulated annotators.

    An earlier demonstration in DIRECTORY is replaced; a folder with anything else in it is refused.
    """
    return demo(console.folder / directory, keep=keep, progress=console.progress)


VERSION = "1.0.0"

SEED = 13

ANNOTATORS = ("annotator-1", "annotator-2", "annotator-3")

PUBLIC_KEY = "khabar-demo: simulated annotators have nothing to hide"
"""The pseudonym key of the demonstration: fixed, so that its release has the same bytes everywhere."""


def demo(folder: Path, *, keep: bool, progress: Notify) -> DemoReport:
    """Run the full pipeline in a folder. An earlier demonstration there is replaced.

    Raises KhabarError (exit code 2) if the folder holds anything else.
    """
    for name in ("KHABAR_SECRET", "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "HF_ENDPOINT", "HF_TOKEN"):
        os.environ.pop(name, None)  # the demonstration never touches a user's own servers
    began = time.monotonic()
    project = _fresh(folder)
    install(progress=progress)
    ready = time.monotonic()
    try:
        logins = _annotate(project, progress)
        reports = _release(project, progress)
    finally:
        if not keep:
            down(project)
    place = project.noted(f"sent/{BATCH}")
    return DemoReport(
        "demo", tuple(account for stage in STAGES for account in project.accounts(stage)),
        folder=project.root, reports=reports, entities=_entities(project), stances=_stances(project),
        page=f"{place['url']}/projects/{place['project_id']}/data?labeling=1", logins=logins if keep else (),
        setup_seconds=ready - began, seconds=time.monotonic() - ready,
    )  # fmt: skip


BATCH = "demo"


def _fresh(folder: Path) -> Project:
    marker = folder / ".khabar" / "demo"
    if folder.exists() and any(folder.iterdir()):
        if not marker.exists():
            message = "the folder is not empty, and no earlier demonstration made it"
            raise user_error("exists", message, where=str(folder), fix="name another folder: `khabar demo DIRECTORY`")
        down(Project(folder))
        shutil.rmtree(folder)
    init(folder, card=str)
    project = Project(folder)
    write_bytes(project.work / "pseudonym.key", PUBLIC_KEY.encode(), mode=0o600)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    return project


def _annotate(project: Project, progress: Notify) -> tuple[Login, ...]:
    """Run from raw articles to annotations on a real server; return the annotators' accounts."""
    progress("ingest, clean, dedup, sample")
    ingest(project, [template() / "examples" / "articles"])
    clean(project)
    dedup(project)
    sample(project, BATCH, None)
    progress("starting Label Studio on 127.0.0.1")
    logins = new_credentials(ANNOTATORS)
    running = up(project.work / "studio", accounts=logins, progress=progress)
    send(project, BATCH, dry_run=False, progress=progress)
    knowledge = _knowledge()
    articles = {article.id: article for article in batch_articles(project)}
    items = read_batch(project, BATCH)
    place = project.noted(f"sent/{BATCH}")
    for number, (email, password) in enumerate(logins):
        answers = {
            item.article_id: simulate_answer(articles[item.article_id], knowledge, project.schema.labels, number, SEED)
            for item in items
        }
        annotator.annotate_as(running.url, email, password, int(place["project_id"]), answers)
        progress(f"{email}: {counted(len(answers), 'article')} submitted over HTTP (simulated annotator)")
    return tuple(Login(email, password) for email, password in logins)


def _release(project: Project, progress: Notify) -> PipelineReports:
    """Run from annotations to a verified tag on the local Hub; return what the commands reported."""
    collect(project, BATCH, prune=False)
    checked, measured = check(project), agree(project)
    adjudicate(project)
    decide(project)
    settled, built = adjudicate(project), build(project, VERSION)
    progress("pushing to a rehearsal Hub on 127.0.0.1")
    pushed = push(project, VERSION, rehearse=True, progress=progress)
    verified = verify(project, VERSION, base=project.root, rehearse=True, progress=progress)
    return PipelineReports(checked, measured, settled, built, pushed, verified)


def _knowledge() -> Knowledge:
    return parse_knowledge((template() / "examples" / "simulation.yaml").read_text(encoding="utf-8"))


def decide(project: Project) -> None:
    """Settle every disputed article but the last as a simulated adjudicator; its disputes stay open."""
    knowledge = _knowledge()
    articles = {article.id: article for article in batch_articles(project)}
    disputes: dict[str, list[str]] = {}
    for dispute in read_jsonl(project.work / "disputes.jsonl", Dispute):
        disputes.setdefault(dispute.article_id, []).append(dispute.what)
    decisions = [
        _decision(articles[article_id], asked, *truth(articles[article_id], knowledge, project.schema.labels))
        for article_id, asked in sorted(disputes.items())[:-1]
    ]
    write_jsonl(project.annotations / BATCH / "decisions.jsonl", decisions)


def _decision(article: Article, asked: Sequence[str], spans: Iterable[Span], stances: Iterable[Stance]) -> Decision:
    """Return a decision on what is in dispute: each passage and each stance, as the adjudication page asks for them."""
    scope = tuple(sorted(passage for what in asked if (passage := passage_of(what))))
    marked = tuple(span for span in spans if Passage(span.start, span.end) in scope)
    chosen = tuple(stance for stance in stances if f"stance:{stance.target}" in asked)
    return Decision(article.id, article.text_sha, "simulated-adjudicator", marked if scope else None, chosen,
                    "decided by a program", scope)  # fmt: skip


def _entities(project: Project) -> tuple[EntityRow, ...]:
    """Return the first rows of the config `entities`, with five spans each."""
    names = project.schema.labels.entity_names
    table = _first_rows(project, "entities", 3)
    rows = zip(table["id"].to_pylist(), table["spans"].to_pylist(), strict=True)
    return tuple(
        EntityRow(article, len(spans), tuple(f"{span['text']} ({names[span['label']]})" for span in spans[:5]))
        for article, spans in rows
    )


def _stances(project: Project) -> tuple[StanceRow, ...]:
    """Return the first rows of the config `stance`."""
    names = project.schema.labels.published_values
    table = _first_rows(project, "stance", 4)
    columns = (table[name].to_pylist() for name in ("id", "target_name", "stance", "label_counts"))
    return tuple(
        StanceRow(article, target, names[value], tuple(votes))
        for article, target, value, votes in zip(*columns, strict=True)
    )


def _first_rows(project: Project, config: str, number: int) -> pa.Table:
    return pq.read_table(project.release(VERSION) / config / "train-00000-of-00001.parquet").slice(0, number)
