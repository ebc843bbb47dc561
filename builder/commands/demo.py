"""The command `demo`: the full pipeline on invented articles, with a real Label Studio and a local Hub.

The annotators are simulated, and every screen, the card and the release say so. Everything else is what a user runs:
the functions of the other commands, in their order.
"""

import os
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import pyarrow.parquet as pq

from builder.annotation.simulate import Knowledge, parse_knowledge, simulate_answer, truth
from builder.cli.options import verb
from builder.cli.output import Console
from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.clean import clean
from builder.commands.collect import collect
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.push import push
from builder.commands.sample import sample
from builder.commands.send import send
from builder.commands.status import STAGES
from builder.commands.studio import down, install
from builder.commands.verify import verify
from builder.io.atomic import write_bytes
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.labelstudio import annotator
from builder.labelstudio.server.process import new_credentials, up
from builder.project.annotations import read_batch
from builder.project.batches import batch_articles
from builder.project.project import Project, template
from builder.records import Decision, Dispute, Notify, Report, user_error


@click.command("demo")
@click.option("--keep", is_flag=True, help="Leave Label Studio up, and print its address and login.")
@click.argument("directory", type=click.Path(path_type=Path), default=Path("khabar-demo"))
@verb
def cli(console: Console, directory: Path, keep: bool) -> Report:
    """Run the full pipeline in DIRECTORY on invented articles with simulated annotators.

    An earlier demonstration in DIRECTORY is replaced; a folder with anything else in it is refused.
    """
    return demo(console.folder / directory, keep=keep, progress=console.progress)


VERSION = "1.0.0"

SEED = 13

ANNOTATORS = ("annotator-1", "annotator-2", "annotator-3")

PUBLIC_KEY = "khabar-demo: simulated annotators have nothing to hide"
"""The pseudonym key of the demonstration: fixed, so that its release has the same bytes everywhere."""


def demo(folder: Path, *, keep: bool, progress: Notify) -> Report:
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
    facts = _facts(project, reports, logins if keep else {})
    facts["time"] = f"set-up {ready - began:.0f} s, road {time.monotonic() - ready:.0f} s"
    accounts = tuple(account for stage in STAGES for account in project.accounts(stage))
    return Report("demo", accounts, facts=facts)


BATCH = "demo"


def _fresh(folder: Path) -> Project:
    marker = folder / ".khabar" / "demo"
    if folder.exists() and any(folder.iterdir()):
        if not marker.exists():
            raise user_error(
                "exists",
                "the folder is not empty, and no earlier demonstration made it",
                where=str(folder),
                fix="name another folder: `khabar demo DIRECTORY`",
            )
        down(Project(folder))
        shutil.rmtree(folder)
    init(folder, card=str)
    project = Project(folder)
    write_bytes(project.work / "pseudonym.key", PUBLIC_KEY.encode(), mode=0o600)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    return project


def _annotate(project: Project, progress: Notify) -> dict[str, str]:
    """Run from raw articles to annotations on a real server; return the annotators' logins."""
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
        progress(f"{email}: {len(answers)} articles submitted over HTTP (simulated annotator)")
    return dict(logins)


def _release(project: Project, progress: Notify) -> dict[str, Report]:
    """Run from annotations to a verified tag on the local Hub; return each command's report by its name."""
    reports = [collect(project, BATCH, prune=False), check(project), agree(project)]
    adjudicate(project)
    _decide(project)
    reports += [adjudicate(project), build(project, VERSION)]
    progress("pushing to a rehearsal Hub on 127.0.0.1")
    reports.append(push(project, VERSION, rehearse=True, progress=progress))
    reports.append(verify(project, VERSION, base=project.root, rehearse=True, progress=progress))
    return {report.verb: report for report in reports}


def _knowledge() -> Knowledge:
    return parse_knowledge((template() / "examples" / "simulation.yaml").read_text(encoding="utf-8"))


def _decide(project: Project) -> None:
    """Settle every disputed article but the last as a simulated adjudicator; its disputes stay open."""
    knowledge = _knowledge()
    articles = {article.id: article for article in batch_articles(project)}
    disputes: dict[str, set[str]] = {}
    for dispute in read_jsonl(project.work / "disputes.jsonl", Dispute):
        disputes.setdefault(dispute.article_id, set()).add(dispute.what)
    decisions: list[Decision] = []
    for article_id, open_questions in sorted(disputes.items())[:-1]:
        article = articles[article_id]
        spans, stances = truth(article, knowledge, project.schema.labels)
        over_spans = any(question.startswith("span:") for question in open_questions)
        chosen = tuple(stance for stance in stances if f"stance:{stance.target}" in open_questions)
        decisions.append(Decision(article.id, article.text_sha, "simulated-adjudicator",
                                  spans if over_spans else None, chosen, "decided by a program"))  # fmt: skip
    write_jsonl(project.annotations / BATCH / "decisions.jsonl", decisions)


def _facts(project: Project, reports: Mapping[str, Report], logins: dict[str, str]) -> dict[str, str]:
    """Return what the demonstration prints at its end: agreement, first rows, paths, what to try next."""
    built, pushed, verified = (reports[verb].facts for verb in ("build", "push", "verify"))
    release = project.release(VERSION)
    hub = f'v{VERSION} {pushed[f"v{VERSION}"]}\nthen load_dataset(..., revision="v{VERSION}") gave the same: {verified["read back"].removeprefix("done: ")}'
    return {
        "check": reports["check"].facts["checked"],
        "agreement (of simulated annotators)": _block(reports["agree"].facts["agreement"].splitlines()),
        "gold": _block(f"{k}: {v}" for k, v in reports["adjudicate"].facts.items()),
        "release": _block([built["release"], f"manifest sha256 {built['manifest sha256']}"]),
        "rehearsal Hub": _block(hub.splitlines()),
        "first rows of entities": _entities(project, release),
        "first rows of stance": _stances(project, release),
        "card": built["card"],
        "the annotation page": _page(project, logins),
    }


def _block(lines: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)


def _first_rows(release: Path, config: str, number: int) -> list[dict[str, Any]]:
    table = pq.read_table(release / config / "train-00000-of-00001.parquet")
    rows: list[dict[str, Any]] = table.slice(0, number).to_pylist()
    return rows


def _entities(project: Project, release: Path) -> str:
    names = project.schema.labels.entity_names
    rows = _first_rows(release, "entities", 3)
    mentions = ["; ".join(f"{span['text']} ({names[span['label']]})" for span in row["spans"][:5]) for row in rows]
    return _block(f"{row['id']}  {len(row['spans'])} spans: {said}" for row, said in zip(rows, mentions, strict=True))


def _stances(project: Project, release: Path) -> str:
    names = project.schema.labels.published_values
    rows = _first_rows(release, "stance", 4)
    return _block(f"{r['id']}  {r['target_name']}: {names[r['stance']]}, votes {r['label_counts']}" for r in rows)


def _page(project: Project, logins: dict[str, str]) -> str:
    place = project.noted(f"sent/{BATCH}")
    if not logins:
        return _block(
            [
                "run `khabar demo --keep` for a page that stays, or, for this project:",
                f"khabar -C {project.root} studio up && khabar -C {project.root} studio invite NAME",
            ]
        )
    return _block(
        [
            f"{place['url']}/projects/{place['project_id']}/data?labeling=1",
            *(f"log in as {email} with {password}" for email, password in logins.items()),
            f"stop it with: khabar -C {project.root} studio down",
        ]
    )
