"""The extractors of a release: named in its manifest, and compared when it is hydrated."""

from dataclasses import replace

import pytest

from builder.commands import hydrate
from builder.commands.build import build
from builder.commands.init import init
from builder.corpus.readers.pages import extract
from builder.project.project import Project
from builder.records import Document, Facts
from builder.release.editions.extractors import mismatches, recorded
from builder.release.publish.folder import read_manifest
from tests.builders import judge, walk
from tests.conftest import ROOT


def document(extractor):
    return Document("a", "nasim", None, None, None, "خبر", "a.html", facts=Facts(extractor=extractor))


OLD, NEW, ODD = document("trafilatura 2.3.1"), document("trafilatura 3.0"), document("بأداة\x1b[2J أخرى")


def test_extractors_are_listed_once_and_in_order():
    assert recorded([NEW, OLD, document(None), NEW]) == {"extractors": '["trafilatura 2.3.1", "trafilatura 3.0"]'}
    assert recorded([document(None)]) == {}


@pytest.mark.parametrize("documents", [[OLD], [OLD, document(None)], [], [document(None)]])
def test_pages_extracted_alike_have_no_mismatch(documents):
    assert mismatches(recorded([OLD, NEW]), documents) == []


def test_mismatch_names_both_sides():
    (issue,) = mismatches(recorded([OLD]), [NEW, OLD, ODD])

    assert issue.severity == "warning"
    assert issue.message == (
        "the pages were extracted by «trafilatura 3.0» and «بأداة[2J أخرى», those of the release by «trafilatura 2.3.1»"
    )


@pytest.mark.parametrize("listed", [None, "{", "3", "[3]", "null"])
def test_release_without_a_readable_list_has_nothing_to_compare(listed):
    assert mismatches({"extractors": listed} if listed else {}, [NEW]) == []


@pytest.mark.slow
def test_hydrate_warns_of_pages_that_were_extracted_otherwise(tmp_path, monkeypatch):
    pages = tmp_path / "pages"
    pages.mkdir()
    for path in sorted((ROOT / "examples" / "articles").glob("*/*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        markup = "".join(f"<p>{line}</p>" for line in lines)
        (pages / f"{path.parent.name}-{path.stem}.html").write_text(
            f"<html><body><article>{markup}</article></body></html>", encoding="utf-8"
        )
    init(tmp_path / "project", card=str)
    settings = tmp_path / "project" / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "text: standoff\n", encoding="utf-8")
    project = Project(tmp_path / "project")
    walk(project, [pages])
    judge(project)
    build(project, "1.0.0")
    named = read_manifest(project.release("1.0.0")).inputs["extractors"]
    same = hydrate.hydrate(project, "1.0.0", [pages], base=tmp_path, to=tmp_path / "same")
    monkeypatch.setattr(extract, "VERSION", 2)
    other = hydrate.hydrate(project, "1.0.0", [pages], base=tmp_path, to=tmp_path / "other")

    assert named.endswith(', khabar 1"]')
    assert [issue.code for issue in same.issues] == []
    assert [(issue.code, issue.severity) for issue in other.issues] == [("extractor", "warning")]
    assert replace(other, folder=same.folder, issues=()) == replace(same, issues=())
