"""What all tests share: where things are, and a project to work in."""

import os
import signal
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from builder.commands.init import init
from builder.project.project import Project

ROOT = Path(__file__).parent.parent
# On a clean machine the same examples each time; elsewhere new ones, and `--hypothesis-profile deep` for many.
settings.register_profile("khabar", deadline=None, derandomize="CI" in os.environ)
settings.register_profile("deep", deadline=None, max_examples=2000)
settings.register_profile("fast", deadline=None, derandomize="CI" in os.environ, max_examples=25)
settings.load_profile("khabar")
SHARED = ROOT.parent / "shared" / "data"
EVERY = os.environ.get("KHABAR_ALL_FAULTS") == "1"
DAY = int(os.environ.setdefault("KHABAR_DAY", str(datetime.now(UTC).toordinal())))
"""Which part of large grids of cases is run: another one each day. Processes that share the tests inherit it."""


def pytest_configure(config):
    # A shell starts what runs in the background with Ctrl-C ignored, and tests press it in children, who inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # `make test-fast` goes through fewer examples; `make test` through all.
    if "not slow" in config.option.markexpr and not config.getoption("--hypothesis-profile"):
        settings.load_profile("fast")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.get_closest_marker("shared") and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason="the shared data folder is not beside the project"))
    left = not_drawn(items)
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def drawn(cases, parts):
    """The day's part of a grid of cases, spread over the whole grid; all of them with KHABAR_ALL_FAULTS=1."""
    return cases if EVERY else cases[DAY % parts :: parts]


def not_drawn(items):
    """The cases of grids, marked `drawn`, that are left to other days."""
    grids = defaultdict(list)
    for item in items:
        if mark := item.get_closest_marker("drawn"):
            grids[item.path, item.originalname, *mark.args].append(item)
    left = set()
    for (_, _, parts), cases in grids.items():
        if len(cases) > parts:  # else they were asked for by name
            here = drawn(cases, parts)
            left |= {*cases} - {*here}
            for case in here:
                case.user_properties.append(("drawn", f"{len(here)} of {len(cases)} cases, KHABAR_DAY={DAY}"))
    return left


def pytest_terminal_summary(terminalreporter):
    """Print which cases were drawn, whichever process ran them."""
    said = defaultdict(list)
    for report in (one for reports in terminalreporter.stats.values() for one in reports):
        if getattr(report, "when", "") == "call":
            test, _, case = report.nodeid.partition("[")
            for name, text in report.user_properties:
                said[f"{name}: {test}: {text}"].append(case.rstrip("]"))
    for line, cases in said.items():
        terminalreporter.write_line(f"{line}: {', '.join(cases)}")


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def shared() -> Path:
    return SHARED


@pytest.fixture
def project(tmp_path) -> Project:
    """A fresh project as `khabar init` makes it, with the template's prose on its card."""
    init(tmp_path / "project", card=str)
    return Project(tmp_path / "project")


@pytest.fixture
def khabar():
    """Run the real command line in a child process."""

    def run(*arguments, cwd, **environment):
        clean = {"PATH": "/usr/bin:/bin", "NO_COLOR": "1", "LANG": "C.UTF-8", "HOME": str(cwd)}
        clean["PYTHONPATH"] = str(
            Path(__file__).parents[1]
        )  # the tree that these tests stand in, whatever is installed
        return subprocess.run(
            [sys.executable, "-m", "builder", *map(str, arguments)],
            cwd=cwd, env=clean | environment, capture_output=True, text=True, timeout=280, check=False,
        )  # fmt: skip

    return run
