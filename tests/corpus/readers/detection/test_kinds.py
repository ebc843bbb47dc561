"""Formats that only the content tells: what wget names, XML that is no feed, and files of tags."""

import os

import pytest

from builder.corpus.readers.documents import read_documents
from builder.corpus.readers.sources import READ, plan
from builder.records import Dropped, KhabarError
from builder.schema.dataset import Fields

LONG = "افتتح وزير الثقافة صباح اليوم المعرض السنوي في العاصمة"
PAGE = f"<!DOCTYPE html>\n<html><head><title>المعرض</title></head><body><p>{LONG}</p></body></html>"
RSS = f'<?xml version="1.0"?><!-- x --><rss version="2.0"><channel><item><description>{LONG}</description></item></channel></rss>'
CONLL = "".join(f"{word}\t{tag}\n" for word, tag in zip(LONG.split(), ["O", "O", "B-ORG", "O", "O", "O", "O", "O", "B-LOC"], strict=True))  # fmt: skip


def kinds(*paths):
    planned = plan([str(path) for path in paths], Fields())
    return {file.origin.rpartition("/")[2]: file.kind for piece in planned.pieces for file in piece.files}


def refusal(*paths):
    with pytest.raises(KhabarError) as caught:
        plan([str(path) for path in paths], Fields())
    return [(issue.where.rpartition("/")[2], issue.message, issue.fix) for issue in caught.value.issues]


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("4943459", PAGE, "html"),
        ("view.php", PAGE, "html"),
        ("news.shtml", PAGE, "html"),
        ("article.aspx?id=5", PAGE, "html"),
        ("index.html?id=3", PAGE, "html"),
        ("index.html.1", PAGE, "html"),
        ("story@id=7", f"\n\n<!-- saved -->\n{PAGE}", "html"),
        ("خبر-عاجل", PAGE, "html"),
        ("wide", PAGE.encode("utf-16"), "html"),
        ("old", PAGE.encode("cp1256"), "html"),
        ("fragment", f"<div class='x'><p>{LONG}</p></div>", "html"),
        ("xhtml", f'<?xml version="1.0"?>{PAGE}', "html"),
        ("feed", RSS, "feed"),
        ("rss.php", RSS, "feed"),
        ("api", '{"text": "x"}\n{"text": "y"}\n', "jsonl"),
        ("posts", '[{"text": "x"}]', "json"),
        ("story", LONG, "text"),
        ("part-00000", '{"text": "x"}\n{"text": "y"}\n', "jsonl"),
        ("archive", "WARC/1.0\r\n", "warc"),
        ("a.xml", RSS, "feed"),
        ("b.xml", f"<root><item1><Text>{LONG}</Text></item1></root>", "corpus"),
        ("c.xml", PAGE, "html"),
        ("d.sgml", f"<DOC><HEADLINE>ع</HEADLINE><TEXT>{LONG}</TEXT></DOC>", "corpus"),
    ],
)
def test_kind_is_looked_up_in_the_content(tmp_path, name, content, kind):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    assert kinds(tmp_path) == {name: kind}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("style.css", f"/* {LONG} */"),
        ("app.js", PAGE),
        ("README", "This crawl was made with a script, see the wiki."),
        ("Makefile", "all:\n\techo"),
        ("picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("index.php", f"<?php echo '{LONG}'; ?>"),
        (".DS_Store", PAGE),
        ("sitemap", '<?xml version="1.0"?><urlset><url><loc>x</loc></url></urlset>'),
        ("empty", ""),
        ("notes.pdf", b"%PDF-1.4"),
    ],
)
def test_other_files_are_set_aside(tmp_path, name, content):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "a.txt").write_text(LONG, encoding="utf-8")

    assert plan([str(tmp_path)], Fields()).set_aside == (Dropped("ingest", f"{tmp_path.name}/{name}", f"not {READ}"),)


def test_page_without_a_suffix_is_read(tmp_path):
    (tmp_path / "4943459").write_text(PAGE, encoding="utf-8")

    assert LONG in read_documents([tmp_path / "4943459"]).documents[0].raw


@pytest.mark.parametrize("name", ["a.ann", "a.conll", "a.conllu", "a.bio", "a.iob2.gz"])
def test_files_of_tags_are_refused_by_name(tmp_path, name):
    (tmp_path / name).write_text("T1\tPER 0 4\tسالم\n", encoding="utf-8")
    ((where, message, fix),) = refusal(tmp_path / name)

    assert (where, message) == (name, "the file holds annotations, not articles")
    assert "khabar import" in fix


def test_files_of_tags_beside_articles_are_set_aside(tmp_path):
    (tmp_path / "a.txt").write_text(LONG, encoding="utf-8")
    (tmp_path / "a.ann").write_text("T1\tPER 0 4\tسالم\n", encoding="utf-8")

    assert plan([str(tmp_path)], Fields()).set_aside == (Dropped("ingest", f"{tmp_path.name}/a.ann", "annotations"),)


@pytest.mark.parametrize(
    "content", [CONLL, CONLL.replace("\t", " "), f"-DOCSTART- O\n\n{CONLL}\n{CONLL}", CONLL.replace("\t", "\tNN\t_\t")]
)
def test_text_of_tokens_and_tags_is_refused(tmp_path, content):
    (tmp_path / "a.txt").write_text(content, encoding="utf-8")
    with pytest.raises(KhabarError, match="annotations"):
        read_documents([tmp_path / "a.txt"])


@pytest.mark.parametrize(
    "content",
    [LONG.replace(" ", "\n"), "النتائج:\n" + "فريق O\n" * 3, CONLL.replace("B-ORG", "O").replace("B-LOC", "O")],
)
def test_text_of_short_lines_is_no_file_of_tags(tmp_path, content):
    (tmp_path / "a.txt").write_text(content, encoding="utf-8")

    assert [document.raw for document in read_documents([tmp_path]).documents] == [content]


def test_names_that_are_not_utf_8_are_read_and_shown_with_escapes(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xce\xc8\xd1")
    folder.mkdir()
    for name, content in ((b"caf\xe9.txt", LONG), (b"\xff.jsonl", "{bad\n"), (b"\xfe.pdf", "")):
        (folder / os.fsdecode(name)).write_text(content, encoding="utf-8")
    reading = read_documents([tmp_path])
    (issue,) = reading.issues

    assert [(d.origin, d.source) for d in reading.documents] == [
        (f"{tmp_path.name}/\\xce\\xc8\\xd1/caf\\xe9.txt", "\\xce\\xc8\\xd1")
    ]
    assert sorted(one.what.rpartition("/")[2] for one in reading.set_aside) == ["\\xfe.pdf", "\\xff.jsonl:1:2"]
    assert issue.where.endswith("/\\xce\\xc8\\xd1/\\xff.jsonl:1:2")
    assert [where for where, _, _ in refusal(folder / os.fsdecode(b"\xfe.pdf"))] == ["\\xfe.pdf"]
