"""Where annotations of an export come from: the same server as earlier ones, or another. Pure.

A server counts its annotations, so two annotations of one server never have one number. Those that have the same
number and the same time of creation are one annotation.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from builder.annotation.persons import Account, People, resolve
from builder.annotation.pseudonyms import number_pseudonym, origin_name
from builder.annotation.quality.times import is_exact, parse_time
from builder.io.hashing import sha16
from builder.records import Issue, Judgement, counted, mark_set


@dataclass(frozen=True, slots=True)
class Evidence:
    """How many annotations of an export are known of an origin, and how many have the number of another one there.

    `sure` counts those whose time of creation has a fraction of a second, which two servers do not share by chance.
    """

    same: int = 0
    other: int = 0
    sure: int = 0


@dataclass(frozen=True, slots=True)
class Merge:
    """An export beside what is known of its origin.

    `fresh` are new annotations, `changed` later versions with what they replace, `again` the known ones that the
    export repeats, and `lacking` those that it lacks.
    """

    fresh: tuple[Judgement, ...] = ()
    changed: tuple[tuple[Judgement, Judgement], ...] = ()
    again: tuple[Judgement, ...] = ()
    lacking: tuple[Judgement, ...] = ()


def weigh(found: Iterable[Judgement], known: Iterable[Judgement]) -> dict[str, Evidence]:
    """Return the evidence for and against each origin of the known annotations."""
    by_number: dict[int, dict[str, list[Judgement]]] = defaultdict(lambda: defaultdict(list))
    for one in known:
        by_number[one.annotation_id][one.origin].append(one)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for new in found:
        for origin, group in by_number.get(new.annotation_id, {}).items():
            old = find_same(new, group)
            counts[origin][old is None] += 1
            counts[origin][2] += old is not None and is_exact(old)
    return {origin: Evidence(*numbers) for origin, numbers in counts.items()}


def find_same(new: Judgement, group: Iterable[Judgement]) -> Judgement | None:
    """Return the annotation of a group, all with the number of `new`, that is the same annotation, or None."""
    return next((old for old in group if _is_same(new, old)), None)


def _find_known(new: Judgement, group: Sequence[Judgement]) -> Judgement | None:
    """Return the known version of an annotation among those with its number on its own server, or None."""
    mine = (old for old in group if (old.article_id, old.annotator) == (new.article_id, new.annotator))
    return find_same(new, group) or next(mine, None)


def _is_same(new: Judgement, old: Judgement) -> bool:
    made = parse_time(new.created_at)
    if made != parse_time(old.created_at):
        return False
    if is_exact(new):
        return True
    # A time in whole seconds proves little: the article must be the same, and so must the answers until they change.
    changed = parse_time(new.updated_at) != parse_time(old.updated_at)
    return new.article_id == old.article_id and (changed or same_answers(new, old))


def same_answers(new: Judgement, old: Judgement) -> bool:
    """Return whether two versions of an annotation say the same."""
    return (mark_set(new.spans), set(new.stances), set(new.answers), new.status, new.remark) == (
        mark_set(old.spans), set(old.stances), set(old.answers), old.status, old.remark
    )  # fmt: skip


def merge(found: Sequence[Judgement], known: Sequence[Judgement], served: Sequence[Judgement] = ()) -> Merge:
    """Compare the annotations of an export with the known ones of its origin, from files and as `served` by a server.

    The later version of an annotation counts, and of two versions of one time the export's. A server is asked again
    for its own, so the export changes none of them.
    """
    by_number: dict[int, list[Judgement]] = defaultdict(list)
    fixed = {id(old) for old in served}
    for one in (*known, *served):
        by_number[one.annotation_id].append(one)
    fresh: dict[tuple[int, str, str, str], Judgement] = {}
    changed: dict[int, tuple[Judgement, Judgement]] = {}
    again: list[Judgement] = []
    for new in sorted(found, key=lambda one: parse_time(one.updated_at)):
        old = _find_known(new, by_number[new.annotation_id])
        if old is None:
            fresh[new.annotation_id, new.article_id, new.created_at, new.annotator] = new
        elif new != old and id(old) not in fixed and parse_time(new.updated_at) >= parse_time(old.updated_at):
            changed[id(old)] = (new, old)
        else:
            again.append(old)
    met = {id(old) for _, old in changed.values()} | {id(old) for old in again}
    lacking = tuple(old for old in known if id(old) not in met)
    return Merge(tuple(fresh.values()), tuple(changed.values()), tuple(again), lacking)


def _own_mark(found: Sequence[Judgement]) -> str:
    """Return what tells an export without a name apart from others, for two leads who read exports of one server.

    It is the number and time of its first annotation, which a later export has too, or a hash of all of them if the
    time is in whole seconds.
    """
    first = min(found, key=lambda one: (parse_time(one.created_at), one.annotation_id, one.article_id))
    if not is_exact(first):
        return _fingerprint(found)
    return f"{first.annotation_id} {parse_time(first.created_at).isoformat()} {first.article_id}"


@dataclass(frozen=True, slots=True)
class Export:
    """The annotations of one place of an export, their accounts, and the name that the user gives its server."""

    place: str
    judgements: tuple[Judgement, ...]
    accounts: frozenset[Account]
    named: str = ""


def origin_of(export: Export, known: Sequence[Judgement], people: People) -> tuple[str, list[Issue]]:
    """Return the origin of an export, with an error for each account that may be an earlier person or another.

    The origin is that of earlier annotations that the export repeats, else the one that the user names, else the
    project or organisation that the export names, else one of its own. A warning says so if numbers of accounts that
    are known mean other people here.
    """
    evidence = weigh(export.judgements, known)
    name = _name_of(export, people.key)
    agreeing = _agreeing(evidence, name if export.named else None)
    if agreeing is not None:
        return agreeing, []
    if name:
        reused = name in evidence and evidence[name].other and name != export.named
        return name, [_reused(export)] if reused else []
    refuted = {origin for origin, one in evidence.items() if one.other and not one.same}
    origins = sorted({one.origin for one in known} - refuted)
    own = origin_name(people.key, f"export {_own_mark(export.judgements)}")
    questions = _questions(export, origins, known, people)
    return own, questions or _other_people(export, sorted(refuted), people)


def _name_of(export: Export, key: bytes) -> str:
    """Return the keyed name of an export's origin, or "" if neither the user nor the export names it."""
    if re.fullmatch(r"o-[0-9a-f]{10}", export.named):
        return export.named
    named = f"server {export.named}" if export.named else export.place
    return origin_name(key, named) if named else ""


