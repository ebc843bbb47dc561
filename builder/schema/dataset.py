"""Models of schema/dataset.yaml: identity, sampling, annotation, splits and release of the dataset."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from builder.schema.fields import Part, Text
from builder.schema.filters import Filters

MIN_LENGTH = 200
"""Code points; a shorter article has too little to annotate, unless `sampling.min_length` says otherwise."""

UNDECIDED = frozenset({"", "?", "??", "???", "-", "fixme", "none", "n/a", "na", "null", "tba", "tbd", "to do", "todo", "unknown", "xxx"})  # fmt: skip


OPEN = "TODO"
"""What `khabar init` writes where only the user knows the answer. A build refuses it."""


def open_fields(dataset: "Dataset") -> list[str]:
    """Return the fields that are still to be answered."""
    given = {
        "repo_id": dataset.repo_id, "title": dataset.title, "licence.text": dataset.licence.text,
        "licence.annotations": dataset.licence.annotations,
    }  # fmt: skip
    return [name for name, value in given.items() if OPEN in value.split("/")]


def _decided(licence: str) -> str:
    """Return the licence; raise ValueError if it is a placeholder other than OPEN."""
    if licence == OPEN:
        return licence
    if licence.strip().strip(".:<>[]").casefold() in UNDECIDED:
        raise ValueError(f"{licence!r} is not a licence; name the licence, or who gave permission")
    return licence


LicenceName = Annotated[Text, AfterValidator(_decided)]


def check_repo_id(repo_id: str) -> str:
    """Return the name of a dataset on the Hub; raise ValueError if the Hub refuses it.

    The rules are those of `huggingface_hub.utils.validate_repo_id`, which takes .2 s to import.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}", repo_id):
        raise ValueError(
            f"{repo_id!r} is not a dataset's name: OWNER/NAME of ASCII letters, digits, '-', '_' and '.', each at most 96"
        )
    if re.search(r"--|\.\.|[.-](/|$)|\.git$", repo_id):
        raise ValueError(f"the Hub refuses {repo_id!r}: no '--' or '..', no '-' or '.' at an end, no '.git' at the end")
    return repo_id


class Licence(Part):
    """The licence of the text and the licence of the annotations, which may differ."""

    text: LicenceName
    annotations: LicenceName


class Fields(Part):
    """Names of the input fields: JSON keys, columns or feed elements. Dots separate the names of nested fields.

    Unless it is mapped, `author` is also read from other usual names (builder.corpus.readers.rows.AUTHORS).
    """

    html: Text | None = None
    """The field that holds the HTML of a page, from which text and facts are extracted; it takes the place of `text`."""

    text: Text = "text"
    title: Text = "title"
    url: Text = "url"
    published_at: Text = "published_at"
    source: Text = "source"
    author: Text = "author"
    quoted_tsv: bool | None = None
    """Whether the cells of TSV files are quoted as in CSV; None looks at each file."""

    @model_validator(mode="before")
    @classmethod
    def _text_of_html(cls, values: object) -> object:
        if not isinstance(values, Mapping) or values.get("html") is None:
            return values
        if values.get("text", values["html"]) != values["html"]:
            raise ValueError("`html` takes the place of `text`; write one of them")
        return {**values, "text": values["html"]}


class Splits(Part):
    """Proportions of the splits. A group of near-duplicates is never divided."""

    train: Annotated[float, Field(gt=0, lt=1)] = 0.7
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.15
    test: Annotated[float, Field(gt=0, lt=1)] = 0.15
    seed: int = 13
    strategy: Literal["random", "by_time", "by_source", "by_target"] = "random"
    """How new groups get their split: at random; the newest to test; by whole sources; by held-out stance targets."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-9:
            raise ValueError("train, validation and test must add up to 1")
        return self


class Sampling(Part):
    """The number of articles in a batch, the seed of the sample, and which articles may be in it.

    Limits that have their default are no part of a dump, so that it is that of earlier versions.
    """

    size: Annotated[int, Field(ge=1)] = 100
    seed: int = 13
    min_length: Annotated[int, Field(ge=1, exclude_if=lambda length: length == MIN_LENGTH)] = MIN_LENGTH
    """The fewest code points of an article; published sets of sentences need less."""
    one_of_each_group: Annotated[bool, Field(exclude_if=bool)] = True
    """Whether only one article of each group of near-duplicates may be chosen."""


class Adjudication(Part):
    """Rules that turn votes into gold.

    At least `min_annotators` must have annotated the article. An answer needs a majority of them, or `votes` votes if
    set. Stances are decided by majority or by the Dawid-Skene model.
    """

    min_annotators: Annotated[int, Field(ge=1)] = 2
    votes: Annotated[int | None, Field(ge=1, le=20)] = None
    """Votes that an answer needs, out of all annotators of an article; null for more than half."""
    stance: Literal["majority", "dawid-skene"] = "majority"


class Floors(Part):
    """Minimum agreement. Below a threshold `khabar agree` exits with 1; null sets no threshold."""

    span_f1: Annotated[float | None, Field(ge=0, le=1)] = None
    stance_alpha: Annotated[float | None, Field(ge=-1, le=1)] = None
    question_alpha: Annotated[float | None, Field(ge=-1, le=1, exclude_if=lambda floor: floor is None)] = None
    """What alpha must reach on each question on the whole article. Without it, a dump is that of earlier versions."""


class Dataset(Part):
    """The content of schema/dataset.yaml."""

    format: Literal[1]
    repo_id: Annotated[str, AfterValidator(check_repo_id)]
    title: Text
    licence: Licence
    text: Literal["full", "standoff"] = "full"
    """Whether a release contains the articles' text, or only offsets into it (stand-off)."""
    redact: tuple[Literal["email", "phone", "url", "mention", "iban", "ip"], ...] = ()
    """Kinds of personal data that are removed from published text."""
    publish_authors: bool = False
    """Whether `author` of the config `articles` names the authors, who are persons; else it is null in every row."""
    profile: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}@[1-9][0-9]{0,3}$")] = "standard@1"
    overlap: Annotated[int, Field(ge=1, le=20)] = 3
    assignment: Literal["pool", "separate", "isolated"] = "pool"
    """One Label Studio project for all annotators, one project for each, or one server for each."""
    shared: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The share of a batch that all annotators see, if each has a project or server of their own."""
    calibration: Annotated[int, Field(ge=0, le=1000)] = 0
    """The number of articles of a batch that all annotators label first."""
    annotators: Mapping[Text, Mapping[Text, Annotated[int, Field(ge=1, le=10_000)]]] = {}
    """Self-declared annotator demographics as counts, without names: {native language: {Arabic: 3}}."""
    crawl: Text | None = None
    """Location of the corpus tables: a folder or an fsspec URL; null for .khabar/corpus."""
    fields: Fields = Fields()
    filters: Filters = Filters()
    splits: Splits = Splits()
    sampling: Sampling = Sampling()
    adjudication: Adjudication = Adjudication()
    floors: Floors = Floors()
