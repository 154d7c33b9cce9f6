"""`visible_if`: what each comparison says of each kind of answer."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from app.questionnaires.conditions import comparisons, compiled, given, located
from app.questionnaires.visibility import Condition

_adapter: TypeAdapter[Condition] = TypeAdapter(Condition)
NO_ANSWERS = [{}, {"q": None}, {"q": ""}, {"q": " \n"}, {"q": []}]


def holds(condition: dict[str, Any], answers: dict[str, Any]) -> bool:
    return compiled(_adapter.validate_python(condition))(answers)


@pytest.mark.parametrize(
    ("comparison", "answer", "expected"),
    [
        ({"in": ["a", "b"]}, "a", True),
        ({"in": ["a", "b"]}, "c", False),
        ({"in": ["a", "b"]}, ["c", "b"], True),
        ({"in": ["a", "b"]}, ["c"], False),
        ({"in": ["3"]}, 3, True),
        ({"in": [3, -1]}, -1, True),
        ({"in": [3]}, 4, False),
        ({"in": [1]}, True, False),
        ({"in": ["a"]}, {"a": "a"}, False),
        ({"in": ["a"]}, [["a"]], False),
        ({"not_in": ["a"]}, "b", True),
        ({"not_in": ["a"]}, "a", False),
        ({"not_in": ["a"]}, ["a", "b"], False),
        ({"not_in": [3]}, 3, False),
        ({"gte": 3}, 3, True),
        ({"gte": 3}, 2.9, False),
        ({"gte": 3}, 10**400, True),
        ({"gte": 3}, "4", False),
        ({"gte": 0}, True, False),
        ({"lte": 3}, 3, True),
        ({"lte": 3}, 3.1, False),
        ({"lte": 3}, float("nan"), False),
        ({"answered": True}, 0, True),
        ({"answered": True}, "x", True),
        ({"answered": True}, ["x"], True),
        ({"answered": False}, "x", False),
    ],
)
def test_a_comparison_of_an_answer(comparison: dict[str, Any], answer: Any, expected: bool) -> None:
    assert holds({"question": "q", **comparison}, {"q": answer}) is expected


@pytest.mark.parametrize("answers", NO_ANSWERS)
def test_an_unanswered_question_is_in_no_list_and_no_range(answers: dict[str, Any]) -> None:
    for comparison in ({"in": ["a"]}, {"gte": -1e12}, {"lte": 1e12}, {"answered": True}):
        assert not holds({"question": "q", **comparison}, answers)
    for comparison in ({"not_in": ["a"]}, {"answered": False}):
        assert holds({"question": "q", **comparison}, answers)
    assert not given(answers.get("q"))


def test_all_any_and_not_by_their_truth_tables() -> None:
    p = {"question": "p", "answered": True}
    q = {"question": "q", "answered": True}
    for one in (False, True):
        for other in (False, True):
            answers = {"p": "x" if one else None, "q": "x" if other else None}
            assert holds({"all": [p, q]}, answers) is (one and other)
            assert holds({"any": [p, q]}, answers) is (one or other)
            assert holds({"not": p}, answers) is not one
            assert holds({"not": {"any": [p, {"not": q}]}}, answers) is (not one and other)


def test_comparisons_are_found_with_the_steps_that_lead_to_them() -> None:
    leaf = {"question": "q", "answered": True}
    condition = _adapter.validate_python({"all": [leaf, {"not": {"any": [leaf]}}]})
    paths = [path for path, _ in located(condition)]
    assert paths == [("all", 0), ("all", 1, "not", "any", 0)]
    assert [one.question for one in comparisons(condition)] == ["q", "q"]
