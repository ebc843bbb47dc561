"""The card's sections on imported sets: where they are from, what was repaired, and the leaks of published splits."""

from collections import Counter
from collections.abc import Iterator, Sequence

from builder.records import ImportedSet, Leak, counted
from builder.release.card.markdown import markdown_table

SHOWN = 50
"""Groups that the card lists; facts.json has all."""

IMPORTED_NOTE = (
    "\n\nThe annotations of imported sets are those that their authors published; nobody judged them anew here, and "
    "they count as decisions of `import:NAME`."
)


def imported_section(imports: Sequence[ImportedSet]) -> str:
    """Return the card section that names each imported set with its licence, citation and repairs."""
    return "\n\n" + "\n\n".join("\n".join(_set(one)) for one in imports)


def _set(one: ImportedSet) -> Iterator[str]:
    place = f", {one.url}" if one.url else ""
    yield f"**`{one.name}` was imported from {one.source}{place}, not judged anew.** {counted(len(one.files), 'file')} ({one.kind})."
    yield f"Licence: text {one.licence_text}, annotations {one.licence_annotations}. Cite: {one.citation}"
    rows = [
        [
            account.unit,
            account.taken,
            account.kept,
            "; ".join(f"{why}: {n:,}" for why, n in account.set_aside.items()) or "nothing",
        ]
        for account in one.accounts
    ]
    if rows:
        yield "\n" + markdown_table(["what", "published", "kept", "set aside"], rows)
    if one.repairs:
        yield "\nRepaired or read in another way:\n"
        yield from (f"- {said}" for said in one.repairs)


def leaks_section(imports: Sequence[ImportedSet], leaks: Sequence[Leak]) -> str:
    """Return the card section on splits that stay as published, and the similar articles that stand in two of them."""
    names = ", ".join(f"`{one.name}`" for one in imports if one.splits == "as-published")
    if not names:
        return ""
    head = f"\n\n**The splits of {names} are those that were published.** "
    if not leaks:
        return head + "No article of them is alike to one in another split."
    articles = sum(len(leak.splits) for leak in leaks)
    kinds = Counter(", ".join(sorted({*leak.splits.values()})) for leak in leaks)
    counted = markdown_table(["in", "groups"], sorted(kinds.items()))
    listed = [[" ".join(f"{article} ({split})" for article, split in leak.splits.items())] for leak in leaks[:SHOWN]]
    rest = f"\n\nAnd {len(leaks) - SHOWN:,} more groups: `facts.json` lists all." if len(leaks) > SHOWN else ""
    return (
        f"{head}They leak: {len(leaks):,} groups of {articles:,} articles that are equal or alike stand in several splits, "
        f"so results on the test split are too good.\n\n{counted}\n\n{markdown_table(['alike'], listed)}{rest}"
    )


def import_inputs(imports: Sequence[ImportedSet]) -> dict[str, str]:
    """Return what the manifest says of imported sets: the sha256 of each file and map, and whose splits they have."""
    return {
        f"import/{one.name}/{what}": value
        for one in imports
        for what, value in (*one.files.items(), ("map", one.map), ("splits", one.splits))
    }
