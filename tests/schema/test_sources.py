"""schema/sources.yaml: names of sources, and how their pages are read."""

import pytest

from builder.records import KhabarError
from builder.schema import load_schema
from builder.schema.sources import Sources
from tests.builders import fresh, yaml_faults

WHOLE = """\
sources:
  nasim.example:
    name: نسيم
    body: //div[@class='story']
    strip:
      - //div[contains(@class, 'related')]
      - //aside
    date_format: '%d/%m/%Y %H:%M'
    zone: Asia/Riyadh
  sport.nasim.example: {}
"""


def test_entry_holds_for_its_host_and_the_hosts_below(tmp_path):
    project = fresh(tmp_path / "p")
    (project.root / "schema" / "sources.yaml").write_text(WHOLE, encoding="utf-8")
    sources = load_schema(project.root / "schema").sources

    assert sources.rules_of("nasim.example").name == "نسيم"
    assert sources.rules_of("nasim.example").body == ("//div[@class='story']",)
    assert sources.rules_of("culture.nasim.example").zone == "Asia/Riyadh"
    assert sources.rules_of("sport.nasim.example").name is None
    assert sources.rules_of("other.example") is sources.rules_of(None) is None


def test_file_is_optional_and_part_of_the_schema(tmp_path):
    project = fresh(tmp_path / "p")
    folder = project.root / "schema"
    before = load_schema(folder)
    (folder / "sources.yaml").write_text(WHOLE, encoding="utf-8")

    assert before.sources == Sources()
    assert load_schema(folder).hash != before.hash


@pytest.mark.parametrize(
    ("entry", "place", "message"),
    [
        ("body: '//div['", "3:11", "'//div[' is not an XPath: invalid expression"),
        ("body: nope()", "3:11", "'nope()' is not an XPath: unregistered function"),
        ("strip: ['//p', 'count(//p)']", "3:20", "'count(//p)' selects no elements; write an XPath such as //div[@class='story']"),
        ("strip: //p/@class", "3:12", "selects no elements"),
        ("strip: //p/text()", "3:12", "selects no elements"),
        ("date_format: '%d %B %Y'", "3:18", "%B is not read; the codes are"),
        ("date_format: '%H:%M'", "3:18", "'%H:%M' names no day; write a format such as %d/%m/%Y"),
        ("date_format: '%d/%m/%Y %d'", "3:18", "'%d/%m/%Y %d' has %d twice; write each code once"),
        ("zone: Asia/Riyad", "3:11", "'Asia/Riyad' is not a time zone; write one of the IANA database, such as Asia/Riyadh"),
        ("zone: ../../etc/passwd", "3:11", "is not a time zone"),
        ("zone: Asia", "3:11", "is not a time zone"),
        ("nmae: x", "3:5", "unknown field 'nmae'; known fields: name, body, strip, date_format, zone"),
    ],
)  # fmt: skip
def test_fault_of_an_entry_has_its_place(entry, place, message):
    ((where, said),) = yaml_faults(f"sources:\n  nasim.example:\n    {entry}\n", Sources)

    assert where == f"labels.yaml:{place}"
    assert message in said


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("https://nasim.example", "is not a host; write it in small letters, without https:// and path: nasim.example"),
        ("Nasim.example", "is not a host"),
        ("nasim", "is not a host"),
        ("www.nasim.example", "write 'nasim.example': hosts are compared without www."),
        ("m.nasim.example", "write 'nasim.example': hosts are compared without m."),
    ],
)
def test_fault_of_a_host_has_its_place(host, message):
    ((where, said),) = yaml_faults(f"sources:\n  '{host}':\n    name: نسيم\n", Sources)

    assert where == "labels.yaml:2:3"
    assert message in said


def test_faults_of_all_files_come_together(tmp_path):
    project = fresh(tmp_path / "p")
    folder = project.root / "schema"
    (folder / "sources.yaml").write_text("sources:\n  nasim.example:\n    zone: nowhere\n", encoding="utf-8")
    (folder / "labels.yaml").write_text("x: 1\n", encoding="utf-8")
    with pytest.raises(KhabarError) as caught:
        load_schema(folder)

    places = {issue.where.partition(":")[0] for issue in caught.value.issues}
    assert places == {"schema/sources.yaml", "schema/labels.yaml"}
