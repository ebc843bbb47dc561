"""What is compared: khabar, other tools where they are installed, and the floor, which is decoding."""

import importlib
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
    """The same texts as strings and as UTF-8; `size` in bytes of UTF-8."""

    raws: list[str]
    encoded: list[bytes]
    size: int

    @staticmethod
    def of(raws: list[str]) -> "Sample":
        """A sample of these texts."""
        encoded = [raw.encode() for raw in raws]
        return Sample(raws, encoded, sum(map(len, encoded)))

    def first(self, size: int) -> "Sample":
        """The first texts, together about so many bytes."""
        count = max(1, min(len(self.raws), len(self.raws) * size // self.size))
        return Sample.of(self.raws[:count])


@dataclass(frozen=True, slots=True)
class Method:
    """One way to treat all texts of a sample; a slow one gets the first of them only."""

    name: str
    run: Callable[[Sample], list[Any]]
    slow: bool = False
    compares: bool = True


@dataclass(frozen=True, slots=True)
class Peers:
    """The methods of tools that are installed, and why others are not run."""

    methods: list[Method]
    missing: dict[str, str]


def _touched(aligned: list[AlignedText]) -> list[AlignedText]:
    """The same, after asking each text for its edits: none may be left to make later."""
    for one in aligned:
        len(one.edits)
    return aligned


DECODE = Method("UTF-8 decode", lambda sample: [one.decode() for one in sample.encoded], compares=False)
KHABAR = Method("khabar apply_batch, with edits", lambda sample: _touched(STANDARD.apply_batch(sample.raws)))
KHABAR_SINGLE = Method(
    "khabar apply, with edits", lambda sample: _touched([STANDARD.apply(raw) for raw in sample.raws])
)


def own_tools() -> list[Method]:
    """What khabar does with texts besides normalising them."""
    return [
        Method("khabar fold_batch", lambda sample: STANDARD.fold_batch(sample.raws), compares=False),
        _each("khabar fold", STANDARD.fold, compares=False),
        _each("khabar tokenize", tokenize, slow=True, compares=False),
        _each("khabar sentences", sentences, slow=True, compares=False),
    ]


def cleaning(documents: Sequence[Document], rules: Boilerplate) -> tuple[Method, Method]:
    """Cleaning pages, as many at once as the command line does, and one by one; the sample says how many of the pages."""

    def batch(sample: Sample) -> list[Any]:
        some = documents[: len(sample.raws)]
        parts = (some[begin : begin + PART] for begin in range(0, len(some), PART))
        return [cleaned for part in parts for cleaned in clean_batch(part, STANDARD, rules)]

    def single(sample: Sample) -> list[Any]:
        return [clean(document, STANDARD, rules) for document in documents[: len(sample.raws)]]

    return Method("khabar clean_batch", batch), Method("khabar clean", single, slow=True)


def _each(name: str, function: Callable[[str], Any], *, slow: bool = False, compares: bool = True) -> Method:
    return Method(name, lambda sample: [function(raw) for raw in sample.raws], slow, compares)


def peers() -> Peers:
    """The other tools, each under the name of its package."""
    found = Peers([_translate()], {})
    for package, methods in PEERS.items():
        try:
            found.methods.extend(methods())
        except (ImportError, OSError) as error:
            found.missing[package] = f"{type(error).__name__}: {error}"
    return found


def _translate() -> Method:
    """Python's own way, with the characters of our table and none of its contexts."""
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
