"""Merge an export of another Label Studio into the annotations of a batch: each annotation once, under its person."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from sqlite3 import Connection as Store

from builder.annotation.origins import Export, Merge, find_same, merge, origin_of
from builder.annotation.persons import (
    Account,
    People,
    identify,
    is_nobody,
    join_emails,
    nobody,
    resolve,
)
from builder.annotation.quality.times import is_exact, parse_time
from builder.labelstudio.download import cache, rewrite
from builder.labelstudio.parse import ParsedAnnotations
from builder.records import Issue, Judgement, KhabarError

BEFORE = "before the file"
"""Name of the source of judgements that the cache did not have when a file was read."""

LISTED = 10
"""Maximum number of annotations that an issue lists."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the user says of an export: the name of its server, who its accounts are, and whether it is complete."""

    origin: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    prune: bool = False


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """The annotations of an export: those that are new, changed, known before, or several times in the file."""

    new: int
    changed: int
    known: int
    repeated: int

    def __str__(self) -> str:
        """Return them in words."""
        twice = f", {self.repeated} more than once in the file" if self.repeated else ""
        return f"{self.new} new, {self.changed} changed, {self.known} known before{twice}"


@dataclass(frozen=True, slots=True)
class Imported:
    """Result of reading an export: the annotations that count, what they were, issues that are said once, and aliases."""

    kept: int
    counts: ImportCounts
    issues: tuple[Issue, ...]
    aliases: Mapping[str, str]
    """Every known alias, and the pseudonym that it stands for."""


def merge_export(
    db: Store, found: ParsedAnnotations, accounts: Mapping[str, Account], elsewhere: Sequence[Judgement], people: People,
    options: ImportOptions, file: str,
) -> Imported:  # fmt: skip
    """Add the annotations of an export to a batch's local cache, each once, under its person.

    `accounts` are those of the provisional names in `found`, and `elsewhere` the judgements of other batches.
    Raises KhabarError (exit code 2) if its people cannot be told from earlier ones.
    """
    sources = {name: cache.judgements_of(db, name) for name in cache.source_names(db)}
    known = [*chain.from_iterable(sources.values()), *elsewhere]
    people = replace(people, used={*people.used, *(judgement.annotator for judgement in known)})
    accounts = join_emails(accounts)
    origins, warnings = _origins(accounts, found.judgements, known, people, options.origin, file)
    located = [replace(one, origin=origins[accounts[one.annotator].place]) for one in found.judgements]
    names, aliases = _names(accounts, located, known, people)
    judgements = tuple(replace(one, annotator=names[one.annotator]) for one in located)
    issues = tuple(replace(one, annotator=names.get(one.annotator, one.annotator)) for one in found.issues)
    merges = _store(db, sources, replace(found, judgements=judgements, issues=issues), options.prune)
    unused = _unused(accounts.values(), options.given, file)
    said = (*warnings, *unused, *_joined(aliases, people), *_without_account(accounts, file))
    lacking = _lacking(merges, options.prune, file)
    return Imported(len(judgements), _counts(merges, len(judgements)), (*said, *lacking), aliases)


def follow(db: Store, judgements: Sequence[Judgement]) -> None:
    """Bring cached files up to the judgements of a batch, which a colleague may have read from another export.

    Their origins get the names that the judgements have, and of one annotation the later version counts.
    """
    names = {_same(one): one.origin for one in judgements if is_exact(one)}
    versions = {cache.key_of(one): one for one in judgements}
    for source in cache.source_names(db):
        if source.startswith(cache.FILES) or source in (BEFORE, cache.KEPT):
            held = cache.judgements_of(db, source)
            new = {one.origin: names[_same(one)] for one in held if names.get(_same(one), one.origin) != one.origin}
            rewrite.rename_origins(db, source, new)
            held = cache.judgements_of(db, source) if new else held
            rewrite.replace_lines(db, source, [later for one in held if (later := _later(one, versions))])


def _later(judgement: Judgement, versions: Mapping[cache.Key, Judgement]) -> Judgement | None:
    """Return the later version of a judgement, if there is one."""
    other = versions.get(cache.key_of(judgement), judgement)
    return other if parse_time(other.updated_at) > parse_time(judgement.updated_at) else None


