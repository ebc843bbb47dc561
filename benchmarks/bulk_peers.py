"""Deduplication of a corpus by one tool, in a process that benchmarks/bulk.py starts and measures.

Usage: `python bulk_peers.py <way> <corpus folder> <output folder>`, in the environment of that tool, so khabar is
imported only to measure khabar. Every tool reads Parquet with all cores and writes the kept articles, one of each
group, as Parquet. The group of each article is written afterwards and not measured.
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
    """Deduplicate, print the time taken, then write the groups."""
    way, corpus, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    run = {
        "khabar": khabar,
        "datatrove": datatrove,
        "datatrove-stock": datatrove,
        "text-dedup": text_dedup,
        "daft": daft,
    }
    labels = run[way](corpus, folder, way)
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = time.time() - float(os.environ["STARTED"])
    processor = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    print(json.dumps({"seconds": seconds, "processor": processor}), flush=True)
    np.save(folder / "labels.npy", labels(json.loads((corpus / "about.json").read_text())["articles"]))


def _sign(item: tuple[str, str]) -> str:
    """Write one shard of keys, as khabar's stage does."""
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
    """Write the kept articles of one shard."""
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
    """Run khabar's stages on its local engine."""
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
        groups = find_groups(targets, {}, pmap, str(folder))
        steps.append(time.time())
        rows = pa.concat_tables([pq.ParquetFile(path).read(["article_id", "group_id"]) for path in groups.paths])
        kept = rows["article_id"].filter(pc.equal(rows["article_id"], rows["group_id"])).combine_chunks()
        del rows
        ids = [pq.ParquetFile(path).read(["id"])["id"] for path in sources]
        mask = pc.is_in(
            pa.chunked_array([chunk for column in ids for chunk in column.chunks]), value_set=kept
        ).to_numpy()
        masks = np.split(mask, np.cumsum([len(column) for column in ids])[:-1])
        del ids
        paths = [(str(path), str(folder / f"kept-{path.name}")) for path in sources]
        list(pmap(_keep, [(*pair, shard_mask) for pair, shard_mask in zip(paths, masks, strict=True)]))
        steps.append(time.time())
    timings = [
        f"{name} {after - before:.1f}"
        for name, before, after in zip(("sign", "find", "keep"), steps, steps[1:], strict=False)
    ]
    print(f"khabar: {', '.join(timings)} s; {dict(groups.counts)}", file=sys.stderr)

    def labels(count: int) -> Any:
        numbers = np.empty(count, np.int64)
        for path in groups.paths:
            table = pq.read_table(path).to_pydict()
            indices = [int(name[:16], 16) for name in table["article_id"]]
            numbers[indices] = [int(name[:16], 16) for name in table["group_id"]]
        return numbers

    return labels


def datatrove(corpus: Path, folder: Path, way: str) -> Labels:
    """Run the four stages of datatrove's example with its settings and its own text normalisation."""
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
    paths = {name: str(folder / name) for name in ("signatures", "buckets", "clusters", "kept")}
    run([reader(), MinhashDedupSignature(paths["signatures"], config=config, language=tokenizer)], shards)
    run([MinhashDedupBuckets(paths["signatures"], paths["buckets"], config=config)], BANDS)
    run([MinhashDedupCluster(paths["buckets"], paths["clusters"], config=config, save_cluster_id=True)], 1)
    run([reader(), MinhashDedupFilter(paths["clusters"]), ParquetWriter(paths["kept"])], shards)

    def labels(count: int) -> Any:
        groups = -1 - np.arange(count)
        shard = json.loads((corpus / "about.json").read_text())["shard"]
        for path in Path(paths["clusters"]).glob("*.clusters"):
            for row, cluster in struct.iter_unpack("<II", path.read_bytes()):
                groups[int(path.stem) * shard + row] = cluster
        return groups

    return labels


def text_dedup(corpus: Path, folder: Path, _: str) -> Labels:
    """Run text-dedup's MinHash script."""
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
        for article in list(parent):
            root = article
            while parent[root] != root:
                root = parent[root]
            groups[int(article)] = int(root)
        return groups

    return labels


def daft(corpus: Path, folder: Path, _: str) -> Labels:
    """Run Daft's text normalisation and MinHash. Bands and groups are computed with numpy, because Daft has none."""
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
            left_roots, right_roots = roots[left], roots[right]
            if (left_roots == right_roots).all():
                break
            np.minimum.at(roots, np.maximum(left_roots, right_roots), np.minimum(left_roots, right_roots))
            while not np.array_equal(roots[roots], roots):
                roots = roots[roots]
    numbers = np.array([int(name[:16], 16) for name in table["id"].to_pylist()])
    kept = set(table["id"].filter(pa.array(roots == np.arange(len(roots)))).to_pylist())
    for path in sorted((corpus / "articles").glob("*.parquet")):
        articles = pq.read_table(path)
        mask = [name in kept for name in articles["id"].to_pylist()]
        pq.write_table(articles.filter(pa.array(mask)), folder / f"kept-{path.name}", compression="snappy")

    def labels(count: int) -> Any:
        groups = np.empty(count, np.int64)
        groups[numbers] = numbers[roots]
        return groups

    return labels


if __name__ == "__main__":
    main()
