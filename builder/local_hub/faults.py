"""What is to go wrong at which call of the rehearsal Hub, as a test plans it."""

import threading
from dataclasses import dataclass, field

DROP, LOSE, KILL = "drop", "lose", "kill"
"""Hang up instead of answering; do it, then hang up; end the Hub's process instead of answering."""

Fault = int | str
"""An HTTP status, or one of these."""


@dataclass(slots=True)
class Planned:
    """A fault at one call, counted from 1 since it was planned; `lasting` has every later call fail with it."""

    at: int = 0
    kind: Fault = 0
    lasting: bool = False
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, at: int, kind: Fault, *, lasting: bool) -> None:
        """Forget the calls so far, and have this go wrong."""
        with self.lock:
            self.at, self.kind, self.lasting = at, kind, lasting
            self.calls.clear()

    def meet(self, call: str) -> Fault:
        """Count a call; what is to go wrong with it, or 0."""
        with self.lock:
            self.calls.append(call)
            number = len(self.calls)
            struck = self.at and (number >= self.at if self.lasting else number == self.at)
            return self.kind if struck else 0
