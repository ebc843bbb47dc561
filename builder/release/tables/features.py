"""The columns of each config, defined once and converted to Arrow, card YAML and Parquet metadata."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.schema.labels import Labels

Feature = str | tuple[str, ...] | list["Feature"] | dict[str, "Feature"]
"""A column: an Arrow type by name, the names of a ClassLabel, a list of one feature, or a struct."""

TIME = "timestamp[ms, tz=UTC]"

Edition = Literal["full", "standoff"]

WITHHELD = {
    "entities": ("text", "title", "tokens", "spans.text"),
    "stance": ("text", "title"),
    "questions": ("text", "title"),
    "annotations": ("spans.text",),
    "articles": ("text", "title"),
}
"""Columns of each config that the stand-off edition leaves out: running text and quotations of it."""


@dataclass(frozen=True, slots=True)
class LabelNames:
    """The names of the ClassLabels; `values` lists all stance values, or is None without a stance layer.

    `questions` is whether there are questions on whole articles.
    """

    entities: tuple[str, ...]
    published: tuple[str, ...]
    values: tuple[str, ...] | None
    questions: bool = False
    """Whether there are questions on whole articles."""
    asked: bool = False
    """Whether `entities` says which labels the annotators of each article were asked for."""


ASKED = "labels_asked"
"""The column of `entities` with the labels that the annotators of an article were asked for, if they differ."""


def is_asked(tables: Mapping[str, Mapping[str, pa.Table]]) -> bool:
    """Return whether tables say which labels the annotators of each article were asked for."""
    return any(ASKED in table.column_names for table in tables.get("entities", {}).values())


def label_names(labels: Labels, *, asked: bool = False) -> LabelNames:
    """Return the names of the ClassLabels that labels.yaml defines."""
    values = all_values(labels) if labels.stances else None
    return LabelNames(labels.entity_names, labels.published_values, values, bool(labels.questions), asked)


def features(labels: Labels | LabelNames, edition: Edition = "full") -> dict[str, dict[str, Feature]]:
    """Return the columns of each config of an edition, in order; the first config is the default."""
    known = label_names(labels) if isinstance(labels, Labels) else labels
    names = known.entities
    span: dict[str, Feature] = {"start": "int32", "end": "int32", "label": names, "text": "string"}
    offsets: dict[str, Feature] = {"start": "int32", "end": "int32"}
    date: dict[str, Feature] = {"published_at": TIME, "published_zone": "string"}
    origin: dict[str, Feature] = {"title": "string", "source": "string", "url": "string", **date}
    judged: dict[str, Feature] = {"n_annotators": "int32", "adjudicated": "bool"}
    configs: dict[str, dict[str, Feature]] = {
        "entities": {
            "id": "string", "text": "string", **origin, "split_group": "string",
            "spans": [{**span, "raw_start": "int32", "raw_end": "int32", "confidence": "float64"}],
            "tokens": ["string"], "token_spans": [offsets], "ner_tags": [tag_names(names)],
            "ner_tags_inner": [tag_names(names)], **judged,
        },
        "stance": {
            "id": "string", "article_id": "string", "text": "string", "target": "string", "target_name": "string",
            "stance": known.published, "label_counts": ["int32"], "soft_label": ["float64"],
            **judged, "confidence": "float64", **origin, "split_group": "string",
        },
        "questions": {
            "id": "string", "article_id": "string", "text": "string", "question": "string", "question_name": "string",
            "answers": ["string"], "values": ["string"], "label_counts": ["int32"], "soft_label": ["float64"],
            **judged, "confidence": "float64", **origin, "split_group": "string",
        },
        "annotations": {
            "article_id": "string", "annotator": "string", "batch": "string", "spans": [span],
            "stances": [{"target": "string", "value": known.values or ()}],
            "answers": [{"question": "string", "value": "string"}],
            "status": "string", "seconds": "float64", "guideline": "string", "schema": "string", "remark": "string",
        },
        "articles": {
            "id": "string", "document_id": "string", "part": "int32", "title": "string", "text": "string",
            "source": "string", "source_name": "string", "author": "string", "url": "string", **date,
            "profile": "string", "text_sha": "string", "split_group": "string",
        },
    }  # fmt: skip
    if known.asked:
        configs["entities"][ASKED] = ["string"]
    if known.values is None:
        del configs["stance"], configs["annotations"]["stances"]
    if not known.questions:
        del configs["questions"], configs["annotations"]["answers"]
    return configs if edition == "full" else {name: _withheld(name, columns) for name, columns in configs.items()}


def _withheld(config: str, columns: Mapping[str, Feature]) -> dict[str, Feature]:
    """Return the columns of the stand-off edition; `articles` gains `restore`, from which `hydrate` rebuilds texts."""
    kept = {name: feature for name, feature in columns.items() if name not in WITHHELD[config]}
    spans = kept.get("spans")
    if isinstance(spans, list) and isinstance(spans[0], dict):
        kept["spans"] = [{name: feature for name, feature in spans[0].items() if name != "text"}]
    return {**kept, "restore": [RESTORE]} if config == "articles" else kept


RESTORE: dict[str, Feature] = {
    "column": "string", "sha": "string", "given": "bool", "edits": ["int32"],
    "replaced": [{"raw": "string", "put": "string"}], "placed": [{"edit": "int32", "put": "string"}],
}  # fmt: skip
"""The delta that rebuilds one column of an article from its raw page; see builder.release.editions.delta."""


def tag_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the IOB2 tags of labels, in the order of their numbers.

    >>> tag_names(["PERS"])
    ('O', 'B-PERS', 'I-PERS')
    """
    return ("O", *(f"{edge}-{name}" for name in names for edge in "BI"))


