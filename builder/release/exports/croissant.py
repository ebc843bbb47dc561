"""The croissant.json of a release: Croissant 1.1 (JSON-LD) with the Responsible AI (RAI) extension.

It lists each Parquet shard with its sha256 and its address at the version's tag, one record set for each config and
split, and one for each closed list of labels. Everything comes from tables, schema and card, so it has no date and
names no person.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builder.records import Agreement
from builder.release.card.citation import HUB, author, bibtex, dataset_url
from builder.release.card.licences import licence_id
from builder.release.card.prose import CardProse
from builder.release.tables.build import Tables, non_empty
from builder.release.tables.shards import shards
from builder.schema.dataset import Dataset

PARQUET = "application/x-parquet"

CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]

MAINTENANCE_PLAN = (
    "Each version is a git tag, set only after what was published was read back and compared. "
    "Rows that were relabelled, re-split or re-normalised make a major version, added ones a minor one. An article "
    "that is taken down is in no later version. The changes of each are in CHANGELOG.md."
)


@dataclass(frozen=True, slots=True)
class ReleaseDescription:
    """The description of a release besides its rows; `agreement` holds the headline figures."""

    dataset: Dataset
    version: str
    told: CardProse
    facts: Mapping[str, str]
    agreement: Sequence[Agreement]


def croissant(about: ReleaseDescription, tables: Tables, files: Mapping[str, str]) -> bytes:
    """Return the JSON-LD of a release; `files` maps each path to its sha256."""
    dataset, version, prose = about.dataset, about.version, about.told
    chosen = non_empty(tables)
    lists = LabelLists()
    parts = [(config, split) for config, splits in chosen.items() for split in splits]
    sets = [
        record_set(f"{config}/{split}", split, chosen[config][split].schema, _source(config, split, files), lists)
        for config, split in parts
    ]
    document: Node = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": dataset.title,
        "description": prose.about or dataset.title,
        "url": dataset_url(dataset.repo_id, version),
        "version": version,
        "license": _licences(dataset),
        "citeAs": bibtex(dataset.repo_id, dataset.title, version),
        "creator": {"@type": "sc:Organization", "name": author(dataset.repo_id)},
        "inLanguage": "ar",
        **({"keywords": list(prose.head.tags)} if prose.head.tags else {}),
        **_responsible(about, tables),
        "distribution": [*_objects(dataset.repo_id, version, files), *_file_sets(parts, files)],
        "recordSet": [*sets, *lists.record_sets()],
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


PATH = "croissant.json"


def _licences(dataset: Dataset) -> object:
    """Return the licence of text and annotations, or one named entry for each if they differ."""
    text, annotations = (
        f"https://spdx.org/licenses/{known}.html" if (known := licence_id(name)) else name
        for name in (dataset.licence.text, dataset.licence.annotations)
    )
    if text == annotations:
        return text
    both = (("text", text, dataset.licence.text), ("annotations", annotations, dataset.licence.annotations))
    return [
        {"@type": "sc:CreativeWork", "name": f"{what}: {name}", **({"url": url} if url != name else {})}
        for what, url, name in both
    ]


def _values(tables: Tables, config: str, name: str) -> set[str]:
    """Return the distinct values of a column over all splits."""
    return {value for table in tables[config].values() for value in pc.unique(table[name]).to_pylist()}


def _per_item(tables: Tables) -> str:
    """Return the range of annotators per article, as text."""
    counts = [n for table in tables["entities"].values() for n in pc.unique(table["n_annotators"]).to_pylist()]
    low, high = min(counts, default=0), max(counts, default=0)
    return f"{low} to {high}" if low < high else str(high)


def _figure(figure: Agreement) -> str:
    """Return an agreement figure as one line of text."""
    value = f"undefined ({figure.why})" if figure.value is None else f"{figure.value:.3f}"
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = f", 95 % interval {figure.low:.3f} to {figure.high:.3f}"
    of = f"{figure.layer}, {figure.label}, batch {figure.batch}"
    return f"{figure.measure} ({of}): {value}{interval}, n = {figure.n:,} {figure.unit}"


def _paths(config: str, split: str, files: Mapping[str, str]) -> list[str]:
    """Return the Parquet files of a split."""
    return shards([*files])[config][split]


Node = dict[str, object]

CONTEXT: Node = {
    "@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"}, "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isArray": "cr:isArray", "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "name": {"@container": "@language"},
    "parentField": "cr:parentField", "path": "cr:path", "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
"""The standard @context of Croissant 1.1; readers warn of any other."""


def _responsible(about: ReleaseDescription, tables: Tables) -> Node:
    """Return the fields of Croissant RAI 1.0; those without a value are left out."""
    dataset, prose, facts = about.dataset, about.told, about.facts
    sources = sorted(_values(tables, "articles", "source"))
    profiles = ", ".join(sorted(_values(tables, "articles", "profile")))
    rows = sum(table.num_rows for table in tables["articles"].values())
    hidden = ", ".join(dataset.redact)
    fields: Node = {
        "rai:dataCollection": f"{rows:,} news articles from {len(sources):,} sources: {', '.join(sources)}.",
        "rai:dataPreprocessingProtocol": [
            f"Text was normalised by the profile {profiles}; letters were not folded.",
            "Lines that are not the article were taken out by the rules of schema/boilerplate.yaml.",
        ],
        "rai:dataAnnotationProtocol": [facts["assignment"], facts["adjudication"].split("\n")[0]],
        "rai:dataAnnotationPlatform": ["Label Studio"],
        "rai:dataAnnotationAnalysis": [_figure(figure) for figure in about.agreement],
        "rai:annotationsPerItem": _per_item(tables),
        "rai:annotatorDemographics": [prose.annotators] if prose.annotators else [],
        "rai:dataBiases": [prose.limits] if prose.limits else [],
        "rai:dataLimitations": [prose.limits] if prose.limits else [],
        "rai:personalSensitiveInformation": [
            "Annotators are known by keyed pseudonyms only.",
            f"Taken out of the published text: {hidden}." if hidden else "Nothing was redacted in the published text.",
            f"The names of authors are {'' if dataset.publish_authors else 'not '}published (`author` of `articles`).",
        ],
        "rai:dataReleaseMaintenancePlan": MAINTENANCE_PLAN,
    }
    return {name: value for name, value in fields.items() if value}


def _objects(repo_id: str, version: str, files: Mapping[str, str]) -> Iterator[Node]:
    """Yield a cr:FileObject for each file."""
    for path, sha256 in sorted(files.items()):
        yield {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path,
            "contentUrl": f"{HUB}/{repo_id}/resolve/v{version}/{path}",
            "encodingFormat": PARQUET if path.endswith(".parquet") else "text/plain",
            "sha256": sha256,
        }


def _source(config: str, split: str, files: Mapping[str, str]) -> Node:
    """Return the reference to the file of a split, or to the file set if it has several files."""
    paths = _paths(config, split, files)
    return {"fileObject": {"@id": paths[0]}} if len(paths) == 1 else {"fileSet": {"@id": f"{config}/{split}-*"}}


def _file_sets(parts: Sequence[tuple[str, str]], files: Mapping[str, str]) -> Iterator[Node]:
    """Yield a cr:FileSet for each split that has several files."""
    for config, split in parts:
        paths = _paths(config, split, files)
        if len(paths) > 1:
            yield {
                "@type": "cr:FileSet",
                "@id": f"{config}/{split}-*",
                "name": f"{config}/{split}-*",
                "containedIn": [{"@id": path} for path in paths],
                "encodingFormat": PARQUET,
                "includes": "*",  # readers store downloaded files under names of their own
            }


TYPES = {
    "string": "sc:Text", "int32": "cr:Int32", "int64": "cr:Int64", "float64": "cr:Float64", "bool": "sc:Boolean",
    "timestamp[ms, tz=UTC]": "sc:DateTime",
}  # fmt: skip
"""The Croissant type of each column type; a ClassLabel is typed by its number."""


@dataclass(slots=True)
class LabelLists:
    """The closed label lists that ClassLabel columns refer to, named after the first column that uses each."""

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, column: str, names: Sequence[str]) -> str:
        """Register a label list and return the id of its record set."""
        known = next((key for key, labels in self.names.items() if labels == tuple(names)), None)
        key = known or (column if column not in self.names else f"{column}-{len(self.names)}")
        self.names[key] = tuple(names)
        return f"labels/{key}"

    def record_sets(self) -> Iterator[Node]:
        """Yield a record set with rows for each list."""
        for key, names in self.names.items():
            list_id = f"labels/{key}"
            yield {
                "@type": "cr:RecordSet",
                "@id": list_id,
                "name": list_id,
                "dataType": "sc:Enumeration",
                "key": {"@id": f"{list_id}/number"},
                "field": [
                    {"@type": "cr:Field", "@id": f"{list_id}/number", "name": "number", "dataType": "cr:Int64"},
                    {"@type": "cr:Field", "@id": f"{list_id}/name", "name": "name", "dataType": "sc:Text"},
                ],
                "data": [{f"{list_id}/number": number, f"{list_id}/name": name} for number, name in enumerate(names)],
            }


def record_set(name: str, split: str, schema: pa.Schema, source: Node, lists: LabelLists) -> Node:
    """Return the record set of one split of a config; `source` refers to the files that hold its rows."""
    columns = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    constant: Node = {
        "@type": "cr:Field",
        "@id": f"{name}/split",
        "name": "split",
        "dataType": "sc:Text",
        "value": split,
    }
    fields = [_field(name, column, columns[column], {**source, "extract": {"column": column}}, lists)
              for column in schema.names]  # fmt: skip
    key = {"key": {"@id": f"{name}/id"}} if "id" in schema.names else {}
    return {"@type": "cr:RecordSet", "@id": name, "name": name, **key, "field": [constant, *fields]}


def _field(parent: str, column: str, feature: Any, source: Node, lists: LabelLists) -> Node:
    """Return the field of a column from its `datasets` feature: a value, a list of values, or a list of structs."""
    base: Node = {"@type": "cr:Field", "@id": f"{parent}/{column}", "name": column}
    array: Node = {"isArray": True, "arrayShape": "-1"} if isinstance(feature, list) else {}
    inner = feature[0] if array else feature
    if "_type" in inner:
        return {**base, **_type(column, inner, lists), **array, "source": source}
    parts = [
        {**_field(f"{parent}/{column}", name, kind, {**source, "transform": {"jsonPath": name}}, lists)}
        for name, kind in inner.items()
    ]
    return {**base, **array, "subField": parts}


def _type(column: str, feature: Any, lists: LabelLists) -> Node:
    """Return the data type of a value column."""
    if feature["_type"] == "ClassLabel":
        return {"dataType": "cr:Int64", "description": f"The number of a row of {lists.add(column, feature['names'])}."}
    return {"dataType": TYPES[feature["dtype"]]}
