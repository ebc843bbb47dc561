"""The fields of dataset.yaml that the Hub has rules for."""

import pytest
from huggingface_hub.utils import HFValidationError, validate_repo_id
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from builder.schema.dataset import Dataset, check_repo_id

PARTS = st.text(alphabet="aZ09_.-ب٣ ", min_size=0, max_size=6)


def accepts(check, repo_id):
    try:
        check(repo_id)
    except (ValueError, HFValidationError):
        return False
    return True


@given(PARTS, PARTS)
@example("me", "news.git")
@example("me", "news--2")
@example("me", "x" * 97)
@example("me..", "news")
@example("صحيفة", "news")
def test_no_name_is_accepted_that_the_hub_refuses(owner, name):
    repo_id = f"{owner}/{name}"

    assert accepts(validate_repo_id, repo_id) or not accepts(check_repo_id, repo_id)


@pytest.mark.parametrize("repo_id", ["me/news", "me/news-2.0_x", "M/n", "a.b/c.d"])
def test_names_of_the_hub_are_accepted(repo_id):
    assert check_repo_id(repo_id) == repo_id


@pytest.mark.parametrize("field", [{"repo_id": "أنا/خبر"}, {"repo_id": "me/news٣"}, {"profile": "standard@١"}])
def test_arabic_digits_and_letters_are_in_no_name(field):
    given_fields = {"format": 1, "repo_id": "a/b", "title": "t", "licence": {"text": "mit", "annotations": "mit"}}
    with pytest.raises(ValidationError):
        Dataset.model_validate(given_fields | field)
