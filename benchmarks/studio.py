"""Benchmark of sending to and collecting from a real Label Studio, compared with its SDK, and of its load capacity.

    python benchmarks/studio.py --tasks 10000              send and collect, compared with the SDK
    python benchmarks/studio.py --load [--database URL]    send 2,000 tasks while 12 annotators work

Starts its own servers on the loopback interface, in a temporary folder. Prints JSON.
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
"""Annotators; seconds between their submissions; seconds of work; seconds until the send begins."""
ROUNDS = 2
"""Runs of each way of collecting, in turn; the fastest one counts."""


def tasks(count: int) -> list[dict[str, Any]]:
    """Generate `count` tasks of synthetic news."""
    letters = " ".join(news(count * LENGTH * 2, 7)).replace("\r", " ")
    guide = guide_html(SCHEMA.guidelines)
    generated: list[dict[str, Any]] = []
    for number in range(count):
        text = letters[number * LENGTH : (number + 1) * LENGTH].strip()
        article = Article(f"{number:016x}-0", f"{number:016x}", 0, "خبر", text, (), (), "standard@1+0", sha16(text))
        item = BatchItem("bench", article.id, article.text_sha, article.id, "x")
        generated.append(task_of(article, item, SCHEMA, "x", guide))
    return generated


def answers_to(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return spans and an answer to each question, in the format that the web page submits."""
    text = task["data"]["text"]
    step = len(text) // SPANS
    names = SCHEMA.labels.entity_names
    spans = [Span(n * step, n * step + 5, names[n % len(names)], f"s{n}") for n in range(SPANS)]
    stances = [Stance(target["id"], "neutral") for target in task["data"]["targets"] if target["id"] != "-"]
    return result_of(spans, stances, task["data"])


