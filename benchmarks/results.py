"""The page of results: a part for each benchmark, which writes its own anew and leaves the others."""

import re
from pathlib import Path

PAGE = Path(__file__).parent / "results.md"
PART = re.compile(r"<!-- (\w+) -->\n(.*?)(?=<!-- \w+ -->\n|\Z)", re.DOTALL)


def write_part(name: str, text: str, page: Path = PAGE) -> None:
    """Put a part in its place on the page, or at its end."""
    found = PART.findall(page.read_text(encoding="utf-8")) if page.exists() else []
    parts = {part: own.strip() for part, own in found} | {name: text.strip()}
    page.write_text(
        "".join(f"<!-- {part} -->\n{own}\n\n" for part, own in parts.items()).rstrip() + "\n", encoding="utf-8"
    )
