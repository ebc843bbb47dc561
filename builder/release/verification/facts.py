"""`facts.json` and the manifest, compared with the rows and with each other."""

import hashlib
import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from builder.io.jsonl import json_bytes
from builder.io.plain import to_plain
from builder.records import MANIFEST, QUESTIONS_FORMAT, TOOL, Issue, StageCounts, format_of
from builder.release.card.inputs import FILE, CardInputs, facts_json
from builder.release.card.sections.imported import import_inputs
from builder.release.exports.conll import ConllFiles
from builder.release.redaction.redact import PLACEHOLDERS
from builder.release.splits.assign import leaks_of
from builder.release.verification.content import AS_PUBLISHED, Content, as_published
from builder.release.verification.result import Check, Unverified, differs, judge
from builder.release.verification.tags import TagCounts
from builder.text.profiles import profile

PROJECT = "only the project's own files say it"

ARTICLES, AUTHORS, JUDGEMENTS = "articles in articles", "authors", "judgements in annotations"

ROWS = {
    "articles in entities": "entities", "pairs of article and target in stance": "stance",
    "pairs of article and question in questions": "questions", JUDGEMENTS: "annotations", ARTICLES: "articles",
}  # fmt: skip
"""The config whose rows each account of a build counts."""


def facts(content: Content, flat: ConllFiles, found: TagCounts) -> Check:
    """Check the settings and the counts of `facts.json` against the manifest and the rows.

    `flat` and `found` are the CoNLL files and the counts of tags that the rows give.
    """
    if content.basis is None:
        return Check("facts", "not possible", f"{FILE} is not part of a hydrated release", (), _unsaid(content))
    issues = [
        *_canonical(content, content.basis),
        *_settings(content, content.basis),
        *_redacted(content, content.basis),
    ]
    issues += _accounts(content, content.basis, flat, found) if content.is_current else []
    issues += [*_inputs(content, content.basis), *_leaks(content, content.basis), *_offered(content, content.basis)]
    return judge("facts", issues, f"{FILE} and {MANIFEST} agree with the rows", _unsaid(content))


def _canonical(content: Content, basis: CardInputs) -> Iterator[Issue]:
    """Yield an error for a file whose bytes are not those of its fields: readers take other parts of it otherwise."""
    if content.is_current:
        wanted = {FILE: facts_json(basis).encode(), MANIFEST: json_bytes(to_plain(content.release))}
        for path, plain in wanted.items():
            if (content.folder / path).read_bytes() != plain:
                yield differs(path, "it holds a field that a build does not write, or one twice")


def _settings(content: Content, basis: CardInputs) -> Iterator[Issue]:
    release = content.release
    for name, said, wanted in (
        ("version", basis.version, release.version),
        ("tool", basis.tool, release.tool),
        ("repo_id", basis.dataset.repo_id, release.repo_id),
        ("edition", basis.dataset.text, release.edition),
    ):
        if said != wanted:
            yield differs(FILE, f"its {name} is {said}, and {MANIFEST} says {wanted}")
    written = format_of(asked=content.names.asked, questions=content.names.questions)
    if release.format > QUESTIONS_FORMAT or (content.is_current and release.format != written):
        yield differs(MANIFEST, f"its format is {release.format}, and {TOOL} writes {written} for such rows")


def _redacted(content: Content, basis: CardInputs) -> Iterator[Issue]:
    """Yield an error where the counts of redaction are not of the kinds that are redacted, or no text bears them out."""
    if sorted(basis.redacted) != sorted(basis.dataset.redact):
        kinds = f"{sorted(basis.redacted)}, and {sorted(basis.dataset.redact)} were to be redacted"
        yield differs(FILE, f"it counts redactions of the kinds {kinds}")
    if content.has_text():
        there = any(
            pc.any(pc.match_substring_regex(content.articles()[name], "|".join(PLACEHOLDERS))).as_py()
            for name in ("text", "title")
        )
        if any(basis.redacted.values()) and not there:
            yield differs(FILE, "it counts redactions, and no text or title holds a placeholder")


def _accounts(content: Content, basis: CardInputs, flat: ConllFiles, found: TagCounts) -> Iterator[Issue]:
    """Yield an error for each account that does not add up or that the rows contradict."""
    for account in (*basis.accounts, *basis.built):
        if account.taken != account.kept + sum(account.set_aside.values()):
            yield differs(FILE, f"the account of {account.unit} does not add up")
    built = {account.unit: account for account in basis.built}
    for wanted in (*found.accounts, *flat.accounts):
        if built.get(wanted.unit) != wanted:
            yield differs(
                FILE, f"{wanted.unit}: it says {_said(built.get(wanted.unit))}, the rows give {_said(wanted)}"
            )
    kept = {unit: sum(table.num_rows for table in content.tables[config].values())
            for unit, config in ROWS.items() if config in content.tables}  # fmt: skip
    articles = content.articles()
    kept[AUTHORS] = len(articles) - articles["author"].null_count
    dated = articles.filter(pc.is_valid(articles["published_at"]))
    kept["dates"] = len(pc.unique(dated["document_id"]))
    for unit, count in kept.items():
        if unit not in built:
            yield differs(FILE, f"it has no account of {unit}")
        # An author whose name quotes an article is in no stand-off edition, but is counted.
        elif built[unit].kept != count and (content.has_text() or unit != AUTHORS):
            yield differs(FILE, f"{unit}: it says {built[unit].kept} were kept, the rows have {count}")
    if (basis.cut_spans, basis.cut_inner) != found.cut:
        yield differs(FILE, f"{basis.cut_spans} and {basis.cut_inner} spans cut a token, the rows give {found.cut}")


