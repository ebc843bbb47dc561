"""The examples of boilerplate rules: lines that a rule must match, must leave, and that end its box."""

import re

from builder.corpus.cleaning.matching.rules import compile_rule, every_rule
from builder.records import Issue
from builder.schema.boilerplate import Boilerplate, CutRule, LineRule, ListRule, rules_of
from builder.text.profiles import profile


def check_examples(rules: Boilerplate) -> list[Issue]:
    """Return an issue for each example that its rule fails: lines to match, lines to leave, and lines that end a box."""
    issues: list[Issue] = []
    for rule in every_rule(rules):
        where, fix = f"schema/boilerplate.yaml: {rule.id}", "correct the pattern or the example"
        issues += [Issue("error", "example", fault, where=where, fix=fix) for fault in _faults(rule)]
    return issues


def check_evidence(rules: Boilerplate) -> list[Issue]:
    """Return a warning if rules do not say what evidence they are, as in files of khabar 0.1."""
    silent = [rule.id for rule in rules_of(rules) if "evidence" not in rule.model_fields_set]
    if not silent:
        return []
    return [
        Issue(
            "warning", "no-evidence",
            f"{len(silent)} rules do not say what evidence they are, and count as supporting: {', '.join(silent[:5])}"
            f"{' ...' if len(silent) > 5 else ''}",
            where="schema/boilerplate.yaml",
            fix="write `evidence: hard` where a matching line is never article text, else `evidence: supporting`; or take "
            "the rules of a new project (`khabar init DIR`)",
        )
    ]  # fmt: skip


def _faults(rule: CutRule | LineRule | ListRule) -> list[str]:
    ready, examples = compile_rule(rule), rule.examples
    faults = [f"does not match its example {_shown(line, ready.longest)}" for line in examples.matches
              if not ready.takes(_seen(line))]  # fmt: skip
    faults += [f"matches {_shown(line)}, which is listed under `leaves`" for line in examples.leaves
               if ready.takes(_seen(line))]  # fmt: skip
    if isinstance(rule, CutRule) and rule.until is not None:
        ends = re.compile(rule.until).search
        faults += [f"`until` does not match {_shown(line)}, which is listed under `ends`" for line in examples.ends
                   if not ends(_seen(line))]  # fmt: skip
        faults += [f"`until` matches {_shown(line)}, which is listed under `inside`" for line in examples.inside
                   if ends(_seen(line))]  # fmt: skip
        if len(examples.inside) >= rule.at_most:
            faults.append(
                f"`at_most` ({rule.at_most}) must exceed the number of lines under `inside` ({len(examples.inside)})"
            )
    return faults


def _shown(line: str, longest: int | None = None) -> str:
    """Return an example with the folded line that the pattern sees, where that is another, and its length if too long."""
    folded = _seen(line)
    said = repr(line) if folded == line else f"{line!r} (folded: {folded!r})"
    if longest is None or len(folded) <= longest:
        return said
    return f"{said}, which has {len(folded)} code points, more than `max_length: {longest}`"


def _seen(line: str) -> str:
    """Return a line as rules match it: normalized, folded and with single spaces."""
    standard = profile("standard@1")
    return " ".join(standard.fold(standard.apply(line).text).split())
