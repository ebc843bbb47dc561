"""The verb `diff`, beside the road: what changed between two releases; changes nothing."""

from pathlib import Path
from typing import TYPE_CHECKING

from builder import servers
from builder.project import Project, write_bytes

if TYPE_CHECKING:
    from builder.release.diff_records import Diff


def diff(
    project: Project, old: str, new: str, *, base: Path, rehearse: bool = False, page: Path | None = None
) -> "Diff":
    """What changed between two releases, written as HTML too where `page` names a file.

    Each is a folder below `base`, a version, or a revision of a dataset on the Hub (opening.where). Raises Refused:
    1 a release is damaged, 2 it is not there, 3 trouble with the Hub.
    """
    from builder.release import diff_page, opening
    from builder.release.diff import compare

    places = [opening.where(name, project, base) for name in (old, new)]
    with (
        servers.hub(project, rehearse=rehearse) as (endpoint, token),
        opening.opened(places[0], endpoint, token) as before,
        opening.opened(places[1], endpoint, token) as after,
    ):
        found = compare(before.side, after.side)
    if page:
        write_bytes(page, diff_page.page(found).encode("utf-8", "replace"))
    return found
