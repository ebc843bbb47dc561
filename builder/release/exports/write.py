"""What a release holds beside Parquet and card, for other tools to read: all of it made from the same tables.

Makes bytes; builder.release.publish.folder writes them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from builder.records import Agreement
from builder.release.card import citation
from builder.release.card.prose import told
from builder.release.exports import croissant, masader
from builder.release.exports.conll import Columns
from builder.release.tables.build import Built
from builder.schema import Schema


@dataclass(frozen=True, slots=True)
class Extras:
    """Files by their paths; `describe` makes those that name the others by sha256."""

    files: Mapping[str, bytes]
    describe: Callable[[Mapping[str, str]], Mapping[str, bytes]]


def extras(
    built: Built, schema: Schema, columns: Columns, *, version: str, template: str, facts: Mapping[str, str],
    agreement: Sequence[Agreement] = (),
) -> Extras:  # fmt: skip
    """What other tools read of a release; the template is that of its card, the facts are the card's."""
    dataset = schema.dataset
    said = told(template, facts)
    about = croissant.About(dataset, version, said, facts, agreement)
    files = {
        citation.PATH: citation.citation_cff(dataset, version),
        masader.PATH: masader.masader(dataset, built.tables, said.head, said.about),
    }

    def describe(hashes: Mapping[str, str]) -> Mapping[str, bytes]:
        data = {path: sha256 for path, sha256 in hashes.items() if path.endswith((".parquet", ".txt"))}
        return {croissant.PATH: croissant.croissant(about, built.tables, data)}

    return Extras(files | columns.files, describe)
