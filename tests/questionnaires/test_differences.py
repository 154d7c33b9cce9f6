"""What is not the same in two versions, and which questions still compare."""

from typing import Any

import pytest

from app.questionnaires.comparing import REASONS, comparable
from app.questionnaires.differences import QuestionDiff, diff
from app.questionnaires.layout import layout_of
from tests.factories import Api
from tests.questionnaires.definitions import (
    EVERYTHING,
    Json,
    definition,
    draft,
    matrix,
    multiple,
    option,
    options,
    question,
    single,
    text,
)


def compared(before: list[Json], after: list[Json], **fields: Any) -> dict[str, QuestionDiff]:
    _, questions = diff(definition(*before, **fields), definition(*after, **fields))
    return {one.code: one for one in questions}


def test_versions_that_are_equal_have_no_difference_and_all_of_it_compares() -> None:
    changes, questions = diff(*[definition(*EVERYTHING["questions"])] * 2)
    assert changes == []
    assert {(one.kind, one.moved, one.options, len(one.changes)) for one in questions} == {
        ("same", False, None, 0)
    }
    assert {one.code: one.comparable for one in questions} == {
        **{one["code"]: True for one in EVERYTHING["questions"]},
        "read_this": None,
    }


def test_questions_are_added_removed_and_moved() -> None:
    before = [single(code) for code in ("a", "b", "c", "d")]
    after = [single(code) for code in ("d", "a", "b", "new")]
    found = compared(before, after)
    assert list(found) == ["d", "a", "b", "new", "c"]
    assert {code: one.kind for code, one in found.items()} == {
        "a": "same",
        "b": "same",
        "c": "removed",
        "d": "same",
        "new": "added",
    }
    # One was moved, though all stand at another place now.
    assert [code for code, one in found.items() if one.moved] == ["d"]
    assert found["new"].comparable is found["c"].comparable is None


def test_a_changed_field_is_told_before_and_after() -> None:
    later = single("q", required=True, label=text("新"), hint=text("提示"))
    found = compared([single("q")], [later])["q"]
    assert found.kind == "changed"
    assert {one.field: (one.before, one.after) for one in found.changes} == {
        "required": (False, True),
        "label": (text("q"), text("新")),
        "hint": (None, text("提示")),
    }
    assert found.comparable


def test_options_added_removed_relabelled_and_recounted_are_told_apart() -> None:
    before = [option("a", counts_as="positive"), option("b"), option("gone")]
    after = [option("b", label=text("乙")), option("a", counts_as="negative"), option("new")]
    asked = question("q", "single_choice")
    found = compared([{**asked, "options": before}], [{**asked, "options": after}])["q"]
    assert found.options is not None
    assert found.options.model_dump() == {
        "added": ["new"],
        "removed": ["gone"],
        "moved": True,
        "relabelled": ["b"],
        "counts_as": ["a"],
    }
    assert {one.field for one in found.changes} == {
        "options/a/counts_as",
        "options/b/label",
    }
    assert (found.comparable, found.reasons) == (False, ["options"])


def test_options_that_moved_into_a_shared_scale_are_the_same_options() -> None:
    own = single("q", "x", "y")
    shared = question("q", "single_choice", scale="s")
    found = compared([own], [shared], scales={"s": options("x", "y")})["q"]
    assert (found.kind, found.comparable) == ("same", True)


def test_rows_of_a_matrix_are_told_and_those_of_both_compare() -> None:
    later = matrix("q", rows=[{"value": "a", "label": text("食堂")}, *options("c")])
    found = compared([matrix("q")], [later])["q"]
    assert {one.field for one in found.changes} == {"rows/a/label", "rows/b", "rows/c"}
    assert found.comparable


VOTES = [option("a", counts_as="positive"), option("b", counts_as="negative")]
ASKED = question("q", "single_choice")
INCOMPARABLE: list[tuple[str, Json, Json]] = [
    ("type", single("q"), multiple("q", "a", "b")),
    ("options", single("q", "a", "b"), single("q", "a", "b", "c")),
    ("options", matrix("q"), matrix("q", options=options("a", "z"))),
    ("counts_as", {**ASKED, "options": VOTES}, {**ASKED, "options": options("a", "b")}),
    ("range", question("q", "rating"), question("q", "rating", max=10)),
    ("range", question("q", "number", max=5), question("q", "number", max=6)),
    ("range", question("q", "date"), question("q", "date", min="2026-09-01")),
    ("max_selected", multiple("q"), multiple("q", max_selected=1)),
]


@pytest.mark.parametrize(("reason", "before", "after"), INCOMPARABLE)
def test_answers_do_not_compare_for_a_reason(reason: str, before: Json, after: Json) -> None:
    for earlier, later in ((before, after), (after, before)):
        found = compared([earlier], [later])["q"]
        assert (found.comparable, found.reasons) == (False, [reason])


def test_every_reason_is_tested_above() -> None:
    assert {reason for reason, *_ in INCOMPARABLE} == set(REASONS)


def test_order_and_words_do_not_keep_answers_from_comparing() -> None:
    before, after = (
        layout_of(definition(one))
        for one in (single("q", "a", "b"), single("q", "b", "a", label=text("新"), required=True))
    )
    assert comparable(before, after) == {"q": []}


def test_a_draft_that_is_not_sound_is_compared_in_words_alone() -> None:
    found = compared([single("q")], [question("q", "single_choice", scale="nowhere")])["q"]
    assert found.options is not None
    assert found.options.removed == ["a", "b"]
    assert found.comparable is None


def test_what_changed_of_the_questionnaire_itself_is_told() -> None:
    pages = {"p": {"title": text()}}
    before = definition(single("q", page="p"), pages=pages, consent=text("旧"))
    after = definition(single("q", page="p"), consent=text("新"))
    changes, _ = diff(before, after)
    assert {one.field: (one.before, one.after) for one in changes} == {
        "consent": (text("旧"), text("新")),
        "pages": (pages, None),
    }


async def test_two_versions_and_the_draft_are_compared_over_http(admin: Api) -> None:
    url = "/v1/questionnaires/own"
    for body in (draft(single("q")), draft(single("q", "a", "b", "c"))):
        await admin.made("PUT", url, body)
        await admin.made("POST", f"{url}/publish")
    await admin.made("PUT", url, draft(single("q", "a", "b", "c"), single("more")))
    of_two = await admin.made("GET", f"{url}/diff?from=1&to=2")
    assert (of_two["from"], of_two["to"]) == (1, 2)
    [asked] = of_two["questions"]
    assert (asked["comparable"], asked["reasons"]) == (False, ["options"])
    assert asked["options"]["added"] == ["c"]
    with_draft = await admin.made("GET", f"{url}/diff?from=2")
    assert with_draft["to"] is None
    assert [one["kind"] for one in with_draft["questions"]] == ["same", "added"]
    backwards = await admin.made("GET", f"{url}/diff?from=2&to=1")
    assert backwards["questions"][0]["options"]["removed"] == ["c"]


async def test_a_version_that_there_is_not_is_404_and_the_first_must_be_named(admin: Api) -> None:
    url = "/v1/questionnaires/satisfaction-six/diff"
    assert (await admin.get(f"{url}?from=1&to=9")).status_code == 404
    assert (await admin.get(f"{url}?from=9")).status_code == 404
    missing = await admin.get(url)
    assert missing.status_code == 422
    assert missing.json()["errors"][0]["pointer"] == "?from"
