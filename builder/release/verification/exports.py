"""The files for other tools and the changelog, made again from the rows and compared."""

import json
from collections.abc import Iterator
from pathlib import Path

import yaml

from builder.records import Issue
from builder.release.card.citation import PATH as CITATION
from builder.release.card.inputs import FILE, CardInputs, compute_facts
from builder.release.diff.changelog import changelog, section
from builder.release.diff.version import version_key
from builder.release.exports.conll import ConllFiles
from builder.release.exports.croissant import PATH as CROISSANT
from builder.release.exports.lines import FOLDER
from builder.release.exports.masader import PATH as MASADER
from builder.release.exports.write import export_files
from builder.release.verification.content import Content
from builder.release.verification.files import CHANGELOG
from builder.release.verification.result import Check, Unverified, differs, judge

OTHER_WORDS = "another version of khabar wrote it, whose wording may differ"

PROSE = frozenset({"description", "message", "Description", "conformsTo", "@context"})
"""Fields of wording, which are compared within one version of khabar."""

SINCE = "\nSince "


def exports(content: Content, flat: ConllFiles) -> Check:
    """Check CoNLL, Croissant, Masader, the citation and the changelog against the rows.

    `flat` holds the CoNLL files that the rows give.
    """
    issues = [*_conll(content, flat), *_changelog(content)]
    unsaid = [*_history(content)]
    if content.basis:
        issues += _described(content, content.basis, flat)
        unsaid += [] if content.is_current else [Unverified(f"the wording of {path}", OTHER_WORDS)
                                                 for path in (CITATION, CROISSANT, MASADER)]  # fmt: skip
    else:
        unsaid += [Unverified(path, f"{FILE}, from which it is made, is not part of a hydrated release")
                   for path in (CITATION, MASADER) if path in content.release.files]  # fmt: skip
    return judge("exports", issues, f"{FOLDER}/, {CROISSANT}, {MASADER}, {CITATION} and {CHANGELOG} are those of the rows",
                 unsaid)  # fmt: skip


def _conll(content: Content, flat: ConllFiles) -> Iterator[Issue]:
    """Yield an error for each CoNLL file that is not that of the rows."""
    there = {path for path in content.release.files if path.startswith(f"{FOLDER}/")}
    for path in sorted(there | flat.files.keys()):
        if path not in there or path not in flat.files:
            yield differs(path, "the release has this file and the rows do not give it, or the other way round")
        elif (content.folder / path).read_bytes() != flat.files[path]:
            yield differs(path, "it is not the file that the rows give")


def _described(content: Content, basis: CardInputs, flat: ConllFiles) -> Iterator[Issue]:
    """Yield an error for each other export that is not that of the rows and the settings of `facts.json`."""
    facts = compute_facts(basis, content.tables)
    made = export_files(content.tables, basis.dataset, flat, version=basis.version, template=basis.template, facts=facts,
                        agreement=basis.agreement)  # fmt: skip
    wanted = {path: file for path, file in made.files.items() if not path.startswith(f"{FOLDER}/")}
    for path, file in {**wanted, **made.describe(content.release.files)}.items():
        if path not in content.release.files:
            yield differs(path, "the release does not have this file")
        elif (said := (content.folder / path).read_bytes()) != file:
            yield from _fields(path, said, file, strict=content.is_current)


def _fields(path: str, said: bytes, wanted: bytes, *, strict: bool) -> Iterator[Issue]:
    """Yield an error for each field of a JSON or YAML file that differs; the wording only where that is `strict`."""
    read = yaml.safe_load if Path(path).suffix == ".cff" else json.loads
    old, new = read(said), read(wanted)
    if not isinstance(old, dict):
        yield differs(path, "it is not the file that the rows give")
        return
    names = [name for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name)]
    worded = [name for name in names if name in PROSE or name.startswith("rai:")]
    for name in names:
        if strict or name not in worded:
            yield differs(path, f"`{name}` is not what the rows and {FILE} give")
    if strict and not names:
        yield differs(path, "its bytes are not those that the rows give")


def _changelog(content: Content) -> Iterator[Issue]:
    """Yield an error for each part of the changelog that is not of this release: its head, order, and counts of rows."""
    if CHANGELOG not in content.release.files or not content.basis:
        return
    said = (content.folder / CHANGELOG).read_bytes().decode()
    version = content.release.version
    wanted = section(version, content.tables)
    if "since" not in content.release.inputs:
        if said != changelog(wanted):
            yield differs(CHANGELOG, "a first version has the counts of its rows, and nothing else")
        return
    first, *others = said.split("\n## ")[1:]
    title, _, body = first.partition("\n")
    counts = wanted.partition("\n\n")[2].strip()
    if title != version or not said.startswith("# Changelog\n\n## "):
        yield differs(CHANGELOG, f"its first part is not that of {version}")
    if not body.strip().endswith(counts) or body.count("\n| config |") != 1:
        yield differs(CHANGELOG, f"the counts of rows of {version} are not those of the rows")
    versions = [version, *(part.partition("\n")[0] for part in others)]
    if versions != sorted(set(versions), key=version_key, reverse=True):
        yield differs(CHANGELOG, "its versions are not in order, the newest first")
    if not body.startswith(SINCE) or body[len(SINCE) :].partition(":")[0] != ",".join(versions[1:2]):
        yield differs(CHANGELOG, f"{version} is compared with another version than the one before it")


def _history(content: Content) -> Iterator[Unverified]:
    """Yield the parts of the changelog that rest on earlier releases."""
    if not content.basis and CHANGELOG in content.release.files:
        yield Unverified(CHANGELOG, "it is of the edition that this release was hydrated from")
    elif "since" in content.release.inputs:
        yield Unverified(f"{CHANGELOG}, as to what changed", "earlier releases say it, and they are not here")
