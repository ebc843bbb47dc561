"""The dataset's own definition: what schema/*.yaml may say.

Every fault is an Issue at file:line:column, and the faults of all files come at once.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from builder.records import Issue, Refused
from builder.strict_yaml import parse_yaml

M = TypeVar("M", bound=BaseModel)

LOST_IN_CSV = frozenset({"none", "na", "n/a", "null", "nan", ""})
"""Label names that CSV readers turn into a missing value (docs/decisions/0004)."""

BUILT_IN = ("light@1", "standard@1")
"""The profiles that a dataset may name without defining them."""
LINE_ENDS = "\n\r\v\f\N{NEXT LINE}\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"


class Part(BaseModel):
    """A piece of a schema file: immutable, and an unknown field is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _safe_name(name: str) -> str:
    if name.strip().casefold() in LOST_IN_CSV:
        raise ValueError(f"a label named {name!r} is read as a missing value by CSV readers; rename it")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", name):
        raise ValueError(f"{name!r} is not a name: an ASCII letter, then up to 39 letters, digits, '_' or '-'")
    return name


def _pattern(source: str) -> str:
    try:
        re.compile(source)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return source


Name = Annotated[str, AfterValidator(_safe_name)]
Pattern = Annotated[str, AfterValidator(_pattern), Field(min_length=1, max_length=2000)]
LEAST_CONTRAST = 4.5
"""Of a colour with white, as level AA of WCAG 2.2 asks of text."""


def _dark_enough(colour: str) -> str:
    """A colour in which words can be read on white, and white words on it."""
    contrast = 1.05 / (luminance(colour) + 0.05)
    if contrast < LEAST_CONTRAST:
        raise ValueError(
            f"too pale to be read: its contrast with white is {contrast:.1f}, and {LEAST_CONTRAST} is needed"
        )
    return colour


def luminance(colour: str) -> float:
    """The relative luminance of a colour such as #1f7a3d, from 0 to 1 (WCAG 2.2).

    >>> luminance("#ffffff")
    1.0
    """
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$"), AfterValidator(_dark_enough)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Key = Annotated[str, Field(pattern=r"^[a-z0-9]$")]


class EntityType(Part):
    """One kind of mention: `name` in exports, `ar` on the annotation page."""

    name: Name
    ar: Text
    en: Text
    colour: Colour
    key: Key
    definition: Text


class StanceValue(Part):
    """One answer to 'what does the article say of the target'; unpublished ones go to adjudication."""

    name: Name
    ar: Text
    en: Text
    published: bool = True


class StanceTarget(Part):
    """Something that articles take sides on; asked of an article that holds one of `keywords`."""

    id: Name
    ar: Text
    en: Text
    keywords: Annotated[tuple[Text, ...], Field(min_length=1)]


class Stances(Part):
    """The stance layer: a closed list of targets and of answers."""

    values: Annotated[tuple[StanceValue, ...], Field(min_length=2, max_length=5)]
    targets: Annotated[tuple[StanceTarget, ...], Field(min_length=1)]


class Labels(Part):
    """schema/labels.yaml."""

    version: Annotated[int, Field(ge=1)]
    entities: Annotated[tuple[EntityType, ...], Field(min_length=1, max_length=40)]
    clitics: Literal["expand", "strict"] = "expand"
    """Spans grow to whole words, clitics included; or stay as they were drawn, but for spaces and punctuation at their edges."""
    stances: Stances | None = None

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        stances = self.stances
        columns: dict[str, list[str]] = {
            "entity name": [e.name for e in self.entities],
            "Arabic entity name": [e.ar for e in self.entities],
            "entity key": [e.key for e in self.entities],
            "stance value": [v.name for v in stances.values] if stances else [],
            "stance target": [t.id for t in stances.targets] if stances else [],
        }
        for what, names in columns.items():
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"{what} given twice: {', '.join(twice)}")
        return self

    @property
    def entity_names(self) -> tuple[str, ...]:
        """Names of the entity types, in the order of the file."""
        return tuple(e.name for e in self.entities)

    @property
    def published_values(self) -> tuple[str, ...]:
        """Names of the stance values that a release may hold, in the order of the file."""
        return tuple(v.name for v in self.stances.values if v.published) if self.stances else ()

    @property
    def target_ids(self) -> tuple[str, ...]:
        """Ids of the stance targets, in the order of the file."""
        return tuple(t.id for t in self.stances.targets) if self.stances else ()


class Examples(Part):
    """Lines that a rule must match, and lines that it must leave alone."""

    matches: Annotated[tuple[str, ...], Field(min_length=1)]
    leaves: Annotated[tuple[str, ...], Field(min_length=1)]
    inside: tuple[str, ...] = ()
    """For `drop_until`: lines of the box, which `until` must leave alone."""
    ends: tuple[str, ...] = ()
    """For `drop_until`: lines that end the box, which `until` must match."""


