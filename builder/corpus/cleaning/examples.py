"""The examples of boilerplate rules: lines that a rule must match, must leave, and that end its box."""

import re

from builder.corpus.cleaning.rules import compile_rule, every_rule
from builder.records import Issue
from builder.schema.boilerplate import Boilerplate, CutRule, LineRule, ListRule
from builder.text.profiles import profile


def check_examples(rules: Boilerplate) -> list[Issue]:
    """Return an issue for each example that its rule fails: lines to match, lines to leave, and lines that end a box."""
    issues: list[Issue] = []
    for rule in every_rule(rules):
        where, fix = f"schema/boilerplate.yaml: {rule.id}", "correct the pattern or the example"
        issues += [Issue("error", "example", fault, where=where, fix=fix) for fault in _faults(rule)]
    return issues


def _faults(rule: CutRule | LineRule | ListRule) -> list[str]:
    takes, examples = compile_rule(rule).takes, rule.examples
    faults = [f"does not match its example {line!r}" for line in examples.matches if not takes(_seen(line))]
    faults += [f"matches {line!r}, which is listed under `leaves`" for line in examples.leaves if takes(_seen(line))]
    if isinstance(rule, CutRule) and rule.until is not None:
        ends = re.compile(rule.until).search
        faults += [
            f"`until` does not match {line!r}, which is listed under `ends`"
            for line in examples.ends
            if not ends(_seen(line))
        ]
        faults += [
            f"`until` matches {line!r}, which is listed under `inside`" for line in examples.inside if ends(_seen(line))
        ]
        if len(examples.inside) >= rule.at_most:
            faults.append(
                f"`at_most` ({rule.at_most}) must exceed the number of lines under `inside` ({len(examples.inside)})"
            )
    return faults


def _seen(line: str) -> str:
    """Return a line as rules match it: normalized, folded and with single spaces."""
    standard = profile("standard@1")
    return " ".join(standard.fold(standard.apply(line).text).split())