def all_values(labels: Labels) -> tuple[str, ...]:
    """Return the names of all stance values, also unpublished ones; `label_counts` and `soft_label` follow their order."""
    return tuple(value.name for value in labels.stances.values) if labels.stances else ()


def arrow_schema(columns: Mapping[str, Feature]) -> pa.Schema:
    """Return the Arrow schema of a config, with the metadata from which `datasets` restores ClassLabels."""
    metadata = {"info": {"features": {name: _json_feature(feature) for name, feature in columns.items()}}}
    fields = [pa.field(name, feature_type(feature)) for name, feature in columns.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps(metadata, ensure_ascii=False)})


def feature_type(feature: Feature) -> pa.DataType:
    """Return the Arrow type of a column."""
    if isinstance(feature, str):
        return pa.timestamp("ms", tz="UTC") if feature == TIME else pa.type_for_alias(feature)
    if isinstance(feature, tuple):
        return pa.int64()
    if isinstance(feature, list):
        return pa.list_(feature_type(feature[0]))
    return pa.struct([(name, feature_type(inner)) for name, inner in feature.items()])


def _json_feature(feature: Feature) -> object:
    """Return a column as `datasets` writes it into Parquet metadata."""
    if isinstance(feature, str):
        return {"dtype": feature, "_type": "Value"}
    if isinstance(feature, tuple):
        return {"names": list(feature), "_type": "ClassLabel"}
    if isinstance(feature, list):
        return [_json_feature(feature[0])]
    return {name: _json_feature(inner) for name, inner in feature.items()}


def features_yaml(columns: Mapping[str, Feature]) -> list[dict[str, object]]:
    """Return columns in the form of a card's `dataset_info`, readable by datasets 2, 3 and 5.

    >>> features_yaml({"id": "string", "tokens": ["string"]})
    [{'name': 'id', 'dtype': 'string'}, {'name': 'tokens', 'sequence': 'string'}]
    """
    return [{"name": name, **_yaml_feature(feature)} for name, feature in columns.items()]


