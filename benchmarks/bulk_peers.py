"""One tool finds the duplicates of a corpus, in a process of its own; benchmarks/bulk.py starts it and measures.

`python bulk_peers.py <way> <folder of the corpus> <folder for output>`, in the environment of that tool: nothing of
khabar is imported here but for its own way. Every way reads Parquet with all cores and writes the articles that are
kept, one of each group, as Parquet. The group of each article is written afterwards, unmeasured.
"""

import json
import os
import pickle
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CORES = os.cpu_count() or 1
BANDS, ROWS, RUN = 14, 8, 5
Labels = Callable[[int], Any]


def main() -> None:
    """Do it, say what it took, then write the groups."""
    way, corpus, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    run = {
        "khabar": khabar,
        "datatrove": datatrove,
        "datatrove-stock": datatrove,
        "text-dedup": text_dedup,
        "daft": daft,
    }
    labels = run[way](corpus, folder, way)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    took = time.time() - float(os.environ["STARTED"])
    print(json.dumps({"seconds": took, "processor": sum(one.ru_utime + one.ru_stime for one in used)}), flush=True)
    np.save(folder / "labels.npy", labels(json.loads((corpus / "about.json").read_text())["articles"]))


def _sign(item: tuple[str, str]) -> str:
    """One shard of keys, as the stage of khabar writes it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from builder.corpus.dedup.minhash import KEYS, NEEDED, sign

    source, target = item
    file = pq.ParquetFile(source)
    with pq.ParquetWriter(target, KEYS, compression="none", use_dictionary=False, write_statistics=False) as writer:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=list(NEEDED), use_threads=False)
            writer.write_table(sign(table))
    pa.default_memory_pool().release_unused()
    return target


def _keep(item: tuple[str, str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    source, target, mask = item
    file, low = pq.ParquetFile(source), 0
    with pq.ParquetWriter(target, file.schema_arrow, compression="snappy", use_dictionary=False) as writer:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, use_threads=False)
            writer.write_table(table.filter(pa.array(mask[low : low + len(table)])))
            low += len(table)
    pa.default_memory_pool().release_unused()


def khabar(corpus: Path, folder: Path, _: str) -> Labels:
    """The stages of khabar on its local engine."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from builder.corpus.dedup.pipeline import find_groups
    from builder.executor.start import engine

    sources = sorted((corpus / "articles").glob("*.parquet"))
    with engine("local", CORES) as pmap:
        steps = [time.time()]
        targets = [str(folder / f"keys-{path.name}") for path in sources]
        list(pmap(_sign, list(zip(map(str, sources), targets, strict=True))))
        steps.append(time.time())
        found = find_groups(targets, {}, pmap, str(folder))
        steps.append(time.time())
        rows = pa.concat_tables([pq.ParquetFile(path).read(["article_id", "group_id"]) for path in found.paths])
        kept = rows["article_id"].filter(pc.equal(rows["article_id"], rows["group_id"])).combine_chunks()
        del rows
        ids = [pq.ParquetFile(path).read(["id"])["id"] for path in sources]
        mask = pc.is_in(pa.chunked_array([chunk for one in ids for chunk in one.chunks]), value_set=kept).to_numpy()
        masks = np.split(mask, np.cumsum([len(one) for one in ids])[:-1])
        del ids
        places = [(str(path), str(folder / f"kept-{path.name}")) for path in sources]
        list(pmap(_keep, [(*place, own) for place, own in zip(places, masks, strict=True)]))
        steps.append(time.time())
    told = [
        f"{name} {after - before:.1f}"
        for name, before, after in zip(("sign", "find", "keep"), steps, steps[1:], strict=False)
    ]
    print(f"khabar: {', '.join(told)} s; {dict(found.counts)}", file=sys.stderr)

    def labels(count: int) -> Any:
        groups = np.empty(count, np.int64)
        for path in found.paths:
            table = pq.read_table(path).to_pydict()
            places = [int(name[:16], 16) for name in table["article_id"]]
            groups[places] = [int(name[:16], 16) for name in table["group_id"]]
        return groups

    return labels


