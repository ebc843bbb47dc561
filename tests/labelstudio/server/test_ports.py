"""Which process is a project's server."""

import os
import signal
import time

from builder.labelstudio.server.install import LAUNCHER
from builder.labelstudio.server.ports import command_line, is_ours


def test_a_server_is_known_from_its_first_moment(tmp_path):
    (tmp_path / "data").mkdir()
    command = ["/bin/sh", "-c", "sleep 60", str(LAUNCHER), str(tmp_path / "data")]
    known = []
    for _ in range(100):  # the kernel shows no arguments of a process whose program it is loading
        pid = os.posix_spawn(command[0], command, os.environ, setsid=True)
        known.append(is_ours(pid, tmp_path))
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    assert known == [True] * 100
    assert not is_ours(pid, tmp_path)


def test_a_process_that_ended_has_no_arguments_and_costs_no_time():
    pid = os.posix_spawn("/bin/true", ["/bin/true"], os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    start = time.monotonic()

    assert command_line(pid) == [b""]
    assert time.monotonic() - start < 0.5, "it does not wait for a program that never comes"
    os.waitpid(pid, 0)
    assert command_line(pid) == []
