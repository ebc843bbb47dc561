"""Fault-injection plan of the local Hub: which call fails, and how."""

import threading
from dataclasses import dataclass, field

DROP, LOSE, KILL, PORTAL = "drop", "lose", "kill", "portal"
"""Kinds of fault other than an HTTP status.

DROP closes the connection before the request is handled, LOSE handles it and closes the connection without an answer,
KILL exits the Hub's process, PORTAL answers 200 with a web page, as the captive portal of a hotel does, and handles
nothing.
"""

Fault = int | str
"""An HTTP status, one of DROP, LOSE, KILL and PORTAL, or 0 for no fault."""


@dataclass(slots=True)
class FaultPlan:
    """A planned fault and the calls counted since it was planned.

    The fault hits call number `at`, counted from 1, and with `lasting` also every later call.
    """

    at: int = 0
    kind: Fault = 0
    lasting: bool = False
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, at: int, kind: Fault, *, lasting: bool) -> None:
        """Replace the planned fault and reset the call count."""
        with self.lock:
            self.at, self.kind, self.lasting = at, kind, lasting
            self.calls.clear()

    def next_call(self, call: str) -> Fault:
        """Count a call and return the fault planned for it, or 0."""
        with self.lock:
            self.calls.append(call)
            number = len(self.calls)
            hit = self.at and (number >= self.at if self.lasting else number == self.at)
            return self.kind if hit else 0
