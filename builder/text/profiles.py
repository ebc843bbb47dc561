"""Normalisation profiles, applied with exact alignment to the raw text.

`light@1` keeps marks and puts fathatan before its alef. `standard@1` is the text that is annotated.
`search@1` folds text into matching keys and is never published. A profile is data: a list of policies, each
a character table compiled from pyarabic's constants. schema/profiles.yaml may define further profiles based
on these. NFKC is never applied to a whole text.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from builder.text import contexts
from builder.text.aligned import AlignedText, Change, identity
from builder.text.contexts import Stays
from builder.text.edits import pack
from builder.text.mapping.characters import map_characters, substitute
from builder.text.mapping.tables import Table, compile_table
from builder.text.policies import (
    BUILT_IN,
    FARSI,
    FATHATAN,
    FOLDED,
    STAYS,
    TATWEEL,
    Policy,
    id_of,
    policies_of,
    profile_digest,
)

if TYPE_CHECKING:
    from builder.schema.profiles import OwnProfile


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A named, versioned normalisation; `digest` is the sha256 of its policies (64 hex digits)."""

    name: str
    digest: str
    policies: tuple[Policy, ...]
    table: Table
    steps: tuple[Callable[[str], list[Change]], ...]
    """Context rules, applied after the table and repeated until nothing changes."""
    folds: bool

    def __reduce__(self) -> tuple[Callable[..., "Profile"], tuple[object, ...]]:
        """Pickle the policies alone: each job of a stage is sent with its profile, and the table has 4 MB."""
        return _unpickled, (self.name, self.digest, self.policies)

    @property
    def hash(self) -> str:
        """Return the first 8 hex digits of the digest."""
        return self.digest[:8]

    @property
    def id(self) -> str:
        """Return name@version+hash, the identifier stored with each article."""
        return id_of(self.name, self.digest)

    def apply(self, raw: str) -> AlignedText:
        """Normalise a raw text and return it aligned to the raw text.

        >>> profile("standard@1").apply("قَدَمًا").text
        'قدما'
        """
        return self.apply_batch([raw])[0]

    def apply_batch(self, raws: Sequence[str]) -> list[AlignedText]:
        """Normalise many raw texts at once (same result as `apply` on each, much faster).

        >>> [aligned.text for aligned in profile("standard@1").apply_batch(["مـرجانة", "قدمًا"])]
        ['مرجانة', 'قدما']
        """
        mapped = map_characters(self.table, raws)
        for index in mapped.asking:
            mapped.texts[index] = self.settled(mapped.texts[index])
        return [_folded(aligned) for aligned in mapped.texts] if self.folds else mapped.texts

    def apply_arrow(self, raws: pa.Array) -> pa.RecordBatch:
        """Normalise a column of texts into two columns, `text` and `edits` (packed as in AlignedText.packed).

        Nulls stay null.

        >>> import pyarrow as pa
        >>> profile("standard@1").apply_arrow(pa.array(["قدمًا", None])).to_pydict()
        {'text': ['قدما', None], 'edits': [[3, 1, 0], None]}
        """
        values = raws.to_pylist()
        aligned = iter(self.apply_batch([raw for raw in values if raw is not None]))
        rows = [next(aligned) if raw is not None else None for raw in values]
        edits = [pack(row.edits.columns) if row else None for row in rows]
        ends = np.cumsum([0, *(len(packed) if packed is not None else 0 for packed in edits)], dtype=np.int32)
        values = np.concatenate([np.zeros(0, np.int32), *(packed for packed in edits if packed is not None)])
        absent = pa.array([row is None for row in rows], pa.bool_())
        texts = pa.array([row.text if row else None for row in rows], pa.string())
        lists = pa.ListArray.from_arrays(ends, pa.array(values, pa.int32()), mask=absent)
        return pa.RecordBatch.from_arrays([texts, lists], ["text", "edits"])

    def fold(self, text: str) -> str:
        """Return the text folded by search@1, whatever this profile is. For keys and matching, never published.

        >>> profile("standard@1").fold("إقرأ أيضًا")
        'اقرا ايضا'
        """
        return self.fold_batch([text])[0]

    def fold_batch(self, texts: Sequence[str]) -> list[str]:
        """Fold many texts at once (same result as `fold` on each, much faster)."""
        folded = substitute(fold_table(), texts)
        unresolved = [index for index, text in enumerate(folded) if text is None]
        mapped = map_characters(fold_table(), [texts[index] for index in unresolved])
        for index, aligned in zip(unresolved, mapped.texts, strict=True):
            folded[index] = aligned.text
        asking = [unresolved[index] for index in mapped.asking]
        for index, text in zip(asking, _fold_slowly([texts[index] for index in asking]), strict=True):
            folded[index] = text
        return [text for text in folded if text is not None]

    def finish_folding(self, texts: Sequence[str]) -> list[str]:
        """Fold texts some of which need context rules, as `fold_batch` does."""
        return _fold_slowly(texts)

    def changes(self, aligned: AlignedText) -> Counter[str]:
        """Count the changes of a text by Unicode name, such as `ARABIC FATHATAN: deleted`.

        >>> standard = profile("standard@1")
        >>> standard.changes(standard.apply("قَدَمًا")).most_common(1)
        [('ARABIC FATHA: deleted', 2)]
        """
        counts: Counter[str] = Counter()
        for edit in aligned.edits:
            before, after = aligned.raw[edit.raw_start : edit.raw_end], aligned.text[edit.start : edit.end]
            for piece in before if not after else [before]:
                counts[describe_change(piece, after)] += 1
        return counts

    def settled(self, aligned: AlignedText) -> AlignedText:
        """Apply the context rules until nothing changes, because a deletion can join a letter and its hamza."""
        while True:
            before = aligned.text
            for step in self.steps:
                aligned = aligned.replace(step(aligned.text))
            if aligned.text == before:
                return aligned
            aligned = _then(self.table, aligned)

    def settle(self, text: str) -> str:
        """Apply the context rules to a text until nothing changes, without alignment."""
        return self.settled(identity(text)).text


