"""Pre-annotations of a batch: from an imported set of the project, or from elsewhere."""

from collections.abc import Sequence
from pathlib import Path

from builder.annotation.adjudication.decisions import IMPORTED
from builder.annotation.preannotate import Predicted
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
    """Return the spans of an imported set, its gold or its predictions, as pre-annotations of its articles.

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
    own = [one for one in answers if one.article_id in texts and one.spans is not None]
    moved = [one for one in own if texts[one.article_id] != one.text_sha]
    aside = [
        Dropped("predict", f"{one.article_id} {s.start}-{s.end} {s.label}", "its text changed")
        for one in moved for s in one.spans or ()
    ]  # fmt: skip
    spans = {one.article_id: tuple(one.spans or ()) for one in own if texts[one.article_id] == one.text_sha}
    return Predicted(IMPORTED + name, spans, tuple(aside))
