"""Pages that were fetched several times: of one address, the latest counts."""

import gzip

from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.executor.start import LOCAL
from builder.project.corpus import read_documents
from builder.project.groups import apply_filters, candidates, ensure_groups
from tests.news import news

PAGE = '<html><head><link rel="canonical" href="https://nasim.example/n/{}"></head><body><article>{}</article></body></html>'


def page(number, text):
    return PAGE.format(number, "".join(f"<p>{line}</p>" for line in text.split("\n")))


def archive(path, *pages):
    """Write pages as responses of a WARC file, each with its address, its time and its markup."""
    records = []
    for url, moment, markup in pages:
        body = b"HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + markup.encode()
        head = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: {moment}\r\n"
            f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        records.append(head.encode() + body + b"\r\n\r\n")
    path.write_bytes(b"".join(records))
    return path


def texts(project):
    return {document.raw for document in read_documents(project)}


def test_latest_of_one_ingest_counts(project, tmp_path):
    path = archive(
        tmp_path / "a.warc",
        ("https://nasim.example/n/1?utm_source=x", "2026-03-05T10:00:00Z", page(1, news(2))),
        ("https://m.nasim.example/n/1", "2026-03-04T10:00:00Z", page(1, news(1))),
        ("https://nasim.example/n/2", "2026-03-04T10:00:00Z", page(2, news(3))),
    )
    report = ingest(project, [path])

    assert texts(project) == {news(2), news(3)}
    assert report.accounts[0].set_aside == {"fetched again": 1}
    (aside,) = report.set_aside
    assert (aside.reason, aside.detail) == ("fetched again", "later at a.warc:0")
    assert ingest(project, [path]).accounts[0].kept == 0


def test_pages_without_a_time_count_in_the_order_of_the_files(project, tmp_path):
    for name, text in (("1.html", news(1)), ("2.html", news(2)), ("3.html", news(3))):
        (tmp_path / name).write_text(page(1 if name != "3.html" else 2, text), encoding="utf-8")
    ingest(project, sorted(tmp_path.glob("*.html")))

    assert texts(project) == {news(2), news(3)}


def test_earlier_page_that_comes_later_is_set_aside(project, tmp_path):
    address = "https://nasim.example/n/1"
    ingest(project, [archive(tmp_path / "b.warc", (address, "2026-03-05T10:00:00Z", page(1, news(2))))])
    report = ingest(project, [archive(tmp_path / "a.warc", (address, "2026-03-04T10:00:00Z", page(1, news(1))))])

    assert texts(project) == {news(2)}
    assert report.set_aside[0].detail == "later at b.warc:0"


def test_later_page_supersedes_a_stored_one_which_stays(project, tmp_path):
    address = "https://nasim.example/n/1"
    ingest(project, [archive(tmp_path / "a.warc", (address, "2026-03-04T10:00:00Z", page(1, news(1))))])
    ingest(project, [archive(tmp_path / "b.warc", (address, "2026-03-05T10:00:00Z", page(1, news(2))))])
    clean(project)
    ensure_groups(project, LOCAL)
    apply_filters(project, LOCAL)
    ids = {document.raw: document.id for document in read_documents(project)}
    rows = candidates(project)
    fates = dict(zip(rows["id"].to_pylist(), rows["reason"].to_pylist(), strict=True))

    assert texts(project) == {news(1), news(2)}, "what may be in a batch is not removed"
    assert fates == {f"{ids[news(1)]}-0": "fetched again", f"{ids[news(2)]}-0": None}


def test_records_with_one_url_that_are_no_pages_are_all_kept(project, tmp_path):
    path = tmp_path / "a.jsonl.gz"
    rows = "".join(f'{{"text": "{news(n).splitlines()[0]}", "url": "https://nasim.example/live"}}\n' for n in (1, 2))
    path.write_bytes(gzip.compress(rows.encode()))
    ingest(project, [path])

    assert len(texts(project)) == 2
