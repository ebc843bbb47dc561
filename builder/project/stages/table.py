"""The table of the road: what each command reads and makes."""

from collections.abc import Mapping
from dataclasses import dataclass

from builder.project.stages.inputs import ADJUDICATION, FLOORS, OVERLAP
from builder.schema.loading import FILES

JUDGED = ("texts of batches", "judgements", "labels", "accepted changes", "withdrawals")
"""What every command reads that works on judgements."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the road: the inputs that it reads, by their names in `inputs.INPUTS`, and what it makes."""

    command: str
    reads: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()


ROAD = (
    Step("ingest", makes=("documents",)),
    Step("clean", ("documents", "the profile", "boilerplate.yaml", "counts", "khabar"), ("articles", "texts of batches")),
    Step("dedup", ("articles", "khabar"), ("groups of batches",)),
    Step("sample", makes=("batches",)),
    Step("send", ("labels.yaml", "guidelines.md")),
    Step("collect"),
    Step("check", (*JUDGED, "batches", "assignments", "known answers", "imported sets", OVERLAP)),
    Step("agree", (*JUDGED, "published annotations", FLOORS)),
    Step("adjudicate", (*JUDGED, "published annotations", "decisions", ADJUDICATION)),
    Step("build", (*JUDGED[:2], *FILES, *JUDGED[3:], "groups of batches", "batches", "counts of batches", "basis of batches",
                   "published annotations", "decisions", "takedowns", "splits", "borders of splits", "imported sets", "the card",
                   "khabar"), ("the release",)),
    Step("push", ("the release",)),
    Step("verify", ("the release",)),
)  # fmt: skip
"""The commands in their order. `sample` chooses a batch once, and people work from `send` to `collect`."""

STEPS: Mapping[str, Step] = {step.command: step for step in ROAD}
