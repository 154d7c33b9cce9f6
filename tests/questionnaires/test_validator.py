"""Validating and encoding answers."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.questionnaires.problems import InvalidAnswers
from app.questionnaires.schemas import Definition
from app.questionnaires.validator import MESSAGES, Validator
from tests.questionnaires.definitions import (
    EVERYTHING,
    Json,
    answers_to,
    definition,
    drafts,
    multiple,
    option,
    parts,
    question,
    single,
)

EVERY = Validator(Definition.model_validate(EVERYTHING))
GOOD: Json = {
    "overall": "dissatisfied",
    "improve": ["sport", "food"],
    "score": 0,
    "homework": 45,
    "comment": "作业太多",
}


def wrong(answers: Json, validator: Validator = EVERY, *, require: bool = True) -> set[Any]:
    """Pointers and codes of everything that is wrong."""
    with pytest.raises(InvalidAnswers) as caught:
        validator.encode(answers, require=require)
    return {(error.pointer, error.code) for error in caught.value.errors}


def canonical(body: Json, answers: Json) -> Json:
    """What answers amount to, worked out another way: by question, from the contract's words."""
    kept: Json = {}
    for asked in (part for one in body["questions"] for part in parts(one)):
        answer = answers.get(asked["code"])
        if asked["type"] == "text" and answer is not None:
            answer = "\n".join("\n".join(answer.split("\r\n")).split("\r")).strip()
        if asked["type"] == "multiple_choice" and answer is not None:
            answer = [one["value"] for one in asked["options"] if one["value"] in answer]
        if answer is not None and answer not in ("", []):
            kept[asked["code"]] = answer
    return kept


def test_answers_come_back_as_they_were_given() -> None:
    encoded = EVERY.encode(GOOD)
    assert EVERY.decode(encoded) == {**GOOD, "improve": ["food", "sport"]}
    assert len(encoded.answers) == EVERY.layout.size == 1 + 2 + 1 + 1 + 1
    assert encoded.numbers == (45.0,)
    assert encoded.texts == ((0, "作业太多"),)


def test_a_whole_number_comes_back_without_a_fraction() -> None:
    decoded = EVERY.decode(EVERY.encode({**GOOD, "homework": 45.0}))
    assert isinstance(decoded["homework"], int)
    assert EVERY.decode(EVERY.encode({**GOOD, "homework": 0.5}))["homework"] == 0.5
    minus_zero = EVERY.encode({**GOOD, "homework": -0.0})
    assert repr(minus_zero.numbers) == "(0.0,)"


@pytest.mark.parametrize(
    "same",
    [
        {**GOOD, "improve": ["food", "sport"]},
        {**GOOD, "homework": 45.0},
        {**GOOD, "comment": " 作业太多\r\n"},
        {**dict(reversed(GOOD.items()))},
    ],
)
def test_the_same_answers_in_another_form_are_the_same(same: Json) -> None:
    assert EVERY.encode(same) == EVERY.encode(GOOD)


@pytest.mark.parametrize("nothing", [None, "", " \u3000\n", []])
def test_no_answer_is_the_same_as_absent(nothing: Any) -> None:
    least = {"overall": "satisfied"}
    assert EVERY.encode({**least, "improve": nothing, "comment": nothing}) == EVERY.encode(least)
    assert EVERY.encode(least).numbers is None


@pytest.mark.parametrize(
    ("changes", "code", "problem"),
    [
        ({"overall": None}, "overall", "required"),
        ({"overall": " "}, "overall", "required"),
        ({"overall": "satisfied"}, "comment", "hidden"),
        ({"other": "x"}, "other", "unknown_question"),
        ({"other": None}, "other", "unknown_question"),
        ({"read_this": "x"}, "read_this", "unknown_question"),
        ({"overall": 1}, "overall", "wrong_type"),
        ({"overall": ["dissatisfied"]}, "overall", "wrong_type"),
        ({"improve": "food"}, "improve", "wrong_type"),
        ({"improve": ["food", 1]}, "improve", "wrong_type"),
        ({"improve": [["food"]]}, "improve", "wrong_type"),
        ({"improve": {"food": True}}, "improve", "wrong_type"),
        ({"score": "3"}, "score", "wrong_type"),
        ({"score": 3.5}, "score", "wrong_type"),
        ({"score": True}, "score", "wrong_type"),
        ({"homework": "45"}, "homework", "wrong_type"),
        ({"homework": False}, "homework", "wrong_type"),
        ({"comment": 5}, "comment", "wrong_type"),
        ({"overall": "Dissatisfied"}, "overall", "not_an_option"),
        ({"improve": ["food", "music"]}, "improve", "not_an_option"),
        ({"improve": ["food", "food"]}, "improve", "duplicate_option"),
        ({"improve": ["food", "safety", "homework", "sport"]}, "improve", "too_many"),
        ({"score": -1}, "score", "out_of_range"),
        ({"score": 11}, "score", "out_of_range"),
        ({"score": 10**400}, "score", "out_of_range"),
        ({"homework": 600.01}, "homework", "out_of_range"),
        ({"homework": float("nan")}, "homework", "out_of_range"),
        ({"homework": float("inf")}, "homework", "out_of_range"),
        ({"homework": -(10**400)}, "homework", "out_of_range"),
        ({"comment": "字" * 11}, "comment", "too_long"),
        ({"comment": "a\x00b"}, "comment", "control_character"),
        ({"comment": "\ud800"}, "comment", "control_character"),
    ],
)
def test_what_is_wrong_has_its_code_and_place(changes: Json, code: str, problem: str) -> None:
    assert (f"/answers/{code}", problem) in wrong({**GOOD, **changes})


