"""Plots for the card of a release: small right-to-left SVG files with Arabic labels.

Each file is self-contained: it has no script, no font and no external resource. The same numbers give the same bytes.
The browser shapes the Arabic text, so it can be searched and read aloud.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

import pyarrow.compute as pc

from builder.records import Agreement
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import Tables
from builder.schema.labels import Labels

WIDTH, ROW, NAME, NUMBER = 720, 26, 220, 70
"""Sizes in pixels: plot width, row height, label margin on the right and number margin on the left."""

COLOURS = {"train": "#1f5f8b", "validation": "#b3541e", "test": "#4d7c2a"}

SPLITS = {"train": "تدريب", "validation": "تحقق", "test": "اختبار"}

MONTHS = 24
"""Months that are drawn separately; earlier ones share a row."""

FONT = "'Noto Naskh Arabic','Noto Sans Arabic','DejaVu Sans',Tahoma,sans-serif"

Row = tuple[str, Mapping[str, int]]


def plots(tables: Tables, labels: Labels, agreement: Sequence[Agreement]) -> dict[str, str]:
    """Return the plots of a release by path."""
    return {f"assets/{name}.svg": svg for name, (svg, _) in _drawn(tables, labels, agreement).items()}


def images(tables: Tables, labels: Labels, agreement: Sequence[Agreement]) -> str:
    """Return Markdown images of the plots, each with a description as its alternative text."""
    drawn = _drawn(tables, labels, agreement)
    return "\n\n".join(f"![{caption}](assets/{name}.svg)" for name, (_, caption) in drawn.items())


def _drawn(tables: Tables, labels: Labels, agreement: Sequence[Agreement]) -> dict[str, tuple[str, str]]:
    """Return the SVG and the description of each plot by name."""
    drawn = {
        "entities": (bars("ذِكر الكيانات بحسب النوع", _types(tables, labels)), "Mentions of each entity type, by split"),
        "months": (bars("المقالات بحسب الشهر", _months(tables)), "Articles of each month, by split"),
    }
    if labels.stances is not None and "stance" in tables:
        caption = "Answers of each stance on each target, by split"
        drawn["stances"] = (bars("المواقف بحسب القضية", _stances(tables, labels)), caption)
    defined = [figure for figure in agreement if figure.value is not None and figure.batch == "all"]
    if defined:
        caption = "Agreement with 95 % intervals: F1 of spans and alpha"
        drawn["agreement"] = (intervals("اتفاق الواسمين، ومجال الثقة 95٪", defined, labels), caption)
    return drawn


def bars(title: str, rows: Sequence[Row]) -> str:
    """Draw a bar for each row that grows from the right and is stacked by split."""
    largest = max((sum(counts.values()) for _, counts in rows), default=0) or 1
    room = WIDTH - NAME - NUMBER
    parts = _legend()
    for number, (name, counts) in enumerate(rows):
        top = 64 + ROW * number
        right = float(WIDTH - NAME)
        parts.append(_text(WIDTH - 8, top + 14, name))
        for split in SPLIT_NAMES:
            wide = room * counts.get(split, 0) / largest
            right -= wide
            if wide:
                parts.append(
                    f'<rect x="{right:.2f}" y="{top}" width="{wide:.2f}" height="18" fill="{COLOURS[split]}"/>'
                )
        parts.append(_number(right - 6, top + 14, f"{sum(counts.values()):,}", "end"))
    return _svg(title, 64 + ROW * len(rows), parts)


def intervals(title: str, figures: Sequence[Agreement], labels: Labels) -> str:
    """Draw each figure with its confidence interval on an axis from 0 on the right to 1 on the left."""
    names = _arabic(labels)
    room = WIDTH - NAME - NUMBER

    def across(value: float) -> float:
        return WIDTH - NAME - room * max(0.0, min(1.0, value))

    foot = 64 + ROW * len(figures)
    parts = []
    for tick in (0.0, 0.5, 1.0):
        parts.append(f'<line x1="{across(tick):.2f}" x2="{across(tick):.2f}" y1="52" y2="{foot}" stroke="#c9ced3"/>')
        parts.append(_number(across(tick), 46, f"{tick:g}", "middle"))
    for number, figure in enumerate(figures):
        top = 64 + ROW * number
        value = figure.value or 0.0
        parts.append(_text(WIDTH - 8, top + 14, _figure(figure, names)))
        if figure.low is not None and figure.high is not None:
            parts.append(f'<line x1="{across(figure.low):.2f}" x2="{across(figure.high):.2f}" y1="{top + 9}" y2="{top + 9}" '
                         'stroke="#1f5f8b" stroke-width="4" stroke-opacity=".45"/>')  # fmt: skip
        parts.append(f'<circle cx="{across(value):.2f}" cy="{top + 9}" r="5" fill="#1f5f8b"/>')
        parts.append(_number(NUMBER - 12, top + 14, f"{value:.3f}", "end"))
    return _svg(title, foot, parts)


def _types(tables: Tables, labels: Labels) -> list[Row]:
    """Return the mentions of each entity type by split."""
    counts = {
        split: Counter(pc.struct_field(pc.list_flatten(table["spans"]), "label").to_pylist())
        for split, table in tables["entities"].items()
    }
    return [(entity.ar, {s: counts[s][n] for s in counts}) for n, entity in enumerate(labels.entities)]


def _stances(tables: Tables, labels: Labels) -> list[Row]:
    """Return the answers of each target and stance by split."""
    if labels.stances is None:
        return []
    counts = {s: Counter(zip(table["target"].to_pylist(), table["stance"].to_pylist(), strict=True))
              for s, table in tables["stance"].items()}  # fmt: skip
    published = [value for value in labels.stances.values if value.published]
    return [
        (f"{target.ar}: {value.ar}", {s: counts[s][target.id, n] for s in counts})
        for target in labels.stances.targets
        for n, value in enumerate(published)
    ]


def _months(tables: Tables) -> list[Row]:
    """Return the articles of each month by split; earlier months share a row."""
    counts = {
        split: Counter(f"{day:%Y-%m}" if day else "" for day in table["published_at"].to_pylist())
        for split, table in tables["articles"].items()
    }
    months = sorted({month for of_split in counts.values() for month in of_split} - {""})
    early, shown = months[:-MONTHS], months[-MONTHS:]
    rows: list[Row] = [(month, {s: of_split[month] for s, of_split in counts.items()}) for month in shown]
    if early:
        rows.insert(0, (f"قبل {shown[0]}", {s: sum(of_split[m] for m in early) for s, of_split in counts.items()}))
    if any(of_split[""] for of_split in counts.values()):
        rows.append(("بلا تاريخ", {s: of_split[""] for s, of_split in counts.items()}))
    return rows


def _figure(figure: Agreement, names: Mapping[str, str]) -> str:
    """Return the label of a figure: its layer or type, and its measure in short."""
    name = names.get(figure.label, figure.label)
    if figure.label == "all":
        name = (
            "كل القضايا" if figure.layer == "stance" else "متوسط الأنواع" if "macro" in figure.measure else "كل الأنواع"
        )
    return f"{name} ({'F1' if 'F1' in figure.measure else 'α'})"


def _arabic(labels: Labels) -> dict[str, str]:
    """Return the Arabic names of entity types and stance targets."""
    names = {entity.name: entity.ar for entity in labels.entities}
    names |= {question.id: question.ar for question in labels.questions}
    return names | ({target.id: target.ar for target in labels.stances.targets} if labels.stances else {})


def _legend() -> list[str]:
    parts = []
    for number, split in enumerate(SPLIT_NAMES):
        right = WIDTH - 14 - 90 * number
        parts.append(f'<rect x="{right - 12}" y="36" width="12" height="12" fill="{COLOURS[split]}"/>')
        parts.append(_text(right - 18, 47, SPLITS[split]))
    return parts


def _text(x: float, y: float, content: str) -> str:
    """Return a right-to-left text element.

    With direction rtl, the start of the text is its right edge, so the text extends to the left of `x`.
    """
    return f'<text x="{x:g}" y="{y:g}" direction="rtl" unicode-bidi="plaintext">{escape(_cut(content))}</text>'


def _number(x: float, y: float, content: str, anchor: str) -> str:
    return f'<text x="{x:.2f}" y="{y:g}" text-anchor="{anchor}" direction="ltr" class="n">{escape(content)}</text>'


def _cut(content: str) -> str:
    """Shorten a label to 36 characters."""
    return content if len(content) <= 36 else f"{content[:35]}…"


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    style = (
        f"text{{font:13px {FONT};fill:#20262c}}.n{{font-size:12px;fill:#4a535c}}.t{{font-size:16px;font-weight:bold}}"
    )
    size = f'viewBox="0 0 {WIDTH} {height + 12}" width="{WIDTH}" height="{height + 12}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} lang="ar" role="img" aria-label="{escape(title)}">'
    sheet = f'<rect width="{WIDTH}" height="{height + 12}" fill="#fff"/>'
    name = f'<text x="{WIDTH - 14}" y="24" direction="rtl" class="t">{escape(title)}</text>'
    return "\n".join([head, f"<style>{style}</style>", sheet, name, *parts, "</svg>\n"])
