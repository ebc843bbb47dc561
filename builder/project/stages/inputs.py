"""The digest of each input that a command of the road reads: what changes when the input does.

Small files count by their bytes, tables by the markers of their shards. Labels count without colours, names and
definitions where only their meaning for spans and stances matters.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from builder.io.hashing import file_digest, sha16
from builder.project.project import Project
from builder.project.stages.corpus import clean_inputs, dedup_inputs
from builder.project.stages.shards import cached_digest
from builder.records import MANIFEST, TOOL
from builder.release.diff.version import version_key
from builder.schema.loading import FILES

Digest = Callable[[Project], str]
"""Returns the digest of one input of a project."""


def digests(project: Project, command: str, names: Iterable[str]) -> dict[str, str]:
    """Return the digest of each named input of a command."""
    own = {"clean": clean_inputs, "dedup": dedup_inputs}.get(command)
    return own(project) if own else {name: INPUTS[name](project) for name in names}


def built_versions(project: Project) -> list[str]:
    """Return the versions in dist/, in ascending order."""
    names = (path.parent.name for path in project.root.glob(f"dist/v*/{MANIFEST}"))
    return sorted((name.removeprefix("v") for name in names), key=version_key)


def _cached(stage: str) -> Digest:
    return lambda project: cached_digest(project, stage)


def _file(name: str) -> Digest:
    return lambda project: project.digest(project.root / name)


def _of_batches(name: str) -> Digest:
    """Return the digest of a file that each batch may have."""

    def digest(project: Project) -> str:
        found = ((batch, project.digest(project.annotations / batch / name)) for batch in project.batches())
        return sha16("\n".join(f"{batch} {content}" for batch, content in found if content))

    return digest


def _schema(name: str) -> Digest:
    return lambda project: project.schema.digests.get(name, "")


def _setting(name: str) -> Digest:
    """Return the digest of one field of schema/dataset.yaml."""
    return lambda project: sha16(project.schema.dataset.model_dump_json(include={name}))


LANGUAGES = {"ar": True, "en": True}
"""Fields of a label that only people read."""


def _meaning(project: Project) -> str:
    """Return the digest of the labels without colours, keys, names in languages and definitions."""
    hidden: Any = {
        "version": True,
        "entities": {"__all__": {**LANGUAGES, "colour": True, "key": True, "definition": True}},
        "stances": {"values": {"__all__": LANGUAGES}, "targets": {"__all__": LANGUAGES}},
        "questions": {"__all__": {**LANGUAGES, "values": {"__all__": LANGUAGES}}},
    }
    return sha16(project.schema.labels.model_dump_json(exclude=hidden))


def _release(project: Project) -> str:
    versions = built_versions(project)
    return f"{versions[-1]} {file_digest(project.release(versions[-1]) / MANIFEST)}" if versions else ""


FLOORS, ADJUDICATION, OVERLAP = (f"{name} in dataset.yaml" for name in ("floors", "adjudication", "overlap"))

INPUTS: Mapping[str, Digest] = {
    "texts of batches": _cached("articles"),
    "groups of batches": _cached("groups"),
    "batches": _of_batches("batch.jsonl"),
    "counts of batches": _of_batches("counts.jsonl"),
    "basis of batches": _of_batches("basis.jsonl"),
    "assignments": _of_batches("assignment.jsonl"),
    "known answers": _of_batches("known.jsonl"),
    "judgements": _of_batches("judgements.jsonl"),
    "decisions": _of_batches("decisions.jsonl"),
    "published annotations": _of_batches("predictions.jsonl"),
    "accepted changes": _file("annotations/accepted.jsonl"),
    "withdrawals": _file("annotations/withdrawals.jsonl"),
    "takedowns": _file("annotations/takedowns.jsonl"),
    "splits": _file("annotations/splits.jsonl"),
    "borders of splits": _file("annotations/borders.jsonl"),
    "imported sets": _file("annotations/imports.jsonl"),
    "the card": _file("dataset_card.md"),
    "labels": _meaning,
    FLOORS: _setting("floors"),
    ADJUDICATION: _setting("adjudication"),
    OVERLAP: _setting("overlap"),
    "the release": _release,
    "khabar": lambda _: TOOL,
    **{name: _schema(name) for name in FILES},
}
"""How the digest of each input is made, by the words that name it in `status`."""
