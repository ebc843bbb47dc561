"""Commands in processes of their own, to be killed at chosen moments."""

import subprocess
import sys


def child_of(code, *arguments):
    """Start Python code that says that it is ready, and let it go on."""
    child = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    child.stdin.write("go\n")
    child.stdin.flush()
    return child
