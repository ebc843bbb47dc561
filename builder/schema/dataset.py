"""schema/dataset.yaml: what the dataset is called, how it is sampled, judged, split and released."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from builder.schema.fields import Part, Text
from builder.schema.filters import Filters

UNDECIDED = frozenset({"", "?", "??", "???", "-", "fixme", "none", "n/a", "na", "null", "tba", "tbd", "to do", "todo", "unknown", "xxx"})  # fmt: skip


def _decided(licence: str) -> str:
    if licence.strip().strip(".:<>[]").casefold() in UNDECIDED:
        raise ValueError(f"{licence!r} is no licence: say which one it is, or whose permission it is under")
    return licence


LicenceName = Annotated[Text, AfterValidator(_decided)]


class Licence(Part):
    """The licence of the text, and that of the annotations: two things."""

    text: LicenceName
    annotations: LicenceName


class Fields(Part):
    """Where a record says what: JSON keys, columns or elements of a feed; with points between them for nested ones."""

    text: Text = "text"
    title: Text = "title"
    url: Text = "url"
    published_at: Text = "published_at"
    source: Text = "source"


class Splits(Part):
    """Shares of the splits; groups of near-duplicates stay whole."""

    train: Annotated[float, Field(gt=0, lt=1)] = 0.7
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.15
    test: Annotated[float, Field(gt=0, lt=1)] = 0.15
    seed: int = 13
    strategy: Literal["random", "by_time", "by_source", "by_target"] = "random"
    """What a new group's split goes by: chance; the newest to test; whole sources; articles on targets held out."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-9:
            raise ValueError("the shares of train, validation and test must add up to 1")
        return self


class Sampling(Part):
    """How many articles a batch holds, and the seed that chooses them."""

    size: Annotated[int, Field(ge=1)] = 100
    seed: int = 13


class Adjudication(Part):
    """Votes that make gold: of at least `min_annotators`, more than half, or as many as `votes` says.

    Stances are settled by majority or by the model of Dawid and Skene.
    """

    min_annotators: Annotated[int, Field(ge=1)] = 2
    votes: Annotated[int | None, Field(ge=1, le=20)] = None
    """Of all annotators of an article, how many must give an answer; null: more than half."""
    stance: Literal["majority", "dawid-skene"] = "majority"


class Floors(Part):
    """Agreement below a floor makes `khabar agree` exit with 1; null sets no floor."""

    span_f1: Annotated[float | None, Field(ge=0, le=1)] = None
    stance_alpha: Annotated[float | None, Field(ge=-1, le=1)] = None


class Dataset(Part):
    """schema/dataset.yaml."""

    format: Literal[1]
    repo_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$")]
    title: Text
    licence: Licence
    text: Literal["full", "standoff"] = "full"
    """Whether a release holds the articles' text, or only offsets into it."""
    redact: tuple[Literal["email", "phone", "url", "mention", "iban", "ip"], ...] = ()
    """What of persons is taken out of published text."""
    profile: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}@[1-9]\d{0,3}$")] = "standard@1"
    overlap: Annotated[int, Field(ge=1, le=20)] = 3
    assignment: Literal["pool", "separate", "isolated"] = "pool"
    """One Label Studio project for all; one for each annotator; or one server for each annotator."""
    shared: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The share of a batch that all annotators see, where each has a project or a server."""
    calibration: Annotated[int, Field(ge=0, le=1000)] = 0
    """How many articles of a batch all annotators label first."""
    annotators: Mapping[Text, Mapping[Text, Annotated[int, Field(ge=1, le=10_000)]]] = {}
    """What annotators declared of themselves, in numbers and not in names: {native language: {Arabic: 3}}."""
    crawl: Text | None = None
    """Where the bulk tables are: a folder, or an address that fsspec knows; null: .khabar/corpus."""
    fields: Fields = Fields()
    filters: Filters = Filters()
    splits: Splits = Splits()
    sampling: Sampling = Sampling()
    adjudication: Adjudication = Adjudication()
    floors: Floors = Floors()
