"""Atomic writes."""

import subprocess
import sys
import time

import pytest

from builder.io.atomic import write_bytes


@pytest.mark.slow
def test_killed_write_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "big"
    write_bytes(path, b"old" * 1000)
    code = (
        "import sys; from pathlib import Path; from builder.project.project import write_bytes\n"
        "while True: write_bytes(Path(sys.argv[1]), b'new' * 3_000_000)"
    )
    for wait in (0.25, 0.31, 0.37):
        child = subprocess.Popen([sys.executable, "-c", code, str(path)])
        time.sleep(wait)
        child.kill()
        child.wait()

        assert path.read_bytes() in (b"old" * 1000, b"new" * 3_000_000)
