"""A release folder as `build` leaves it, small."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from builder.io.jsonl import write_json
from builder.io.plain import to_plain
from builder.records import Release

REPO = "khabar-tests/akhbar"
SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("label", pa.int64()), ("text", pa.string())])
COLUMNS = {
    "entities": pa.schema([("id", pa.string()), ("text", pa.string()), ("spans", pa.list_(SPAN))]),
    "stance": pa.schema([("article_id", pa.string()), ("stance", pa.int64())]),
}


def _class(*names):
    return {"class_label": {"names": {str(i): name for i, name in enumerate(names)}}}


FEATURES = {
    "entities": [
        {"name": "id", "dtype": "string"},
        {"name": "text", "dtype": "string"},
        {"name": "spans", "list": [
            {"name": "start", "dtype": "int32"}, {"name": "end", "dtype": "int32"},
            {"name": "label", "dtype": _class("PERS", "LOC")}, {"name": "text", "dtype": "string"},
        ]},
    ],
    "stance": [{"name": "article_id", "dtype": "string"}, {"name": "stance", "dtype": _class("with", "against")}],
}  # fmt: skip


def _article(number):
    text = f"زارت ليلى مدينة وهران في اليوم {number}"
    start = text.index("ليلى")
    return {"id": f"a{number}", "text": text, "spans": [{"start": start, "end": start + 4, "label": 0, "text": "ليلى"}]}


ROWS = {
    "entities": {"train": [_article(1), _article(2), _article(3)], "test": [_article(4)]},
    "stance": {
        "train": [{"article_id": "a1", "stance": 1}, {"article_id": "a2", "stance": None}],
        "test": [{"article_id": "a4", "stance": 0}],
    },
}


def make_release(folder, version="1.0.0", rows=ROWS):
    """A release folder as `build` leaves it, small."""
    for config, splits in rows.items():
        (folder / config).mkdir(parents=True)
        for split, found in splits.items():
            table = pa.Table.from_pylist(found, schema=COLUMNS[config])
            pq.write_table(table, folder / config / f"{split}-00000-of-00001.parquet")
    card = {
        "language": ["ar"],
        "configs": [
            {"config_name": config, "version": version, "default": config == "entities",
             "data_files": [{"split": split, "path": f"{config}/{split}-*"} for split in splits]}
            for config, splits in rows.items()
        ],
        "dataset_info": [
            {"config_name": config, "features": FEATURES[config],
             "splits": [{"name": split, "num_bytes": 100, "num_examples": len(found)} for split, found in splits.items()]}
            for config, splits in rows.items()
        ],
    }  # fmt: skip
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(card, sort_keys=False)}---\n# أخبار\n", encoding="utf-8")
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    counts = {config: {split: len(found) for split, found in splits.items()} for config, splits in rows.items()}
    release = Release(version, REPO, "", "khabar 0.1.0", "5" * 16, "standard@1+00", {}, counts, files)
    write_json(folder / "MANIFEST.json", to_plain(release))
    return release
