"""The command `export`: write a release as files of another tool."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from builder.cli.options import verb
from builder.cli.output import Console
from builder.cli.road import project_of
from builder.formats.files import read_files
from builder.formats.writing.conll import write_conll
from builder.formats.writing.differences import differences
from builder.formats.writing.exported import (
    ExportArticle,
    Token,
    published_labels,
    tokens_as_published,
    tokens_of_release,
)
from builder.formats.writing.others import write_brat, write_jsonl, write_spacy
from builder.io.atomic import write_bytes
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl
from builder.io.yaml import parse_yaml
from builder.project import services
from builder.project.annotations import read_imports
from builder.project.project import Project
from builder.project.releases import resolve_release
from builder.records import (
    Answer,
    ChangedLine,
    Dropped,
    ImportedSet,
    Line,
    PublishedText,
    Report,
    Span,
    count_by_reason,
    counted,
    user_error,
)
from builder.release.diff.compare import ReleaseView
from builder.release.publish.annotations import entity_spans, question_answers
from builder.release.publish.open import open_release
from builder.schema.importing import ImportMap

KINDS = ("conll", "brat", "spacy", "jsonl")

NO_GOLD, MOVED = "no gold spans", "tokens of the release: the text is not the published one"


@dataclass(frozen=True, slots=True)
class Source:
    """An imported set of the project: its map, and where each of its articles stood."""

    about: ImportedSet
    rules: ImportMap
    texts: Mapping[str, PublishedText]
    changed: Sequence[ChangedLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport(Report):
    """The report of `export`: the files, and what became of articles and lines that were published before."""

    files: int
    folder: Path
    as_released: int
    """Imported articles that got the tokens of the release, because their text is not the published one."""
    differing: dict[str, int] | None
    """Published lines that the export has not, by reason; None if it was compared with no files."""

    def lines(self) -> Iterator[Line]:
        """Return the files, and what differs from what was published."""
        yield Line("files", f"{self.files} in {self.folder}")
        if self.as_released:
            yield Line("as released", f"{counted(self.as_released, 'article')}: {MOVED}")
        if self.differing is not None:
            yield Line("differs", _said(self.differing))


def _said(differing: Mapping[str, int]) -> str:
    said = "; ".join(f"{reason} {number:,}" for reason, number in differing.items())
    return f"{counted(sum(differing.values()), 'line')}: {said} (-v lists them)" if differing else "no line"


@click.command("export")
@click.argument("release", metavar="REF")
@click.option("--as", "kind", required=True, type=click.Choice(KINDS), help="Format of the files.")
@click.option(
    "--to", "target", type=click.Path(path_type=Path), metavar="DIR", help="Folder (default: exports/VERSION/FORMAT)."
)
@click.option(
    "--against", type=click.Path(path_type=Path), metavar="PATH",
    help="Published CoNLL files of an imported set: list each line that differs, with the reason.",
)  # fmt: skip
@verb
def cli(console: Console, release: str, kind: str, target: Path | None, against: Path | None) -> ExportReport:
    """Write the gold spans of a release as files of other tools: CoNLL, brat, spaCy's DocBin, doccano's JSON Lines.

    REF is a version of this project, a folder, @REVISION of this dataset, or NAME/DATASET@REVISION. Articles of an
    imported set get the tokens, labels, ids and file names that were published; the others those of the release. JSON
    Lines also have the answers to questions on the whole article. spaCy is an extra (khabar[spacy]).
    """
    if against and kind != "conll":
        raise user_error("options", "--against compares CoNLL files", fix="pass it with --as conll")
    where = console.folder / target if target else None
    return export(project_of(console), release, kind, base=console.folder, target=where,
                  against=console.folder / against if against else None)  # fmt: skip


def export(
    project: Project, name: str, kind: str, *, base: Path, target: Path | None = None, against: Path | None = None
) -> ExportReport:  # fmt: skip
    """Write a release as files of another tool. The same release gives the same bytes.

    Raises KhabarError with exit code 1 if the release is damaged; 2 if it has no text; 3 if the Hub fails.
    """
    sources = [_source(project, one) for one in read_imports(project)]
    with (
        services.hub(project, rehearse=False) as hub,
        open_release(resolve_release(name, project, base), *hub) as opened,
    ):
        version = opened.side.about.version
        articles, moved = _articles(opened.side, sources, question_answers(opened.side) if kind == "jsonl" else {})
        total = sum(opened.side.rows["articles"].values())
    files, lost = _written(kind, articles)
    folder = target or project.root / "exports" / version / kind
    _refuse_outside(folder, files)
    for path, content in files.items():
        write_bytes(folder / path, content)
    aside = [Dropped("export", "article", NO_GOLD)] * (total - len(articles))
    spans = sum(len(one.spans) for one in articles)
    accounts = (
        count_by_reason("export", "articles", total, len(articles), aside),
        count_by_reason("export", "spans", spans, spans - len(lost), lost),
    )
    found = _differences(files, sources, against) if against else []
    differing = dict(Counter(one.reason for one in found).most_common()) if against else None
    aside += [
        *lost,
        *(Dropped("export", f"{one.file}:{one.line} {one.was!r} is {one.became!r}", one.reason) for one in found),
    ]
    return ExportReport(
        "export", accounts, set_aside=tuple(aside), files=len(files), folder=folder, as_released=moved,
        differing=differing,
    )  # fmt: skip


def _refuse_outside(folder: Path, files: Iterable[str]) -> None:
    """Raise KhabarError (exit code 2) if a published name would be written outside of the folder."""
    home = folder.resolve()
    outside = [name for name in files if not (home / name).resolve().is_relative_to(home)]
    if outside:
        message = f"{len(outside)} published names lead out of the folder of the export, such as {outside[0]}"
        raise user_error(
            "outside", message, where="annotations", fix="correct `file` in published.jsonl of the imported set"
        )


def _written(kind: str, articles: Sequence[ExportArticle]) -> tuple[Mapping[str, bytes], list[Dropped]]:
    """Return the files of a format, and the spans that it cannot hold."""
    writers: Mapping[str, Callable[[], tuple[Mapping[str, bytes], list[Dropped]]]] = {
        "conll": lambda: write_conll(articles),
        "brat": lambda: (write_brat(articles), []),
        "jsonl": lambda: (write_jsonl(articles), []),
        "spacy": lambda: write_spacy(articles),
    }
    return writers[kind]()


def _source(project: Project, about: ImportedSet) -> Source:
    folder = project.annotations / about.name
    rules = parse_yaml((folder / "import.yaml").read_text(encoding="utf-8"), ImportMap, f"{about.name}/import.yaml")
    texts = {one.article_id: one for one in read_jsonl(folder / "published.jsonl", PublishedText)}
    return Source(about, rules, texts, read_jsonl(folder / "changed.jsonl", ChangedLine))


def _articles(
    side: ReleaseView, sources: Sequence[Source], answers: Mapping[str, tuple[Answer, ...]]
) -> tuple[list[ExportArticle], int]:
    """Return the articles with gold, and how many imported ones have not their published tokens.

    `answers` has those of each article to questions. Raises KhabarError (exit code 2) if the release holds no text.
    """
    where = {article: source for source in sources for article in source.texts}
    if "entities" not in side.rows and answers:
        return [*_answered(side, where, answers, ())], 0
    if "entities" not in side.rows:
        fix = "name a release with the config entities"
        raise user_error("no-entities", "this release has no mentions to export", where=side.about.version, fix=fix)
    if "text" not in side.schemas["entities"].names:
        fix = "run `khabar hydrate` first, and name its folder"
        raise user_error("standoff", "this release holds no text", where=side.about.version, fix=fix)
    homes = [split for split, rows in side.rows["entities"].items() for _ in range(rows)]
    ids, texts, places = (side.read("entities", name).to_pylist() for name in ("id", "text", "token_spans"))
    made: list[ExportArticle] = []
    moved = 0
    for article, split, text, tokens, spans in zip(ids, homes, texts, places, entity_spans(side), strict=True):
        source = where.get(article)
        one = _article(article, split, text, spans, source)
        moved += bool(source and source.texts[article].tokens and one is None)
        made.append(
            one
            or _as_released(article, split, text, spans, [(token["start"], token["end"]) for token in tokens], source)
        )
    made = [replace(one, answers=answers.get(one.id, ())) for one in made]
    return [*made, *_answered(side, where, answers, {*ids})], moved


def _answered(
    side: ReleaseView, where: Mapping[str, Source], answers: Mapping[str, tuple[Answer, ...]], marked: Collection[str]
) -> Iterator[ExportArticle]:
    """Yield the articles that have answers and no settled mentions."""
    if not answers.keys() - {*marked}:
        return
    if "text" not in side.schemas["articles"].names:
        fix = "run `khabar hydrate` first, and name its folder"
        raise user_error("standoff", "this release holds no text", where=side.about.version, fix=fix)
    homes = [split for split, rows in side.rows["articles"].items() for _ in range(rows)]
    columns = (side.read("articles", name).to_pylist() for name in ("id", "text"))
    for article, text, split in zip(*columns, homes, strict=True):
        if article in answers and article not in marked:
            one = _as_released(article, split, text, (), (), where.get(article))
            yield replace(one, answers=answers[article], is_marked=False)


def _article(
    article: str, split: str, text: str, spans: tuple[Span, ...], source: Source | None
) -> ExportArticle | None:  # fmt: skip
    """Return an imported article with its published tokens, or None if it has none, or another text by now."""
    own = source.texts[article] if source else None
    if source is None or own is None or not own.tokens or own.text_sha != sha16(text):
        return None
    found = tokens_as_published(text, own.tokens, source.rules.joining.clitic)
    if found is None:
        return None
    return ExportArticle(article, split, text, spans, *found, own, source.rules, published_labels(source.rules))


def _as_released(
    article: str, split: str, text: str, spans: tuple[Span, ...], tokens: Sequence[tuple[int, int]], source: Source | None
) -> ExportArticle:  # fmt: skip
    """Return an article with the tokens of the release; an imported one with its place and labels, if it is unchanged."""
    made: tuple[tuple[Token, ...], tuple[int, ...]] = tokens_of_release(text, tokens, spans)
    if source is None or source.texts[article].tokens:
        return ExportArticle(article, split, text, spans, *made)
    return ExportArticle(
        article, split, text, spans, *made, source.texts[article], source.rules, published_labels(source.rules)
    )


def _differences(files: Mapping[str, bytes], sources: Sequence[Source], against: Path) -> list[ChangedLine]:
    """Return the lines of published files that the export has not. Raises KhabarError (exit code 2) for other files."""
    published = read_files([against], "conll")
    source = next((one for one in sources if {file.name for file in published} <= one.about.files.keys()), None)
    if source is None:
        message = "no imported set has files of these names"
        raise user_error(
            "against", message, where=str(against), fix="name the files that were imported, as they were named then"
        )
    return differences(published, files, source.rules, source.changed)
