"""Stage functions that fail in every way, and a small pipeline of two stages, where any worker can import them."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.executor import stage
from builder.executor.markers import Shard
from builder.executor.shards import BatchResult
from builder.executor.start import engine
from builder.io.hashing import file_sha256
from builder.records import Dropped, user_error

TEXTS = pa.schema({"id": pa.string(), "text": pa.string()})
LENGTHS = pa.schema({"id": pa.string(), "length": pa.int32()})


@dataclass(frozen=True, slots=True)
class Poison:
    """Rows whose text holds this word raise; `killer`'s text, or its worker's death, happens once for each flag."""

    word: str = "سم"
    killer: str = ""
    flags: str = ""
    slow: float = 0.0


def lengths(table, config):
    """The length of each text in code points; raises at a poisoned one; sets an empty one aside."""
    texts = table["text"].to_pylist()
    if config.killer and config.killer in texts:
        _die_once(Path(config.flags))
    time.sleep(config.slow)
    for text in texts:
        if text is not None and config.word in text:
            raise ValueError(f"{text} cannot be drunk")
    kept = [(one, len(text or "")) for one, text in zip(table["id"].to_pylist(), texts, strict=True) if text != ""]
    aside = tuple(Dropped("lengths", one, "empty") for one, text in
                  zip(table["id"].to_pylist(), texts, strict=True) if text == "")  # fmt: skip
    columns = {"id": [one for one, _ in kept], "length": [length for _, length in kept]}
    made = pa.table(columns, schema=LENGTHS)
    return BatchResult(made, {"code points": pc.sum(made["length"]).as_py() or 0}, aside)


def doubled(table, config):
    """Each length, doubled."""
    lengths = pc.multiply(table["length"], pa.scalar(2, pa.int32()))
    return BatchResult(pa.table({"id": table["id"], "length": lengths}, schema=LENGTHS))


def read_columns(table, config):
    """No row; the columns that were read, counted."""
    return BatchResult(LENGTHS.empty_table(), dict.fromkeys(table.column_names, 1))


def out_of_memory(table, config):
    """What no row is to blame for."""
    raise MemoryError


def refusing(table, config):
    """A fault of the configuration."""
    raise user_error("bad-profile", "there is no profile x", fix="choose another")


def _die_once(flag):
    try:
        flag.touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def die(item):
    """A task that no worker survives, if it is 3."""
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def die_once(item):
    """A task that kills its worker the first time: the item is its flag."""
    _die_once(Path(item))
    return item


def square(item):
    """Simple arithmetic."""
    return item * item


def has_module(name):
    return name in sys.modules


def pandas(_item):
    """Whether a list brings pandas in; what Arrow and pandas make of one another when someone asks for it."""
    pa.array([1])
    before = "pandas" in sys.modules
    import pandas as pd

    is_whole = str(pa.table({"n": [1]}).to_pandas()["n"].dtype) == "int64"
    return before, is_whole, tuple(pa.array(pd.Series([1.5])).to_pylist())


def where(item):
    """The process that did it, and what it may use."""
    return os.getpid(), os.environ.get("OMP_NUM_THREADS"), pa.cpu_count()


def linger(item):
    """Say that it began, and take long."""
    Path(item).write_text(str(os.getpid()))
    time.sleep(60)
    return item


class Odd(Exception):
    """An exception that pickle cannot bring back."""

    def __init__(self, first, second):
        super().__init__(first)
        self.second = second


def odd(item):
    raise Odd("a", "b")


def fail(item):
    if item == 2:
        raise KeyError("two")
    return item


def canonical_configuration():
    """The canonical form of a configuration with a value of each kind."""
    return stage.canonical({"words": frozenset("ابتثجح"), "p": Poison(), "at": Path("/x"), "b": b"\0"})


def shards_of(folder, tables):
    """Write tables as input shards of a folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    made = []
    for number, table in enumerate(tables):
        path = Path(folder, f"in-{number:03}.parquet").absolute()
        pq.write_table(table, path)
        made.append(Shard(f"in-{number:03}", str(path), file_sha256(path)))
    return made


def table_of(texts, start=0):
    """A table of documents with these texts."""
    return pa.table({"id": [f"d{number}" for number in range(start, start + len(texts))], "text": texts}, schema=TEXTS)


def corpus(folder, shards=12, rows=300):
    """The same invented texts each time, a few of them poisoned, in as many shards."""
    texts = [f"خبر {number} من مرجانة" + (" سم" if number % 97 == 0 else "") for number in range(shards * rows)]
    return shards_of(folder, [table_of(texts[low : low + rows], low) for low in range(0, len(texts), rows)])


def pipeline(folder, pmap, config):
    """Two stages, one upon the other."""
    folder = str(folder)
    shards = corpus(f"{folder}/in") if not Path(folder, "in").exists() else given(f"{folder}/in")
    first = stage.run("lengths", lengths, config, shards, f"{folder}/lengths", pmap,
                       schema=LENGTHS, watch=lambda *_: None, required=("id", "text"), digest=b"poison")  # fmt: skip
    outputs = [one.shard for one in first]
    return first, stage.run("doubled", doubled, None, outputs, f"{folder}/doubled", pmap,
                             schema=LENGTHS, watch=lambda *_: None)  # fmt: skip


def given(folder):
    """The input shards that lie in a folder."""
    paths = sorted(Path(folder).absolute().glob("*.parquet"))
    return [Shard(path.stem, str(path), file_sha256(path)) for path in paths]


def bytes_of(folder):
    """All that stages left below a folder, as sha256 by name."""
    found = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): file_sha256(path) for path in found}


def main(name, workers, place, killer, slow):
    """Run the pipeline: from another process, which imports it, for a stage's function is of a module."""
    flags = str(Path(place).with_suffix(".flag"))
    with engine(name, int(workers) or None) as everywhere:
        pipeline(place, everywhere, Poison(killer=killer, flags=flags, slow=float(slow)))


def blocked_signals(item):
    """Return the process and the mask of the signals that it blocks; slow enough that every worker gets an item."""
    time.sleep(0.3)
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("SigBlk"))
    return os.getpid(), int(line.split()[1], 16)