OTHERS = Validator(
    definition(
        question("born", "date", min="2000-02-29", max="2026-11-22"),
        question("children", "number", whole=True, measure={"zh-CN": "个"}),
        {
            **multiple("why"),
            "options": [
                option("far"),
                option("other", text_length=4),
                option("none", exclusive=True),
            ],
        },
        question(
            "teachers",
            "matrix",
            rows=[option("maths"), option("sport")],
            options=[option("good"), option("bad")],
            required=True,
        ),
        single("why_bad", visible_if={"question": "teachers.maths", "in": ["bad"]}),
        question("later", "note", visible_if={"question": "born", "gte": "2020-01-01"}),
    )
)
FITTING: Json = {"teachers.maths": "good", "teachers.sport": "bad"}


def test_other_types_come_back_as_they_were_given() -> None:
    answers = {
        "born": "2000-02-29",
        "children": 2,
        "why": ["far", "other"],
        "why.other": "太远了！",
        **FITTING,
    }
    encoded = OTHERS.encode(answers)
    assert OTHERS.decode(encoded) == answers
    assert encoded.numbers == (730179.0, 2.0)
    assert encoded.texts == ((0, "太远了！"),)
    # A row is stored, and so counted, as a single choice is.
    places = [(place.code, place.type) for place in OTHERS.layout.places]
    assert places[4:6] == [("teachers.maths", "single_choice"), ("teachers.sport", "single_choice")]


OTHERS_WRONG: list[tuple[Json, str, str]] = [
    ({"born": "2000-02-28"}, "born", "out_of_range"),
    ({"born": "2026-11-23"}, "born", "out_of_range"),
    ({"born": "2001-02-29"}, "born", "not_a_day"),
    ({"born": "20010228"}, "born", "not_a_day"),
    ({"born": "２００１-02-28"}, "born", "not_a_day"),
    ({"born": "2001-02-28T00:00"}, "born", "not_a_day"),
    ({"born": 20010228}, "born", "wrong_type"),
    ({"children": 1.5}, "children", "not_whole"),
    ({"why": ["none", "far"]}, "why", "not_alone"),
    ({"why.other": "x"}, "why.other", "hidden"),
    ({"why": ["far"], "why.other": "x"}, "why.other", "hidden"),
    ({"why": ["other"], "why.other": "12345"}, "why.other", "too_long"),
    ({"why": ["far"], "why.far": "x"}, "why.far", "unknown_question"),
    ({"teachers": "good"}, "teachers", "unknown_question"),
    ({"teachers.maths": None}, "teachers.maths", "required"),
    ({"teachers.maths": "best"}, "teachers.maths", "not_an_option"),
    ({"teachers.art": "good"}, "teachers.art", "unknown_question"),
    ({"why_bad": "a"}, "why_bad", "hidden"),
]


@pytest.mark.parametrize(("changes", "code", "problem"), OTHERS_WRONG)
def test_what_is_wrong_with_other_types_has_its_code(
    changes: Json, code: str, problem: str
) -> None:
    assert wrong({**FITTING, **changes}, OTHERS) == {(f"/answers/{code}", problem)}


def test_a_row_of_a_matrix_can_be_asked_about() -> None:
    bad = {**FITTING, "teachers.maths": "bad", "why_bad": "a"}
    assert OTHERS.decode(OTHERS.encode(bad)) == bad


def test_a_text_beside_an_option_goes_with_the_option() -> None:
    filled_in = {**FITTING, "why": ["far"], "why.other": "x"}
    assert OTHERS.asked(filled_in) == {**FITTING, "why": ["far"]}


