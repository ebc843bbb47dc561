"""What a card rests on beside the tables: kept in the release, so that anyone can make the same card again.

The numbers that rows give are always counted from rows. Those of earlier stages (agreement, accounts, changes) and the
people's prose are here, in `facts.json`, whose hash the manifest has.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from builder.io.plain import from_plain, to_plain
from builder.records import Agreement, StageCounts, user_error
from builder.release.card.editions import redactions
from builder.release.card.facts import card_facts
from builder.release.card.plots import plots
from builder.release.card.render import REQUIRED, make_card
from builder.release.tables.build import Built, Tables
from builder.schema.dataset import Dataset
from builder.schema.labels import Labels

FILE = "facts.json"


@dataclass(frozen=True, slots=True)
class Basis:
    """The template, the settings and the figures that a card was made from; `built` are the accounts of the tables."""

    version: str
    tool: str
    template: str
    dataset: Dataset
    labels: Labels
    agreement: tuple[Agreement, ...]
    accounts: tuple[StageCounts, ...]
    built: tuple[StageCounts, ...]
    cut_spans: int
    cut_inner: int
    changes: dict[str, int]
    below: str = ""
    """What follows the figures of agreement, where they do not reach their floors."""
    redacted: dict[str, int] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    """The versions before this one, in their order."""
    accepted: str | None = None
    """Why low agreement was accepted, as it was given; empty where none was low, None in releases of khabar 0.1."""


def facts_of(basis: Basis, tables: Tables) -> dict[str, str]:
    """The value of every {{fact}} of the card of these tables."""
    built = Built(tables, basis.built, (), basis.cut_spans, basis.cut_inner)
    facts = card_facts(version=basis.version, tool=basis.tool, schema=basis, built=built, agreement=basis.agreement,
                       accounts=basis.accounts, changes=basis.changes, earlier=basis.earlier)  # fmt: skip
    facts["agreement"] += basis.below
    facts["edition"] += redactions(basis.redacted)
    return facts


def card_of(basis: Basis, tables: Tables, facts: Mapping[str, str]) -> str:
    """The card of these tables and facts; raises Refused (exit codes 1 and 2) as make_card does."""
    return make_card(basis.template, basis.version, basis, tables, facts, REQUIRED)


def texts_of(basis: Basis, card: str, tables: Tables, changelog: str) -> dict[str, str]:
    """The files of a release that people read, by their paths, and the one that the card rests on."""
    plain = json.dumps(to_plain(basis), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    drawn = plots(tables, basis.labels, basis.agreement)
    return {"README.md": card, "CHANGELOG.md": changelog, FILE: plain, **drawn}


def read_basis(content: bytes, where: str) -> Basis:
    """What `texts_of` wrote; raises Refused (exit code 2) for anything else."""
    try:
        return from_plain(Basis, json.loads(content))
    except (ValueError, ValidationError):
        raise user_error("basis", "not what a card rests on", where=where, fix="restore the release") from None
