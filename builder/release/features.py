"""The columns of each config, said once: as Arrow, as the card's YAML, as Parquet metadata.

Does not know any row: that is builder.release.tables.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from builder.schema import Labels

Feature = str | tuple[str, ...] | list["Feature"] | dict[str, "Feature"]
"""A column: an Arrow type by name, the names of a ClassLabel, a list of one feature, or a struct."""

TIME = "timestamp[ms, tz=UTC]"


Edition = Literal["full", "standoff"]
WITHHELD = {
    "entities": ("text", "title", "tokens", "spans.text"),
    "stance": ("text", "title"),
    "annotations": ("spans.text",),
    "articles": ("text", "title"),
}
"""The columns that the stand-off edition of each config does not have: running text, and what quotes it."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the ClassLabels; `values` are all stance values, or None where there is no stance layer."""

    entities: tuple[str, ...]
    published: tuple[str, ...]
    values: tuple[str, ...] | None


def names_of(labels: Labels) -> Names:
    """The names of the ClassLabels that labels.yaml makes."""
    return Names(labels.entity_names, labels.published_values, all_values(labels) if labels.stances else None)


def features(labels: Labels | Names, edition: Edition = "full") -> dict[str, dict[str, Feature]]:
    """The columns of each config of an edition, in order; the first config is the default one."""
    known = names_of(labels) if isinstance(labels, Labels) else labels
    names = known.entities
    span: dict[str, Feature] = {"start": "int32", "end": "int32", "label": names, "text": "string"}
    place: dict[str, Feature] = {"start": "int32", "end": "int32"}
    date: dict[str, Feature] = {"published_at": TIME, "published_zone": "string"}
    origin: dict[str, Feature] = {"title": "string", "source": "string", "url": "string", **date}
    judged: dict[str, Feature] = {"n_annotators": "int32", "adjudicated": "bool"}
    configs: dict[str, dict[str, Feature]] = {
        "entities": {
            "id": "string", "text": "string", **origin, "split_group": "string",
            "spans": [{**span, "raw_start": "int32", "raw_end": "int32", "confidence": "float64"}],
            "tokens": ["string"], "token_spans": [place], "ner_tags": [tag_names(names)],
            "ner_tags_inner": [tag_names(names)], **judged,
        },
        "stance": {
            "id": "string", "article_id": "string", "text": "string", "target": "string", "target_name": "string",
            "stance": known.published, "label_counts": ["int32"], "soft_label": ["float64"],
            **judged, "confidence": "float64", **origin, "split_group": "string",
        },
        "annotations": {
            "article_id": "string", "annotator": "string", "batch": "string", "spans": [span],
            "stances": [{"target": "string", "value": known.values or ()}],
            "status": "string", "seconds": "float64", "guideline": "string", "schema": "string", "remark": "string",
        },
        "articles": {
            "id": "string", "document_id": "string", "part": "int32", "title": "string", "text": "string",
            "source": "string", "source_name": "string", "author": "string", "url": "string", **date,
            "profile": "string", "text_sha": "string", "split_group": "string",
        },
    }  # fmt: skip
    if known.values is None:
        del configs["stance"], configs["annotations"]["stances"]
    return configs if edition == "full" else {name: _withheld(name, columns) for name, columns in configs.items()}


def _withheld(config: str, columns: Mapping[str, Feature]) -> dict[str, Feature]:
    """The columns of the stand-off edition; `articles` has what leads from the raw pages back to the others."""
    kept = {name: feature for name, feature in columns.items() if name not in WITHHELD[config]}
    spans = kept.get("spans")
    if isinstance(spans, list) and isinstance(spans[0], dict):
        kept["spans"] = [{name: feature for name, feature in spans[0].items() if name != "text"}]
    return {**kept, "restore": [RESTORE]} if config == "articles" else kept


RESTORE: dict[str, Feature] = {
    "column": "string", "sha": "string", "given": "bool", "edits": ["int32"],
    "replaced": [{"raw": "string", "put": "string"}], "placed": [{"edit": "int32", "put": "string"}],
}  # fmt: skip
"""How one column of an article comes back from its raw page: builder.release.recipes."""


def tag_names(names: Sequence[str]) -> tuple[str, ...]:
    """The IOB2 tags of labels, in the order of their numbers.

    >>> tag_names(["PERS"])
    ('O', 'B-PERS', 'I-PERS')
    """
    return ("O", *(f"{edge}-{name}" for name in names for edge in "BI"))


def all_values(labels: Labels) -> tuple[str, ...]:
    """Names of all stance values, unpublished ones too: the order of `label_counts` and `soft_label`."""
    return tuple(value.name for value in labels.stances.values) if labels.stances else ()


def arrow_schema(columns: Mapping[str, Feature]) -> pa.Schema:
    """The Arrow schema of a config, with the note from which `datasets` restores ClassLabels."""
    known = {"info": {"features": {name: _json_feature(feature) for name, feature in columns.items()}}}
    fields = [pa.field(name, feature_type(feature)) for name, feature in columns.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps(known, ensure_ascii=False)})


def feature_type(feature: Feature) -> pa.DataType:
    """The Arrow type of a column."""
    if isinstance(feature, str):
        return pa.timestamp("ms", tz="UTC") if feature == TIME else pa.type_for_alias(feature)
    if isinstance(feature, tuple):
        return pa.int64()
    if isinstance(feature, list):
        return pa.list_(feature_type(feature[0]))
    return pa.struct([(name, feature_type(inner)) for name, inner in feature.items()])


def _json_feature(feature: Feature) -> object:
    if isinstance(feature, str):
        return {"dtype": feature, "_type": "Value"}
    if isinstance(feature, tuple):
        return {"names": list(feature), "_type": "ClassLabel"}
    if isinstance(feature, list):
        return [_json_feature(feature[0])]
    return {name: _json_feature(inner) for name, inner in feature.items()}


def features_yaml(columns: Mapping[str, Feature]) -> list[dict[str, object]]:
    """Columns as a dataset card's `dataset_info` lists them, in the form that datasets 2, 3 and 5 read.

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