def _said(account: StageCounts | None) -> str:
    """Return an account in a few words."""
    return f"{account.kept} of {account.taken}, {account.set_aside}" if account else "nothing"


def _inputs(content: Content, basis: CardInputs) -> Iterator[Issue]:
    """Yield an error for each input of the manifest that is not the hash of what the release holds."""
    inputs, known = content.release.inputs, content.release.profile
    for name, digest in _hashes(content, basis).items():
        if name in inputs and inputs[name] != digest:
            yield differs(MANIFEST, f"its input `{name}` is not the hash of what the release holds")
    used = {*pc.unique(content.articles()["profile"]).to_pylist()} - {AS_PUBLISHED}
    if used and known not in used:
        yield differs(MANIFEST, f"its profile is {known}, and no article was normalised by it")
    if not inputs.get("profile", "").startswith(known.partition("+")[2]):
        yield differs(MANIFEST, f"its profile is {known}, and its input `profile` is the hash of another")


def _hashes(content: Content, basis: CardInputs) -> dict[str, str]:
    """Return the inputs of the manifest that are hashes of what the release holds."""
    account = next((one for one in basis.built if one.unit == ARTICLES), None)
    complete = account is not None and account.taken == account.kept
    hashes = {"card": _sha(basis.template), "tool": _sha(basis.tool), **_profile(content.release.profile)}
    return hashes | ({"articles": _articles(content)} if complete else {})


def _profile(name: str) -> dict[str, str]:
    """Return the hash of a profile under `profile`, or nothing if it is the project's own or was another then."""
    try:
        known = profile(name.partition("+")[0])
    except ValueError:
        return {}
    return {"profile": known.digest} if known.id == name else {}


def _offered(content: Content, basis: CardInputs) -> Iterator[Issue]:
    """Yield an error for versions of labels.yaml of which no annotation is, where all annotations are published."""
    account = next((one for one in basis.built if one.unit == JUDGEMENTS), None)
    named = {
        name for table in content.tables["annotations"].values() for name in pc.unique(table["schema"]).to_pylist()
    }
    strange = {*basis.asked, *basis.asked_targets, *basis.new_questions} - named
    if strange and account and account.taken == account.kept:
        yield differs(FILE, f"it says what pages of {len(strange)} versions offered, of which no annotation is")


def _leaks(content: Content, basis: CardInputs) -> Iterator[Issue]:
    """Yield an error if imported sets are not those of the manifest, or their leaks not what their split groups show."""
    free = as_published(content.release)
    groups: dict[str, str] = {}
    splits: dict[str, str] = {}
    for split, table in content.tables["articles"].items() if free else ():
        own = table.filter(pc.is_in(table["source"], pa.array(sorted(free), pa.string())))
        groups |= dict(zip(own["id"].to_pylist(), own["split_group"].to_pylist(), strict=True))
        splits |= dict.fromkeys(own["id"].to_pylist(), split)
    if leaks_of(groups, splits) != basis.leaks:
        yield differs(FILE, "its leaks of imported sets are not the split groups that stand in several splits")
    named = {name: value for name, value in content.release.inputs.items() if name.startswith("import/")}
    if named != import_inputs(basis.imports):
        yield differs(FILE, f"its imported sets, their files and splits are not those of the inputs of {MANIFEST}")


def _articles(content: Content) -> str:
    """Return the hash of the ids and the text hashes of all articles, as a build computes it."""
    table = content.articles().sort_by("id")
    pairs = list(map(list, zip(table["id"].to_pylist(), table["text_sha"].to_pylist(), strict=True)))
    return _sha(json.dumps(pairs, ensure_ascii=False, sort_keys=True))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unsaid(content: Content) -> tuple[Unverified, ...]:
    """Return the fields that nothing in the release confirms."""
    names = [f"{MANIFEST} {name}" for name in ("commit", "schema_hash", "reading")]
    hashed = _hashes(content, content.basis).keys() if content.basis else set()
    names += [f"{MANIFEST} inputs.{name}" for name in sorted(content.release.inputs.keys() - hashed)]
    if content.basis:
        names += [f"{FILE} {name}" for name in ("template", "dataset", "labels", "accounts", "changes", "earlier")]
        names.append(f"{FILE} built, as to what was left out")
        offered = ("asked", "asked_targets", "new_questions", "imports")
        names += [f"{FILE} {name}" for name in offered if getattr(content.basis, name)]
    return tuple(Unverified(name, PROJECT) for name in names)
