"""Tables as Excel, R, databases and people write them: delimiters, quotes, headers, encodings."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.corpus.readers import tabular
from builder.corpus.readers.documents import read_documents
from builder.corpus.readers.tables.layout import opened_table
from builder.records import KhabarError
from builder.schema.dataset import Fields
from tests.shared_cases import shared_case

RLM, BOM, NBSP, ZWNJ = (
    "\N{RIGHT-TO-LEFT MARK}",
    "\N{ZERO WIDTH NO-BREAK SPACE}",
    "\N{NO-BREAK SPACE}",
    "\N{ZERO WIDTH NON-JOINER}",
)
FIRST = "افتتح وزير الثقافة صباح اليوم المعرض السنوي في العاصمة"
SECOND = "قال رئيس البلدية إن السوق الجديد يفتح أبوابه غدا"


def read(path, content, *, encoding=None, fields=None):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_documents([path], encoding, fields)


def texts(path, content, *, encoding=None, fields=None):
    return [document.raw for document in read(path, content, encoding=encoding, fields=fields).documents]


def refusal(path, content, *, fields=None):
    with pytest.raises(KhabarError) as caught:
        read(path, content, fields=fields)
    return [issue.message for issue in caught.value.issues]


@pytest.mark.shared
@pytest.mark.parametrize(("name", "number"), [("merge", 4), ("merge2", 4), ("quote-open", 3), ("quotes", 3)])
def test_shared_tsv_files_have_a_document_for_each_row(name, number):
    reading = read_documents([shared_case(f"13-tsv-quotes/{name}.tsv")])

    assert (len(reading.documents), reading.set_aside) == (number, ())
    assert not any("\t" in document.raw for document in reading.documents)


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        "16-excel-csv-shapes/excel-unicode.csv", "16-excel-csv-shapes/tab-in-csv.csv", "16-excel-csv-shapes/sep-line.csv",
        "16-excel-csv-shapes/blank-first.csv", "17-invisible-in-column-name/header-bom2.csv",
        "17-invisible-in-column-name/header-rlm.csv", "17-invisible-in-column-name/header-spaces.csv",
    ],
)  # fmt: skip
def test_shared_shapes_are_read(name):
    reading = read_documents([shared_case(name)])

    assert (len(reading.documents), reading.set_aside) == (3, ())


@pytest.mark.shared
def test_shared_table_without_header_is_refused():
    with pytest.raises(KhabarError, match="the first line looks like data"):
        read_documents([shared_case("16-excel-csv-shapes/noheader.csv")])


@pytest.mark.shared
@pytest.mark.parametrize("name", ["utf16le-bom.csv.gz", "utf16le-nobom.csv.gz"])
def test_shared_packed_tables_are_read_in_the_declared_encoding(name):
    assert len(read_documents([shared_case(f"14-encoding-option-ignored/{name}")], "utf-16-le").documents) == 3


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([f'"{FIRST}', f'{SECOND}"'], [f'"{FIRST}', f'{SECOND}"']),
        ([f'"{FIRST}" ثم', SECOND], [f'"{FIRST}" ثم', SECOND]),
        ([f'"{FIRST}"', f'قال "نعم" {SECOND}'], [f'"{FIRST}"', f'قال "نعم" {SECOND}']),
        ([f'"{FIRST}"', SECOND], [f'"{FIRST}"', SECOND]),
        (['"', '""', FIRST], ['"', '""', FIRST]),
    ],
)
def test_tsv_has_no_quotes(tmp_path, rows, expected):
    content = "id\ttext\n" + "".join(f"{number}\t{row}\n" for number, row in enumerate(rows))

    assert texts(tmp_path / "a.tsv", content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f'"id"\t"text"\n"1"\t"{FIRST}"\n', [FIRST]),
        (f'id\ttext\n1\t"قال ""نعم"" {SECOND}"\n2\t{FIRST}\n', [f'قال "نعم" {SECOND}', FIRST]),
        (f'id\ttext\n1\t"{FIRST}\n{SECOND}"\n', [f"{FIRST}\n{SECOND}"]),
        (f'id\ttext\n1\t"{FIRST}\t{SECOND}"\n', [f"{FIRST}\t{SECOND}"]),
        (f'id\ttext\n1\t"{FIRST}, ثم"\n2\t{SECOND}\n', [f"{FIRST}, ثم", SECOND]),
    ],
    ids=["all", "doubled", "newline", "tab", "Excel"],
)
def test_quoted_tsv_is_known_by_looking(tmp_path, content, expected):
    assert texts(tmp_path / "a.tsv", content) == expected


def test_the_option_decides_what_looking_cannot(tmp_path):
    content = f'id\ttext\n1\t"{FIRST}"\n'

    assert texts(tmp_path / "a.tsv", content) == [f'"{FIRST}"']
    assert texts(tmp_path / "a.tsv", content, fields=Fields(quoted_tsv=True)) == [FIRST]
    assert texts(tmp_path / "a.tsv", f'"id"\t"text"\n1\t{FIRST}\n', fields=Fields(text='"text"', quoted_tsv=False)) == [FIRST]  # fmt: skip


def test_broken_row_of_a_tsv_names_the_option(tmp_path):
    reading = read(tmp_path / "a.tsv", f'id\ttext\n1\t{FIRST}\n2\t"x\ty"z\n3\t{SECOND}\n')

    assert [document.raw for document in reading.documents] == [FIRST, SECOND]
    assert [(aside.what, aside.reason) for aside in reading.set_aside] == [("a.tsv:3", "columns")]
    assert "quoted_tsv: true" in reading.issues[0].fix


@pytest.mark.parametrize(
    "content",
    [
        f"id\ttext\r\n1\t{FIRST}\r\n".encode("utf-16"),
        f"id\ttext\r\n1\t{FIRST}\r\n".encode("utf-16-be"),
        f"sep=\t\r\nid\ttext\r\n1\t{FIRST}\r\n",
        f'"sep=|"\r\nid|text\r\n1|{FIRST}\r\n',
        f"id|text\n1|{FIRST}\n",
        f"\r\n \r\nid;text\r\n1;{FIRST}\r\n",
        f",,,\r\nid,text,,\r\n1,{FIRST},,\r\n",
        f'{BOM}{BOM}"text","id"\r\n"{FIRST}",1\r\n',
        f"id,text{RLM}\n1,{FIRST}\n",
        f"id,{ZWNJ}text{NBSP}\n1,{FIRST}\n",
        f'id, text\n1, "{FIRST}"\n',
        f'"id","te{RLM}xt"\n1,{FIRST}\n',
        f'id;"text";"a, b, c"\n1;{FIRST};x\n',
    ],
)
def test_shapes_of_tables(tmp_path, content):
    assert texts(tmp_path / "a.csv", content) == [FIRST]


def test_place_counts_the_lines_above_the_columns(tmp_path):
    reading = read(tmp_path / "a.csv", f'sep=;\n\nid;text\n1;{FIRST}\n2;"a\nb"\n3;{SECOND}\n4\n')

    assert [document.origin for document in reading.documents] == ["a.csv:4", "a.csv:5", "a.csv:7"]
    assert [aside.what for aside in reading.set_aside] == ["a.csv:8"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"7,{FIRST}\n8,{SECOND}\n", f"the first line looks like data, not like names of columns: «7», «{FIRST}»"),
        (
            "الخبر الأول,2015-07-21\n",
            "the first line looks like data, not like names of columns: «الخبر الأول», «2015-07-21»",
        ),
        (
            "https://a.example/1,x\n",
            "the first line looks like data, not like names of columns: «https://a.example/1», «x»",
        ),
        ("index,topic,share,words,0\n", "no column text; it has index, topic, share, words, 0"),
        (f"id,{RLM}body\n", "no column text; it has id, ⟨U+200F⟩body"),
        ("id,bo\x1b[2Jdy\n", "no column text; it has id, bo⟨U+001B⟩[2Jdy"),
        (f"text,{RLM}text\nx,y\n", "two columns are named text"),
        ("", "no column text; it has none"),
        ("\n\n", "no column text; it has none"),
        ("sep=;\n", "no column text; it has none"),
    ],
)
def test_table_without_its_columns_says_what_it_has(tmp_path, content, message):
    assert refusal(tmp_path / "a.csv", content) == [message]


def test_invisible_characters_in_the_columns_of_parquet(tmp_path):
    pq.write_table(pa.table({f"{BOM}text": [FIRST], " title ": ["عنوان"]}), tmp_path / "a.parquet")
    (document,) = read_documents([tmp_path / "a.parquet"]).documents

    assert (document.raw, document.title) == (FIRST, "عنوان")


def test_a_mapped_name_may_have_invisible_characters(tmp_path):
    assert texts(tmp_path / "a.csv", f"{RLM}نص,text\n{FIRST},x\n", fields=Fields(text=f"{RLM}نص")) == [FIRST]
    assert texts(tmp_path / "a.csv", f"{RLM}نص,text\n{FIRST},x\n", fields=Fields(text="نص")) == [FIRST]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "windows-1256"])
@pytest.mark.parametrize("declared", [True, False])
def test_packed_table_in_another_encoding(tmp_path, encoding, declared):
    content = f"id,text\r\n1,{FIRST}\r\n2,{SECOND}\r\n".encode(encoding)
    reading = read(tmp_path / "a.csv.gz", gzip.compress(content), encoding=encoding if declared else None)

    assert [document.raw for document in reading.documents] == [FIRST, SECOND]
    assert {document.encoding for document in reading.documents} == {f"{encoding}, {'declared' if declared else 'detected'}"}  # fmt: skip
    assert [issue.code for issue in reading.issues] == ([] if declared else ["encoding"])


def test_large_table_is_read_as_a_packed_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tabular, "MAX_BYTES", 100)

    assert texts(tmp_path / "a.csv", f"id,text\n1,{FIRST}\n2,{SECOND}\n".encode("utf-16")) == [FIRST, SECOND]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_packed_utf_16_that_is_cut_keeps_the_rows_before(tmp_path, cut):
    rows = "".join(f"{number},{FIRST} {number}\n" for number in range(3000))
    content = gzip.compress(f"id,text\n{rows}".encode("utf-16-le")[:-cut])
    reading = read(tmp_path / "a.csv.gz", content, encoding="utf-16-le")

    whole = cut == 2  # the newline alone
    assert len(reading.documents) == 2999 + whole
    assert [(one.what, one.reason) for one in reading.set_aside] == [("a.csv.gz:3001", "not UTF-16-LE")] * (not whole)


def test_looking_at_a_long_table_stops_in_the_middle_of_a_cell():
    head = "id\ttext\n" + f'1\t"{FIRST}\n{SECOND}"\n' * 20_000
    table = opened_table(io.StringIO(head, newline=""), "tsv", None)

    assert (table.is_quoted, sum(1 for _ in table.rows)) == (True, 20_000)


def test_columns_of_no_field_are_kept(tmp_path):
    (tmp_path / "a.csv").write_text("text,views,desk\nافتتحت مرجانة سوقها.,12,\n", encoding="utf-8")
    table = {
        "text": ["افتتحت مرجانة سوقها الجديد."],
        "views": [12],
        "tags": [["سوق", "ميناء"]],
        "vector": [[0.5, 0.25]],
        "image": [b"\x89PNG"],
    }
    pq.write_table(pa.table(table), tmp_path / "b.parquet")
    first, second = read_documents([tmp_path / "a.csv", tmp_path / "b.parquet"]).documents

    assert first.facts.extra == {"views": "12"}
    assert second.facts.extra == {"views": "12", "tags": '["سوق", "ميناء"]'}


@pytest.mark.parametrize("header", ["title,text", "العنوان,text"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("declared", [None, "windows-1256"])
def test_table_in_another_encoding_is_refused_with_its_name(tmp_path, header, packed, declared):
    content = f"{header}\nخبر,{FIRST}\nخبر,{SECOND}\n".encode("iso-8859-6")
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(KhabarError) as caught:
        read_documents([path], declared)

    (issue,) = caught.value.issues
    assert issue.message == "not UTF-8, UTF-16 or windows-1256"
    assert "iconv -f ISO-8859-6" in issue.fix


def test_one_bad_row_does_not_refuse_its_table(tmp_path):
    reading = read(
        tmp_path / "a.csv", f"text\n{FIRST}\n".encode() + b"\xc7\xe1\xcf\n" + f"{SECOND}\n".encode()[:-2] + b"\n"
    )

    assert [document.raw for document in reading.documents] == [FIRST, f"{SECOND[:-1]}\N{REPLACEMENT CHARACTER}"]
    assert [dropped.reason for dropped in reading.set_aside] == ["not UTF-8"]
