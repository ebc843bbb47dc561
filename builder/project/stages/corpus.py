"""What the articles and the groups of a project were made of: the digests of everything that they depend on.

Nothing here loads Arrow, so that `status` is quick.
"""

from builder.corpus import versions
from builder.io.hashing import digest_of, sha16, versions_of
from builder.io.jsonl import read_jsonl
from builder.project.project import Project
from builder.project.stages.shards import stage_digest
from builder.records import BatchItem, CleaningBasis, user_error
from builder.schema.boilerplate import rules_of
from builder.text.policies import profile_id

RESTORE = "restore the file from git, or count again with `khabar clean --recount`"


def clean_inputs(project: Project) -> dict[str, str]:
    """Return the digest of everything that cleaning depends on: documents, profile, rules, counts, and its own version."""
    rules = sha16(project.schema.boilerplate.model_dump_json())
    return {
        "documents": stage_digest(project, "documents"),
        "the profile": profile_id(project.schema.dataset.profile, project.schema.own_profile),
        "boilerplate.yaml": rules,
        "counts": counts_digest(project, rules),
        "khabar": f"{versions.CLEAN} {versions.COUNT}",
    }


def counts_digest(project: Project, rules: str) -> str:
    """Return `cleaning_digest`. Its files are read again only if one of them, or the `rules`, changed."""
    folders = [project.annotations / batch for batch in project.batches()]
    names = ("basis.jsonl", "counts.jsonl", "batch.jsonl")
    files = [project.work / "stamps" / "counts", *(folder / name for folder in folders for name in names)]
    return digest_of(("counts", project.root, rules), versions_of(files), lambda: cleaning_digest(project))


def dedup_inputs(project: Project) -> dict[str, str]:
    """Return the digest of everything that groups depend on."""
    return {"articles": stage_digest(project, "articles"), "khabar": f"{versions.KEYS} {versions.GROUPS}"}


def batch_basis(project: Project, batch: str) -> CleaningBasis | None:
    """Return what the texts of a batch rest on, or None for a batch of khabar 0.1.

    Raises KhabarError (exit code 2) if it is missing beside counts, or there are two, as after a merge.
    """
    path = project.annotations / batch / "basis.jsonl"
    found = project.once(path, lambda: read_jsonl(path, CleaningBasis))
    if len(found) == 1 or not (found or path.exists() or path.with_name("counts.jsonl").exists()):
        return found[0] if found else None
    said = f"{len(found)} lines say" if found else "nothing says"
    raise user_error("broken-basis", f"{said} what the texts of batch {batch} rest on", where=str(path), fix=RESTORE)


def is_of_the_first_version(project: Project) -> bool:
    """Return whether the rules are of khabar 0.1, which knew no evidence: then batches without a basis are its own.

    In other projects a batch without a basis was written by hand, and rests on the project's counts.
    """
    return not any("evidence" in rule.model_fields_set for rule in rules_of(project.schema.boilerplate))


def cleaning_digest(project: Project) -> str:
    """Return a hash of all counts that cleaning depends on. They may be broken, or of another profile."""
    now = project.stamped("counts") or ""
    pinned: list[str] = []
    for batch in project.batches():
        basis, path = batch_basis(project, batch), project.annotations / batch / "counts.jsonl"
        if basis is None and is_of_the_first_version(project):
            items = read_jsonl(path.with_name("batch.jsonl"), BatchItem)
            pinned.append(f"none {sorted({item.article_id for item in items})}")
        elif basis and basis.counts != now:
            pinned.append(f"{sha16(path.read_bytes().hex()) if path.exists() else ''} {sorted(basis.documents)}")
    return sha16("\n".join([now, *sorted(pinned)]))