def datatrove(corpus: Path, folder: Path, way: str) -> Labels:
    """The four stages of its example, with its settings, and its own folding of texts."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter
    from datatrove.utils.word_tokenizers import WhitespaceTokenizer
    from plain_tokenizer import PlainTokenizer

    config = MinhashConfig(n_grams=RUN, num_buckets=BANDS, hashes_per_bucket=ROWS)
    tokenizer = PlainTokenizer() if way == "datatrove" else WhitespaceTokenizer()
    shards = len([*(corpus / "articles").glob("*.parquet")])

    def reader() -> Any:
        return ParquetReader(str(corpus / "articles"), glob_pattern="*.parquet")

    def run(pipeline: list[Any], tasks: int) -> None:
        LocalPipelineExecutor(
            pipeline, tasks=tasks, workers=min(CORES, tasks), logging_dir=str(folder / f"log{len(done)}")
        ).run()
        done.append(tasks)

    done: list[int] = []
    place = {name: str(folder / name) for name in ("signatures", "buckets", "clusters", "kept")}
    run([reader(), MinhashDedupSignature(place["signatures"], config=config, language=tokenizer)], shards)
    run([MinhashDedupBuckets(place["signatures"], place["buckets"], config=config)], BANDS)
    run([MinhashDedupCluster(place["buckets"], place["clusters"], config=config, save_cluster_id=True)], 1)
    run([reader(), MinhashDedupFilter(place["clusters"]), ParquetWriter(place["kept"])], shards)

    def labels(count: int) -> Any:
        groups = -1 - np.arange(count)
        shard = json.loads((corpus / "about.json").read_text())["shard"]
        for path in Path(place["clusters"]).glob("*.clusters"):
            for row, cluster in struct.iter_unpack("<II", path.read_bytes()):
                groups[int(path.stem) * shard + row] = cluster
        return groups

    return labels


def text_dedup(corpus: Path, folder: Path, _: str) -> Labels:
    """Its minhash script."""
    options = {
        "path": "parquet", "data_files": str(corpus / "articles" / "*.parquet"), "split": "train", "column": "text",
        "num_perm": BANDS * ROWS, "b": BANDS, "r": ROWS, "ngram": RUN, "num_proc": CORES, "hash_func": "xxh3",
        "hash_bits": 32, "output": str(folder / "kept"), "cache_dir": str(folder / "cache"),
    }  # fmt: skip
    pairs = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    home = {**os.environ, "HF_HOME": str(folder / "home")}
    subprocess.run(
        [sys.executable, "-m", "text_dedup.minhash", *pairs, "--debug"], check=True, env=home, stdout=sys.stderr
    )

    def labels(count: int) -> Any:
        with (folder / "kept" / "uf.pkl").open("rb") as file:
            dumped = pickle.load(file)  # noqa: S301 - written just now
        groups = np.arange(count)
        parent = dumped if isinstance(dumped, dict) else dumped.parent
        for one in list(parent):
            up = one
            while parent[up] != up:
                up = parent[up]
            groups[int(one)] = int(up)
        return groups

    return labels


def daft(corpus: Path, folder: Path, _: str) -> Labels:
    """Its built-in minhash of texts that it normalised; bands and groups with numpy, as it has none."""
    os.environ |= {"DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "1", "DAFT_PROGRESS_BAR": "0"}
    import daft as engine
    import pyarrow as pa
    import pyarrow.parquet as pq
    from daft import col
    from daft.functions import minhash, normalize

    sources = str(corpus / "articles" / "*.parquet")
    text = normalize(col("text"), remove_punct=True, lowercase=True, nfd_unicode=True, white_space=True)
    frame = engine.read_parquet(sources).select(
        col("id"), minhash(text, num_hashes=BANDS * ROWS, ngram_size=RUN).alias("signature")
    )
    table = frame.to_arrow()
    values = table["signature"].combine_chunks().flatten().to_numpy().reshape(-1, BANDS, ROWS)
    roots = np.arange(len(values))
    for band in range(BANDS):
        _, first, same = np.unique(
            np.ascontiguousarray(values[:, band]).view(f"V{4 * ROWS}").ravel(), return_index=True, return_inverse=True
        )
        left, right = first[same], np.arange(len(values))
        while True:
            one, other = roots[left], roots[right]
            if (one == other).all():
                break
            np.minimum.at(roots, np.maximum(one, other), np.minimum(one, other))
            while not np.array_equal(roots[roots], roots):
                roots = roots[roots]
    numbers = np.array([int(name[:16], 16) for name in table["id"].to_pylist()])
    kept = set(table["id"].filter(pa.array(roots == np.arange(len(roots)))).to_pylist())
    for path in sorted((corpus / "articles").glob("*.parquet")):
        own = pq.read_table(path)
        mask = [name in kept for name in own["id"].to_pylist()]
        pq.write_table(own.filter(pa.array(mask)), folder / f"kept-{path.name}", compression="snappy")

    def labels(count: int) -> Any:
        groups = np.empty(count, np.int64)
        groups[numbers] = numbers[roots]
        return groups

    return labels


if __name__ == "__main__":
    main()
