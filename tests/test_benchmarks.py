"""Every benchmark runs at its smallest size."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

SMALLEST = {
    "annotations": ["--articles", "12", "--crowds", "60", "40", "3"],
    "bulk": ["--articles", "200", "--grown", "400", "--stock", "0"],
    "clean": ["--pages", "20", "--rounds", "1", "--shared", "nowhere"],
    "pages": [],
    "reading": ["--articles", "60"],
    "release": ["--articles", "30", "--plain", "30"],
    "road": ["--pages", "400", "--annotated", "60"],
    "selection": ["--seeds", "2", "--data", "nowhere"],
    "studio": ["--help"],
    "text": ["--mb", "0.02", "--slow-mb", "0.02", "--real-mb", "0.1", "--pages", "10", "--repeats", "1"],
}
"""`studio` needs a server; tests/live drives the same functions."""


@pytest.mark.parametrize("name", SMALLEST)
def test_benchmark_runs_at_its_smallest_size(name, tmp_path):
    extra = ["--out", str(tmp_path / "results.md")] if name == "text" else []
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *SMALLEST[name], *extra]
    # Small matrices on many threads wait for each other: one thread takes 33 s of processor time, two take 56.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)

    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip()


def test_every_benchmark_is_in_the_list():
    programs = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "argparse" in path.read_text("utf-8")}

    assert programs == set(SMALLEST)
