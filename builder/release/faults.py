"""Faults of the rehearsal Hub: how they strike, and how those who started it plan them over HTTP."""

import hmac
import json
import os

from builder.release.planned import KILL, Fault
from builder.release.protocol import Answer, Call, Failed, said


def suffer(fault: Fault) -> None:
    """Fail, or die, as a test planned."""
    if fault == KILL:
        os._exit(9)
    if isinstance(fault, int) and fault:
        raise Failed(fault, "a rehearsed fault", headers={"Retry-After": "1"} if fault == 429 else {})


CONTROL = "/rehearsal/faults"


def control(call: Call) -> Answer:
    """Plan a fault, for those who started the Hub with a key; the calls since the last plan are answered."""
    if not hmac.compare_digest(call.headers.get("X-Control", "").encode(), call.hub.control.encode()):
        raise Failed(403, "this Hub is not yours to break")
    calls = list(call.hub.planned.calls)
    asked = json.loads(call.body.read() or b"{}")
    call.hub.planned.plan(asked.get("at", 0), asked.get("kind", 0), lasting=asked.get("lasting", False))
    return said({"calls": calls})
