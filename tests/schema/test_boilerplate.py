"""The models of schema/boilerplate.yaml: evidence and parts of a line."""

import pytest
from pydantic import ValidationError

from builder.schema.boilerplate import Boilerplate

EXAMPLES = {"matches": ["x"], "leaves": ["y"]}
KINDS = {"cuts": {"action": "drop_line"}, "lines": {}, "lists": {}}


def rule(kind="lines", **fields):
    return {"id": f"own-{kind}", "match": "^x", "examples": EXAMPLES, **KINDS[kind], **fields}


def parse(**fields):
    return Boilerplate.model_validate({"version": 1, **fields})


def rules_of(owner):
    return [*owner.cuts, *owner.lines, *owner.lists]


def test_evidence_is_supporting_by_default_and_hard_for_a_source():
    shared = parse(**{kind: [rule(kind)] for kind in KINDS})
    own = parse(sources={"s": {kind: [rule(kind)] for kind in KINDS}})

    assert [one.evidence for one in rules_of(shared)] == ["supporting"] * 3
    assert [one.evidence for one in rules_of(own.sources["s"])] == ["hard"] * 3


@pytest.mark.parametrize("evidence", ["hard", "supporting"])
def test_stated_evidence_is_kept(evidence):
    stated = {kind: [rule(kind, evidence=evidence)] for kind in KINDS}
    shared, own = parse(**stated), parse(sources={"s": stated})

    assert {one.evidence for one in (*rules_of(shared), *rules_of(own.sources["s"]))} == {evidence}


def test_evidence_survives_a_second_parse():
    once = parse(lines=[rule()], sources={"s": {"lines": [rule(id="mine")]}})

    assert Boilerplate.model_validate(once.model_dump()) == once
    assert Boilerplate.model_validate_json(once.model_dump_json()) == once
    assert hash(Boilerplate.model_validate(once.model_dump())) == hash(once)


def test_unknown_evidence_is_an_error():
    with pytest.raises(ValidationError, match="Input should be 'hard' or 'supporting'"):
        parse(lines=[rule(evidence="soft")])


@pytest.mark.parametrize(
    ("takes", "match"),
    [
        ("prefix", "^x"), ("prefix", "^(?:x|y)"), ("prefix", "^x|^y"), ("prefix", "^x$"),
        ("suffix", "x$"), ("suffix", "(?:x|y)$"), ("suffix", r"(?<=\.)\s*x.*$"),
    ],
)  # fmt: skip
def test_part_of_a_line_is_anchored(takes, match):
    assert parse(lines=[rule(match=match, takes=takes)]).lines[0].takes == takes


@pytest.mark.parametrize(
    ("takes", "match", "message"),
    [
        ("prefix", "x", r"anchored with \^"), ("prefix", "^x|y", r"anchored with \^"), ("prefix", "(?:^x|y)", r"anchored with \^"),
        ("prefix", r"\bx", r"anchored with \^"),
        ("suffix", "^x", r"anchored with \$"), ("suffix", "x$|y", r"anchored with \$"), ("suffix", r"x\$", r"anchored with \$"),
    ],
)  # fmt: skip
def test_part_of_a_line_without_anchor_is_an_error(takes, match, message):
    with pytest.raises(ValidationError, match=message):
        parse(lines=[rule(match=match, takes=takes)])


def test_part_of_a_line_cannot_be_kept():
    with pytest.raises(ValidationError, match="extract_only"):
        parse(lines=[rule(takes="prefix", extract_only=True)])


def test_a_rule_takes_the_line_by_default():
    assert parse(lines=[rule()]).lines[0].takes == "line"
