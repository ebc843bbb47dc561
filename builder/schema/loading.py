"""Loader of the files in schema/.

Every error is an Issue at file:line:column, and the errors of all files are reported together.
"""

import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from builder.io.yaml import parse_yaml
from builder.records import Issue, KhabarError
from builder.schema.boilerplate import Boilerplate
from builder.schema.built_in import BUILT_IN
from builder.schema.dataset import Dataset
from builder.schema.labels import Labels
from builder.schema.profiles import OwnProfile, Profiles
from builder.schema.sources import NO_SOURCES, Sources

M = TypeVar("M", bound=BaseModel)


OPTIONAL = ("profiles.yaml", "sources.yaml")
"""The files of schema/ that a project needs only for normalisation profiles or names of sources of its own."""

FILES = ("dataset.yaml", "labels.yaml", "boilerplate.yaml", "guidelines.md", *OPTIONAL)
"""The files of schema/."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The content of schema/: the parsed files, the guidelines and one hash over all texts (16 hex digits)."""

    dataset: Dataset
    labels: Labels
    boilerplate: Boilerplate
    guidelines: str
    hash: str
    label_hash: str
    own_profile: OwnProfile | None = None
    """The profile that dataset.yaml names, if schema/profiles.yaml defines it."""
    sources: Sources = NO_SOURCES
    """The names of sources and how their pages are read, from schema/sources.yaml."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """The sha256 of each file that was read, by its name."""

    @property
    def guideline_version(self) -> str:
        """Return the sha256 of the guidelines' text (8 hex digits), recorded with each judgement."""
        return _digest(self.guidelines, 8)


def _digest(text: str, digits: int) -> str:
    """Return the first hex digits of the sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


@dataclass(frozen=True, slots=True)
class _SchemaTexts:
    """The texts of the schema files, the sha256 of their bytes, and an error for each missing or undecodable one."""

    texts: dict[str, str]
    digests: dict[str, str]
    issues: list[Issue]


def _read_texts(folder: Path) -> _SchemaTexts:
    """Read the schema files."""
    texts: dict[str, str] = {}
    digests: dict[str, str] = {}
    issues: list[Issue] = []
    for name in FILES:
        path = folder / name
        if name in OPTIONAL and not path.exists():
            continue
        try:
            content = path.read_bytes()
            digests[name] = hashlib.sha256(content).hexdigest()
            texts[name] = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read()  # with universal newlines
        except FileNotFoundError:
            fix = "restore the file, or run `khabar init` to create a project"
            issues.append(Issue("error", "schema", f"{folder.name}/{name} does not exist", where=str(path), fix=fix))
        except UnicodeDecodeError as error:
            message = f"not UTF-8 at byte {error.start}"
            issues.append(Issue("error", "schema", message, where=str(path), fix="save the file as UTF-8"))
    return _SchemaTexts(texts, digests, issues)


def load_schema(folder: Path) -> Schema:
    """Read and validate a project's schema folder.

    Raises KhabarError (exit code 2) with the errors of all files together.
    """
    found = _read_texts(folder)
    texts, issues = found.texts, found.issues

    def parsed(model: type[M]) -> M | None:
        name = f"{model.__name__.lower()}.yaml"
        try:
            return parse_yaml(texts[name], model, f"{folder.name}/{name}") if name in texts else None
        except KhabarError as refused:
            issues.extend(refused.issues)
            return None

    dataset, labels, boilerplate, profiles = parsed(Dataset), parsed(Labels), parsed(Boilerplate), parsed(Profiles)
    sources = parsed(Sources)
    own_profiles = {profile.name: profile for profile in profiles.profiles} if profiles else {}
    if dataset is not None and dataset.profile not in {*BUILT_IN, *own_profiles} and not issues:
        known = ", ".join((*BUILT_IN, *own_profiles))
        message = (
            f"profile {dataset.profile!r} is neither built in nor defined in profiles.yaml; known profiles: {known}"
        )
        above = re.split(r"(?m)^profile:", texts["dataset.yaml"])[0]
        line = above.count("\n") + 1
        issues.append(
            Issue("error", "schema", message, where=f"{folder.name}/dataset.yaml:{line}:1", fix="use a known profile")
        )
    if issues or dataset is None or labels is None or boilerplate is None:
        raise KhabarError(*issues)
    whole = "\0".join(f"{name}\0{text}" for name, text in sorted(texts.items()))
    return Schema(
        dataset,
        labels,
        boilerplate,
        texts["guidelines.md"],
        _digest(whole, 16),
        _digest(texts["labels.yaml"], 8),
        own_profiles.get(dataset.profile),
        sources or NO_SOURCES,
        found.digests,
    )
