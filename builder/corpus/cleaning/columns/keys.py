"""The keys of what pages show at their edges: hashes of a source, a kind and a text."""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

Kind = Literal[
    "page", "head", "tail", "inside", "field", "label", "inside label", "part", "suffix", "inside suffix", "rest",
    "inside rest", "lone head", "lone tail",
]  # fmt: skip
"""What is counted of a source.

- `page`: its different pages.
- `head`, `tail`: a line above the first paragraph, or below the last; `inside`, the same line anywhere else.
- `field`: a part, between dashes or bars, of a line at an edge, or of the first words of the first paragraph.
- `label`: the words before the first colon of a line at an edge; `inside label`, those of any other line.
- `part`: most of the words of a line at an edge.
- `suffix`: the last words of the last paragraph; `rest`, the few behind its last sentence; `inside suffix` and `inside
  rest`, those of any other; only of paragraphs that do not end in a mark.
- `lone head`, `lone tail`: a page that has a line alone beside its first or last paragraph.
"""

Side = Literal["head", "tail"]


def key(source: str, kind: Kind, text: str) -> int:
    """Return the 64-bit hash of a thing of a source."""
    return int.from_bytes(hashed(of_kind(source, kind), text), "big")


@lru_cache(maxsize=4096)
def of_kind(source: str, kind: Kind) -> blake2b:
    """Return the begun hash of all things of one kind of a source."""
    return blake2b(f"{source}\0{kind}\0".encode("utf-8", "surrogatepass"), digest_size=8)


def hashed(begun: blake2b, text: str) -> bytes:
    """Return the hash of a text behind what was hashed before."""
    whole = begun.copy()
    whole.update(text.encode("utf-8", "surrogatepass"))
    return whole.digest()


def hashed_ranges(begun: blake2b, data: bytes, ranges: Iterable[tuple[int, int]], behind: bytes = b"") -> list[bytes]:
    """Return the hash of each range of bytes, and of the bytes behind it, behind what was hashed before."""
    digests, copy = list[bytes](), begun.copy
    for begin, end in ranges:
        whole = copy()
        whole.update(data[begin:end] + behind)
        digests.append(whole.digest())
    return digests
