"""How fast tasks go to a real Label Studio and come back, beside the plain loop of its SDK; and how it bears load.

    python benchmarks/studio.py --tasks 10000              send and collect, beside the SDK
    python benchmarks/studio.py --load [--database URL]    12 annotators at work while 2,000 tasks are sent

Starts servers of its own on loopback, in a temporary folder. Prints JSON.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from corpora import ROOT, news

from builder.io.hashing import sha16
from builder.labelstudio import annotator, client
from builder.labelstudio.config import guide_html, render_config
from builder.labelstudio.download import cache
from builder.labelstudio.download.sync import ProjectRef, update_cache
from builder.labelstudio.server import data_dir, postgres
from builder.labelstudio.server.process import Server, down, new_credentials, up
from builder.labelstudio.tasks import result_of, task_of
from builder.records import Article, BatchItem, Span, Stance
from builder.schema import load_schema

SCHEMA = load_schema(ROOT / "schema")
LENGTH = 2_000
"""Code points of an article."""
SPANS = 21
ANNOTATORS, EVERY, LASTS, STARTS = 12, 2.0, 60.0, 10.0
"""Annotators; seconds between their submissions; seconds of work; when the send begins."""
ROUNDS = 2
"""How often each way of collecting is gone, in turn; the quickest counts."""


def tasks(count: int) -> list[dict[str, Any]]:
    """As many tasks of invented news."""
    letters = " ".join(news(count * LENGTH * 2, 7)).replace("\r", " ")
    guide = guide_html(SCHEMA.guidelines)
    made: list[dict[str, Any]] = []
    for number in range(count):
        text = letters[number * LENGTH : (number + 1) * LENGTH].strip()
        article = Article(f"{number:016x}-0", f"{number:016x}", 0, "خبر", text, (), (), "standard@1+0", sha16(text))
        item = BatchItem("bench", article.id, article.text_sha, article.id, "x")
        made.append(task_of(article, item, SCHEMA, "x", guide))
    return made


def answers_to(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Some spans, and an answer to each question, as the page would submit them."""
    text = task["data"]["text"]
    step = len(text) // SPANS
    names = SCHEMA.labels.entity_names
    spans = [Span(n * step, n * step + 5, names[n % len(names)], f"s{n}") for n in range(SPANS)]
    asked = [Stance(one["id"], "neutral") for one in task["data"]["targets"] if one["id"] != "-"]
    return result_of(spans, asked, task["data"])


