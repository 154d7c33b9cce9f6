"""`relevant` and the conditions that it means."""

from typing import Any

import pytest

from app.core.problems import FieldError
from app.questionnaires.problems import XlsformRefused
from tests.questionnaires.xlsform.workbooks import made, places, questions, taken

Json = dict[str, Any]
BEFORE = [
    ["select_one yn", "one", "?"],
    ["select_multiple sport", "many", "?"],
    ["range", "rate", "?"],
    ["integer", "whole", "?"],
    ["decimal", "dec", "?"],
    ["date", "day", "?"],
    ["text", "words", "?"],
]


def visible_if(relevant: str) -> Json:
    """What a condition upon the questions of `BEFORE` is read as."""
    found: Json = made(questions(*BEFORE, ["note", "last", "?", relevant]))[-1]["visible_if"]
    return found


def q(question: str, **comparison: Any) -> Json:
    """One comparison."""
    return {"question": question, **{name.rstrip("_"): one for name, one in comparison.items()}}


@pytest.mark.parametrize(
    ("relevant", "expected"),
    [
        ("${one} = 'yes'", q("one", in_=["yes"])),
        ("${one}=“yes”", q("one", in_=["yes"])),
        ('"yes" = ${one}', q("one", in_=["yes"])),
        ("${one} != 'yes'", q("one", not_in=["yes"])),
        ("${one} = 'yes' or ${one} = 'no'", q("one", in_=["yes", "no"])),
        ("${one} != 'yes' and ${one} != 'no'", q("one", not_in=["yes", "no"])),
        ("selected(${one}, 'yes')", q("one", in_=["yes"])),
        ("selected(${many}, 'run')", q("many", in_=["run"])),
        ("not(selected(${many}, 'run'))", q("many", not_in=["run"])),
        ("not (selected( ${many} , 'run' ))", q("many", not_in=["run"])),
        (
            "${many} = 'run'",
            {"all": [q("many", in_=["run"]), q("many", not_in=["swim", "none"])]},
        ),
        ("count-selected(${many}) >= 1", q("many", answered=True)),
        ("string-length(${words}) > 0", q("words", answered=True)),
        ("${words} != ''", q("words", answered=True)),
        ("${day} = ''", q("day", answered=False)),
        ("${rate} = 3", q("rate", in_=[3])),
        ("${rate} > 3", q("rate", gte=4)),
        ("${whole}<5", q("whole", lte=4)),
        ("5 <= ${whole}", q("whole", gte=5)),
        ("${whole} = -1", {"all": [q("whole", gte=-1), q("whole", lte=-1)]}),
        ("${dec} >= .5", q("dec", gte=0.5)),
        ("${dec} > 1.5", {"all": [q("dec", answered=True), {"not": q("dec", lte=1.5)}]}),
        ("${day} < date('2026-09-01')", q("day", lte="2026-08-31")),
        ("${day} >= '2026-09-01'", q("day", gte="2026-09-01")),
        (
            "${one} = 'yes'\nor ${whole} >= 5 and(not(${rate} = 1))",
            {
                "any": [
                    q("one", in_=["yes"]),
                    {"all": [q("whole", gte=5), {"not": q("rate", in_=[1])}]},
                ]
            },
        ),
        ("((${one} = 'yes'))", q("one", in_=["yes"])),
    ],
)
def test_a_condition_means_the_same_as_in_other_programs(relevant: str, expected: Json) -> None:
    assert visible_if(relevant) == expected


@pytest.mark.parametrize(
    "relevant",
    [
        "${whole} * 2 > 10",
        "${one} = ${words}",
        "count-selected(${many}) > 1",
        "pulldata('a', 'b', 'c', ${one}) = 1",
        "../one = 'yes'",
        "${words} = 'abc'",
        "${one} > 'yes'",
        "${day} > today()",
        "${last-saved#one} = 'yes'",
        "${day} >= '2026-02-30'",
        "selected(${words}, 'x')",
        "${place} != ''",
        "true()",
        "${one}",
        "(" * 50 + "${one} = 'yes'" + ")" * 50,
    ],
)
def test_what_is_not_understood_is_reported_and_asked_of_everybody(relevant: str) -> None:
    rows = [*BEFORE, ["geopoint", "place", "?"], ["note", "last", "?", relevant]]
    found = taken(questions(*rows))
    assert found.draft.questions[-1].visible_if is None
    assert places(found)[-1:] == [("survey", 10, "D (relevant)")]


@pytest.mark.parametrize(
    ("relevant", "code"),
    [
        ("${one} = 'yes", "bad_expression"),
        ("${one} = ", "bad_expression"),
        ("${one} 'yes'", "bad_expression"),
        ("(${one} = 'yes'", "bad_expression"),
        ("${one} = 'yes')", "bad_expression"),
        ("selected(${one})", "bad_expression"),
        ("${ one } = 'yes'", "bad_expression"),
        ("${one = 'yes'", "bad_expression"),
        ("and ${one} = 'yes'", "bad_expression"),
        ("§§§", "bad_expression"),
        ("${nobody} = 'yes'", "unknown_name"),
        ("${one} = 'yes' and ${nobody} * 2 > 1", "unknown_name"),
    ],
)
def test_what_is_no_expression_is_refused(relevant: str, code: str) -> None:
    with pytest.raises(XlsformRefused) as refused:
        taken(questions(*BEFORE, ["note", "last", "?", relevant]))
    [error] = refused.value.errors
    assert isinstance(error, FieldError)
    assert (error.pointer, error.code) == ("/survey/9/relevant", code)
    assert "nobody" not in error.message


def test_a_condition_that_was_changed_in_the_spreadsheet_counts() -> None:
    # It was not (all of one), which XLSForm writes as it writes the one.
    exact = '{"not":{"all":[{"question":"one","in":["yes"]}]}}'
    headers = "type name label relevant xinsheng_visible_if"
    for relevant, expected, reported in [
        ("not(${one} = 'yes')", {"not": {"all": [q("one", in_=["yes"])]}}, False),
        ("${one} = 'no'", q("one", in_=["no"]), True),
        ("", None, True),
    ]:
        found = taken(questions(BEFORE[0], ["note", "n", "?", relevant, exact], headers=headers))
        condition = found.draft.model_dump(by_alias=True)["questions"][1].get("visible_if")
        assert condition == expected
        assert (("survey", 3, "E (xinsheng_visible_if)") in places(found)) is reported


@pytest.mark.parametrize("exact", ["{", "[]", '{"question":"one"}', "[" * 5000])
def test_an_exact_condition_that_is_none_is_refused(exact: str) -> None:
    headers = "type name label xinsheng_visible_if"
    with pytest.raises(XlsformRefused) as refused:
        taken(questions(["note", "n", "?", exact], headers=headers))
    assert [one.pointer for one in refused.value.errors] == ["/survey/2/xinsheng_visible_if"]
