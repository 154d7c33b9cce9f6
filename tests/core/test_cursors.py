"""Cursors: what a page began after comes back as it was, and what we did not make is refused."""

import pytest

from app.core.problems import InvalidInput
from app.core.schemas import MAX_ID, number_in_cursor, to_cursor


@pytest.mark.parametrize("number", [0, 1, 999_999_999, MAX_ID])
def test_a_number_comes_back_from_its_cursor(number: int) -> None:
    assert number_in_cursor(to_cursor(str(number))) == number


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_cursor_there_is_no_number(nothing: str | None) -> None:
    assert number_in_cursor(nothing) is None


@pytest.mark.parametrize(
    "position",
    [str(MAX_ID + 1), "9" * 40, "-1", "+1", "1.0", "1e3", " 1", "1\n", "x", "\u0663"],
    ids=ascii,
)
def test_what_is_no_number_of_ours_is_refused(position: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        number_in_cursor(to_cursor(position))
    [error] = refused.value.errors
    assert (error.pointer, error.code) == ("?cursor", "bad_cursor")
