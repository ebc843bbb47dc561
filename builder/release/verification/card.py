"""The card of a release, rendered again from its rows and its card inputs."""

from dataclasses import replace
from typing import Any

import yaml

from builder.records import TOOL, Issue
from builder.release.card import check
from builder.release.card.check import CARD
from builder.release.card.inputs import FILE, CardInputs, compute_facts, render_card
from builder.release.card.plots import plots
from builder.release.card.render import HEAD, Head, loading, metadata
from builder.release.tables.build import Tables, non_empty
from builder.release.tables.features import features
from builder.release.verification.content import HYDRATED, Content
from builder.release.verification.result import Check, Unverified, differs, judge


def card(content: Content, *, is_whole: bool = False) -> Check:
    """Check that the card equals one rendered again from the rows and the stored card inputs, and so do its plots.

    If the release `is_whole`, its card is the one that was built, so that changed prose is an error too. Cards are compared within one version of khabar, because their wording changes; of others the head
    is compared.
    """
    basis = content.basis
    if basis is None:
        return _hydrated(content)
    said = (content.folder / CARD).read_bytes().decode("utf-8", "replace")
    if not content.is_current:
        return _other(content, basis, said)
    known = compute_facts(basis, content.tables)
    issues = check.faults(said, known)
    wanted = render_card(basis, content.tables, known)
    issues += check.differences(said, wanted, basis.template)
    if is_whole and said != wanted and not issues:
        issues.append(differs(CARD, "its line ends or spaces are not those of the card that the build wrote"))
    drawn = plots(content.tables, basis.labels, basis.agreement)
    issues += [
        differs(path, "the plot is not the one that the rows give")
        for path, plot in drawn.items()
        if not (content.folder / path).is_file() or (content.folder / path).read_bytes() != plot.encode()
    ]
    issues += [differs(path, "no build draws this plot") for path in sorted(content.release.files)
               if path.startswith("assets/") and path not in drawn]  # fmt: skip
    if is_whole:
        issues = [replace(issue, severity="error", fix=check.FIX) for issue in issues]
    errors = [issue for issue in issues if issue.severity == "error"]
    if errors:
        return Check("card", "failed", f"{len(errors)} faults", tuple(issues))
    mended = f", {len(issues)} lines of prose changed since" if issues else ""
    return Check("card", "done", f"its numbers, head and plots are those of the rows{mended}", tuple(issues))


def _hydrated(content: Content) -> Check:
    """Check that the head of a hydrated release's card names the files of its rows, and no others."""
    why = f"{FILE}, which it rests on, is not part of this release"
    if HYDRATED not in content.release.inputs:
        return Check("card", "failed", why)
    head = _head_of((content.folder / CARD).read_bytes().decode("utf-8", "replace"))
    columns = features(content.names, content.release.edition)
    wanted = loading(content.release.version, columns, non_empty(content.tables))
    issues = [differs(CARD, f"`{name}` of its head is not what its rows give")
              for name in wanted if _unordered(head.get(name)) != _unordered(wanted[name])]  # fmt: skip
    unsaid = (Unverified(CARD, f"{FILE}, which it rests on, is not part of a hydrated release"),)
    return judge("card", issues, "", unsaid) if issues else Check("card", "not possible", why, (), unsaid)


def _unordered(value: object) -> object:
    """Return lists in one order: `hydrate` writes splits in another order than `build`."""
    if isinstance(value, dict):
        return {name: _unordered(one) for name, one in value.items()}
    return sorted(map(_unordered, value), key=repr) if isinstance(value, list) else value


def _head_of(said: str) -> dict[str, Any]:
    """Return the YAML head of a card, empty if it has none."""
    found = HEAD.match(said)
    head = yaml.safe_load(found[1]) if found else None
    return head if isinstance(head, dict) else {}


def _other(content: Content, basis: CardInputs, said: str) -> Check:
    """Check the head of a card that another version of khabar made."""
    unsaid = (Unverified(f"{CARD}, below its head", f"{content.release.tool} made it, this is {TOOL}"),
              *(Unverified(path, f"{content.release.tool} drew it, this is {TOOL}")
                for path in sorted(content.release.files) if path.startswith("assets/")))  # fmt: skip
    issues = tuple(_head(content, basis, said))
    if issues:
        return Check("card", "failed", f"{len(issues)} faults", issues, unsaid)
    why = f"the card was made by {content.release.tool}, this is {TOOL}; its head is that of the rows"
    return Check("card", "not possible", why, (), unsaid)


def _head(content: Content, basis: CardInputs, said: str) -> list[Issue]:
    """Return an error for each field of the YAML head that is not what the rows and the card inputs give."""
    head = _head_of(said)
    written = HEAD.match(basis.template.replace("\r\n", "\n"))
    if not head or not written:
        return [differs(f"{CARD}:1:1", "the card has no head")]
    people = Head.model_validate(yaml.safe_load(written[1]))
    wanted = {**metadata(people, content.release.version, basis, non_empty(content.tables)),
              "dataset_info": _counts(content.tables)}  # fmt: skip
    head["dataset_info"] = {
        info["config_name"]: {split["name"]: split["num_examples"] for split in info["splits"]}
        for info in head["dataset_info"]
    }
    names = [name for name in dict.fromkeys([*wanted, *head]) if head.get(name) != wanted.get(name)]
    return [differs(CARD, f"`{name}` of its head is not what its rows give") for name in names]


def _counts(tables: Tables) -> dict[str, dict[str, int]]:
    """Return the number of rows of each config and split that has any; load_dataset compares features itself."""
    return {config: {split: table.num_rows for split, table in of.items()} for config, of in non_empty(tables).items()}
