"""Card inputs: everything a card is computed from besides the tables, stored in the release as `facts.json`.

With it anyone can render the same card again. Figures that rows give are always counted from the rows. Figures of
earlier stages (agreement, accounts, changes) and the prose of the template are read from `facts.json`, whose hash is
in the manifest.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from builder.io.plain import from_plain, to_plain
from builder.records import OMIT_EMPTY, Agreement, ImportedSet, Leak, StageCounts, user_error
from builder.release.card.editions import authors_section, redaction_section
from builder.release.card.facts import card_facts
from builder.release.card.plots import plots
from builder.release.card.render import REQUIRED, make_card
from builder.release.card.sections.imported import IMPORTED_NOTE, imported_section, leaks_section
from builder.release.tables.build import BuiltTables, Tables
from builder.schema.dataset import Dataset
from builder.schema.labels import Labels

FILE = "facts.json"


@dataclass(frozen=True, slots=True)
class CardInputs:
    """The template, settings and figures of a card; `built` holds the accounts of the tables."""

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
    """Text that follows the agreement figures if they are below their thresholds."""
    redacted: dict[str, int] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    """The versions before this one, oldest first."""
    accepted: str | None = None
    """Why low agreement was accepted; empty if none was low, None in releases of khabar 0.1."""
    imports: tuple[ImportedSet, ...] = field(default=(), metadata=OMIT_EMPTY)
    leaks: tuple[Leak, ...] = field(default=(), metadata=OMIT_EMPTY)
    """Similar articles that an imported set published in different splits."""
    asked: dict[str, tuple[str, ...]] = field(default_factory=dict, metadata=OMIT_EMPTY)
    """The labels that pages offered under each version of labels.yaml that did not offer all of them."""
    asked_targets: dict[str, tuple[str, ...]] = field(default_factory=dict, metadata=OMIT_EMPTY)
    """The targets that pages asked about under each version that did not ask about all of them."""
    new_questions: dict[str, tuple[str, ...]] = field(default_factory=dict, metadata=OMIT_EMPTY)
    """The questions on whole articles that were added after each version that did not ask all of them."""


def compute_facts(basis: CardInputs, tables: Tables) -> dict[str, str]:
    """Return the value of every {{fact}} of the card of these tables."""
    built = BuiltTables(tables, basis.built, (), basis.cut_spans, basis.cut_inner)
    facts = card_facts(version=basis.version, tool=basis.tool, schema=basis, built=built, agreement=basis.agreement,
                       accounts=basis.accounts, changes=basis.changes, earlier=basis.earlier)  # fmt: skip
    facts["agreement"] += basis.below
    facts["edition"] += authors_section(published=basis.dataset.publish_authors) + redaction_section(basis.redacted)
    if basis.imports:
        facts["sources"] += imported_section(basis.imports)
        facts["splits"] += leaks_section(basis.imports, basis.leaks)
        facts["annotators"] += IMPORTED_NOTE
    return facts


def render_card(basis: CardInputs, tables: Tables, facts: Mapping[str, str]) -> str:
    """Render the card of these tables and facts; raises KhabarError (exit codes 1 and 2) as make_card does."""
    return make_card(basis.template, basis.version, basis, tables, facts, REQUIRED)


def text_files(basis: CardInputs, card: str, tables: Tables, changelog: str) -> dict[str, str]:
    """Return the text files of a release by path: card, changelog, plots and `facts.json`."""
    drawn = plots(tables, basis.labels, basis.agreement)
    return {"README.md": card, "CHANGELOG.md": changelog, FILE: facts_json(basis), **drawn}


def facts_json(basis: CardInputs) -> str:
    """Return the content of `facts.json`."""
    return json.dumps(to_plain(basis), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def parse_card_inputs(content: bytes, where: str) -> CardInputs:
    """Parse the `facts.json` that `texts_of` wrote; raises KhabarError (exit code 2) for anything else."""
    try:
        return from_plain(CardInputs, json.loads(content))
    except (ValueError, ValidationError):
        raise user_error(
            "basis",
            "not the card inputs that `khabar build` writes",
            where=where,
            fix="restore the release from its published copy",
        ) from None
