"""Reader for datasets that `load_dataset` streams, from the Hub or from any builder of `datasets`.

An address is `hub://org/name?config=c&split=train&revision=v1`, or `hub://json?data_files=/data/news.json`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from builder.corpus.readers.rows import BadRecord, File, ReadItem, row_of
from builder.corpus.readers.tables.columns import missing_columns, naming_fix
from builder.corpus.readers.tabular import FIX
from builder.io.remote import filesystem_of
from builder.records import Issue, user_error
from builder.schema.dataset import Fields

SCHEME = "hub://"

ASKED = ("config", "split", "revision", "data_files")
"""The parameters that an address may have."""


@dataclass(frozen=True, slots=True)
class DatasetAddress:
    """The arguments of a `load_dataset` call: the path, and the parameters of the address."""

    path: str
    asked: Mapping[str, str]


def parse_address(uri: str) -> DatasetAddress:
    """Parse an address; raise KhabarError for an unknown parameter or a missing name."""
    parts = urlsplit(uri)
    asked = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    unknown = sorted(asked.keys() - {*ASKED})
    if unknown or not parts.netloc:
        raise user_error(
            "hub",
            f"cannot read {', '.join(unknown) or 'the address'}",
            where=uri,
            fix=f"such as hub://org/name?config=c&split=train; known: {', '.join(ASKED)}",
        )
    return DatasetAddress((parts.netloc + parts.path).strip("/"), asked)


def files(uri: str, fields: Fields) -> tuple[list[File], list[Issue]]:
    """Return one file for each split, and the faults of the request."""
    dataset = parse_address(uri)
    try:
        splits = _splits(dataset)
    except Exception as error:  # noqa: BLE001 - datasets, a Hub and each builder raise their own
        reason = (str(error).strip() or type(error).__name__).split("\n")[0]
        return [], [Issue("error", "unreadable", f"load_dataset cannot open it: {reason}", where=uri,
                          fix="check the dataset's name and your access to it; HF_ENDPOINT and HF_TOKEN set the Hub and the account")]  # fmt: skip
    issues, split_files = [], []
    for split, columns in splits.items():
        absent = missing_columns(columns, fields) if columns else []
        if absent:
            issues.append(Issue("error", "unreadable", f"split {split} has no column {', '.join(absent)}; it has {', '.join(columns)}",
                                where=uri, fix=naming_fix(columns, absent, fields)))  # fmt: skip
        origin = f"{dataset.path}{'@' + dataset.asked['revision'] if 'revision' in dataset.asked else ''}/{split}"
        split_files.append(File(f"{uri}#{split}", uri, origin, "hub", "", 0, _stamp(dataset)))
    return split_files, issues


def rows(file: File, fields: Fields) -> Iterator[ReadItem]:
    """Yield the rows of one split, counted from 1."""
    uri, _, split = file.uri.rpartition("#")
    for number, values in enumerate(iter(_load(parse_address(uri), split)), 1):
        yield row_of(values, fields, f":{number}", "", fix=FIX, extra=True) if isinstance(values, Mapping) else BadRecord(
            f":{number}", "broken row", "not a row", FIX)  # fmt: skip


def _load(dataset: DatasetAddress, split: str | None = None) -> Any:
    """Return the streamed splits of a dataset, or one of them."""
    from datasets import load_dataset  # noqa: PLC0415 - takes a second to import

    options = {key: value for key, value in dataset.asked.items() if key in ("revision", "data_files")}
    return load_dataset(dataset.path, dataset.asked.get("config"), split=split, streaming=True, **options)


def _splits(dataset: DatasetAddress) -> dict[str, list[str]]:
    """Return the columns of each requested split; empty if the builder does not report them."""
    streams = _load(dataset)
    wanted = [dataset.asked["split"]] if "split" in dataset.asked else list(streams)
    return {split: list(streams[split].column_names or next(iter(streams[split].take(1)), {})) for split in wanted}


def _stamp(dataset: DatasetAddress) -> str:
    """Return what identifies the content: the commit on the Hub, or the time and size of a builder's files."""
    if "data_files" in dataset.asked:
        filesystem, pattern = filesystem_of(dataset.asked["data_files"])
        return " ".join(str(filesystem.ukey(path)) for path in sorted(filesystem.glob(pattern)))
    from huggingface_hub import HfApi, errors  # noqa: PLC0415 - workers start without it

    try:
        return str(HfApi().dataset_info(dataset.path, revision=dataset.asked.get("revision")).sha)
    except (errors.HfHubHTTPError, OSError, ValueError):
        return ""
