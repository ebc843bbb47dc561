"""The hashes of what stands beside things: paragraphs and whole pages."""

from hashlib import sha1

import numpy as np
from numpy.typing import NDArray

from builder.corpus.cleaning.columns.lines import Lines
from builder.text.edits import Columns
from builder.text.joined import Numbers, Texts

Hashes = NDArray[np.uint64]


def besides(lines: Lines, wanted: Numbers) -> Hashes:
    """Return the hash of each wanted paragraph, by its line, or page, as -1 - its number.

    It is compared for equality alone, and is in no file that outlives a count.
    """
    pages = len(lines.cuts) - 1
    is_wanted = np.zeros(pages + len(lines.texts), bool)
    is_wanted[wanted + pages] = True
    number = np.flatnonzero(is_wanted) - pages
    page = np.maximum(-1 - number, 0)
    low, high = (np.where(number < 0, lines.cuts[page + side], number + side) for side in (0, 1))
    data, begins = _utf_16(lines.texts)
    begin = begins[low]
    ranges = zip(begin.tolist(), np.maximum(begins[high] - 2, begin).tolist(), strict=True)
    made = np.zeros(len(is_wanted), np.uint64)
    digests = b"".join([sha1(data[begin:end], usedforsecurity=False).digest() for begin, end in ranges])
    made[number + pages] = np.frombuffer(digests, np.dtype([("hash", ">u8"), ("rest", "V12")]))["hash"]
    asked: Hashes = made[wanted + pages]
    return asked


def _utf_16(texts: Texts) -> tuple[memoryview, Columns]:
    """Return texts in UTF-16, and where each begins: a paragraph is the same beside any page."""
    if texts.units.itemsize == 2:
        return texts.units.view(np.uint8).data, 2 * texts.begins
    data = texts.decoded(0, len(texts.units)).encode("utf-16-le", "surrogatepass")
    astral = np.flatnonzero(texts.units > 0xFFFF)
    return memoryview(data), 2 * (texts.begins + np.searchsorted(astral, texts.begins).astype(np.int32))
