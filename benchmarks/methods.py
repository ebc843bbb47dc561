"""Methods compared by the text benchmark: khabar, other installed tools, and plain UTF-8 decoding as the baseline."""

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.corpus.cleaning.clean import clean, clean_batch
from builder.io.parquet import PART
from builder.records import Document
from builder.schema.boilerplate import Boilerplate
from builder.text.aligned import AlignedText
from builder.text.profiles import profile
from builder.text.tokens import sentences, tokenize

STANDARD = profile("standard@1")
CHAIN = "pyarabic: tashkeel, tatweel, small, ligature"


@dataclass(frozen=True, slots=True)
class Sample:
    """The same texts as strings and as UTF-8; `size` is in bytes of UTF-8."""

    raws: list[str]
    encoded: list[bytes]
    size: int

    @staticmethod
    def of(raws: list[str]) -> "Sample":
        """Build a sample of these texts."""
        encoded = [raw.encode() for raw in raws]
        return Sample(raws, encoded, sum(map(len, encoded)))

    def first(self, size: int) -> "Sample":
        """Return the first texts, about `size` bytes in total."""
        count = max(1, min(len(self.raws), len(self.raws) * size // self.size))
        return Sample.of(self.raws[:count])


@dataclass(frozen=True, slots=True)
class Method:
    """A method applied to all texts of a sample; a slow one runs on the first texts only."""

    name: str
    run: Callable[[Sample], list[Any]]
    slow: bool = False
    compares: bool = True


@dataclass(frozen=True, slots=True)
class Peers:
    """The methods of the installed tools, and the reason why each other tool is missing."""

    methods: list[Method]
    missing: dict[str, str]


def _touched(aligned: list[AlignedText]) -> list[AlignedText]:
    """Access the edits of each text, so that none of them can be computed later than timed."""
    for text in aligned:
        len(text.edits)
    return aligned


DECODE = Method("UTF-8 decode", lambda sample: [data.decode() for data in sample.encoded], compares=False)
KHABAR = Method("khabar apply_batch, with edits", lambda sample: _touched(STANDARD.apply_batch(sample.raws)))
KHABAR_SINGLE = Method(
    "khabar apply, with edits", lambda sample: _touched([STANDARD.apply(raw) for raw in sample.raws])
)


def own_tools() -> list[Method]:
    """Return khabar's other text operations: folding, tokenising and sentence splitting."""
    return [
        Method("khabar fold_batch", lambda sample: STANDARD.fold_batch(sample.raws), compares=False),
        _each("khabar fold", STANDARD.fold, compares=False),
        _each("khabar tokenize", tokenize, slow=True, compares=False),
        _each("khabar sentences", sentences, slow=True, compares=False),
    ]


def cleaning(documents: Sequence[Document], rules: Boilerplate) -> tuple[Method, Method]:
    """Return the methods that clean pages, in batches as the command line does, and one by one.

    They clean as many of the documents as the sample has texts.
    """

    def batch(sample: Sample) -> list[Any]:
        subset = documents[: len(sample.raws)]
        parts = (subset[begin : begin + PART] for begin in range(0, len(subset), PART))
        return [cleaned for part in parts for cleaned in clean_batch(part, STANDARD, rules)]

    def single(sample: Sample) -> list[Any]:
        return [clean(document, STANDARD, rules) for document in documents[: len(sample.raws)]]

    return Method("khabar clean_batch", batch), Method("khabar clean", single, slow=True)


def _each(name: str, function: Callable[[str], Any], *, slow: bool = False, compares: bool = True) -> Method:
    return Method(name, lambda sample: [function(raw) for raw in sample.raws], slow, compares)


def peers() -> Peers:
    """Return the methods of the other tools that are installed."""
    result = Peers([_translate()], {})
    for package, methods in PEERS.items():
        try:
            result.methods.extend(methods())
        except (ImportError, OSError) as error:
            result.missing[package] = f"{type(error).__name__}: {error}"
    return result


def _translate() -> Method:
    """Return str.translate with the characters of khabar's table and without its context rules."""
    changes: dict[str, str] = {}
    for policy in STANDARD.policies:
        changes |= policy.changes
    table = str.maketrans(changes)
    return _each("str.translate, our characters", lambda raw: raw.translate(table), slow=True)


def _pyarabic() -> list[Method]:
    araby = importlib.import_module("pyarabic.araby")

    def chain(raw: str) -> str:
        bare = araby.strip_small(araby.strip_tatweel(araby.strip_tashkeel(raw)))
        return str(araby.normalize_ligature(bare))

    return [_each("pyarabic strip_tashkeel", araby.strip_tashkeel), _each(CHAIN, chain)]


def _camel() -> list[Method]:
    dediac = importlib.import_module("camel_tools.utils.dediac").dediac_ar
    mapper = importlib.import_module("camel_tools.utils.charmap").CharMapper.builtin_mapper("arclean")
    return [
        _each("camel-tools dediac_ar", dediac),
        _each("camel-tools CharMapper arclean", mapper.map_string, slow=True),
    ]


def _arabic_norm() -> list[Method]:
    norm = importlib.import_module("arabic_norm")
    nearest = {"normalize_alif": False, "normalize_ya": False}
    return [
        _each("arabic-norm normalize (Rust)", lambda raw: norm.normalize(raw, **nearest)),
        Method("arabic-norm normalize_batch (Rust)", lambda sample: norm.normalize_batch(sample.raws, **nearest)),
    ]


PEERS: Mapping[str, Callable[[], list[Method]]] = {
    "pyarabic": _pyarabic,
    "camel-tools": _camel,
    "arabic-norm": _arabic_norm,
}


def timed(methods: Sequence[Method], sample: Sample, subset: Sample, repeats: int) -> dict[str, float]:
    """Return the best time of each method in seconds per million bytes.

    Methods take turns, so that noise affects all of them.
    """
    best: dict[str, float] = {}
    for _ in range(repeats):
        for method in methods:
            texts = subset if method.slow else sample
            start = time.perf_counter()
            result = method.run(texts)
            seconds = (time.perf_counter() - start) / texts.size * 1e6
            del result
            best[method.name] = min(seconds, best.get(method.name, seconds))
    return best