def timed(what: Any) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def send_beside_sdk(running: Server, made: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The same tasks sent by khabar, and one by one with the SDK."""
    connection = client.connect(running.url, running.token)
    config = render_config(SCHEMA.labels)
    own = timed(lambda: client.send(connection, "bench send", config, made, overlap=2, progress=lambda _: None))
    project = connection.client.projects.create(title="bench sdk", label_config=config)

    def loop() -> None:
        for task in made:
            connection.client.tasks.create(project=project.id, data=task["data"])

    plain = timed(loop)
    return {"tasks": len(made), "send_s": own, "sdk_loop_s": plain, "ratio": plain / own}


def collect_beside_sdk(running: Server, made: Sequence[dict[str, Any]], file: Path | None) -> dict[str, float]:
    """Annotated tasks collected by khabar, for the first time and with 50 changed, and exported with the SDK.

    Each in a process of its own, whose peak of memory is taken. Of the SDK's plain ways `as_json` is one call
    that gives all, and what the ratios are against; `list` is the loop over pages, gone once, whose answers are
    not whole. Khabar reads the file of an embedded server that has one; `http` is without it.
    """
    connection = client.connect(running.url, running.token)
    title = "bench collect"
    place = _send(connection, title, render_config(SCHEMA.labels), [])
    project = int(place.project_id)
    for start in range(0, len(made), 500):
        part = [
            {**task, "annotations": [{"result": answers_to(task), "ground_truth": False, "lead_time": 30.0}]}
            for task in made[start : start + 500]
        ]
        connection.client.projects.import_tasks(project, request=part)
    found: dict[str, float] = {"tasks": len(made)}
    with tempfile.TemporaryDirectory() as folder:
        order = {"url": running.url, "token": running.token, "title": title, "project": project}
        quick = order | {"data": str(file)} if file else order
        ways = {"sdk_as_json": ("as_json", order), "collect_http": ("collect", order), "collect": ("collect", quick)}
        for turn in range(ROUNDS):
            for name, (way, given) in ways.items():
                seen = _child(way, given | {"kept": str(Path(folder) / f"{name}-{turn}.sqlite3")})
                found[f"{name}_s"] = min(seen["s"], found.get(f"{name}_s", seen["s"]))
                found[f"{name}_mb"] = max(seen["mb"], found.get(f"{name}_mb", 0))
        found |= {f"sdk_list_{name}": value for name, value in _child("list", order).items()}
        again = quick | {"kept": str(Path(folder) / "collect-0.sqlite3")}
        listing = connection.client.tasks.list(project=project, fields="task_only", include="id", page_size=50)
        for task in list(listing.items or [])[:50]:
            connection.client.annotations.create(id=task.id, result=[], lead_time=1.0)
        found |= {f"again_{name}": value for name, value in _child("collect", again).items()}
    ratios = {f"ratio{name}": round(found["sdk_as_json_s"] / found[f"collect{name}_s"], 2) for name in ("", "_http")}
    return found | ratios


def _child(what: str, order: dict[str, Any]) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", what]
    said = subprocess.run(command, input=json.dumps(order), check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, float] = json.loads(said)
    return result


def child(what: str) -> None:
    """Collect one way, and print seconds and the peak of memory above what was there before."""
    order = json.loads(sys.stdin.read())
    connection = client.connect(order["url"], order["token"])
    if "data" in order:
        connection = replace(connection, data=Path(order["data"]))
    before = _peak()
    if what == "collect":
        took = timed(lambda: _gather(connection, order["title"], Path(order["kept"])))
    elif what == "list":
        pages = connection.client.tasks.list
        took = timed(lambda: sum(1 for _ in pages(project=order["project"], fields="all", page_size=500)))
    else:
        took = timed(lambda: connection.client.projects.exports.as_json(order["project"]))
    print(json.dumps({"s": round(took, 2), "mb": round((_peak() - before) / 1e6)}))


def _gather(connection: client.Connection, title: str, kept: Path) -> None:
    """What `khabar collect` does: fetch into the store, and write every judgement to a file."""
    with cache.open_cache(kept) as db, kept.with_suffix(".jsonl").open("w", encoding="utf-8") as out:
        update_cache(db, ProjectRef(connection, title), str)
        out.writelines(f"{line}\n" for line in cache.judgements(db))


def _peak() -> int:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return int(status["VmHWM"].split()[0]) * 1024


class AtWork(threading.Thread):
    """An annotator who answers the label stream at a fixed pace; takes the time of each submission."""

    def __init__(self, place: client.Sent, login: tuple[str, str], first: float, until: float) -> None:
        super().__init__(daemon=True)
        self.place, self.login, self.next, self.until = place, login, first, until
        self.took: list[float] = []
        self.failed: list[str] = []

    def run(self) -> None:
        """Submit every EVERY seconds, until the time is over or nothing is left."""
        with annotator.log_in(self.place.url, *self.login) as me:
            while self.next < self.until and (task := me.next_task(int(self.place.project_id))):
                time.sleep(max(0.0, self.next - time.monotonic()))
                self.next += EVERY
                began = time.perf_counter()
                try:
                    me.submit(task, answers_to(task), seconds=30.0, skipped=False)
                except Exception as error:  # noqa: BLE001 - each failure is counted and shown
                    self.failed.append(repr(error)[:200])
                    continue
                self.took.append(time.perf_counter() - began)


def load(running: Server, logins: Sequence[tuple[str, str]], count: int) -> dict[str, object]:
    """As many tasks sent alone, and beside annotators who submit at their pace."""
    connection = client.connect(running.url, running.token)
    config = render_config(SCHEMA.labels)
    made = tasks(2 * count + 600)
    alone = timed(lambda: _send(connection, "load alone", config, made[:count]))
    place = _send(connection, "load labelled", config, made[count : count + 600])
    began = time.monotonic() + 3
    people = [AtWork(place, login, began + EVERY * n / len(logins), began + LASTS) for n, login in enumerate(logins)]
    for one in people:
        one.start()
    time.sleep(3 + STARTS)
    beside = timed(lambda: _send(connection, "load beside", config, made[count + 600 :]))
    for one in people:
        one.join()
    took = sorted(seconds for one in people for seconds in one.took)
    counted = connection.client.projects.get(id=int(place.project_id)).total_annotations_number
    return {
        "annotators": len(people), "submitted": len(took), "failed": [why for one in people for why in one.failed],
        "counted_by_server": counted, "tasks_sent": count, "send_alone_s": round(alone, 2),
        "send_beside_s": round(beside, 2), "ratio": round(beside / alone, 2),
        "p50_s": round(statistics.median(took), 3), "p95_s": round(took[int(0.95 * len(took))], 3), "max_s": round(took[-1], 3),
    }  # fmt: skip


def both(running: Server, made: Sequence[dict[str, Any]], file: Path | None) -> dict[str, object]:
    """Send and collect, each beside the SDK."""
    return {"collect": collect_beside_sdk(running, made, file), "send": send_beside_sdk(running, made)}


def _send(connection: client.Connection, title: str, config: str, made: Sequence[dict[str, Any]]) -> client.Sent:
    return client.send(connection, title, config, made, overlap=1, progress=lambda _: None)


def main() -> None:
    """Start a server, measure, stop it, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10_000, help="tasks to send (default 10000)")
    parser.add_argument("--load", action="store_true", help="measure a send beside annotators instead")
    parser.add_argument(
        "--database", help="a Postgres for Label Studio: postgresql://user@127.0.0.1:port/name, with PGPASSWORD"
    )
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / ".khabar" / "studio"
        logins = new_credentials([f"annotator{number}" for number in range(ANNOTATORS)])
        database = postgres.database_of(options.database) if options.database else None
        running = up(work, accounts=logins, database=database, progress=lambda _: None)
        try:
            found = (
                load(running, logins, 2000)
                if options.load
                else both(running, tasks(options.tasks), data_dir.database_file(work))
            )
        finally:
            down(work)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