def _same(judgement: Judgement) -> tuple[object, ...]:
    """Return what only one annotation has."""
    made = parse_time(judgement.created_at)
    return judgement.article_id, judgement.annotator, judgement.annotation_id, made


def cache_unknown(db: Store, judgements: Iterable[Judgement]) -> None:
    """Put the judgements that the cache lacks, such as those of a colleague, into the cache."""
    unknown = cache.missing(judgements, cache.keys(db))
    if unknown:
        earlier = cache.judgements_of(db, BEFORE)
        cache.put_source(db, BEFORE, ParsedAnnotations((*earlier, *unknown)))


def _origins(
    accounts: Mapping[str, Account], found: Sequence[Judgement], known: Sequence[Judgement], people: People,
    named: str, file: str,
) -> tuple[dict[str, str], list[Issue]]:  # fmt: skip
    """Return the origin of the annotations of each place that the export names, and warnings.

    Raises KhabarError (exit code 2) with every account that may be the same person as an earlier one, or another.
    """
    origins: dict[str, str] = {}
    issues: list[Issue] = []
    by_place: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in found:
        by_place[accounts[judgement.annotator].place].append(judgement)
    for place, judgements in by_place.items():
        numbers = {accounts[one.annotator] for one in judgements}
        export = Export(place, tuple(judgements), frozenset(numbers), named)
        origins[place], questions = origin_of(export, known, people)
        issues += [replace(question, where=file) for question in questions]
    if any(issue.severity == "error" for issue in issues):
        raise KhabarError(*issues)
    return origins, issues