def timed(call: Any) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def send_beside_sdk(running: Server, to_send: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Send the same tasks with khabar and one by one with the SDK."""
    connection = client.connect(running.url, running.token)
    config = render_config(SCHEMA.labels)
    khabar = timed(lambda: client.send(connection, "bench send", config, to_send, overlap=2, progress=lambda _: None))
    project = connection.client.projects.create(title="bench sdk", label_config=config)

    def loop() -> None:
        for task in to_send:
            connection.client.tasks.create(project=project.id, data=task["data"])

    plain = timed(loop)
    return {"tasks": len(to_send), "send_s": khabar, "sdk_loop_s": plain, "ratio": plain / khabar}


def collect_beside_sdk(running: Server, to_send: Sequence[dict[str, Any]], file: Path | None) -> dict[str, float]:
    """Collect annotated tasks with khabar, first all and then 50 changed ones, and export them with the SDK.

    Each run is in its own process, whose peak memory is measured. Of the SDK's ways, `as_json` returns everything in
    one call and is the baseline of the ratios. `list` pages through the tasks, runs once, and returns incomplete
    answers. khabar reads the database file of an embedded server if there is one; `http` is without it.
    """
    connection = client.connect(running.url, running.token)
    title = "bench collect"
    sent = _send(connection, title, render_config(SCHEMA.labels), [])
    project = int(sent.project_id)
    for start in range(0, len(to_send), 500):
        part = [
            {**task, "annotations": [{"result": answers_to(task), "ground_truth": False, "lead_time": 30.0}]}
            for task in to_send[start : start + 500]
        ]
        connection.client.projects.import_tasks(project, request=part)
    results: dict[str, float] = {"tasks": len(to_send)}
    with tempfile.TemporaryDirectory() as folder:
        order = {"url": running.url, "token": running.token, "title": title, "project": project}
        direct = order | {"data": str(file)} if file else order
        ways = {"sdk_as_json": ("as_json", order), "collect_http": ("collect", order), "collect": ("collect", direct)}
        for turn in range(ROUNDS):
            for name, (way, arguments) in ways.items():
                measured = _child(way, arguments | {"kept": str(Path(folder) / f"{name}-{turn}.sqlite3")})
                results[f"{name}_s"] = min(measured["s"], results.get(f"{name}_s", measured["s"]))
                results[f"{name}_mb"] = max(measured["mb"], results.get(f"{name}_mb", 0))
        results |= {f"sdk_list_{name}": value for name, value in _child("list", order).items()}
        again = direct | {"kept": str(Path(folder) / "collect-0.sqlite3")}
        listing = connection.client.tasks.list(project=project, fields="task_only", include="id", page_size=50)
        for task in list(listing.items or [])[:50]:
            connection.client.annotations.create(id=task.id, result=[], lead_time=1.0)
        results |= {f"again_{name}": value for name, value in _child("collect", again).items()}
    baseline = results["sdk_as_json_s"]
    return results | {f"ratio{name}": round(baseline / results[f"collect{name}_s"], 2) for name in ("", "_http")}


def _child(what: str, order: dict[str, Any]) -> dict[str, float]:
    """Run `child` in a process of its own."""
    command = [sys.executable, __file__, "--child", what]
    output = subprocess.run(command, input=json.dumps(order), check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, float] = json.loads(output)
    return result


def child(what: str) -> None:
    """Collect in one way, and print the seconds and the increase of peak memory in MB."""
    order = json.loads(sys.stdin.read())
    connection = client.connect(order["url"], order["token"])
    if "data" in order:
        connection = replace(connection, data=Path(order["data"]))
    before = _peak()
    if what == "collect":
        seconds = timed(lambda: _gather(connection, order["title"], Path(order["kept"])))
    elif what == "list":
        pages = connection.client.tasks.list
        seconds = timed(lambda: sum(1 for _ in pages(project=order["project"], fields="all", page_size=500)))
    else:
        seconds = timed(lambda: connection.client.projects.exports.as_json(order["project"]))
    print(json.dumps({"s": round(seconds, 2), "mb": round((_peak() - before) / 1e6)}))


def _gather(connection: client.Connection, title: str, kept: Path) -> None:
    """Do what `khabar collect` does: fetch into the local cache and write every judgement to a file."""
    with cache.open_cache(kept) as db, kept.with_suffix(".jsonl").open("w", encoding="utf-8") as out:
        update_cache(db, ProjectRef(connection, title), str)
        out.writelines(f"{line}\n" for line in cache.judgements(db))


def _peak() -> int:
    """Return the peak resident memory of this process in bytes."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return int(status["VmHWM"].split()[0]) * 1024


class AtWork(threading.Thread):
    """A simulated annotator who submits answers at a fixed pace and records the time of each submission."""

    def __init__(self, place: client.Sent, login: tuple[str, str], first: float, until: float) -> None:
        super().__init__(daemon=True)
        self.place, self.login, self.next, self.until = place, login, first, until
        self.took: list[float] = []
        self.failed: list[str] = []

    def run(self) -> None:
        """Submit an answer every EVERY seconds until the time is up or no task is left."""
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
    """Measure sending `count` tasks alone, and while annotators submit at their pace."""
    connection = client.connect(running.url, running.token)
    config = render_config(SCHEMA.labels)
    generated = tasks(2 * count + 600)
    alone = timed(lambda: _send(connection, "load alone", config, generated[:count]))
    sent = _send(connection, "load labelled", config, generated[count : count + 600])
    began = time.monotonic() + 3
    people = [AtWork(sent, login, began + EVERY * n / len(logins), began + LASTS) for n, login in enumerate(logins)]
    for person in people:
        person.start()
    time.sleep(3 + STARTS)
    beside = timed(lambda: _send(connection, "load beside", config, generated[count + 600 :]))
    for person in people:
        person.join()
    took = sorted(seconds for person in people for seconds in person.took)
    counted = connection.client.projects.get(id=int(sent.project_id)).total_annotations_number
    return {
        "annotators": len(people), "submitted": len(took), "failed": [error for person in people for error in person.failed],
        "counted_by_server": counted, "tasks_sent": count, "send_alone_s": round(alone, 2),
        "send_beside_s": round(beside, 2), "ratio": round(beside / alone, 2),
        "p50_s": round(statistics.median(took), 3), "p95_s": round(took[int(0.95 * len(took))], 3), "max_s": round(took[-1], 3),
    }  # fmt: skip


def both(running: Server, to_send: Sequence[dict[str, Any]], file: Path | None) -> dict[str, object]:
    """Measure collecting and sending, each compared with the SDK."""
    return {"collect": collect_beside_sdk(running, to_send, file), "send": send_beside_sdk(running, to_send)}


def _send(connection: client.Connection, title: str, config: str, to_send: Sequence[dict[str, Any]]) -> client.Sent:
    """Send tasks to a new Label Studio project, without progress output."""
    return client.send(connection, title, config, to_send, overlap=1, progress=lambda _: None)


def main() -> None:
    """Start a server, run the benchmark, stop the server and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10_000, help="tasks to send (default 10000)")
    parser.add_argument("--load", action="store_true", help="measure sending while annotators work")
    parser.add_argument(
        "--database",
        help="PostgreSQL database for Label Studio (postgresql://user@127.0.0.1:port/name; set PGPASSWORD)",
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
            results = (
                load(running, logins, 2000)
                if options.load
                else both(running, tasks(options.tasks), data_dir.database_file(work))
            )
        finally:
            down(work)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
