"""The record sets of a release in Croissant: the columns of each config and split, nested ones too, and lists of labels.

Columns are read from the features that are written into every Parquet file. Does not know what a column means.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

Node = dict[str, object]
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
