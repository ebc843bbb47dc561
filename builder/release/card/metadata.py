"""The schema of a card's YAML head, to check it without the Hub.

The Hub does not publish its rules as a schema, so this follows the values named in its documentation.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from builder.release.card.licences import HUB_LICENCES
from builder.schema.fields import Part

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
        raise ValueError(
            f"{name!r} is not a licence id of the Hub; for any other licence use `other` and a license_name"
        )
    return name


class DataFile(Part):
    """The data files of one split."""

    split: Split
    path: str


class ConfigEntry(Part):
    """The loading information of one config."""

    config_name: Config
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    default: bool = False
    data_files: Annotated[tuple[DataFile, ...], Field(min_length=1)]


class SplitInfo(Part):
    """The size of one split, in bytes and rows."""

    name: Split
    num_bytes: Annotated[int, Field(ge=0)]
    num_examples: Annotated[int, Field(ge=1)]


class Info(Part):
    """The features and splits of one config."""

    config_name: Config
    features: tuple[Mapping[str, Any], ...]
    splits: tuple[SplitInfo, ...]
    dataset_size: Annotated[int, Field(ge=0)]


class CardHead(Part):
    """The complete YAML head of a card."""

    language: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")], ...], Field(min_length=1)]
    license: Annotated[str, AfterValidator(_licence)]
    license_name: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,200}$")] | None = None
    license_link: str | None = None
    pretty_name: str
    task_categories: tuple[Literal["token-classification", "text-classification"], ...]
    task_ids: tuple[
        Literal["named-entity-recognition", "multi-class-classification", "multi-label-classification"], ...
    ]
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
        names = [config.config_name for config in self.configs]
        if len(set(names)) < len(names):
            raise ValueError("two configs have the same name")
        if [config.config_name for config in self.configs if config.default] != names[:1]:
            raise ValueError("the first config, and no other, must be the default")
        if [info.config_name for info in self.dataset_info] != names:
            raise ValueError("configs and dataset_info do not list the same configs")
        if len({config.version for config in self.configs}) > 1:
            raise ValueError("the configs have different versions")
        if (self.license == "other") != (self.license_name is not None):
            raise ValueError("license_name is required with `license: other`, and not allowed otherwise")
        return self
