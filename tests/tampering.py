"""A hostile hand: changes values of a release, makes again what is made of the rows, and signs the manifest anew."""

import hashlib
import json
import shutil
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from builder.io.jsonl import write_json
from builder.project.recompute.release import recompute_release
from builder.records import MANIFEST
from builder.release.card.inputs import compute_facts, render_card
from builder.release.card.plots import plots
from builder.release.exports.conll import edition_files
from builder.release.exports.write import export_files
from builder.release.publish.folder import read_manifest
from builder.release.tables.features import features, label_names
from builder.release.verification.content import read_content
from builder.release.verification.files import manifest
from builder.release.verification.result import UNREADABLE, unreadable


def copy_of(folder, to):
    """A copy of a release that may be changed."""
    shutil.copytree(folder, to)
    return to


def recheck(folder):
    """The checks of a release that need nothing but its files."""
    release = read_manifest(folder)
    whole = manifest(folder, release)
    try:
        return [whole, *recompute_release(read_content(folder, release))]
    except UNREADABLE as error:
        return [whole, unreadable("columns", error)]


def is_caught(checks):
    """Whether any check failed."""
    return any(check.state == "failed" for check in checks)


def listed(checks):
    """The names of what is not verified."""
    return {one.name for check in checks for one in check.unverified}


def messages(checks):
    """Every message of a failed check."""
    return [f"{issue.where}: {issue.message}" for check in checks for issue in check.issues]


def sign(folder, **changes):
    """Write the manifest anew: the hashes of all files, with fields changed."""
    plain = json.loads((folder / MANIFEST).read_bytes())
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    hashes = {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in there if path != MANIFEST}
    write_json(folder / MANIFEST, plain | {"files": hashes} | changes)


def render(folder):
    """Make the card, the plots and the exports of the rows and the facts that are there, as a build would, and sign."""
    sign(folder)
    try:
        content = read_content(folder, read_manifest(folder))
        basis, tables = content.basis, content.tables
        facts = compute_facts(basis, tables)
        flat = edition_files(content.release.edition, tables["entities"], content.names.entities)
        made = export_files(tables, basis.dataset, flat, version=basis.version, template=basis.template, facts=facts,
                            agreement=basis.agreement)  # fmt: skip
        drawn = plots(tables, basis.labels, basis.agreement)
        files = {"README.md": render_card(basis, tables, facts), **drawn, **made.files}
        write(folder, files)
        sign(folder)
        write(folder, made.describe(read_manifest(folder).files))
    except (*UNREADABLE, StopIteration):  # what cannot be rendered is left as it was
        pass
    rows = {}
    for path in sorted(folder.rglob("*.parquet")):
        config, split = path.parent.name, path.name.partition("-")[0]
        rows.setdefault(config, {})[split] = pq.read_metadata(path).num_rows
    sign(folder, splits=rows)


def write(folder, files):
    for path, content in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)


def shard(folder, config, split="train"):
    (path,) = (folder / config).glob(f"{split}-*.parquet")
    return path


def edit_rows(folder, config, change, split="train"):
    """Change the rows of a split, as a list of dictionaries."""
    path = shard(folder, config, split)
    table = pq.ParquetFile(path).read()
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path, compression="zstd")


def edit_json(folder, path, change):
    plain = json.loads((folder / path).read_bytes())
    change(plain)
    (folder / path).write_text(json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def leaves(labels, edition, *, asked=False):
    """The config and the path of every column and every field of a column, from the schema."""
    for config, columns in features(label_names(labels, asked=asked), edition).items():
        for name, feature in columns.items():
            yield from ((config, path) for path in _paths(name, feature))


def _paths(name, feature):
    inner = feature[0] if isinstance(feature, list) else feature
    if isinstance(inner, dict):
        for part, of in inner.items():
            yield from _paths(f"{name}.{part}", of)
    else:
        yield name


def other(value):
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + (1 if isinstance(value, int) else 0.125)
    if isinstance(value, str) or value is None:
        return f"{value or ''}x"
    return [other(value[0]), *value[1:]] if isinstance(value, list) else value + timedelta(days=1)


def tamper(rows, path):
    """Change the first value of a column or of a field of its lists; whether there is one."""
    return any(_tamper(row, path.split(".")) for row in rows)


def _tamper(row, names):
    value = row[names[0]]
    if len(names) > 1:
        return any(_tamper(item, names[1:]) for item in value or [])
    if value is None or value == []:
        return False
    row[names[0]] = other(value)
    return True
