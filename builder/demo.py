"""The whole road, once: invented articles, a real Label Studio, a rehearsal Hub.

The annotators are simulated, and every screen, the card and the release say so.
Everything else is what a user runs: the functions of flow.py, in their order.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from builder import annotate, flow, gathering, judging, publishing, servers, state
from builder.annotation.simulate import Knowledge, answer, parse_knowledge, truth
from builder.project import Project, read_jsonl, template, write_bytes, write_jsonl
from builder.records import Decision, Dispute, Report, refuse

VERSION = "1.0.0"
BATCH = "demo"
SEED = 13
ANNOTATORS = ("annotator-1", "annotator-2", "annotator-3")
PUBLIC_KEY = "khabar-demo: simulated annotators have nothing to hide"
"""The pseudonym key of the demonstration: fixed, so that its release has the same bytes everywhere."""

Progress = Callable[[str], None]


def demo(folder: Path, *, keep: bool, progress: Progress) -> Report:
    """Walk the whole road in a folder; an earlier demonstration there is replaced.

    Raises Refused (exit code 2) when the folder holds anything else.
    """
    for name in ("KHABAR_SECRET", "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "HF_ENDPOINT", "HF_TOKEN"):
        os.environ.pop(name, None)  # the demonstration never touches a user's own servers
    began = time.monotonic()
    project = _fresh(folder)
    servers.install(progress=progress)
    ready = time.monotonic()
    try:
        logins = _annotate(project, progress)
        reports = _release(project, progress)
    finally:
        if not keep:
            servers.down(project)
    facts = _facts(project, reports, logins if keep else {})
    facts["time"] = f"set-up {ready - began:.0f} s, road {time.monotonic() - ready:.0f} s"
    accounts = tuple(account for stage in flow.STAGES for account in project.accounts(stage))
    return Report("demo", accounts, facts=facts)


def _fresh(folder: Path) -> Project:
    marker = folder / ".khabar" / "demo"
    if folder.exists() and any(folder.iterdir()):
        if not marker.exists():
            raise refuse("exists", "the folder is not empty, and no earlier demonstration made it", where=str(folder),
                         fix="name another folder: `khabar demo DIRECTORY`")  # fmt: skip
        servers.down(Project(folder))
        shutil.rmtree(folder)
    flow.init(folder, card=str)
    project = Project(folder)
    write_bytes(project.work / "pseudonym.key", PUBLIC_KEY.encode(), mode=0o600)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    return project


def _annotate(project: Project, progress: Progress) -> dict[str, str]:
    """From raw articles to judgements on a real server; gives back the annotators' logins."""
    from builder.annotation import annotator, server

    progress("ingest, clean, dedup, sample")
    gathering.ingest(project, [template() / "examples" / "articles"])
    gathering.clean(project)
    gathering.dedup(project)
    gathering.sample(project, BATCH, None)
    progress("starting Label Studio on 127.0.0.1")
    logins = server.logins(ANNOTATORS)
    running = server.up(project.work / "studio", accounts=logins, progress=progress)
    annotate.send(project, BATCH, dry_run=False, progress=progress)
    knowledge = _knowledge()
    articles = {article.id: article for article in state.sampled_articles(project)}
    items = state.read_batch(project, BATCH)
    place = project.noted(f"sent/{BATCH}")
    for number, (email, password) in enumerate(logins):
        answers = {
            item.article_id: answer(articles[item.article_id], knowledge, project.schema.labels, number, SEED)
            for item in items
        }
        annotator.annotate_as(running.url, email, password, int(place["project_id"]), answers)
        progress(f"{email}: {len(answers)} articles submitted over HTTP (simulated annotator)")
    return dict(logins)


def _release(project: Project, progress: Progress) -> dict[str, Report]:
    """From judgements to a verified tag on the rehearsal Hub; what each verb said, by its name."""
    reports = [judging.collect(project, BATCH, prune=False), judging.check(project), annotate.agree(project)]
    annotate.adjudicate(project)
    _decide(project)
    reports += [annotate.adjudicate(project), flow.build(project, VERSION)]
    progress("pushing to a rehearsal Hub on 127.0.0.1")
    reports.append(publishing.push(project, VERSION, rehearse=True, progress=progress))
    reports.append(publishing.verify(project, VERSION, base=project.root, rehearse=True, progress=progress))
    return {report.verb: report for report in reports}


def _knowledge() -> Knowledge:
    return parse_knowledge((template() / "examples" / "simulation.yaml").read_text(encoding="utf-8"))


def _decide(project: Project) -> None:
    """A simulated adjudicator settles every disputed article but the last, whose disputes stay open."""
    knowledge = _knowledge()
    articles = {article.id: article for article in state.sampled_articles(project)}
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
    """What the demonstration shows at its end: agreement, first rows, places, what to try next."""
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
    import pyarrow.parquet as pq

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