def _fold_slowly(texts: Sequence[str]) -> list[str]:
    """Fold texts that need context rules, line by line.

    Lines are independent of each other, and most of them need no context rule.
    """
    lines = [text.split("\n") if "\r" not in text else [text] for text in texts]
    mapped = map_characters(fold_table(), [line for text_lines in lines for line in text_lines])
    folded = [aligned.text for aligned in mapped.texts]
    search, asking = profile("search@1"), [mapped.texts[index].raw for index in mapped.asking]
    settled = [search.settle(aligned.text) for aligned in map_characters(search.table, asking).texts]
    for index, aligned in zip(mapped.asking, map_characters(_folding(), settled).texts, strict=True):
        folded[index] = identity(aligned.text).replace(contexts.compose(aligned.text)).text
    folded_lines = iter(folded)
    return ["\n".join([next(folded_lines) for _ in text_lines]) for text_lines in lines]


def _then(table: Table, aligned: AlignedText) -> AlignedText:
    """Map a text through a table and compose the edits, so that it stays aligned to its raw text."""
    new = map_characters(table, [aligned.text]).texts[0]
    return aligned.replace((e.raw_start, e.raw_end, new.text[e.start : e.end]) for e in new.edits)


def _folded(aligned: AlignedText) -> AlignedText:
    folded = _then(_folding(), aligned)
    return folded.replace(contexts.compose(folded.text))


def describe_change(before: str, after: str) -> str:
    """Describe a change by the Unicode names of its characters.

    >>> describe_change("\N{NO-BREAK SPACE}", " ")
    'NO-BREAK SPACE: SPACE'
    """
    return f"{unicode_names(before)}: {unicode_names(after) or 'deleted'}"


def unicode_names(characters: str) -> str:
    """Return the Unicode names of characters; a control character, which has none, by its code point."""
    return ", ".join(unicodedata.name(c, f"U+{ord(c):04X}") for c in characters)


def _table(policies: Sequence[Policy]) -> Table:
    """Compile policies into one table, applying later policies to the replacements of earlier ones.

    A policy with a context rule is not applied to replacements here, but when the whole text is processed.
    """
    changes: dict[str, str] = {}
    stays: dict[str, Stays] = {}
    for policy in policies:
        later = policy.changes if policy.name not in STAYS else {}
        composed = {c: "".join(later.get(p, p) for p in put) for c, put in changes.items()}
        changes = {**policy.changes, **composed}
        if policy.name in STAYS:
            stays |= dict.fromkeys(policy.changes, STAYS[policy.name])
    return compile_table(changes, stays)


def _compiled(name: str, policies: tuple[Policy, ...]) -> Profile:
    folds = policies[-1] == FOLDED
    steps: list[Callable[[str], list[Change]]] = [contexts.compose]
    for policy in policies:
        if policy.name == TATWEEL.name and policy.changes:
            steps.append(contexts.drop_tatweel)
        elif policy.name == FARSI.name:
            steps.append(partial(contexts.replace_farsi, letters=policy.changes))
        elif policy.name == FATHATAN.name:
            steps.append(contexts.order_fathatan)
    digest = profile_digest(name, policies)
    return Profile(name, digest, policies, _table(policies[:-1] if folds else policies), tuple(steps), folds)


_UNPICKLED: dict[str, Profile] = {}
"""Profiles that this process was sent, by digest."""


def _unpickled(name: str, digest: str, policies: tuple[Policy, ...]) -> Profile:
    """Return a profile that was pickled; it is compiled once."""
    if digest not in _UNPICKLED:
        _UNPICKLED[digest] = _compiled(name, policies)
    return _UNPICKLED[digest]


@cache
def _folding() -> Table:
    """Compile the part of search@1 that follows standard@1."""
    return _table([FOLDED])


@cache
def fold_table() -> Table:
    """Compile all of search@1 into one table, for keys, which need no edits."""
    return _table(BUILT_IN["search@1"])


@cache
def profile(name: str, own: "OwnProfile | None" = None) -> Profile:
    """Return the profile of a name; a project's own profile of that name takes precedence.

    Raises ValueError, listing the known names, if there is no such profile.

    >>> profile("standard@1").name
    'standard@1'
    """
    return _compiled(name, policies_of(name, own))
