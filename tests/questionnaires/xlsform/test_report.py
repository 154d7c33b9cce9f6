"""What a form holds that the draft has no place for is told, cell by cell."""

import pytest

from tests.questionnaires.xlsform.workbooks import LISTS, Json, places, questions, taken

YN = LISTS[:3]


@pytest.mark.parametrize(
    "column",
    [
        "constraint_message",
        "required_message::English (en)",
        "calculation",
        "default",
        "read_only",
        "trigger",
        "choice_filter",
        "appearance",
        "media::image",
        "image",
        "audio::English (en)",
        "guidance_hint",
        "body::accuracyThreshold",
        "bind::type",
        "save_to",
        "repeat_count",
        "parameters",
        "my own remarks",
        "xinsheng_nonsense",
    ],
)
def test_a_column_that_is_not_taken_is_reported_by_its_cell(column: str) -> None:
    headers = ["type", "name", "label", column]
    found = taken([headers, ["text", "a", "?", "x=1"], ["text", "b", "?", ""]], [])
    assert found.report.taken == 2
    assert places(found) == [("survey", 2, f"D ({column})")]


@pytest.mark.parametrize(
    "kind",
    [
        *("geopoint", "geotrace", "image", "audio", "file", "barcode", "acknowledge", "rank yn"),
        *("time", "dateTime", "start", "today", "deviceid", "calculate", "hidden", "xml-external"),
        *("select_one_from_file a.csv", "select_one_external yn", "audit", "phone number", ""),
        *("background-audio", "percentage", "email", "osm", "select_multiple_from_file b.xml"),
    ],
)
def test_a_type_that_is_not_asked_is_reported_once_and_left_out(kind: str) -> None:
    row = [kind, "a", "?", "", ". > 1", "x"]
    found = taken(questions(row, ["text", "b", "?"], headers="type name label h constraint hint"))
    assert [one.code for one in found.draft.questions] == ["b"]
    survey = [one for one in places(found) if one[0] == "survey"]
    assert survey == [("survey", 2, "A (type)")]


def test_repeats_are_asked_once_and_nested_groups_stand_on_one_page() -> None:
    rows = [
        ["begin_repeat", "child", "孩子", ""],
        ["begin_group", "inner", "内", "w1"],
        ["text", "a", "?"],
        ["end_group"],
        ["end_repeat"],
    ]
    found = taken(questions(*rows, headers="type name label appearance"), [])
    assert [(one.code, one.page) for one in found.draft.questions] == [("a", "child")]
    assert places(found) == [
        ("survey", 2, "A (type)"),
        ("survey", 3, "C (label)"),
        ("survey", 3, "D (appearance)"),
    ]


def test_rows_of_a_table_have_nothing_of_their_own() -> None:
    headers = "type name label appearance required relevant hint constraint"
    rows = [
        ["begin_group", "t", "表", "table-list w2", "yes"],
        ["select_one yn", "r1", "一", "", "yes", "", "提示"],
        ["select_one yn", "r2", "二", "minimal", "", "${r1} = 'yes'", "", ". = 'yes'"],
        ["end_group"],
    ]
    found = taken(questions(*rows, headers=headers), YN)
    assert found.report.taken == 1
    assert sorted(places(found)) == [
        ("survey", 2, "D (appearance)"),
        ("survey", 2, "E (required)"),
        ("survey", 3, "E (required)"),
        ("survey", 3, "G (hint)"),
        ("survey", 4, "D (appearance)"),
        ("survey", 4, "F (relevant)"),
        ("survey", 4, "H (constraint)"),
    ]


@pytest.mark.parametrize(
    ("kind", "constraint"),
    [
        ("text", "regex(., '[0-9]+')"),
        ("text", "string-length(.) >= 5"),
        ("integer", ". != 5"),
        ("integer", ". >= 0 or . = -9"),
        ("decimal", ". > 0"),
        ("date", ". <= today()"),
        ("date", ". > date('9999-12-31')"),
        ("integer", ". > " + "9" * 5000 + "."),
        ("decimal", ". <= " + "9" * 5000),
        ("select_one yn", ". = 'yes'"),
        ("select_multiple yn", "count-selected(.) >= 2"),
        ("range", ". > 3"),
        ("note", ". > 3"),
    ],
)
def test_limits_that_are_not_understood_are_reported(kind: str, constraint: str) -> None:
    found = taken(questions([kind, "a", "?", "", constraint]), YN)
    survey = [one for one in places(found) if one[0] == "survey"]
    assert survey == [("survey", 2, "E (constraint)")]


def test_everything_else_that_is_not_taken_is_reported() -> None:
    headers = ["type", "name", "label", "label::Klingon", "required", "disabled", "parameters", ""]
    survey = [
        headers,
        ["select_one yn", "a", "你好 ${b}", "?", "${b} = 1", "no", "seed=1 randomize=true", "x"],
        ["text", "b", "", "", "", "", "rows=3"],
        ["text", "c", "?", "", "", "yes"],
    ]
    lists = [[*LISTS[0], "image"], [*LISTS[1], "yes.png"], ["yn", "no", ""], ["idle", "x", "?"]]
    settings = [["form_title", "style", "form_id"], ["T", "pages", "f"], ["U", "", ""]]
    found = taken(survey, lists, settings=settings, external_choices=[["list_name"], ["x"]])
    assert [one.code for one in found.draft.questions] == ["a", "b"]
    assert sorted(places(found)) == [
        ("choices", 2, "D (image)"),
        ("choices", 3, "C (label)"),
        ("choices", 4, "A (list_name)"),
        ("external_choices", 1, "A"),
        ("settings", 2, "B (style)"),
        ("settings", 3, "A (form_title)"),
        ("survey", 2, "C (label)"),
        ("survey", 2, "D (label::Klingon)"),
        ("survey", 2, "E (required)"),
        ("survey", 2, "G (parameters)"),
        ("survey", 2, "H"),
        ("survey", 3, "C (label)"),
        ("survey", 3, "G (parameters)"),
        ("survey", 4, "F (disabled)"),
    ]


def test_a_group_without_questions_is_no_page() -> None:
    rows = [["begin_group", "g", "组"], ["geopoint", "p", "?"], ["end_group"], ["note", "", "注"]]
    found = taken(questions(*rows), [])
    assert [one.code for one in found.draft.questions] == ["note_5"]
    assert found.draft.pages == {}
    assert places(found) == [("survey", 2, "A (type)"), ("survey", 3, "A (type)")]


def test_a_form_without_settings_is_named_by_its_code() -> None:
    found = taken(questions(["text", "a", "?"]), [], settings=[])
    assert found.draft.title == {"zh-CN": "form"}
    assert places(found) == [("settings", 1, "form_title")]


def test_the_report_is_cut_and_says_so() -> None:
    rows: list[list[str]] = [
        ["text", f"q{number}", "?", "a", "b", "c", "d"] for number in range(300)
    ]
    headers = "type name label default appearance trigger guidance_hint"
    report: Json = taken(questions(*rows, headers=headers), []).report.model_dump()
    assert (len(report["not_taken"]), report["not_listed"]) == (1000, 200)
    assert [one["row"] for one in report["not_taken"][:5]] == [2, 2, 2, 2, 3]
