"""XLSForms as people write them, and the drafts that they make."""

from typing import Any

import pytest

from tests.questionnaires.definitions import text
from tests.questionnaires.xlsform.workbooks import LISTS, Line, made, places, questions, taken

Json = dict[str, Any]
YES_NO = [{"value": "yes", "label": text("是")}, {"value": "no", "label": text("否")}]


def asked(*row: str, headers: str = "type name label", **sheets: Any) -> Json:
    """The one question that a row makes, but for what every question has."""
    [question] = made(questions(row, headers=headers), **sheets)
    assert question.pop("required") is False
    assert question.pop("label") == text("问")
    assert question.pop("code") == row[1]
    return question


@pytest.mark.parametrize(
    ("kind", "constraint", "expected"),
    [
        ("text", "", {"type": "text", "max_length": 500}),
        ("text", "string-length(.) <= 20", {"type": "text", "max_length": 20}),
        ("q string", "string-length(.) < 20", {"type": "text", "max_length": 19}),
        ("Integer", "", {"type": "number", "whole": True}),
        ("int", ". > 0 and . < 9.5", {"type": "number", "whole": True, "min": 1, "max": 9}),
        ("decimal", ".>=0 and 9.5>=.", {"type": "number", "min": 0, "max": 9.5}),
        ("date", ". > date('2026-08-31')", {"type": "date", "min": "2026-09-01"}),
        ("date", ". <= '2026-08-31'", {"type": "date", "max": "2026-08-31"}),
        ("note", "", {"type": "note"}),
        ("range", "", {"type": "rating", "min": 1, "max": 10}),
    ],
)
def test_types_and_limits_are_taken(kind: str, constraint: str, expected: Json) -> None:
    headers = "type name label constraint"
    assert asked(kind, "q", "问", constraint, headers=headers) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("start=0 end=10 step=1", {"type": "rating", "min": 0, "max": 10}),
        ("start=0;end=5", {"type": "rating", "min": 0, "max": 5}),
        ("start=0 end=5 step=0.5", {"type": "number", "min": 0, "max": 5}),
        ("start=0 end=500 step=1", {"type": "number", "whole": True, "min": 0, "max": 500}),
    ],
)
def test_ranges_are_ratings_where_they_go_by_ones(parameters: str, expected: Json) -> None:
    assert asked("range", "q", "问", parameters, headers="type name label parameters") == expected


def test_a_list_used_once_is_the_questions_own_and_one_used_twice_a_scale() -> None:
    survey = questions(
        ["select_one yn", "a", "甲"],
        ["select one yn", "b", "乙"],
        ["select_multiple sport", "c", "丙"],
    )
    found = taken(survey)
    draft = found.draft.model_dump(mode="json")
    assert draft["scales"] == {"yn": YES_NO}
    assert [one.get("scale") for one in draft["questions"]] == ["yn", "yn", None]
    assert [one["value"] for one in draft["questions"][2]["options"]] == ["run", "swim", "none"]
    assert found.report.taken == 3
    assert places(found) == []


def test_or_other_adds_an_option_that_takes_a_text() -> None:
    first, second = made(
        questions(["select_one yn or_other", "a", "甲"], ["select_one yn", "b", "乙"])
    )
    other = {"value": "other", "label": text("其他"), "text_length": 100}
    assert first["options"] == [*YES_NO, other]
    assert second["options"] == YES_NO
    lists = [*LISTS[:3], ["yn", "other", "别的"]]
    [question] = made(questions(["select_one yn or_other", "a", "甲"]), lists)
    assert question["options"][2] == {"value": "other", "label": text("别的"), "text_length": 100}


def test_choices_have_limits_an_order_and_options_that_stand_alone() -> None:
    alone = "not(selected(., 'none') and count-selected(.) > 1) and count-selected(.) <= 2"
    row = ["select_multiple sport", "q", "问", alone, "randomize=true"]
    [question] = made(questions(row, headers="type name label constraint parameters"))
    assert question["max_selected"] == 2
    assert question["random_order"] is True
    assert [one.get("exclusive", False) for one in question["options"]] == [False, False, True]


def test_groups_are_pages_and_their_conditions_those_of_their_questions() -> None:
    survey = questions(
        ["select_one yn", "a", "甲"],
        ["begin_group", "home", "家里", "${a} = 'yes'"],
        ["text", "b", "乙", "${a} != ''"],
        ["begin group", "inner", "内"],
        ["text", "c", "丙"],
        ["end group"],
        ["end_group"],
        ["text", "d", "丁"],
    )
    found = taken(survey, LISTS[:3])
    draft = found.draft.model_dump(mode="json", by_alias=True)
    assert draft["pages"] == {"home": {"title": text("家里")}}
    assert [one.get("page") for one in draft["questions"]] == [None, "home", "home", None]
    outer = {"question": "a", "in": ["yes"]}
    both = {"all": [outer, {"question": "a", "answered": True}]}
    assert [one.get("visible_if") for one in draft["questions"]] == [None, both, outer, None]
    assert places(found) == [("survey", 5, "C (label)")]