def test_every_code_is_tested_above() -> None:
    mark = test_what_is_wrong_has_its_code_and_place.pytestmark[0]  # type: ignore[attr-defined]
    tested = {problem for _, _, problem in (*mark.args[1], *OTHERS_WRONG)}
    assert tested == set(MESSAGES)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    answers = {"improve": "food", "score": 11, "comment": "x", "zzz": 1}
    assert wrong(answers) == {
        ("/answers/overall", "required"),
        ("/answers/improve", "wrong_type"),
        ("/answers/score", "out_of_range"),
        ("/answers/comment", "hidden"),
        ("/answers/zzz", "unknown_question"),
    }


def test_what_could_not_be_a_code_is_not_named_and_thousands_are_not_listed() -> None:
    odd = {"+86 138": 1, "\ud800": 1, "x" * 65: 1, "姓名": 1}
    assert wrong({**GOOD, **odd}) == {("/answers", "unknown_question")}
    with pytest.raises(InvalidAnswers) as caught:
        EVERY.encode({**GOOD, **{f"x{number}": 1 for number in range(5000)}})
    assert len(caught.value.errors) == 50


def test_a_partial_interview_waives_what_is_required_and_nothing_else() -> None:
    assert EVERY.decode(EVERY.encode({"score": 3}, require=False)) == {"score": 3}
    assert wrong({"score": 11}, require=False) == {("/answers/score", "out_of_range")}


def test_a_hidden_question_is_not_required() -> None:
    shown = {"question": "first", "in": ["a"]}
    validator = Validator(
        definition(single("first"), single("second", required=True, visible_if=shown))
    )
    assert wrong({"first": "a"}, validator) == {("/answers/second", "required")}
    assert validator.decode(validator.encode({"first": "b"})) == {"first": "b"}


def test_a_blank_text_shows_no_question_that_asks_whether_it_was_answered() -> None:
    shown = {"question": "first", "answered": True}
    validator = Validator(definition(question("first", "text"), single("second", visible_if=shown)))
    assert wrong({"first": " ", "second": "a"}, validator) == {("/answers/second", "hidden")}
    assert validator.asked({"first": " ", "second": "a"}) == {"first": " "}


def test_what_hidden_questions_hide_in_turn_is_not_asked_either() -> None:
    validator = Validator(
        definition(
            single("one"),
            single("two", visible_if={"question": "one", "in": ["a"]}),
            single("three", visible_if={"question": "two", "in": ["a"]}),
            single("four"),
        )
    )
    filled_in = {"one": "b", "two": "a", "three": "a", "four": "b", "odd": 1}
    assert validator.asked(filled_in) == {"one": "b", "four": "b", "odd": 1}
    assert filled_in["two"] == "a"


def test_the_largest_choice_uses_every_bit() -> None:
    values = [f"v{number}" for number in range(254)]
    validator = Validator(definition(single("one", *values), multiple("many", *values)))
    assert validator.layout.size == 1 + 1 + 32
    for answers in ({"one": values[-1], "many": values}, {"one": "v0", "many": ["v253"]}):
        assert validator.decode(validator.encode(answers)) == answers


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_decoding_gives_the_canonical_form_of_what_was_asked(data: st.DataObject) -> None:
    body = data.draw(drafts())
    validator = Validator(Definition.model_validate(body))
    answers = validator.asked(data.draw(answers_to(body)))
    encoded = validator.encode(answers, require=False)
    decoded = validator.decode(encoded)
    assert decoded == canonical(body, answers)
    assert validator.encode(decoded, require=False) == encoded
    codes = [part["code"] for one in body["questions"] for part in parts(one)]
    assert list(decoded) == [code for code in codes if code in decoded]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_two_encodings_are_equal_exactly_when_the_canonical_forms_are(data: st.DataObject) -> None:
    body = data.draw(drafts())
    validator = Validator(Definition.model_validate(body))
    one, other = (validator.asked(data.draw(answers_to(body))) for _ in range(2))
    same_encoding = validator.encode(one, require=False) == validator.encode(other, require=False)
    assert same_encoding == (canonical(body, one) == canonical(body, other))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_json_at_all_is_taken_or_refused_as_invalid_answers(data: st.DataObject) -> None:
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    anything = st.recursive(
        scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
    )
    codes = [one["code"] for one in EVERYTHING["questions"]]
    answers = data.draw(st.dictionaries(st.sampled_from(codes) | st.text(), anything))
    with contextlib.suppress(InvalidAnswers):
        assert len(EVERY.encode(answers).answers) == EVERY.layout.size
