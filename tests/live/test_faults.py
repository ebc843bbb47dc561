"""Every HTTP call of a push in turn goes wrong in every way: nothing half done is ever seen, and the next push ends it.

The Hub is a process of its own that breaks as it is told; the push is the real one, through huggingface_hub,
hf_xet and datasets. `KHABAR_ALL_FAULTS=1` goes through the whole grid, otherwise a seeded part of it.
"""

import dataclasses
import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from builder.local_hub import git
from tests.conftest import EVERY
from tests.live.small import ROWS, make_release

pytestmark = pytest.mark.live

KEY = "a key of this test"
KINDS = (401, 403, 409, 412, 429, 500, 503, "drop", "lose", "kill", "portal")
SEED = int(os.environ.get("KHABAR_FAULT_SEED", "5"))
TEMPLATE = "khabar-tests/template"


@dataclasses.dataclass
class Bench:
    """A Hub that breaks as told, and a process that pushes to it."""

    root: Path
    port: int
    xet: bool
    pusher: subprocess.Popen
    server: subprocess.Popen | None = None
    starts: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        command = [sys.executable, "-m", "builder.local_hub.server", str(self.root), "--port", str(self.port)]
        environment = os.environ | {"KHABAR_HUB_CONTROL": KEY}
        self.server = subprocess.Popen(
            command + ["--xet"] * self.xet, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self.server.stdout.readline().strip() == self.url
        self.starts += 1

    def stop(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def plan(self, at=0, kind=0, *, lasting=False):
        """Have a call go wrong; the calls since the last plan."""
        body = json.dumps({"at": at, "kind": kind, "lasting": lasting}).encode()
        request = urllib.request.Request(f"{self.url}/rehearsal/faults", body, {"X-Control": KEY}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)["calls"]
        except OSError:
            self.server.wait(20)
            self.server.stdout.close()
            self.start()
            return self.plan(at, kind, lasting=lasting)

    def push(self, folder, repo_id):
        self.pusher.stdin.write(json.dumps({"folder": str(folder), "repo_id": repo_id, "endpoint": self.url}) + "\n")
        self.pusher.stdin.flush()
        return json.loads(self.pusher.stdout.readline())

    def repo(self, repo_id):
        return self.root / "datasets" / f"{repo_id}.git"

    def forget_large_files(self, keep):
        """What was uploaded before would not be sent again."""
        shutil.rmtree(self.root / "lfs", ignore_errors=True)
        if keep.is_dir():
            shutil.copytree(keep, self.root / "lfs")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module", params=["lfs", "xet"])
def bench(request, tmp_path_factory):
    base = tmp_path_factory.mktemp(request.param)
    port, xet = free_port(), request.param == "xet"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | {
        "HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(base / "home"), "HF_TOKEN": "t",
        "HF_HUB_DISABLE_XET": "0" if xet else "1", "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_XET_CLIENT_RETRY_BASE_DELAY": "10ms", "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "2",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip
    (base / "home").mkdir()
    log = (base / "stderr").open("wb")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.live.pusher"], env=environment, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=log, cwd=Path(__file__).parent.parent.parent,
    ) as pusher:  # fmt: skip
        made = Bench(base / "hub", port, xet, pusher)
        made.start()
        try:
            yield made
        finally:
            pusher.kill()
            made.stop()
            log.close()


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """The version that is there, and the next, which adds a row, changes one and drops a file."""
    base = tmp_path_factory.mktemp("releases")
    rows = {"entities": {"train": ROWS["entities"]["train"], "test": ROWS["entities"]["test"]}}
    make_release(base / "old", "1.0.0", rows)
    changed = [{**ROWS["entities"]["train"][0], "text": "زارت ليلى بلدة أخرى"}, *ROWS["entities"]["test"]]
    make_release(base / "new", "1.1.0", {"entities": {"train": changed}})
    return base / "old", base / "new"


def cases(calls, rng):
    """What goes wrong where, once or from there on: everything, or at each call two kinds, and each kind somewhere."""

    def once(kind):
        return kind in {"lose", "kill"}

    if EVERY:
        every = itertools.product(range(1, calls + 1), KINDS, (False, True))
        return [(at, kind, lasting) for at, kind, lasting in every if not (lasting and once(kind))]
    drawn = itertools.cycle(rng.sample(KINDS, len(KINDS)))
    return [
        (at, kind, not once(kind) and rng.random() < 0.7)
        for at in range(1, calls + 1)
        for kind in itertools.islice(drawn, 2)
    ]


def state(repo):
    """Branches, tags, and the titles of main's history."""
    if not repo.exists():
        return {}, []
    refs = git.refs(repo)
    return refs, [one.title for one in git.log(repo, refs["refs/heads/main"])]


def holds(bench, repo, commit, folder):
    """Whether a commit holds exactly the files of a folder, byte for byte."""
    tree = git.tree.__wrapped__(repo, commit)
    files = {path: entry for path, entry in tree.items() if entry.kind == "file" and path != ".gitattributes"}
    there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = {
        path: git.large_file_path(bench.root, entry.lfs).read_bytes() if entry.lfs else git.read(repo, entry.oid)
        for path, entry in files.items()
    }
    return found == there


def start_state(bench, releases, scenario, number):
    """A dataset that holds the old version, or none."""
    repo_id = f"khabar-tests/{scenario}-{number}"
    if scenario == "update":
        shutil.copytree(bench.repo(TEMPLATE), bench.repo(repo_id))
    bench.forget_large_files(bench.root / "old-lfs" if scenario == "update" else bench.root / "none")
    return repo_id


def check_after_fault(bench, repo_id, scenario, releases, said):
    old, new = releases
    repo = bench.repo(repo_id)
    refs, history = state(repo)
    assert said["exit"] >= 0
    if not refs:
        assert scenario == "fresh"
        assert said["exit"]
        return
    head = refs["refs/heads/main"]
    before = ["Release v1.0.0", "initial commit"] if scenario == "update" else ["initial commit"]
    assert history in (before, ["Release v1.1.0", *before])
    if history == before:
        assert said["exit"] in {1, 3, 4}
        assert "refs/tags/v1.1.0" not in refs
        assert scenario == "fresh" or holds(bench, repo, head, old)
    else:
        assert holds(bench, repo, head, new)
    if "refs/tags/v1.1.0" in refs:
        assert refs["refs/tags/v1.1.0"] == head
        assert holds(bench, repo, refs["refs/tags/v1.1.0"], new)
    if said["exit"] == 0:
        assert refs["refs/tags/v1.1.0"] == said["commit"]


def check_after_next(bench, repo_id, scenario, releases, said):
    repo = bench.repo(repo_id)
    refs, history = state(repo)

    assert said["exit"] == 0, said
    assert history == ["Release v1.1.0", *(["Release v1.0.0"] if scenario == "update" else []), "initial commit"]
    assert refs["refs/tags/v1.1.0"] == refs["refs/heads/main"] == said["commit"]
    assert holds(bench, repo, said["commit"], releases[1])


@pytest.mark.timeout(7200 if EVERY else 300)
@pytest.mark.parametrize("scenario", ["update", "fresh"])
def test_interrupted_push_leaves_old_or_new_and_resumes(bench, releases, scenario, record_property):
    if not bench.repo(TEMPLATE).exists():
        assert bench.push(releases[0], TEMPLATE)["exit"] == 0
        shutil.copytree(bench.root / "lfs", bench.root / "old-lfs")
    repo_id = start_state(bench, releases, scenario, 0)
    bench.plan()
    check_after_next(bench, repo_id, scenario, releases, bench.push(releases[1], repo_id))
    calls = bench.plan()
    rng = random.Random(f"{SEED} {scenario} {bench.xet}")  # noqa: S311 - it draws cases, not secrets
    planned = cases(len(calls), rng)
    assert any("xet-write-token" in call for call in calls) == bench.xet
    assert any(call.startswith("PUT /lfs/") for call in calls) != bench.xet
    outcomes = {}
    for number, (at, kind, lasting) in enumerate(planned, 1):
        where = f"call {at} ({calls[at - 1]}) {kind}{' from there on' if lasting else ''}, seed {SEED}"
        repo_id = start_state(bench, releases, scenario, number)
        bench.plan(at, kind, lasting=lasting)
        said = bench.push(releases[1], repo_id)
        try:
            check_after_fault(bench, repo_id, scenario, releases, said)
            bench.plan()
            check_after_next(bench, repo_id, scenario, releases, bench.push(releases[1], repo_id))
        except AssertionError as error:
            raise AssertionError(f"{where}: {said}") from error
        outcomes[said["exit"]] = outcomes.get(said["exit"], 0) + 1
        shutil.rmtree(bench.repo(repo_id))
    drawn = f"{len(planned)} faults of {len(calls)} calls, seed {SEED}, exits {dict(sorted(outcomes.items()))}"
    record_property("drawn", drawn)

    assert {kind for _, kind, _ in planned} == set(KINDS)
    assert set(outcomes) <= {0, 1, 3, 4, 5}
    assert outcomes[0]
    assert outcomes[3]