OLD_TABLE = [
    ["begin group", "t", "表", "", ""],
    ["select_one yn", "head", "头", "label", ""],
    ["select_one yn", "r1", "一", "list-nolabel", "yes"],
    ["select_one yn", "r2", "二", "list-nolabel", "yes"],
    ["end group"],
]
NEW_TABLE = [
    ["begin_group", "t", "表", "table-list", ""],
    ["select_one yn", "r1", "一", "", "yes"],
    ["select_one yn", "r2", "二", "", "yes"],
    ["end_group"],
]


@pytest.mark.parametrize("table", [OLD_TABLE, NEW_TABLE])
def test_tables_are_matrices(table: list[list[str]]) -> None:
    after = ["note", "n", "注", "", "", "${r1} = 'no'"]
    headers = "type name label appearance required relevant"
    matrix, note = made(questions(*table, after, headers=headers))
    rows = [{"value": "r1", "label": text("一")}, {"value": "r2", "label": text("二")}]
    assert (matrix["type"], matrix["rows"], matrix["required"]) == ("matrix", rows, True)
    assert matrix["options"] == YES_NO
    assert note["visible_if"] == {"question": "t.r1", "in": ["no"]}


def test_a_table_of_anything_else_is_asked_one_by_one() -> None:
    table = [NEW_TABLE[0], NEW_TABLE[1], ["text", "x", "文", "", ""], NEW_TABLE[3]]
    found = taken(questions(*table, headers="type name label appearance required"), LISTS[:3])
    assert [one.type for one in found.draft.questions] == ["single_choice", "text"]
    assert places(found) == [("survey", 2, "D (appearance)")]


def test_texts_are_taken_in_every_language_whatever_its_header_looks_like() -> None:
    headers = [
        "type",
        "name",
        "label::中文（zh-CN）",
        "label::English (en)",
        "Label::ug",
        "hint::中文",
    ]
    survey = [headers, ["text", "q", "问", "Ask", "سوئال", "提示"]]
    settings = [["form_title", "default_language"], ["问卷", "中文 (zh-CN)"]]
    draft = taken(survey, settings=settings).draft
    assert draft.title == {"zh-CN": "问卷"}
    assert draft.questions[0].label == {"zh-CN": "问", "en": "Ask", "ug": "سوئال"}
    assert draft.questions[0].hint == {"zh-CN": "提示"}


@pytest.mark.parametrize(
    ("header", "default", "expected"),
    [
        ("label", "", "zh-CN"),
        ("label", "English (en)", "en"),
        ("label::English (en)", "", "en"),
        ("label::Español (es)", "es", "es"),
        ("label:Français", "", "fr"),
        ("caption", "ZH_CN", "zh-CN"),
    ],
)
def test_the_default_language_is_what_the_form_says_or_shows(
    header: str, default: str, expected: str
) -> None:
    settings = [["form_title", "default_language"], ["T", default]]
    draft = taken([["type", "name", header], ["text", "q", "?"]], settings=settings).draft
    assert draft.default_locale == expected
    assert draft.questions[0].label == {expected: "?"}
    assert draft.title == {expected: "T"}


def test_numbers_and_truth_values_in_cells_are_read_as_they_look() -> None:
    lists: list[Line] = [LISTS[0], ["n", 1, "一"], ["n", 2.0, 2]]
    survey: list[Line] = [["type", "name", "label", "required"], ["select_one n", "q", 7, True]]
    [question] = made(survey, lists)
    assert [one["value"] for one in question["options"]] == ["1", "2"]
    assert (question["label"], question["required"]) == (text("7"), True)
    assert question["options"][1]["label"] == text("2")


def test_what_we_have_more_than_xlsform_stands_in_columns_of_our_own() -> None:
    lists = [
        ["list_name", "name", "label", "xinsheng_counts_as", "Xinsheng exclusive"],
        ["s", "good", "好", "positive", ""],
        ["s", "bad", "差", "negative", "yes"],
    ]
    headers = "type name label xinsheng_indicator xinsheng_measure"
    rows = [["select_one s", "q", "问", "yes", ""], ["integer", "n", "数", "", "分钟"]]
    settings = [["form_title", "xinsheng_title::en", "xinsheng_consent"], ["问", "Q", "同意"]]
    draft = taken(questions(*rows, headers=headers), lists, settings=settings).draft
    question, number = draft.model_dump(mode="json")["questions"]
    assert question["indicator"] is True
    assert [one["counts_as"] for one in question["options"]] == ["positive", "negative"]
    assert question["options"][1]["exclusive"] is True
    assert number["measure"] == text("分钟")
    assert (draft.title, draft.consent) == ({"en": "Q", "zh-CN": "问"}, text("同意"))
