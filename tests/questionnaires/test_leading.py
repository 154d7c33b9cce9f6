"""What leads to a question, and what an author is told of ways that lead nowhere."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.questionnaires.answerable import answerable
from app.questionnaires.conditions import compiled
from app.questionnaires.leading import GivenUp, Ways
from app.questionnaires.publishing import refusals
from app.questionnaires.suspicions import WARNINGS, suspicions
from app.questionnaires.validator import Validator
from tests.questionnaires.definitions import (
    Json,
    answers_to,
    definition,
    draft,
    drafts,
    matrix,
    multiple,
    option,
    options,
    question,
    single,
    text,
)

SATISFIED = single("overall", "yes", "no", required=True)
IF_NOT = {"question": "overall", "in": ["no"]}
IF_YES = {"question": "overall", "in": ["yes"]}
WHY = question("why", "text", visible_if=IF_NOT)


def refused(*questions: Json) -> set[tuple[str, str]]:
    return {(one.pointer, one.code) for one in refusals(definition(*questions))}


def warned(*questions: Json, **fields: Any) -> set[tuple[str, str]]:
    made = definition(*questions, **fields)
    assert refusals(made) == []
    return {(one.pointer, one.code) for one in suspicions(made)}


NOBODY = "/questions/2/visible_if"
DEAD_ENDS: dict[str, tuple[Json, Json, Json]] = {
    # The third question is the one that nobody would be asked.
    "the way to it rules its option out": (
        SATISFIED,
        WHY,
        single("c", visible_if={"all": [{"question": "why", "answered": True}, IF_YES]}),
    ),
    "as required as it is": (
        SATISFIED,
        WHY,
        single(
            "c", visible_if={"all": [{"question": "why", "answered": True}, IF_YES]}, required=True
        ),
    ),
    "through two questions": (
        single("a", "x", "y", "z"),
        single("b", visible_if={"question": "a", "in": ["x", "y"]}),
        single(
            "c",
            visible_if={
                "all": [{"question": "b", "answered": True}, {"question": "a", "in": ["z"]}]
            },
        ),
    ),
    "numbers that leave no room": (
        question("a", "number", min=0, max=10, whole=True),
        single("b", visible_if={"question": "a", "gte": 4.5}),
        single(
            "c",
            visible_if={
                "all": [{"question": "b", "in": ["a"]}, {"not": {"question": "a", "gte": 5}}]
            },
        ),
    ),
    "days that leave no room": (
        question("a", "date", min="2026-09-01"),
        single("b", visible_if={"question": "a", "lte": "2026-09-10"}),
        single(
            "c",
            visible_if={
                "all": [
                    {"question": "b", "in": ["a"]},
                    {"not": {"question": "a", "lte": "2026-09-10"}},
                ]
            },
        ),
    ),
    "an option that stands alone": (
        {**multiple("a"), "options": [option("x"), option("none", exclusive=True)]},
        single("b", visible_if={"question": "a", "in": ["none"]}),
        single(
            "c",
            visible_if={"all": [{"question": "b", "in": ["a"]}, {"question": "a", "in": ["x"]}]},
        ),
    ),
    "more options than may be chosen": (
        multiple("a", "x", "y", "z", max_selected=2),
        single("b", visible_if={"question": "a", "in": ["x"]}),
        single(
            "c",
            visible_if={
                "all": [
                    {"question": "b", "answered": True},
                    {"question": "a", "in": ["y"]},
                    {"question": "a", "in": ["z"]},
                ]
            },
        ),
    ),
    "the text of an option that was not chosen": (
        {**single("a"), "options": [option("x"), option("other", text_length=9)]},
        question("b", "note"),
        single(
            "c",
            visible_if={
                "all": [
                    {"question": "a.other", "answered": True},
                    {"question": "a", "in": ["x"]},
                ]
            },
        ),
    ),
}


@pytest.mark.parametrize("questions", DEAD_ENDS.values(), ids=DEAD_ENDS)
def test_a_question_that_nobody_can_come_to_is_refused(questions: tuple[Json, ...]) -> None:
    assert refused(*questions) == {(NOBODY, "never_asked")}


def test_what_depends_on_a_question_that_nobody_comes_to_is_not_told_again() -> None:
    questions = DEAD_ENDS["the way to it rules its option out"]
    beyond = single("d", visible_if={"question": "c", "answered": True})
    assert refused(*questions, beyond) == {(NOBODY, "never_asked")}


def test_many_conditions_at_once_that_can_all_hold_are_no_dead_end() -> None:
    many = [single(f"q{number}", "a", "b", "c") for number in range(30)]
    condition = {"all": [{"question": one["code"], "in": ["c"]} for one in many]}
    assert refused(*many, single("then", visible_if=condition)) == set()


def test_a_search_too_wide_claims_nothing() -> None:
    wide = multiple("q", *(f"o{number}" for number in range(40)))
    each = [{"question": "q", "in": [f"o{number}"]} for number in range(40)]
    shown = single("then", visible_if={"all": each})
    assert refused(wide, shown) == set()
    assert warned(wide, shown) == {("/questions/1/visible_if", "undecided")}


def test_a_long_chain_of_conditions_claims_nothing_and_does_not_overflow() -> None:
    chain = [single("q0")]
    for number in range(1, 300):
        chain.append(
            single(f"q{number}", visible_if={"question": f"q{number - 1}", "answered": True})
        )
    assert refused(*chain) == set()


@given(st.data())
def test_whoever_is_asked_a_question_was_not_said_to_be_nobody(data: st.DataObject) -> None:
    """Against answers at random, and against the answers that the search itself found."""
    body = data.draw(drafts())
    made = definition(*body["questions"])
    validator = Validator(made)
    answers = validator.asked(data.draw(answers_to(body)))
    ways = Ways(made)
    for part in answerable(made):
        if not part.conditions:
            continue
        try:
            example = ways.example(*part.conditions)
        except GivenUp:
            continue
        if all(compiled(one)(answers) for one in part.conditions):
            assert example is not None
        if example is not None:
            given = {code: answer for code, answer in example.items() if answer is not None}
            assert all(compiled(one)(given) for one in part.conditions)
            validator.encode(given, require=False)  # InvalidAnswers where it could not be so


VOTES = [option("yes", counts_as="positive"), option("no", counts_as="negative")]
INDICATOR = {**single("i"), "options": VOTES, "indicator": True}
SUSPICIOUS: list[tuple[str, str, Json]] = [
    (
        "always_true",
        "/questions/1/visible_if",
        draft(
            SATISFIED,
            single("r", visible_if={"any": [IF_YES, {"question": "overall", "not_in": ["yes"]}]}),
        ),
    ),
    (
        "needs_unanswered",
        "/questions/1/visible_if",
        draft(SATISFIED, single("r", visible_if={"question": "overall", "answered": False})),
    ),
    (
        "never_decides",
        "/questions/2/visible_if/any/1",
        draft(
            SATISFIED,
            WHY,
            single(
                "r",
                visible_if={
                    "any": [
                        IF_NOT,
                        {"all": [{"question": "why", "answered": True}, IF_YES]},
                    ]
                },
            ),
        ),
    ),
    (
        "not_asked_of_all",
        "/questions/1/visible_if",
        draft(SATISFIED, {**INDICATOR, "visible_if": IF_NOT}),
    ),
    (
        "one_sided",
        "/questions/0/options",
        draft({**INDICATOR, "options": [VOTES[0], option("dk", counts_as="excluded")]}),
    ),
    ("single_option", "/questions/0/options", draft(single("q", "only"))),
    (
        "same_label",
        "/scales/s/0/label/zh-CN",
        draft(
            matrix("q", options=None, scale="s"),
            scales={
                "s": [{"value": "a", "label": text("好")}, {"value": "b", "label": text(" 好")}]
            },
        ),
    ),
    ("unused_scale", "/scales/s", draft(single("q"), scales={"s": options("a", "b")})),
]


@pytest.mark.parametrize(("code", "pointer", "body"), SUSPICIOUS)
def test_what_may_not_be_meant_so_is_told_with_its_place(
    code: str, pointer: str, body: Json
) -> None:
    found = warned(*body["questions"], **{k: v for k, v in body.items() if k == "scales"})
    assert (pointer, code) in found
    assert {one for _, one in found} == {code}


def test_every_warning_is_tested_above() -> None:
    assert {code for code, *_ in SUSPICIOUS} | {"undecided"} == set(WARNINGS)


def test_what_was_left_out_of_an_interview_that_was_broken_off_is_no_dead_end() -> None:
    shown = single("r", visible_if={"question": "overall", "answered": False})
    assert refused(SATISFIED, shown) == set()


def test_common_questionnaires_raise_no_suspicion() -> None:
    assert warned(SATISFIED, WHY, INDICATOR, multiple("m")) == set()
