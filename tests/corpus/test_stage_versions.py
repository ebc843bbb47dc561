"""Golden results of each stage: a changed result needs a new version.

A stage's version is part of the key of its shards. Where its result changes and its version does not, shards that an
older khabar made are taken for today's.
"""

import hashlib
import json
import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.corpus.cleaning import counts
from builder.corpus.cleaning.counts import no_counts
from builder.corpus.cleaning.stage import STAGE, CleaningConfig
from builder.corpus.dedup import minhash
from builder.corpus.dedup.pipeline import find_groups
from builder.corpus.sampling import filters
from builder.corpus.versions import GROUPS
from builder.io.hashing import sha16
from builder.io.parquet import to_table
from builder.io.yaml import parse_yaml
from builder.records import Document
from builder.schema.boilerplate import Boilerplate
from builder.schema.filters import Filters
from builder.text.profiles import profile
from tests.conftest import ROOT

GOLDEN = Path(__file__).with_name("stages.golden.json")
WRITE = "KHABAR_WRITE_GOLDEN=1 python -m pytest tests/corpus/test_stage_versions.py"
KEPT = ROOT / "tests" / "cases" / "earlier" / "3003190"
ODD = (
    "",
    " \n\n",
    "خَبَرًا عاجِلًا \N{ARABIC TATWEEL}\N{ARABIC TATWEEL}من المينـاء هـ 1447\r\nسطر ثان\N{NO-BREAK SPACE}",
    "\N{ARABIC LIGATURE LAM WITH ALEF ISOLATED FORM} کتاب بزرگ \N{RIGHT-TO-LEFT MARK} ي\N{ARABIC HAMZA ABOVE}س",
    "Latin only, no Arabic letter at all.",
    "نفس السطر\n" * 12,
    "خبر \N{GRINNING FACE} 12:30 ١٢٣ #وسم ...\n" * 3,
)


def documents():
    """The pages of the test case of an earlier version, their records, and a few odd texts."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((KEPT / "pages").glob("*/*.txt"))]
    records = (KEPT / "pages" / "barq.jsonl").read_text(encoding="utf-8").splitlines()
    plain = [{"text": text} for text in (*texts, *ODD)] + [json.loads(line) for line in records]
    return [
        Document(sha16(one["text"]), one.get("source", "pages"), one.get("url"), one.get("published_at"),
                 one.get("title"), one["text"], f"page {number}")
        for number, one in enumerate(plain)
    ]  # fmt: skip


def articles():
    """The pages as they are, and of the long ones copies, parts and new versions under the old title."""
    chance = random.Random(17)  # noqa: S311 - the same edits each time
    rows = [(one.id, one.raw, one.title, one.published_at) for one in documents()]
    for number, (name, text, title, date) in enumerate([row for row in rows if len(row[1].split()) > 60]):
        words = text.split()
        near = [word if chance.random() > 0.01 else "غيره" for word in words]
        less = [word if chance.random() > 0.05 else "غيره" for word in words]
        made = (
            text.replace("و", "و\N{ARABIC FATHA}"),
            " ".join(near),
            " ".join(less),
            " ".join(words[20:55]),
            " ".join(words[:12] * 2),
        )
        rows += [(f"{name}-{number}-{n}", one, title or f"عنوان الخبر رقم {number} هنا", date)
                 for n, one in enumerate(made)]  # fmt: skip
    names = ("id", "text", "title", "published_at")
    return pa.table({name: pa.array([row[n] for row in rows], pa.string()) for n, name in enumerate(names)})


def cleaned(name):
    rules = parse_yaml((KEPT / "schema" / "boilerplate.yaml").read_text(encoding="utf-8"), Boilerplate, "rules")
    return STAGE.function(to_table(documents(), Document), CleaningConfig(profile(name), rules, no_counts()))


def grouped(folder):
    folder.mkdir()
    table = minhash.STAGE.function(articles(), None).table
    halves = [table.slice(0, 20), table.slice(20)]
    keys = [str(folder / f"keys-{number}.parquet") for number in range(2)]
    for half, path in zip(halves, keys, strict=True):
        pq.write_table(half, path)
    found = find_groups(keys, {f"{halves[0]['id'][0]}": "old", "gone": "old"}, map, str(folder))
    rows = pa.concat_tables([pq.read_table(path) for path in found.paths]).sort_by("article_id")
    kinds = set(rows["kind"].to_pylist())
    assert kinds == {"single", "exact", "near", "contained", "related"}, "the corpus must hold pairs of each kind"
    return rows, found.counts, found.set_aside


def result(made):
    return made.table, made.counts, made.set_aside


def digest(table, counts, aside):
    """The sha256 of rows, of what was counted, and of what was set aside and why; not of messages."""
    rows = [[value.hex() if isinstance(value, bytes) else value for value in row.values()] for row in table.to_pylist()]
    plain = [table.schema.names, rows, sorted(counts.items()), [(one.what, one.reason) for one in aside]]
    return hashlib.sha256(json.dumps(plain, default=str, ensure_ascii=False).encode()).hexdigest()


def judged(**settings):
    return filters.STAGE.function(articles(), Filters(**settings))


def counted():
    return counts.STAGE.function(to_table(documents(), Document), profile("standard@1"))


MADE = {
    "count": (str(counts.STAGE.version), lambda _: result(counted())),
    "clean": (str(STAGE.version), lambda _: result(cleaned("standard@1"))),
    "clean, light": (str(STAGE.version), lambda _: result(cleaned("light@1"))),
    "filter": (str(filters.STAGE.version), lambda _: result(judged(least_words=5, most_words=900))),
    "filter, fineweb2-arabic": (str(filters.STAGE.version), lambda _: result(judged(preset="fineweb2-arabic"))),
    "dedup, keys": (str(minhash.STAGE.version), lambda _: result(minhash.STAGE.function(articles(), None))),
    "dedup, groups": (f"{minhash.STAGE.version}.{GROUPS}", lambda folder: grouped(folder / "find")),
}


@pytest.mark.parametrize("name", MADE)
def test_stage_result_matches_its_version(name, tmp_path):
    version, make = MADE[name]
    found = {"version": version, "digest": digest(*make(tmp_path))}
    kept = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    before = kept.get(name, found)
    assert found["digest"] == before["digest"] or version != before["version"], (
        f"the stage {name} gives another result, and its version is still {version}: raise its version "
        f"(builder/corpus/versions.py; GROUPS, where groups alone changed), then write the new digest with {WRITE}"
    )
    if os.environ.get("KHABAR_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(kept | {name: found}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return
    assert kept.get(name) == found, f"{GOLDEN.name} does not have this version yet: write its digest with {WRITE}"
