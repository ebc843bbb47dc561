"""Ctrl-C at any moment, also while khabar starts or ends: no traceback, and the exit code of an interrupt."""

import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT

ENDS = {0, 130, -signal.SIGINT}
"""Done before it, exit code 130, or ended by the signal itself, which a shell reports as 130 too."""

DEAF = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""Ctrl-C does nothing until khabar listens to it: no program can guard the start of Python itself, however long it takes."""


@pytest.mark.slow
@pytest.mark.drawn(3)
@pytest.mark.parametrize("delay", [number / 16 for number in range(24)])
def test_interrupt_leaves_no_traceback(project, delay):
    child = subprocess.Popen(
        [*DEAF, sys.executable, "-m", "builder", "status"], cwd=project.root, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(project.root)},
    )  # fmt: skip
    time.sleep(delay)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)

    assert child.returncode in ENDS
    assert "Traceback" not in errors
    assert "bug in khabar" not in errors
