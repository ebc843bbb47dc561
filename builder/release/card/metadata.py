"""The YAML head of a card as the Hub takes it, checked without the Hub. Pure.

The Hub's own rules are not published as a schema: these are the values that its documentation names.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from builder.schema.fields import Part

HUB_LICENCES = frozenset({
    "agpl-3.0", "apache-2.0", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0",
    "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cdla-permissive-1.0", "cdla-permissive-2.0",
    "cdla-sharing-1.0", "gpl-3.0", "lgpl-3.0", "mit", "odbl", "odc-by", "pddl",
})  # fmt: skip
"""Licence ids that a card's `license` may hold; any other is `other` with a `license_name`."""

Creator = Literal["found", "crowdsourced", "expert-generated", "machine-generated", "other"]

Tag = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9 _:.-]{0,60}$")]

Source = Annotated[str, Field(pattern=r"^(original|extended(\|.{1,100})?)$")]

Size = Literal[
    "n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B", "10B<n<100B",
    "100B<n<1T", "n>1T",
]  # fmt: skip

Split = Annotated[str, Field(pattern=r"^\w+(\.\w+)*$")]

Config = Annotated[str, Field(pattern=r'^[^<>:/\\|?*"]{1,100}$')]


def _licence(name: str) -> str:
    if name != "other" and name not in HUB_LICENCES:
        raise ValueError(f"{name!r} is not a licence id of the Hub; an own one is `other` with a license_name")
    return name


class DataFile(Part):
    """The files of one split."""

    split: Split
    path: str


class ConfigEntry(Part):
    """How one config is loaded."""

    config_name: Config
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    default: bool = False
    data_files: Annotated[tuple[DataFile, ...], Field(min_length=1)]


class SplitInfo(Part):
    """How much one split holds."""

    name: Split
    num_bytes: Annotated[int, Field(ge=0)]
    num_examples: Annotated[int, Field(ge=1)]


class Info(Part):
    """The columns and splits of one config."""

    config_name: Config
    features: tuple[Mapping[str, Any], ...]
    splits: tuple[SplitInfo, ...]
    dataset_size: Annotated[int, Field(ge=0)]


class CardHead(Part):
    """The whole head."""

    language: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")], ...], Field(min_length=1)]
    license: Annotated[str, AfterValidator(_licence)]
    license_name: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,200}$")] | None = None
    pretty_name: str
    task_categories: tuple[Literal["token-classification", "text-classification"], ...]
    task_ids: tuple[Literal["named-entity-recognition", "multi-class-classification"], ...]
    annotations_creators: Annotated[tuple[Creator | Literal["no-annotation"], ...], Field(min_length=1)]
    language_creators: Annotated[tuple[Creator, ...], Field(min_length=1)]
    multilinguality: tuple[Literal["monolingual", "multilingual", "translation"], ...]
    size_categories: tuple[Size, ...]
    source_datasets: Annotated[tuple[Source, ...], Field(min_length=1)]
    tags: tuple[Tag, ...] = ()
    configs: Annotated[tuple[ConfigEntry, ...], Field(min_length=1)]
    dataset_info: tuple[Info, ...]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [one.config_name for one in self.configs]
        if len(set(names)) < len(names):
            raise ValueError("two configs have one name")
        if [one.config_name for one in self.configs if one.default] != names[:1]:
            raise ValueError("one config must be the default one, and the first")
        if [one.config_name for one in self.dataset_info] != names:
            raise ValueError("configs and dataset_info name other configs")
        if len({one.version for one in self.configs}) > 1:
            raise ValueError("the configs have several versions")
        if (self.license == "other") != (self.license_name is not None):
            raise ValueError("license_name goes with license: other, and only with it")
        return self
