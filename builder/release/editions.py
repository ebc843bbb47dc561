"""What an edition asks of a build beside its tables: nothing of the full one, an audit of the stand-off one.

Does not know how an edition is made: that is builder.release.standoff.
"""

from collections.abc import Callable
from pathlib import Path

from builder.records import Refused
from builder.release.features import Edition
from builder.release.material import Material
from builder.release.quotations import quotations
from builder.release.quoting import Fold
from builder.release.standoff import passages_of, standoff
from builder.release.tables import Built


def of(edition: Edition, built: Built, material: Material, fold: Fold) -> Built:
    """The tables of an edition, made of those of the full one."""
    return standoff(built, material, fold) if edition == "standoff" else built


def audit(edition: Edition, material: Material, fold: Fold) -> Callable[[Path], None]:
    """What looks through the files of an edition before they are put in their place.

    It raises Refused (exit code 1) with every quotation in a stand-off edition.
    """

    def look(folder: Path) -> None:
        issues = quotations(folder, passages_of(material.articles), fold) if edition == "standoff" else []
        if issues:
            raise Refused(*issues, exit_code=1)

    return look
