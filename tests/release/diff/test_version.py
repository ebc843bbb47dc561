"""Version numbers are three numbers in ASCII digits."""

import pytest

from builder.records import KhabarError
from builder.release.diff.version import check_version, parse_version
from builder.release.publish.open import SAFE
from builder.release.tables.shards import SHARD


@pytest.mark.parametrize("version", ["١.٢.٣", "1.2.٣", "۱.0.0", "1.2.3\n", "01.0.0"])
def test_other_digits_are_no_version(version):
    assert parse_version(version) is None
    with pytest.raises(KhabarError, match="in the digits 0 to 9"):
        check_version(version)


def test_file_names_of_a_release_are_ascii():
    assert not SHARD.fullmatch("entities/train-٠٠٠٠٠-of-00001.parquet")
    assert not SAFE.fullmatch("كيانات/train.parquet")