class CutRule(Part):
    """A line that ends the article, or stands above what is not of it.

    `match` is searched on the whole folded line (search@1, trimmed), and so is `until`. What goes:
    all that follows; the line; the line and all up to, not including, the first that `until` matches
    among the `at_most` lines below it, or else the line alone; or what follows is an embedded article.
    """

    id: Name
    match: Pattern
    action: Literal["drop_to_end", "drop_line", "drop_until", "split_article"]
    until: Pattern | None = None
    at_most: Annotated[int, Field(ge=1, le=1000)] = 30
    max_length: Annotated[int, Field(ge=1)] = 80
    min_before: Annotated[int, Field(ge=0)] = 200
    examples: Examples

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.action == "drop_until":
            if self.until is None or not self.examples.ends:
                raise ValueError("drop_until needs `until`, and in `examples` lines that it `ends` at")
        elif self.until is not None or self.examples.inside or self.examples.ends:
            raise ValueError(
                f"`until`, and examples `inside` and at `ends`, belong to drop_until, not to {self.action}"
            )
        return self


class LineRule(Part):
    """A whole line that is dropped; named groups of `match` become extracted fields."""

    id: Name
    match: Pattern
    """Pieces of folded text: without one of them in the line, the pattern is not tried, which saves time."""
    max_length: Annotated[int, Field(ge=1)] = 80
    position: Literal["head", "tail", "any"] = "any"
    extract_only: bool = False
    examples: Examples


class ListRule(Part):
    """A run of at least `min_run` neighbouring lines that match: a list of links.

    Between two paragraphs a list is the article's own; with position `tail`, also above the first.
    """

    id: Name
    match: Pattern
    min_run: Annotated[int, Field(ge=1)] = 3
    max_length: Annotated[int, Field(ge=1)] = 200
    position: Literal["tail", "any"] = "any"
    examples: Examples


class SourceRules(Part):
    """What one source does differently: rules turned off, and its own, which are tried first."""

    off: tuple[Name, ...] = ()
    cuts: tuple[CutRule, ...] = ()
    lines: tuple[LineRule, ...] = ()
    lists: tuple[ListRule, ...] = ()


class Boilerplate(Part):
    """schema/boilerplate.yaml."""

    version: Annotated[int, Field(ge=1)]
    cuts: tuple[CutRule, ...] = ()
    lines: tuple[LineRule, ...] = ()
    lists: tuple[ListRule, ...] = ()
    sources: dict[str, SourceRules] = {}

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        owners: list[Boilerplate | SourceRules] = [self, *self.sources.values()]
        ids = [rule.id for own in owners for rules in (own.cuts, own.lines, own.lists) for rule in rules]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"rule id given twice: {', '.join(twice)}")
        unknown = sorted({i for own in self.sources.values() for i in own.off} - set(ids))
        if unknown:
            raise ValueError(f"no rule to turn off: {', '.join(unknown)}")
        return self

    def __hash__(self) -> int:
        return hash((self.version, self.cuts, self.lines, self.lists, frozenset(self.sources.items())))


def _character(name: str) -> str:
    """The one character of a Unicode name, or of a number such as U+00A0."""
    number = re.fullmatch(r"U\+([0-9A-F]{4,6})", name)
    try:
        character = chr(int(number[1], 16)) if number else unicodedata.lookup(name)
    except (KeyError, ValueError, OverflowError):
        raise ValueError(f"no character is named {name!r}; write its Unicode name, or its number as U+0640") from None
    if len(character) != 1:
        raise ValueError(f"{name!r} names {len(character)} characters, not one")
    if character in LINE_ENDS or character == " ":
        raise ValueError(f"{name!r} ends lines or parts words: no profile may change what becomes of it")
    return character


Character = Annotated[str, AfterValidator(_character)]


