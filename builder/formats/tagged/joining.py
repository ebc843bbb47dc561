"""Texts from tokens: where a space stands between two tokens, and where each token stands in its text."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.formats.published import Flags, Numbers
from builder.schema.importing import Joining


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """The texts of articles, and the start and end of each token in its text."""

    texts: pa.StringArray
    starts: Numbers
    ends: Numbers
    published: pa.StringArray
    """The tokens of each article, one a line, with an empty line after each sentence."""


def join_tokens(tokens: pa.StringArray, sentence: Numbers, article: Numbers, rules: Joining) -> Joined:
    r"""Join the tokens of articles; a sentence begins on a line of its own.

    >>> made = join_tokens(pa.array(["وصل", "(", "أمس", ")", "."]), np.zeros(5, int), np.zeros(5, int), Joining())
    >>> made.texts.to_pylist(), made.starts.tolist()
    (['وصل (أمس).'], [0, 4, 5, 8, 9])
    """
    bare = without_marks(tokens, rules.clitic)
    between = _spaces(tokens, rules)
    if len(between):
        between[0] = 0
        between[1:][np.diff(sentence) > 0] = 2
        between[1:][np.diff(article) > 0] = 0
    gaps = pa.array(["", " ", "\n"]).take(pa.array(between))
    pieces = pc.binary_join_element_wise(gaps, bare, "")
    begins = np.flatnonzero(np.diff(article, prepend=-1)) if len(article) else np.zeros(0, np.int64)
    texts = _concatenated(pieces, begins)
    sizes = pc.utf8_length(bare).to_numpy().astype(np.int64)
    ends = np.cumsum(sizes + (between > 0))
    base = np.repeat(np.append(0, ends)[begins], np.diff(np.append(begins, len(article))))
    ends = ends - base
    return Joined(texts, ends - sizes, ends, _listed(tokens, sentence, article, begins))


def without_marks(tokens: pa.StringArray, clitic: str) -> pa.StringArray:
    """Return tokens without the marks of clitics at their edges."""
    if not clitic:
        return tokens
    mark = re.escape(clitic)
    bare = pc.replace_substring_regex(tokens, f"^{mark}(.)|(.){mark}$", r"\1\2")
    return pc.replace_substring_regex(bare, f"(.){mark}$", r"\1")


def _spaces(tokens: pa.StringArray, rules: Joining) -> Numbers:
    """Return 1 where a space stands before a token, else 0."""
    words = tokens.dictionary_encode()
    before = _matches(words, "^", rules.none_before, rules.clitic)
    after = _matches(words, "$", rules.none_after, rules.clitic)
    between = ~before
    between[1:] &= ~after[:-1]
    return between.astype(np.int64)


def _matches(words: pa.DictionaryArray, edge: str, characters: str, clitic: str) -> Flags:
    """Return which tokens consist of these characters, or have the mark of a clitic at this edge."""
    parts = [f"^[{re.escape(characters)}]+$"] if characters else []
    if clitic:
        parts.append(f"^{re.escape(clitic)}." if edge == "^" else f".{re.escape(clitic)}$")
    if not parts:
        return np.zeros(len(words), bool)
    found = pc.match_substring_regex(words.dictionary, "|".join(parts)).to_numpy(zero_copy_only=False)
    flags: Flags = np.asarray(found, bool)[words.indices.to_numpy()]
    return flags


def _concatenated(pieces: pa.StringArray, begins: Numbers) -> pa.StringArray:
    """Concatenate the pieces of each article."""
    offsets = pa.array(np.append(begins, len(pieces)).astype(np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(offsets, pieces), "")


def _listed(tokens: pa.StringArray, sentence: Numbers, article: Numbers, begins: Numbers) -> pa.StringArray:
    """Return the tokens of each article, one a line, with an empty line after each sentence."""
    ends = np.ones(len(tokens), np.int64)
    if len(tokens):
        ends[:-1] += np.diff(sentence) > 0
        ends[np.append(begins[1:], len(tokens)) - 1] = 1
        ends[:-1][(np.diff(article) > 0)] = 1
    return _concatenated(
        pc.binary_join_element_wise(tokens, pa.array(["", "\n", "\n\n"]).take(pa.array(ends)), ""), begins
    )


def bare_token(token: str, clitic: str) -> str:
    """Return one token without the marks of a clitic at its edges.

    >>> bare_token("و+", "+"), bare_token("+", "+")
    ('و', '+')
    """
    if not clitic or token == clitic:
        return token
    return token.removeprefix(clitic).removesuffix(clitic) or token