def _names(
    accounts: Mapping[str, Account], found: Sequence[Judgement], known: Sequence[Judgement], people: People
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the pseudonym of each account, and the aliases that join it with earlier ones."""
    names: dict[str, str] = {}
    aliases = dict(people.aliases)
    by_number: dict[tuple[str, int], list[Judgement]] = defaultdict(list)
    for old in known:
        by_number[old.origin, old.annotation_id].append(old)
    ranks: Counter[str] = Counter()
    mine: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in sorted(found, key=lambda one: one.annotation_id):
        mine[judgement.annotator].append(judgement)
    for provisional, judgements in mine.items():
        account, origin = accounts[provisional], judgements[0].origin
        same = [find_same(one, by_number[origin, one.annotation_id]) for one in judgements]
        before = {resolve(old.annotator, aliases) for old in same if old}
        known_as = before.pop() if len(before) == 1 else ""
        if known_as and not account.is_nobody and is_nobody(people.key, origin, known_as):
            known_as = ""  # several people may have been counted under it
        if account.is_nobody:
            rank = ranks[judgements[0].article_id]
            ranks[judgements[0].article_id] += 1
            names[provisional] = known_as or nobody(people.key, origin, rank)
            continue
        names[provisional], joined = identify(account, origin, known_as, replace(people, aliases=aliases))
        aliases |= joined
    return {one: resolve(name, aliases) for one, name in names.items()}, aliases


def _store(db: Store, sources: Mapping[str, Sequence[Judgement]], found: ParsedAnnotations, prune: bool) -> list[Merge]:
    """Store the annotations of each origin beside the known ones, and return what was merged.

    What a server was asked for itself stays as the server gave it.
    """
    files = {
        name: group for name, group in sources.items() if name.startswith(cache.FILES) or name in (BEFORE, cache.KEPT)
    }
    served = [one for name, group in sources.items() if name not in files for one in group]
    by_origin: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in found.judgements:
        by_origin[judgement.origin].append(judgement)
    rest = replace(found, judgements=())
    merges: list[Merge] = []
    for origin, judgements in sorted(by_origin.items()):
        merged = merge(judgements, [one for group in files.values() for one in group if one.origin == origin],
                       [one for one in served if one.origin == origin])  # fmt: skip
        target = _target(files, merged, origin)
        merged = replace(merged, lacking=_lost(merged, files, origin, target))
        gone = {id(old) for _, old in merged.changed} | ({id(old) for old in merged.lacking} if prune else set())
        for name, group in files.items():
            left = tuple(one for one in group if id(one) not in gone)
            if name != target and len(left) < len(group):
                cache.put_source(db, name, ParsedAnnotations(left))
        left = tuple(one for one in files.get(target, ()) if id(one) not in gone)
        new = (*merged.fresh, *(one for one, _ in merged.changed))
        cache.put_source(db, target, replace(rest, judgements=(*left, *new)))
        rest = ParsedAnnotations()
        merges.append(merged)
    if not by_origin:
        cache.put_source(db, f"{cache.FILES}nothing kept", rest)
    return merges


def _target(files: Mapping[str, Sequence[Judgement]], merged: Merge, origin: str) -> str:
    """Return the source that the annotations of an origin are kept in: where most of them are, or a new one."""
    met = {id(old) for old in merged.again} | {id(old) for _, old in merged.changed}
    counts = {
        name: sum(id(one) in met for one in group) for name, group in files.items() if name not in (BEFORE, cache.KEPT)
    }
    best = max(sorted(counts), key=lambda name: counts[name], default="")
    return best if best and counts[best] else f"{cache.FILES}{origin}"


def _lost(merged: Merge, files: Mapping[str, Sequence[Judgement]], origin: str, target: str) -> tuple[Judgement, ...]:
    """Return the known annotations that the export lacks; without an origin only those of the same file are known to be."""
    if origin:
        return merged.lacking
    own = {id(one) for one in files.get(target, ())}
    return tuple(one for one in merged.lacking if id(one) in own)


def _joined(aliases: Mapping[str, str], people: People) -> list[Issue]:
    """Return a warning for each pseudonym in use that turned out to be another's."""
    fix = "if they are two persons, delete the line of the first from annotations/persons.jsonl and restore the judgements"
    return [
        Issue("warning", "one-person", f"{alias} and {final} are one person: all judgements are now under {final}", fix=fix)
        for alias, final in ((alias, resolve(alias, aliases)) for alias in sorted(aliases))
        if alias in people.used and resolve(alias, people.aliases) != final
    ]  # fmt: skip


def _unused(accounts: Iterable[Account], given: Mapping[str, str], file: str) -> list[Issue]:
    """Return a warning for each account that the user named and the export lacks."""
    known = {name for one in accounts for name in (str(one.number), one.email.casefold()) if name}
    fix = "give the number or e-mail that `completed_by` has in the file"
    return [
        Issue(
            "warning",
            "no-such-account",
            f"--annotator {account}={person} names an account that the file lacks",
            file,
            fix,
        )
        for account, person in sorted(given.items())
        if account not in known
    ]


def _without_account(accounts: Mapping[str, Account], file: str) -> list[Issue]:
    """Return a warning if annotations name no account."""
    number = sum(account.is_nobody for account in accounts.values())
    message = f"annotations without an annotator: {number:,} (the account was deleted, or the export does not keep it)"
    fix = "each has the pseudonym that it had before, or one of its own"
    return [Issue("warning", "no-account", message, file, fix)] if number else []


def _lacking(merges: Iterable[Merge], prune: bool, file: str) -> list[Issue]:
    """Return a warning that lists the known annotations that the export lacks."""
    lost = [one for merged in merges for one in merged.lacking]
    if not lost:
        return []
    listed = ", ".join(f"annotation {one.annotation_id} of article {one.article_id}" for one in lost[:LISTED])
    more = f" and {len(lost) - LISTED:,} more" if len(lost) > LISTED else ""
    what = "removed" if prune else "kept"
    message = f"annotations of earlier exports that this one lacks, {what}: {len(lost):,} ({listed}{more})"
    fix = "restore the file from git if that is wrong" if prune else "`--prune` removes them"
    return [Issue("warning", "not-in-export", message, file, fix)]


def _counts(merges: Iterable[Merge], read: int) -> ImportCounts:
    """Return what an export added."""
    parts = list(merges)
    fresh, changed = (sum(len(group) for group in groups) for groups in (
        [one.fresh for one in parts], [one.changed for one in parts]
    ))  # fmt: skip
    again = len({id(old) for one in parts for old in one.again})
    repeated = read - fresh - changed - sum(len(one.again) for one in parts)
    return ImportCounts(fresh, changed, again, repeated)