def _agreeing(evidence: Mapping[str, Evidence], named: str | None) -> str | None:
    """Return the origin that the evidence speaks for, or None; against the user's word it must be sure.

    Batches of earlier versions mix servers in the empty origin, so nothing speaks against that one.
    """
    for origin, one in sorted(evidence.items(), key=lambda item: -item[1].same):
        if one.same and (not one.other or not origin) and (named in (None, origin) or one.sure == one.same):
            return origin
    return None


def _fingerprint(judgements: Iterable[Judgement]) -> str:
    """Return what tells an export without a name apart from others: a hash of its annotations."""
    said = [(one.annotation_id, one.article_id, one.created_at, one.updated_at, one.spans) for one in judgements]
    return sha16(repr(sorted(said)))


def _reused(export: Export) -> Issue:
    what = f"`--origin {export.named}`" if export.named else f"its {export.place}"
    message = f"{what} names a server whose annotations have the same numbers, but are others"
    return Issue("error", "which-origin", message, fix="name another with --origin NAME")


def _questions(export: Export, origins: Iterable[str], known: Iterable[Judgement], people: People) -> list[Issue]:
    """Return an error for each number without an e-mail that is also the number of an earlier annotator."""
    counts = Counter(one.annotator for one in known)
    same = [one for one in _same_numbers(export, origins, people) if str(one.number) not in people.given]
    return [_question(one, counts[one.earlier]) for one in same]


def _other_people(export: Export, refuted: Iterable[str], people: People) -> list[Issue]:
    """Return a warning for each number that is also the number of an annotator of another server."""
    return [
        Issue(
            "warning", "another-server",
            f"annotator {one.number} is not {one.earlier}, who has the same number on another server",
            fix=f"if they are one person, run it again with --annotator {one.number}={one.earlier}",
        )
        for one in _same_numbers(export, refuted, people)
        if str(one.number) not in people.given
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _SameNumber:
    """The number of an account without e-mail that an earlier annotator has, with that one and its origin."""

    number: int
    earlier: str
    origin: str


def _same_numbers(export: Export, origins: Iterable[str], people: People) -> list[_SameNumber]:
    """Return the accounts without e-mail that have the number of an earlier annotator."""
    numbers = sorted({one.number for one in export.accounts if one.number is not None and not one.email})
    pairs = [(number, origin, number_pseudonym(people.key, origin, number)) for number in numbers for origin in origins]
    resolved = [(number, name, resolve(name, people.aliases), origin) for number, origin, name in pairs]
    return [
        _SameNumber(number, earlier, origin)
        for number, name, earlier, origin in resolved
        if earlier in people.used or earlier != name
    ]


def _question(same: _SameNumber, count: int) -> Issue:
    number, earlier = same.number, same.earlier
    message = (
        f"annotator {number} has no e-mail here, and number {number} of an earlier export is {earlier}, "
        f"with {counted(count, 'judgement')}: the two may be one person or two"
    )
    server = f"--origin {same.origin} if the export is of the same server, " if same.origin else ""
    fix = (
        f"pass --annotator {number}={earlier} if they are one person, --annotator {number}=NAME if they are two, "
        f"{server}or --origin NAME if it is of another server, whose people are all others"
    )
    return Issue("error", "which-annotator", message, fix=fix)
