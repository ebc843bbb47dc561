"""Rows of a dataset that `load_dataset` reads, streamed: of a Hub, or of any of its builders.

`hub://org/name?config=c&split=train&revision=v1`, or `hub://json?data_files=/data/news.json`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from builder.corpus.rows import Bad, File, Found, row_of
from builder.corpus.tabular import FIX, missing
from builder.records import Issue, refuse
from builder.schema import Fields

SCHEME = "hub://"
ASKED = ("config", "split", "revision", "data_files")


@dataclass(frozen=True, slots=True)
class Place:
    """What `load_dataset` is asked for."""

    path: str
    asked: Mapping[str, str]


def place(uri: str) -> Place:
    """Read an address; raises Refused for what `load_dataset` is not asked here."""
    parts = urlsplit(uri)
    asked = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    unknown = sorted(asked.keys() - {*ASKED})
    if unknown or not parts.netloc:
        raise refuse("hub", f"cannot read {', '.join(unknown) or 'the address'}", where=uri,
                     fix=f"such as hub://org/name?config=c&split=train; known: {', '.join(ASKED)}")  # fmt: skip
    return Place((parts.netloc + parts.path).strip("/"), asked)


def files(uri: str, fields: Fields) -> tuple[list[File], list[Issue]]:
    """One file for each split, and the faults of the request."""
    where = place(uri)
    try:
        splits = _splits(where)
    except Exception as error:  # noqa: BLE001 - datasets, a Hub and each builder raise their own
        said = (str(error).strip() or type(error).__name__).split("\n")[0]
        return [], [Issue("error", "unreadable", f"load_dataset cannot open it: {said}", where=uri,
                          fix="is the name right, and may you read it? HF_TOKEN and HF_ENDPOINT say as whom and where")]  # fmt: skip
    issues, found = [], []
    for split, columns in splits.items():
        gone = missing(columns, fields) if columns else []
        if gone:
            issues.append(Issue("error", "unreadable", f"split {split} has no column {', '.join(gone)}; it has {', '.join(columns)}",
                                where=uri, fix="name its columns under `fields:` in schema/dataset.yaml, such as `text: body`"))  # fmt: skip
        origin = f"{where.path}{'@' + where.asked['revision'] if 'revision' in where.asked else ''}/{split}"
        found.append(File(f"{uri}#{split}", uri, origin, "hub", "", 0, _stamp(where)))
    return found, issues


def rows(file: File, fields: Fields) -> Iterator[Found]:
    """The rows of one split, counted from 1."""
    uri, _, split = file.uri.rpartition("#")
    for number, values in enumerate(_opened(place(uri), split), 1):
        yield row_of(values, fields, f":{number}", "", fix=FIX) if isinstance(values, Mapping) else Bad(
            f":{number}", "broken row", "not a row", FIX)  # fmt: skip


def _opened(where: Place, split: str) -> Iterator[object]:
    from datasets import load_dataset

    asked = {key: value for key, value in where.asked.items() if key in ("revision", "data_files")}
    return iter(load_dataset(where.path, where.asked.get("config"), split=split, streaming=True, **asked))


def _splits(where: Place) -> dict[str, list[str]]:
    """The columns of each split that is asked for; none where the builder does not say."""
    from datasets import load_dataset

    asked = {key: value for key, value in where.asked.items() if key in ("revision", "data_files")}
    found = load_dataset(where.path, where.asked.get("config"), streaming=True, **asked)
    wanted = [where.asked["split"]] if "split" in where.asked else list(found)
    return {split: list(found[split].column_names or next(iter(found[split].take(1)), {})) for split in wanted}


def _stamp(where: Place) -> str:
    """Names the content: the commit on the Hub, or the time and size of a builder's files."""
    import fsspec
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    if "data_files" in where.asked:
        files, path = fsspec.core.url_to_fs(where.asked["data_files"])
        return " ".join(str(files.ukey(one)) for one in sorted(files.glob(path)))
    try:
        return str(HfApi().dataset_info(where.path, revision=where.asked.get("revision")).sha)
    except (HfHubHTTPError, OSError, ValueError):
        return ""
