"""Model of schema/import.yaml: how the files of a published dataset become documents, annotations and splits."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from builder.schema.dataset import Licence
from builder.schema.fields import Part, Text

UNDECIDED = "?"
"""What a draft says where a person has to decide."""

RepairKind = Literal["inside begins", "unclosed", "separator", "case"]
"""A mention that begins with I-; one of BIOES that does not end; B_PER or B--PER for B-PER; b-per for B-PER."""


def _decided(text: str) -> str:
    """Return the text; raise ValueError if nobody has decided it."""
    if text.strip() == UNDECIDED:
        raise ValueError("this is not decided yet: write it in place of the question mark")
    return text


Decided = Annotated[Text, AfterValidator(_decided)]

Target = Annotated[str, Field(max_length=80)] | None


class Joining(Part):
    """How tokens become text: a space between two, unless the next begins or the last ends with one of these."""

    none_before: str = "،؛:.؟!)]}»"
    none_after: str = "([{«"
    clitic: Annotated[str, Field(max_length=3)] = ""
    """The mark of a clitic, such as + in `و+`: it is not part of the text, and no space stands beside it."""


class Tagged(Part):
    """A CoNLL file: a token on each line, its tags beside it."""

    separator: Literal["space", "tab", "blanks", "comma"] = "space"
    """What separates columns: one space, one tab, any number of both, or the last comma of a line of CSV."""
    header: bool = False
    """Whether the first line of each file names the columns."""
    token: Annotated[int, Field(ge=0)] = 0
    tags: Annotated[tuple[int, ...], Field(min_length=1)] | Literal["rest"] = (1,)
    """The columns of tags, counted from 0: one for each layer, or `rest` for a tag of each mention that covers a token."""
    scheme: Literal["iob1", "iob2", "bioes", "bilou", "bare"] = "iob2"
    outside: Text = "O"
    not_annotated: tuple[str, ...] = ()
    """Tags that say that nobody annotated a token; an article with one of them has no gold for its spans."""
    comment: str = ""
    """The beginning of a line that is none of the data."""
    sentence_ends: Literal["blank line", "stop"] = "blank line"


class Columns(Part):
    """A table: the names of its columns."""

    text: Text = "text"
    title: Text | None = None
    id: Text | None = None
    split: Text | None = None
    stances: Mapping[Text, tuple[Text, ...]] = {}
    """The columns of a stance target: one of gold answers, or one for each annotator."""
    target: Text | None = None
    """The column that names the target of each row, where `answers` are of that one."""
    answers: tuple[Text, ...] = ()
    annotator: Text | None = None
    """The column that names who gave the answers of a row."""
    annotators: Mapping[Text, tuple[Text, ...]] = {}
    """The columns of each annotator, where several columns are of one person; else each column is a person's own."""


class AskedColumns(Part):
    """Where files answer a question on the whole text: columns of a table, or fields of records."""

    columns: tuple[Text, ...] = ()
    """The column of the answer, or one for each annotator."""
    separator: Text | None = None
    """What stands between several answers in one cell."""
    values: Mapping[Text, Target] = {}
    """The value of labels.yaml for each published one; null leaves the answer out."""
    flags: Mapping[Text, Target] = {}
    """Columns of 0 and 1, one for each answer, with the value of labels.yaml that each stands for."""
    nothing: Text | None = None
    """The value of a text of which no flag is 1."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.columns) == bool(self.flags):
            raise ValueError("name `columns` that hold the answers, or `flags`, a column for each answer")
        return self


class Records(Part):
    """JSON Lines: the names of the fields of text, id and spans; `auto` knows those of doccano and Prodigy."""

    text: Text = "text"
    id: Text | None = None
    spans: Text = "auto"
    start: Text = "start"
    end: Text = "end"
    label: Text = "label"
    words: Text | None = None
    """The field of a span that quotes its text, against which offsets are held."""
    annotator: Text | None = None


class ImportMap(Part):
    """The content of schema/import.yaml."""

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")]
    """The name of the batch and of the source of its documents."""
    source: Decided
    """What the set is called, for the card."""
    url: Text | None = None
    licence: Licence
    citation: Decided
    role: Literal["gold", "judgement", "prediction"] = "gold"
    splits: Literal["as-published", "ours"] = "ours"
    split_names: Mapping[Text, Literal["train", "validation", "test"]] = {
        "train": "train", "training": "train", "dev": "validation", "val": "validation", "valid": "validation",
        "validation": "validation", "test": "test",
    }  # fmt: skip
    """What the words of a file's name, or the values of the column of splits, stand for."""
    articles: Literal["file", "sentence", "docstart", "blank lines"] = "file"
    """What an article is: a file, a sentence, what follows -DOCSTART-, or what two blank lines end."""
    labels: Mapping[Text, Target] = {}
    """The label of labels.yaml for each published one; null leaves its mentions out."""
    tags: Mapping[Text, Target] = {}
    """The tag that is meant by an odd one; null for no tag."""
    values: Mapping[Text, Target] = {}
    """The stance value of labels.yaml for each published one; null leaves the answer out."""
    targets: Mapping[Text, Target] = {}
    """The target of labels.yaml for each one that a column names; null leaves the row's answers out."""
    questions: Mapping[Text, AskedColumns] = {}
    """Where each question of labels.yaml on the whole text is answered."""
    repairs: tuple[RepairKind, ...] = ()
    """The repairs that are allowed. A fault of another kind stops the import."""
    normalise: bool = False
    """Whether the text is normalised by the project's profile; else it stays as published."""
    offsets: Literal["auto", "code points", "utf-16", "bytes"] = "auto"
    """What offsets count; `auto` takes what agrees with the words that are given."""
    joining: Joining = Joining()
    conll: Tagged = Tagged()
    table: Columns = Columns()
    jsonl: Records = Records()
