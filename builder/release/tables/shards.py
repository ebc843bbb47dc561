"""Paths of Parquet shards: CONFIG/SPLIT-00000-of-00001.parquet."""

import re
from collections.abc import Sequence

SHARD = re.compile(r"(?P<config>[^/]+)/(?P<split>[^/]+)-[0-9]{5}-of-[0-9]{5}\.parquet")


def shards(files: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Group Parquet files by config and split, sorted by path; other files are left out.

    >>> shards(["README.md", "stance/test-00000-of-00001.parquet"])
    {'stance': {'test': ['stance/test-00000-of-00001.parquet']}}
    """
    found: dict[str, dict[str, list[str]]] = {}
    for path in sorted(files):
        if shard := SHARD.fullmatch(path):
            found.setdefault(shard["config"], {}).setdefault(shard["split"], []).append(path)
    return found
