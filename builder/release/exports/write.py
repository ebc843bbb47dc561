"""Export files of a release for other tools, made from the same tables: Croissant, Masader, citation and CoNLL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from builder.records import Agreement
from builder.release.card import citation
from builder.release.card.prose import read_prose
from builder.release.exports import croissant, masader
from builder.release.exports.conll import ConllFiles
from builder.release.tables.build import Tables
from builder.schema.dataset import Dataset


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """Files by path; `describe` returns those that name the other files by their sha256."""

    files: Mapping[str, bytes]
    describe: Callable[[Mapping[str, str]], Mapping[str, bytes]]


def export_files(
    tables: Tables, dataset: Dataset, columns: ConllFiles, *, version: str, template: str, facts: Mapping[str, str],
    agreement: Sequence[Agreement] = (),
) -> ExportFiles:  # fmt: skip
    """Return the export files of a release; `template` and `facts` are those of its card."""
    prose = read_prose(template, facts)
    about = croissant.ReleaseDescription(dataset, version, prose, facts, agreement)
    files = {
        citation.PATH: citation.citation_cff(dataset, version),
        masader.PATH: masader.masader(dataset, tables, prose.head, prose.about),
    }

    def describe(hashes: Mapping[str, str]) -> Mapping[str, bytes]:
        data = {path: sha256 for path, sha256 in hashes.items() if path.endswith((".parquet", ".txt"))}
        return {croissant.PATH: croissant.croissant(about, tables, data)}

    return ExportFiles(files | columns.files, describe)