def _yaml_feature(feature: Feature) -> dict[str, object]:
    if isinstance(feature, str):
        return {"dtype": feature}
    if isinstance(feature, tuple):
        return {"dtype": {"class_label": {"names": {str(i): name for i, name in enumerate(feature)}}}}
    if isinstance(feature, dict):
        return {"struct": features_yaml(feature)}
    inner = feature[0]
    if isinstance(inner, dict):
        return {"list": features_yaml(inner)}
    (of,) = _yaml_feature(inner).values()
    return {"sequence": of}


RowIndices: TypeAlias = npt.NDArray[np.int64]

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def is_list_like(array: pa.Array, items: pa.Array) -> pa.Array:
    """Return a list array with other items but the same lengths and nulls."""
    offsets = np.concatenate([[0], np.cumsum(list_lengths(array).clip(0))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), items, mask=array.is_null())


def list_lengths(array: pa.Array) -> RowIndices:
    """Return the length of each list, -1 for null."""
    return np.asarray(pc.fill_null(pc.list_value_length(array), -1)).astype(np.int64)


def features_of(schema: pa.Schema) -> dict[str, Json]:
    """Return the feature of each column from the metadata that `datasets` writes to Parquet, else its Arrow type."""
    metadata = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    features = metadata.get("info", {}).get("features", {})
    return {field.name: features.get(field.name, str(field.type)) for field in schema}


@dataclass(frozen=True, slots=True)
class PartChange:
    """A part of a column whose feature differs, with both features in words; an absent one is an empty string."""

    name: str
    old: str
    new: str


def feature_changes(name: str, old: Json, new: Json) -> list[PartChange]:
    """List the parts of a column whose features differ; None is an absent feature.

    >>> label = {"names": ["A"], "_type": "ClassLabel"}
    >>> feature_changes("spans", [{"label": label}], [{"label": label | {"names": ["A", "B"]}}])
    [PartChange(name='spans.label', old='A', new='A, B')]
    """
    if isinstance(old, list) and isinstance(new, list):
        return feature_changes(name, old[0], new[0])
    if isinstance(old, dict) and isinstance(new, dict) and "_type" not in old and "_type" not in new:
        return [
            change
            for part in sorted(old.keys() | new.keys())
            if old.get(part) != new.get(part)
            for change in feature_changes(f"{name}.{part}", old.get(part), new.get(part))
        ]
    return [PartChange(name, _said(old), _said(new))]


def _said(feature: Json) -> str:
    if isinstance(feature, dict) and feature.get("_type") in ("Value", "ClassLabel"):
        return ", ".join(class_names(feature)) or str(feature.get("dtype"))
    return "" if feature is None else feature if isinstance(feature, str) else json.dumps(feature, sort_keys=True)


def class_names(feature: Json) -> list[str]:
    """Return the names of a ClassLabel, or an empty list for any other feature."""
    names = feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
    return [str(name) for name in names] if isinstance(names, list) else []


def convert_labels(array: pa.Array, old: Json, new: Json) -> pa.Array:
    """Convert ClassLabel numbers of the old feature to those of the new one; names that it lacks are numbered after its.

    A number outside the names stays as it is.
    """
    before, after = class_names(old), class_names(new)
    if before and after:
        numbers = {name: number for number, name in enumerate([*after, *(n for n in before if n not in set(after))])}
        valid = pc.and_(pc.greater_equal(array, 0), pc.less(array, len(before)))
        indices = pc.if_else(valid, array, pa.scalar(None, array.type))
        converted = pa.array([numbers[name] for name in before], array.type).take(indices)
        return pc.if_else(pc.fill_null(valid, fill_value=False), converted, array)
    if isinstance(old, list) and isinstance(new, list) and pa.types.is_list(array.type):
        return is_list_like(array, convert_labels(array.flatten(), old[0], new[0]))
    if isinstance(old, dict) and isinstance(new, dict) and pa.types.is_struct(array.type):
        items = [
            convert_labels(pc.struct_field(array, [index]), old.get(field.name), new.get(field.name))
            for index, field in enumerate(array.type)
        ]
        return pa.StructArray.from_arrays(items, fields=list(array.type), mask=array.is_null())
    return array
