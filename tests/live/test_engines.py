"""The same bytes from processes, a Ray of two nodes and a Dask of two workers, on loopback; and with a worker killed."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from builder.executor.start import engine
from tests.builders import fresh
from tests.executor.poison import Poison, bytes_of, pipeline
from tests.live.environments import python_with
from tests.news import CHAIN, TEXTS, digest, lines

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
NEEDS = ("numpy", "pyarrow", "pydantic", "pyyaml", "fsspec", "pyarabic", "lxml", "krippendorff")
KILLER = "خبر 1000 من مرجانة"
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
"""Ray lets in who has the token: one for these tests, so that none is written into the home folder."""


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """What processes of this machine make, undisturbed: here, in an environment without either cluster."""
    place = tmp_path_factory.mktemp("engines") / "calm"
    with engine("local", 1) as pmap:
        pipeline(place, pmap, Poison())
    return bytes_of(place)


@pytest.fixture(scope="module")
def ray():
    return python_with("khabar-ray-2.60.0-lxml", "-c", str(ROOT / "constraints.txt"), "ray==2.60.0", *NEEDS)


@pytest.fixture(scope="module")
def dask():
    return python_with(
        "khabar-distributed-2026.8.0-lxml", "-c", str(ROOT / "constraints.txt"), "distributed==2026.8.0", *NEEDS
    )


@pytest.fixture
def short(tmp_path_factory):
    """A folder whose name is short enough for Ray's sockets."""
    with tempfile.TemporaryDirectory(prefix="ray.", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _environment(**more):
    return os.environ | QUIET | TOKEN | {"PYTHONPATH": str(ROOT)} | more


def _run(python, name, place, *, killer="", **environment):
    code = "import sys; from tests.executor.poison import main; main(*sys.argv[1:])"
    done = subprocess.run([python, "-c", code, name, "2", str(place), killer, "0"], cwd=ROOT, timeout=300, check=False,
                          env=_environment(**environment), capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return bytes_of(place)


@contextmanager
def _started(*command, **environment):
    """A process of a session of its own, ended with all that it started."""
    with subprocess.Popen(command, cwd=ROOT, env=_environment(**environment), start_new_session=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:  # fmt: skip
        try:
            yield child
        finally:
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)


def _port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(python, code, **environment):
    """Wait until a short program says so."""
    for _ in range(60):
        done = subprocess.run([python, "-c", code], env=_environment(**environment), capture_output=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(1)
    raise AssertionError(done.stderr.decode()[-2000:])


@contextmanager
def _two_nodes(python, folder):
    """A Ray of two nodes with one core each; gives back its address."""
    ray = str(Path(python).with_name("ray"))
    address = f"127.0.0.2:{_port()}"  # an address of loopback for each node: 127.0.0.1 Ray replaces by the outer one
    common = ["--num-cpus=1", "--object-store-memory=80000000", "--block",
              "--disable-usage-stats", "--min-worker-port=0", "--max-worker-port=0"]  # fmt: skip
    head = [ray, "start", "--head", f"--port={address.rpartition(':')[2]}", "--include-dashboard=false", "--node-ip-address=127.0.0.2",
            f"--temp-dir={folder}"]  # fmt: skip
    both = "import ray; ray.init(log_to_driver=False); assert len([n for n in ray.nodes() if n['Alive']]) == {}"
    with ExitStack() as stack:
        stack.enter_context(_started(*head, *common))
        _wait(python, both.format(1), RAY_ADDRESS=address)
        stack.enter_context(_started(ray, "start", f"--address={address}", "--node-ip-address=127.0.0.3", *common))
        _wait(python, both.format(2), RAY_ADDRESS=address)
        yield address


@contextmanager
def _two_workers(python, folder):
    """A Dask scheduler with two worker processes; gives back its address."""
    dask = [str(python), "-m", "distributed.cli.dask_scheduler"], [str(python), "-m", "distributed.cli.dask_worker"]
    address = f"tcp://127.0.0.1:{_port()}"
    scheduler = ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
    worker = [address, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(folder)]
    both = "from distributed import Client; c = Client(timeout=2); assert len(c.scheduler_info()['workers']) == 2"
    with ExitStack() as stack:
        stack.enter_context(_started(*dask[0], *scheduler))
        for _ in range(2):
            stack.enter_context(_started(*dask[1], *worker))
        _wait(python, both, DASK_SCHEDULER_ADDRESS=address)
        yield address


def _gathered(python, name, folder, **environment):
    """What the verbs from files to a batch make on an engine."""
    project = fresh(folder / name)
    inputs = [lines(folder / name / f"{number}" / "nasim.jsonl", TEXTS[number::4]) for number in range(4)]
    code = CHAIN.replace("(workers=2)", f"({name!r}, 2)")
    done = subprocess.run([python, "-c", code, str(project.root), *map(str, inputs)], cwd=ROOT, timeout=300, check=False,
                          env=_environment(**environment), capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return digest(project)


def test_the_verbs_make_the_same_on_each_engine(ray, dask, tmp_path, short):
    here = _gathered(sys.executable, "local", tmp_path)
    with _two_nodes(ray, short) as address:
        assert _gathered(ray, "ray", tmp_path, RAY_ADDRESS=address) == here
    with _two_workers(dask, tmp_path) as address:
        assert _gathered(dask, "dask", tmp_path, DASK_SCHEDULER_ADDRESS=address) == here


def test_ray_of_this_machine_makes_the_same_bytes(ray, calm, tmp_path):
    assert _run(ray, "ray", tmp_path / "own") == calm


def test_ray_on_two_nodes_gives_the_same_bytes_after_a_kill(ray, calm, tmp_path, short):
    with _two_nodes(ray, short) as address:
        assert _run(ray, "ray", tmp_path / "two", RAY_ADDRESS=address) == calm
        assert _run(ray, "ray", tmp_path / "killed", killer=KILLER, RAY_ADDRESS=address) == calm
    assert (tmp_path / "killed.flag").exists()


def test_dask_of_this_machine_makes_the_same_bytes(dask, calm, tmp_path):
    assert _run(dask, "dask", tmp_path / "own") == calm


def test_dask_on_two_workers_gives_the_same_bytes_after_a_kill(dask, calm, tmp_path):
    with _two_workers(dask, tmp_path) as address:
        assert _run(dask, "dask", tmp_path / "two", DASK_SCHEDULER_ADDRESS=address) == calm
        assert _run(dask, "dask", tmp_path / "killed", killer=KILLER, DASK_SCHEDULER_ADDRESS=address) == calm
    assert (tmp_path / "killed.flag").exists()


@pytest.mark.parametrize(
    ("name", "variable", "address"),
    [("dask", "DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:{}"), ("ray", "RAY_ADDRESS", "127.0.0.2:{}")],
)
def test_a_cluster_that_does_not_answer_is_named(request, name, variable, address, tmp_path):
    python, address = request.getfixturevalue(name), address.format(_port())
    code = ("from builder.executor.start import engine\nfrom builder.records import KhabarError\n"
            f"try:\n    with engine({name!r}): pass\n"
            "except KhabarError as error: print(error.exit_code, error.issues[0].message, '|', error.issues[0].fix)\n"
            )  # fmt: skip
    more = {
        variable: address,
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s",
    }
    done = subprocess.run([python, "-c", code], cwd=ROOT, env=_environment(**more), capture_output=True, text=True,
                          timeout=200, check=False)  # fmt: skip
    last = done.stdout.strip().split("\n")[-1]
    assert last.startswith(f"3 no cluster answers at {address}: "), done.stderr[-2000:]
    assert last.endswith(f"| check {variable}, and that the cluster is running")


@pytest.mark.parametrize(("name", "how"), [("ray", "WorkerCrashedError"), ("dask", "KilledWorker")])
def test_worker_deaths_and_exceptions_are_named(request, name, how):
    code = (
        "import sys\nfrom builder.executor.start import engine\nfrom builder.records import KhabarError\n"
        "from tests.executor import poison\n"
        "if __name__ == '__main__':\n"
        "    with engine(sys.argv[1], 2) as pmap:\n"
        "        print(sorted(pmap(poison.square, range(5))), list(pmap(poison.square, [])))\n"
        "        try: list(pmap(poison.die, range(6)))\n"
        "        except KhabarError as error: print(error.exit_code, error.issues[0].message)\n"
        "        try: list(pmap(poison.fail, range(4)))\n"
        "        except KeyError as error: print(error)\n"
    )
    done = subprocess.run([request.getfixturevalue(name), "-c", code, name], cwd=ROOT, env=_environment(), timeout=200,
                          capture_output=True, text=True, check=True)  # fmt: skip
    said = [line for line in done.stdout.splitlines() if "raylet" not in line]
    assert said == [
        "[0, 1, 4, 9, 16] []",
        f"5 every worker that ran 3 died ({how}); the other results are kept",
        "'two'",
    ]


def test_each_engine_ends_without_a_process_left(ray, dask, tmp_path):
    for name, python in (("ray", ray), ("dask", dask)):
        _run(python, name, tmp_path / name)
    time.sleep(2)
    commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(ray.parent.parent) not in commands
    assert str(dask.parent.parent) not in commands
