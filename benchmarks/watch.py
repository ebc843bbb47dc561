"""Processor time and memory of a command and of all processes that it starts, polled from /proc."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.2
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a command took: wall and processor seconds, and the peak of the anonymous memory of its processes in MB."""

    seconds: float
    processor: float
    peak_mb: float


def run_watched(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Used:
    """Run a command in a folder to its end and measure it; its output goes to `folder.log` beside the folder.

    Raises CalledProcessError with the end of its output if it fails.
    """
    with folder.with_suffix(".log").open("wb") as log:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env=dict(env), stdout=log, stderr=log)
        processor, peak = poll(child.pid, "Anonymous", lambda: child.poll() is None)
        seconds = time.perf_counter() - start
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, folder.with_suffix(".log").read_text()[-2000:])
    return Used(seconds, processor, peak)


def poll(root: int, memory: str, goes_on: Callable[[], bool]) -> tuple[float, float]:
    """Poll a process and its descendants; return their processor seconds and the peak of a line of smaps_rollup in MB."""
    ticks: dict[int, float] = {}
    peak = 0.0
    while goes_on():
        total = 0.0
        for pid in family(root):
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks[pid] = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(rollup.split(f"\n{memory}:")[1].split()[0]) / 1000
            except (OSError, IndexError):
                continue
        peak = max(peak, total)
        time.sleep(EVERY)
    return sum(ticks.values()), peak


def family(root: int) -> list[int]:
    """Return a process id and the ids of all its descendants."""
    children: dict[int, list[int]] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(process.name))
    pids = [root]
    for pid in pids:
        pids += children.get(pid, [])
    return pids
