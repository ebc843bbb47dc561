"""Published sets that tests import, and the folders of the traps in them."""

from builder.project.project import Project
from tests.conftest import ROOT

HEAD = """\
format: 1
name: {name}
source: Marjana news
licence: {{text: cc0-1.0, annotations: cc0-1.0}}
citation: invented
"""

PRESS = """\
عاد O
سامي B-PER
الحداد I-PER
إلى O
مرجانة B-LOC
. O

فتحت O
هيئة B-ORG
الميناء I-ORG
أبوابها O
. O
"""

LABELS = "labels: {PER: PERS, LOC: LOC, ORG: ORG}\n"

AQMAR = """\
conll: {separator: space, tags: [1], scheme: iob2}
repairs: [inside begins]
labels: {PER: PERS, LOC: LOC, ORG: ORG, MIS: EVENT, MIS0: EVENT, MIS1: EVENT, MIS2: EVENT, MIS3: EVENT}
tags: {"B-MIS1`": B-MIS1, B-MISS1: B-MIS1, I--ORG: I-ORG, IO: O, OO: O, B-MIS-1: B-MIS1, B-MIS-2: B-MIS2, B-ENGLISH: O, B-SPANISH: O}
"""

CASES = ROOT / "tests" / "cases" / "import"

KINDS = {".txt": "conll", ".csv": "table", ".tsv": "table", ".ann": "brat", ".jsonl": "jsonl"}


def kind_of(folder):
    suffixes = {path.suffix for path in (folder / "input").iterdir()}
    return "brat" if ".ann" in suffixes else KINDS[min(suffixes)]


def no_floors(project):
    """The project without thresholds of agreement, which imported gold has none of."""
    settings = project.root / "schema" / "dataset.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        text.replace("span_f1: 0.5", "span_f1: null").replace("stance_alpha: 0.3", "stance_alpha: null"),
        encoding="utf-8",
    )
    return Project(project.root)


def put(project, rules, name="press", **files):
    """Write a map and the files of a set; return the folder of the files and the map."""
    folder = project.root.parent / "published"
    for file, content in files.items():
        path = folder / file.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    where = project.root / "schema" / "import.yaml"
    where.write_text(HEAD.format(name=name) + rules, encoding="utf-8")
    return folder, where
