"""Recompute agreement from a published release and compare it with the card."""

import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.agreement.measure import agree, headline
from builder.annotation.agreement.thresholds import shortfalls
from builder.project.recompute.judgements import offers_of_release, published_judgements
from builder.records import Agreement, Issue
from builder.release.card.inputs import FILE, CardInputs
from builder.release.card.markdown import below_thresholds
from builder.release.verification.content import Content
from builder.release.verification.result import Check, Unverified, judge

UNIT = "judgements in annotations"


def recompute_agreement(content: Content) -> Check:
    """Check that the published judgements give the agreement figures of the card, and its text on low figures."""
    name, basis = "agreement", content.basis
    if basis is None:
        why = f"{FILE} is not part of this release"
        return Check(name, "not possible", why)
    low = _thresholds(basis)
    if why := _lacking(basis, content):
        unsaid = (Unverified(f"{FILE} agreement", why),)
        return judge(name, low, "", unsaid, "figures differ") if low else Check(name, "not possible", why, (), unsaid)
    articles = content.articles()
    lengths = dict(zip(articles["id"].to_pylist(), pc.utf8_length(articles["text"]).to_pylist(), strict=True))
    judged = pa.concat_tables(
        published_judgements(table, basis.labels) for table in content.tables["annotations"].values()
    )
    figures = agree(judged, basis.labels, lengths, offers=offers_of_release(basis), pairs=False)
    found = {_key(figure): figure for figure in figures if headline(figure)}
    said = {_key(figure): figure for figure in basis.agreement}
    issues = [
        Issue("error", "agreement", f"{' '.join(filter(None, key))}: the card says {_shown(said.get(key))}, the published "
              f"judgements give {_shown(found.get(key))}", where=FILE)
        for key in sorted({*found, *said} if content.is_current else said)  # later versions may have more figures
        if _shown(found.get(key)) != _shown(said.get(key))
    ]  # fmt: skip
    done = f"{len(said)} figures with their intervals, measured again from `annotations`"
    return judge(name, issues + low, done, (), "figures differ")


def _lacking(basis: CardInputs, content: Content) -> str:
    """Return why the figures cannot be measured again, or an empty string."""
    if not content.has_text() or any(basis.redacted.values()):
        return "the texts that spans were drawn on are not in this release"
    account = next((account for account in basis.built if account.unit == UNIT), None)
    return "" if account and account.taken == account.kept else "not all judgements that were measured are published"


def _thresholds(basis: CardInputs) -> list[Issue]:
    """Return an error if the card does not say which figures are below their thresholds, or says so of others."""
    low = shortfalls(basis.agreement, basis.dataset.floors, basis.labels)
    if basis.accepted is None:  # releases of khabar 0.1 keep the reason on the card only
        same = bool(basis.below) == bool(low)
    else:
        same = basis.below == below_thresholds(low, basis.accepted) and bool(basis.accepted) == bool(low)
    where = f"{FILE}: below"
    return (
        []
        if same
        else [Issue("error", "agreement", "the figures reach other thresholds than the card says", where=where)]
    )


def _key(one: Agreement) -> tuple[str, ...]:
    return one.layer, one.label, one.batch, one.measure


def _shown(one: Agreement | None) -> str:
    if one is None:
        return "nothing"
    return f"undefined ({one.why})" if one.value is None else f"{one.value} ({one.low} to {one.high}, n {one.n})"