class OwnProfile(Part):
    """A built-in profile with exceptions: characters, by Unicode name, that it keeps, deletes or replaces."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}@[1-9]\d{0,3}$")]
    base: Literal["light@1", "standard@1"]
    keep: tuple[Character, ...] = ()
    delete: tuple[Character, ...] = ()
    replace: dict[Character, Character] = {}

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    @model_validator(mode="after")
    def _one_fate(self) -> Self:
        named = [*self.keep, *self.delete, *self.replace]
        twice = sorted({unicodedata.name(c, f"U+{ord(c):04X}") for c in named if named.count(c) > 1})
        if twice:
            raise ValueError(f"one character has two fates: {', '.join(twice)}")
        unsettled = [unicodedata.name(c) for c in self.replace.values() if c in named]
        if unsettled:
            raise ValueError(f"a replacement is itself changed or kept: {', '.join(unsettled)}")
        return self


class Profiles(Part):
    """schema/profiles.yaml, which a project need not have."""

    version: Annotated[int, Field(ge=1)]
    profiles: Annotated[tuple[OwnProfile, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [profile.name for profile in self.profiles]
        twice = sorted({name for name in names if names.count(name) > 1 or name in BUILT_IN})
        if twice:
            raise ValueError(f"profile name given twice, or built in: {', '.join(twice)}")
        return self


class Licence(Part):
    """The licence of the text, and that of the annotations: two things."""

    text: Text
    annotations: Text


class Splits(Part):
    """Shares of the splits; groups of near-duplicates stay whole."""

    train: Annotated[float, Field(gt=0, lt=1)] = 0.7
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.15
    test: Annotated[float, Field(gt=0, lt=1)] = 0.15
    seed: int = 13

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
    profile: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}@[1-9]\d{0,3}$")] = "standard@1"
    overlap: Annotated[int, Field(ge=1, le=20)] = 3
    assignment: Literal["pool", "separate", "isolated"] = "pool"
    """One Label Studio project for all; one for each annotator; or one server for each annotator."""
    shared: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The share of a batch that all annotators see, where each has a project or a server."""
    calibration: Annotated[int, Field(ge=0, le=1000)] = 0
    """How many articles of a batch all annotators label first."""
    splits: Splits = Splits()
    sampling: Sampling = Sampling()
    adjudication: Adjudication = Adjudication()
    floors: Floors = Floors()


@dataclass(frozen=True, slots=True)
class Schema:
    """All of schema/: the parsed files, the guidelines and one hash over their bytes (16 hex digits)."""

    dataset: Dataset
    labels: Labels
    boilerplate: Boilerplate
    guidelines: str
    hash: str
    label_hash: str
    own_profile: OwnProfile | None = None
    """The profile that dataset.yaml names, where schema/profiles.yaml defines it."""

    @property
    def guideline_version(self) -> str:
        """sha256 of the guidelines' text, 8 hex digits: stamped on each judgement."""
        return _digest(self.guidelines, 8)


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _read_texts(folder: Path) -> tuple[dict[str, str], list[Issue]]:
    texts: dict[str, str] = {}
    issues: list[Issue] = []
    for name in ("dataset.yaml", "labels.yaml", "boilerplate.yaml", "guidelines.md", "profiles.yaml"):
        path = folder / name
        if name == "profiles.yaml" and not path.exists():
            continue
        try:
            texts[name] = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            fix = "run `khabar init` to make a project, or restore the file"
            issues.append(Issue("error", "schema", f"there is no {folder.name}/{name}", where=str(path), fix=fix))
        except UnicodeDecodeError as error:
            message = f"not UTF-8 at byte {error.start}"
            issues.append(Issue("error", "schema", message, where=str(path), fix="save the file as UTF-8"))
    return texts, issues


def load_schema(folder: Path) -> Schema:
    """Read and check all of a project's schema folder.

    Raises Refused (exit code 2) with the faults of all files together.
    """
    texts, issues = _read_texts(folder)

    def parsed(model: type[M]) -> M | None:
        name = f"{model.__name__.lower()}.yaml"
        try:
            return parse_yaml(texts[name], model, f"{folder.name}/{name}") if name in texts else None
        except Refused as refused:
            issues.extend(refused.issues)
            return None

    dataset, labels, boilerplate, profiles = parsed(Dataset), parsed(Labels), parsed(Boilerplate), parsed(Profiles)
    own = {profile.name: profile for profile in profiles.profiles} if profiles else {}
    if dataset is not None and dataset.profile not in {*BUILT_IN, *own} and not issues:
        known = ", ".join((*BUILT_IN, *own))
        message = f"profile {dataset.profile!r} is neither built in nor in profiles.yaml; there are {known}"
        above = re.split(r"(?m)^profile:", texts["dataset.yaml"])[0]
        place = above.count("\n") + 1
        issues.append(
            Issue("error", "schema", message, where=f"{folder.name}/dataset.yaml:{place}:1", fix="name one of these")
        )
    if issues or dataset is None or labels is None or boilerplate is None:
        raise Refused(*issues)
    whole = "\0".join(f"{name}\0{text}" for name, text in sorted(texts.items()))
    return Schema(
        dataset,
        labels,
        boilerplate,
        texts["guidelines.md"],
        _digest(whole, 16),
        _digest(texts["labels.yaml"], 8),
        own.get(dataset.profile),
    )
