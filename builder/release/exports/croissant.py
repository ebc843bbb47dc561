"""croissant.json: a release in Croissant 1.1 (JSON-LD), with the fields of its extension for responsible AI.

Each Parquet shard with its sha256 and its address at the tag of the version; one record set for each config and split,
and one for each closed list of labels. Says only what tables, schema and card say: no date, and no person.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builder.records import Agreement
from builder.release.card.citation import HUB, author, bibtex, licence_id, page
from builder.release.card.prose import Told
from builder.release.tables.build import Tables, loadable
from builder.release.tables.shards import shards
from builder.schema.dataset import Dataset

PARQUET = "application/x-parquet"

CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]

KEPT = (
    "Each version is a git tag, set only after what was published was read back and compared. "
    "Rows that were relabelled, re-split or re-normalised make a major version, added ones a minor one. An article "
    "that is taken down is in no later version. The changes of each are in CHANGELOG.md."
)


@dataclass(frozen=True, slots=True)
class About:
    """What a release says of itself beside its rows; `agreement` are the headline figures."""

    dataset: Dataset
    version: str
    told: Told
    facts: Mapping[str, str]
    agreement: Sequence[Agreement]


def croissant(about: About, tables: Tables, files: Mapping[str, str]) -> bytes:
    """The JSON-LD of a release whose files have these sha256, by path."""
    dataset, version, told = about.dataset, about.version, about.told
    chosen = loadable(tables)
    lists = Lists()
    parts = [(config, split) for config, splits in chosen.items() for split in splits]
    sets = [
        record_set(f"{config}/{split}", split, chosen[config][split].schema, _source(config, split, files), lists)
        for config, split in parts
    ]
    said: Node = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": dataset.title,
        "description": told.about or dataset.title,
        "url": page(dataset.repo_id, version),
        "version": version,
        "license": _licences(dataset),
        "citeAs": bibtex(dataset.repo_id, dataset.title, version),
        "creator": {"@type": "sc:Organization", "name": author(dataset.repo_id)},
        "inLanguage": "ar",
        **({"keywords": list(told.head.tags)} if told.head.tags else {}),
        **_responsible(about, tables),
        "distribution": [*_objects(dataset.repo_id, version, files), *_file_sets(parts, files)],
        "recordSet": [*sets, *lists.record_sets()],
    }
    return (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode()


PATH = "croissant.json"


def _licences(dataset: Dataset) -> object:
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
    return {value for table in tables[config].values() for value in pc.unique(table[name]).to_pylist()}


def _per_item(tables: Tables) -> str:
    counts = [n for table in tables["entities"].values() for n in pc.unique(table["n_annotators"]).to_pylist()]
    least, most = min(counts, default=0), max(counts, default=0)
    return f"{least} to {most}" if least < most else str(most)


def _figure(figure: Agreement) -> str:
    value = f"undefined ({figure.why})" if figure.value is None else f"{figure.value:.3f}"
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = f", 95 % interval {figure.low:.3f} to {figure.high:.3f}"
    of = f"{figure.layer}, {figure.label}, batch {figure.batch}"
    return f"{figure.measure} ({of}): {value}{interval}, n = {figure.n:,} {figure.unit}"


def _paths(config: str, split: str, files: Mapping[str, str]) -> list[str]:
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
"""The standard @context of Croissant 1.1; a reader warns of any other."""


def _responsible(about: About, tables: Tables) -> Node:
    """The fields of Croissant RAI 1.0 of which something is known."""
    dataset, told, facts = about.dataset, about.told, about.facts
    sources = sorted(_values(tables, "articles", "source"))
    profiles = ", ".join(sorted(_values(tables, "articles", "profile")))
    rows = sum(table.num_rows for table in tables["articles"].values())
    hidden = ", ".join(dataset.redact)
    found: Node = {
        "rai:dataCollection": f"{rows:,} news articles from {len(sources):,} sources: {', '.join(sources)}.",
        "rai:dataPreprocessingProtocol": [
            f"Text was normalised by the profile {profiles}; letters were not folded.",
            "Lines that are not the article were taken out by the rules of schema/boilerplate.yaml.",
        ],
        "rai:dataAnnotationProtocol": [facts["assignment"], facts["adjudication"].split("\n")[0]],
        "rai:dataAnnotationPlatform": ["Label Studio"],
        "rai:dataAnnotationAnalysis": [_figure(figure) for figure in about.agreement],
        "rai:annotationsPerItem": _per_item(tables),
        "rai:annotatorDemographics": [told.annotators] if told.annotators else [],
        "rai:dataBiases": [told.limits] if told.limits else [],
        "rai:dataLimitations": [told.limits] if told.limits else [],
        "rai:personalSensitiveInformation": [
            "Annotators are known by keyed pseudonyms only.",
            f"Taken out of the published text: {hidden}." if hidden else "Nothing was redacted in the published text.",
        ],
        "rai:dataReleaseMaintenancePlan": KEPT,
    }
    return {name: value for name, value in found.items() if value}


def _objects(repo_id: str, version: str, files: Mapping[str, str]) -> Iterator[Node]:
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
    """The file of a split, or what stands for its files."""
    paths = _paths(config, split, files)
    return {"fileObject": {"@id": paths[0]}} if len(paths) == 1 else {"fileSet": {"@id": f"{config}/{split}-*"}}


def _file_sets(parts: Sequence[tuple[str, str]], files: Mapping[str, str]) -> Iterator[Node]:
    """What stands for the files of a split that has several."""
    for config, split in parts:
        paths = _paths(config, split, files)
        if len(paths) > 1:
            yield {
                "@type": "cr:FileSet",
                "@id": f"{config}/{split}-*",
                "name": f"{config}/{split}-*",
                "containedIn": [{"@id": path} for path in paths],
                "encodingFormat": PARQUET,
                "includes": "*",  # readers keep what they fetch under names of their own
            }


TYPES = {
    "string": "sc:Text", "int32": "cr:Int32", "int64": "cr:Int64", "float64": "cr:Float64", "bool": "sc:Boolean",
    "timestamp[ms, tz=UTC]": "sc:DateTime",
}  # fmt: skip
"""Croissant's type for each of a column's; that of a ClassLabel is its number."""


@dataclass(slots=True)
class Lists:
    """The closed lists of labels that columns hold numbers of, each by the name of the first column that does."""

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, column: str, names: Sequence[str]) -> str:
        """The id of the record set that has these names."""
        known = next((key for key, found in self.names.items() if found == tuple(names)), None)
        key = known or (column if column not in self.names else f"{column}-{len(self.names)}")
        self.names[key] = tuple(names)
        return f"labels/{key}"

    def record_sets(self) -> Iterator[Node]:
        """One for each list, with its rows."""
        for key, names in self.names.items():
            own = f"labels/{key}"
            yield {
                "@type": "cr:RecordSet",
                "@id": own,
                "name": own,
                "dataType": "sc:Enumeration",
                "key": {"@id": f"{own}/number"},
                "field": [
                    {"@type": "cr:Field", "@id": f"{own}/number", "name": "number", "dataType": "cr:Int64"},
                    {"@type": "cr:Field", "@id": f"{own}/name", "name": "name", "dataType": "sc:Text"},
                ],
                "data": [{f"{own}/number": number, f"{own}/name": name} for number, name in enumerate(names)],
            }


def record_set(name: str, split: str, schema: pa.Schema, source: Node, lists: Lists) -> Node:
    """The rows of one split of a config; `source` is the file, or the files, that hold them."""
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


def _field(parent: str, column: str, feature: Any, source: Node, lists: Lists) -> Node:
    """A column as the features of `datasets` describe it: a value, a list of values, or a list of structs."""
    said: Node = {"@type": "cr:Field", "@id": f"{parent}/{column}", "name": column}
    array: Node = {"isArray": True, "arrayShape": "-1"} if isinstance(feature, list) else {}
    inner = feature[0] if array else feature
    if "_type" in inner:
        return {**said, **_type(column, inner, lists), **array, "source": source}
    parts = [
        {**_field(f"{parent}/{column}", name, kind, {**source, "transform": {"jsonPath": name}}, lists)}
        for name, kind in inner.items()
    ]
    return {**said, **array, "subField": parts}


def _type(column: str, feature: Any, lists: Lists) -> Node:
    if feature["_type"] == "ClassLabel":
        return {"dataType": "cr:Int64", "description": f"The number of a row of {lists.add(column, feature['names'])}."}
    return {"dataType": TYPES[feature["dtype"]]}
