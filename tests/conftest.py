"""What all tests share: where things are, and a project to work in."""

import os
import signal
import subprocess
import sys
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


def pytest_configure(config):
    # A shell starts what runs in the background with Ctrl-C ignored, and tests press it in children, who inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # `make test-fast` goes through fewer examples; `make test` through all.
    if "not slow" in config.option.markexpr and not config.getoption("--hypothesis-profile"):
        settings.load_profile("fast")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("shared") and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason="the shared data folder is not beside the project"))


def pytest_terminal_summary(terminalreporter):
    """Print which cases were drawn, whichever process ran them."""
    for report in (one for reports in terminalreporter.stats.values() for one in reports):
        if getattr(report, "when", "") == "call":
            for name, drawn in report.user_properties:
                terminalreporter.write_line(f"{name} {report.nodeid}: {drawn}")


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
