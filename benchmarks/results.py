"""Writer of benchmarks/results.md, where each benchmark has a section of its own."""

import re
from pathlib import Path

PAGE = Path(__file__).parent / "results.md"
PART = re.compile(r"<!-- (\w+) -->\n(.*?)(?=<!-- \w+ -->\n|\Z)", re.DOTALL)


def write_part(name: str, text: str, page: Path = PAGE) -> None:
    """Write the section of one benchmark, replacing its earlier one or appending it; other sections stay."""
    sections = PART.findall(page.read_text(encoding="utf-8")) if page.exists() else []
    parts = {part: section.strip() for part, section in sections} | {name: text.strip()}
    page.write_text(
        "".join(f"<!-- {part} -->\n{section}\n\n" for part, section in parts.items()).rstrip() + "\n", encoding="utf-8"
    )
