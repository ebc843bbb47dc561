"""Recompute agreement from a published release and compare it with the card."""

from collections.abc import Iterator
from pathlib import Path

from builder.annotation.agreement.measure import agree, headline
from builder.io.parquet import to_table
from builder.records import TOOL, Agreement, Issue, Judgement, Release, Span, Stance
from builder.release.card.inputs import FILE, CardInputs, parse_card_inputs
from builder.release.publish.verify import Check, tables_of
from builder.release.tables.build import Tables

UNIT = "judgements in annotations"


def recompute_agreement(folder: Path, release: Release) -> Check:
    """Check that the published judgements give the agreement figures of the card."""
    name = "agreement"
    if not (folder / FILE).is_file():
        return Check(name, "not possible", f"{FILE} is not part of this release")
    basis = parse_card_inputs((folder / FILE).read_bytes(), FILE)
    if why := _lacking(basis, release):
        return Check(name, "not possible", why)
    tables = tables_of(folder, release, basis)
    lengths = {i: len(t) for table in tables["articles"].values()
               for i, t in zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)}  # fmt: skip
    found = {
        _key(figure): figure
        for figure in agree(to_table(_judgements(tables, basis), Judgement), basis.labels, lengths)
        if headline(figure)
    }
    said = {_key(figure): figure for figure in basis.agreement}
    issues = tuple(
        Issue("error", "agreement", f"{' '.join(filter(None, key))}: the card says {_shown(said.get(key))}, the published "
              f"judgements give {_shown(found.get(key))}", where=FILE)
        for key in sorted({*found, *said} if release.tool == TOOL else said)  # later versions may have more figures
        if _shown(found.get(key)) != _shown(said.get(key))
    )  # fmt: skip
    if issues:
        return Check(name, "failed", f"{len(issues)} figures differ", issues)
    return Check(name, "done", f"{len(said)} figures with their intervals, measured again from `annotations`")


def _lacking(basis: CardInputs, release: Release) -> str:
    if release.edition != "full" or basis.redacted:
        return "the texts that spans were drawn on are not in this release"
    account = next((account for account in basis.built if account.unit == UNIT), None)
    return "" if account and account.taken == account.kept else "not all judgements that were measured are published"


def _judgements(tables: Tables, basis: CardInputs) -> Iterator[Judgement]:
    names = basis.labels.entity_names
    values = tuple(value.name for value in basis.labels.stances.values) if basis.labels.stances else ()
    for table in tables["annotations"].values():
        for number, row in enumerate(table.to_pylist()):
            spans = tuple(Span(s["start"], s["end"], names[s["label"]]) for s in row["spans"])
            stances = tuple(Stance(s["target"], values[s["value"]]) for s in row.get("stances") or ())
            yield Judgement(
                row["article_id"], "", row["batch"], row["annotator"], spans, stances, row["status"], row["seconds"], "", "",
                row["guideline"], row["schema"], 0, number, row["remark"] or "",
            )  # fmt: skip


def _key(one: Agreement) -> tuple[str, ...]:
    return one.layer, one.label, one.batch, one.measure


def _shown(one: Agreement | None) -> str:
    if one is None:
        return "nothing"
    return f"undefined ({one.why})" if one.value is None else f"{one.value} ({one.low} to {one.high}, n {one.n})"
