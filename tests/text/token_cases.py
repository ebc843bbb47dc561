"""The cases of tests/cases/tokens, read."""

import re
from pathlib import Path

CASES = Path(__file__).parents[1] / "cases" / "tokens"
ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")


def cases(name):
    """The lines of a file of cases, with invisible characters for their escapes."""
    lines = (CASES / name).read_text("utf-8").removesuffix("\n").split("\n")
    return [ESCAPE.sub(lambda code: chr(int(code[1] or code[2], 16)), line) for line in lines if line[:2] != "--"]
