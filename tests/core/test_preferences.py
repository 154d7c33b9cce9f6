"""Headers by which a caller says what it would rather have, or has already."""

import pytest

from app.core.preferences import has_already, prefers

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"


@pytest.mark.parametrize(
    ("accept", "over", "preferred"),
    [
        ([], JSON, False),
        (["*/*"], JSON, False),
        (["text/*"], JSON, False),
        (["text/csv"], JSON, True),
        (["text/csv, */*"], JSON, True),
        (["*/*", "text/csv"], NDJSON, True),
        (["TEXT/CSV; charset=utf-8; Q=0.9, application/json;q=0.5"], JSON, True),
        (["text/csv;header=present;q=0.1, application/json;q=0.5"], JSON, False),
        (["text/csv;q=0.5, application/*;q=0.8"], NDJSON, False),
        (["text/csv;q=0.5, */*;q=0.8"], JSON, False),
        (["text/csv, application/x-ndjson"], NDJSON, True),
        (["application/x-ndjson, text/csv"], NDJSON, False),
        (["application/x-ndjson, text/csv"], JSON, True),
        (["text/csv;q=0"], NDJSON, False),
        (["text/csv;q=0, application/json;q=0"], JSON, False),
        (["text/csv;q=nan"], JSON, False),
        (["text/csv;q=2"], JSON, False),
        (["text/csv;q=0, text/csv"], JSON, False),
        ([",;,text/csv;;q"], JSON, False),
    ],
)
def test_a_table_comes_where_it_is_named_and_nothing_is_more_welcome(
    accept: list[str], over: str, preferred: bool
) -> None:
    assert prefers(accept, CSV, over=over) is preferred


@pytest.mark.parametrize(
    ("if_none_match", "known"),
    [
        ([], False),
        (['"b"'], False),
        (["a"], False),
        (['"a"'], True),
        (['W/"a"'], True),
        (["*"], True),
        (['"b", W/"a"'], True),
        (['"b"', '"a"'], True),
    ],
)
def test_an_etag_is_known_in_whatever_way_it_is_told(if_none_match: list[str], known: bool) -> None:
    assert has_already(if_none_match, '"a"') is known
