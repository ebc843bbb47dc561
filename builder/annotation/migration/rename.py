"""Rewriting of annotation files to other names. A line that has no old name keeps its bytes."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.annotation.migration.versions import Renames
from builder.records import Dropped

Plain = dict[str, Any]


@dataclass(slots=True)
class Rewritten:
    """What was done to the lines of a file: how many changed, and the spans and answers that say a thing twice."""

    lines: int = 0
    aside: list[Dropped] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Twin:
    """A span that a merge made equal to one that is kept, both as they were."""

    dropped: Plain
    kept: Plain


TWICE = "had both labels"
"""Reason for leaving out a span whose label was merged into one that the same words already have."""

DIFFER = "answers of merged targets differ"
"""Reason for annotating an article again: one annotator answered two targets, which are one now, in two ways."""


def rewrite_lines(
    content: bytes, renames: Renames, change: Callable[[Plain, Renames, Rewritten], Plain], done: Rewritten
) -> bytes:
    """Return a JSON Lines file with other names. Lines that cannot be parsed stay, for `check` to report."""
    old = [re.escape(name) for names in renames.values() for name in names]
    if not old:
        return content
    holds = re.compile("(?<![\\w-])(?:" + "|".join(old) + ")(?![\\w-])")
    return b"".join(_line(line, holds, renames, change, done) for line in content.splitlines(keepends=True))


def _line(
    line: bytes, holds: re.Pattern[str], renames: Renames, change: Callable[[Plain, Renames, Rewritten], Plain], done: Rewritten
) -> bytes:  # fmt: skip
    if not holds.search(line.decode("utf-8", "replace")):
        return line
    try:
        plain = json.loads(line)
        made = change(plain, renames, done)
    except (ValueError, KeyError, TypeError, AttributeError):
        return line
    if made == plain:
        return line
    done.lines += 1
    return json.dumps(made, ensure_ascii=False).encode() + b"\n" * line.endswith(b"\n")


def rename_answers(plain: Plain, renames: Renames, done: Rewritten) -> Plain:
    """Return a judgement, decision or published annotation with other names of its labels, targets and answers.

    Of two equal spans of one annotation that a merge makes, the first is kept, and relations follow it.
    """
    spans, twins = _spans(plain.get("spans"), renames["entities"])
    name = f"{plain['article_id']} of {plain.get('annotator') or plain.get('adjudicator') or plain.get('who')}"
    done.aside += [Dropped("migrate", f"{place(twin.dropped)} in {name}", TWICE) for twin in twins]
    made = plain | ({"spans": spans} if plain.get("spans") else {})
    if plain.get("stances"):
        made["stances"] = _stances(plain["stances"], renames)
        if len({one["target"] for one in made["stances"]}) < len(made["stances"]):
            done.counts[plain["article_id"]] += 1
    if plain.get("relations") and twins:
        made["relations"] = _relations(plain["relations"], {twin.dropped["id"]: twin.kept["id"] for twin in twins})
    return made


def _spans(spans: Sequence[Plain] | None, names: Mapping[str, str]) -> tuple[list[Plain], list[_Twin]]:
    """Return spans with other labels, sorted, and the spans of other labels that a merge made equal to one of them.

    A span that was drawn twice with one label stays twice.
    """
    kept: dict[tuple[int, int, str], Plain] = {}
    out: list[Plain] = []
    twins: list[_Twin] = []
    for span in spans or ():
        own = span | {"label": names.get(span["label"], span["label"])}
        first = kept.setdefault((own["start"], own["end"], own["label"]), span)
        if first["label"] == span["label"]:
            out.append(own)
        else:
            twins.append(_Twin(span, first))
    return sorted(out, key=lambda one: (one["start"], one["end"], one["label"], one.get("id", ""))), twins


def place(span: Plain) -> str:
    """Return the place and label of a span as text."""
    return f"span {span['start']}:{span['end']} {span['label']}"


def _stances(stances: Iterable[Plain], renames: Renames) -> list[Plain]:
    """Return stances with other targets and values, each once, sorted."""
    targets, values = renames["targets"], renames["values"]
    made = {(targets.get(s["target"], s["target"]), values.get(s["value"], s["value"])) for s in stances}
    return [{"target": target, "value": value} for target, value in sorted(made)]


def _relations(relations: Iterable[Plain], kept: Mapping[str, str]) -> list[Plain]:
    ends = ("from_id", "to_id")
    return [one | {end: kept.get(one[end], one[end]) for end in ends} for one in relations]


def rename_dispute(plain: Plain, renames: Renames, done: Rewritten) -> Plain:
    """Return a dispute with other names of its target and of the answers of each annotator.

    Questions on the whole article have names of their own.
    """
    del done
    answers = {who: rename_choice(plain["what"], said, renames) for who, said in plain["answers"].items()}
    return plain | {"what": rename_question(plain["what"], renames), "answers": answers}


def rename_question(what: str, renames: Renames) -> str:
    """Return what a question is about with the other name of its target; `what` is a target, or the subject of a vote.

    >>> names = {"entities": {}, "targets": {"metro": "subway"}, "values": {}}
    >>> [rename_question(what, names) for what in ("metro", "stance:metro", "question:metro", "span:0:4")]
    ['subway', 'stance:subway', 'question:metro', 'span:0:4']
    """
    kind, colon, target = what.rpartition(":")
    return f"{kind}{colon}{renames['targets'].get(target, target)}" if kind in {"", "stance"} else what


def rename_choice(what: str, said: str, renames: Renames) -> str:
    """Return the answer to a question with other names: labels about a passage, the value of a stance, or as it is."""
    if what.startswith("question:"):
        return said
    names = renames["entities" if what.startswith("span:") else "values"]
    return "+".join(names.get(one, one) for one in said.split("+"))


def rename_asked(plain: Plain, renames: Renames, done: Rewritten) -> Plain:
    """Return what a page asked of adjudicators with other names of its settled mentions and of its questions."""
    settled, _ = _spans(plain["settled"], renames["entities"])
    return plain | {
        "settled": settled, "questions": [rename_dispute(one, renames, done) for one in plain["questions"]]
    }  # fmt: skip
