"""Pre-annotations of a batch: from an imported set of the project, or from elsewhere."""

from collections.abc import Sequence
from pathlib import Path

from builder.annotation.adjudication.decisions import IMPORTED
from builder.annotation.preannotate import Predicted
from builder.annotation.questions import known_answers, targets_by_article
from builder.preannotation import sources
from builder.project.annotations import read_imports, read_merged
from builder.project.project import Project
from builder.records import Article, Decision, Dropped, PublishedAnnotation, user_error


def predict(project: Project, spec: str, articles: Sequence[Article], folder: Path) -> Predicted:
    """Return the predictions of `import:NAME`, or of what `builder.preannotation.sources` knows.

    Paths are relative to `folder`. Raises KhabarError (exit code 2) with every fault.
    """
    if spec.startswith(IMPORTED):
        return predict_imported(project, spec.removeprefix(IMPORTED), articles)
    return sources.predict(spec, articles, project.schema.labels, folder)


def predict_imported(project: Project, name: str, articles: Sequence[Article]) -> Predicted:
    """Return what an imported set says of its articles, its gold or its predictions, as pre-annotations.

    Raises KhabarError (exit code 2) if no such set was imported, or if it has only annotators' judgements.
    """
    known = {one.name: one.role for one in read_imports(project)}
    if known.get(name, "judgement") == "judgement":
        said = "has only judgements of annotators" if name in known else "was not imported"
        fix = f"name one of {', '.join(sorted(known))}" if known else "run `khabar import` first"
        raise user_error("predict", f"the set {name!r} {said}", fix=fix)
    folder = project.annotations / name
    answers: list[PublishedAnnotation] | list[Decision]
    if known[name] == "gold":
        answers = read_merged(project, folder / "decisions.jsonl", Decision)
    else:
        answers = read_merged(project, folder / "imported.jsonl", PublishedAnnotation)
    texts = {article.id: article.text_sha for article in articles}
    labels, own = project.schema.labels, [one for one in answers if one.article_id in texts]
    moved = [one for one in own if texts[one.article_id] != one.text_sha]
    present = [one for one in own if texts[one.article_id] == one.text_sha]
    aside = [
        Dropped("predict", f"{one.article_id} {s.start}-{s.end} {s.label}", "its text changed")
        for one in moved for s in one.spans or ()
    ]  # fmt: skip
    spans = {one.article_id: tuple(one.spans) for one in present if one.spans is not None}
    asked = {name: {one.id for one in targets} for name, targets in targets_by_article(articles, labels).items()}
    stances = {one.article_id: tuple(s for s in one.stances if s.target in asked[one.article_id]) for one in present}
    unused = [
        Dropped("predict", f"{one.article_id} {stance.target}", "the article is not asked about the target")
        for one in present for stance in one.stances if stance.target not in asked[one.article_id]
    ]  # fmt: skip
    unused += [
        Dropped("predict", f"{one.article_id} {value}", "its text changed")
        for one in moved for value in (*(s.value for s in one.stances), *(a.value for a in one.answers))
    ]  # fmt: skip
    chosen = {one.article_id: known_answers(one.answers, labels) for one in present}
    return Predicted(IMPORTED + name, spans, tuple(aside), stances, chosen, tuple(unused))
