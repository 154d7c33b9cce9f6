"""Definitions written as XLSForms make the same definitions again; pyxform takes each of them."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyxform.xls2xform import convert

from app.questionnaires import queries
from app.questionnaires.problems import XlsformNotWritable
from app.questionnaires.publishing import refusals
from app.questionnaires.schemas import Definition, QuestionnaireIn
from app.questionnaires.xlsform.reading import draft_of
from app.questionnaires.xlsform.writing import xlsform_of
from tests.questionnaires.definitions import (
    EVERYTHING,
    Json,
    definition,
    draft,
    drafts,
    matrix,
    multiple,
    options,
    question,
    single,
    text,
)

SHIPPED = [
    path.read_text("utf-8")
    for path in Path(queries.__file__).with_name("definitions").glob("*.json")
]
BESIDE = set(QuestionnaireIn.model_fields) - set(Definition.model_fields)
LOCALES = ["zh-CN", "en", "ug", "zh-cn", "fr-Latn-CA"]
WORDS = st.one_of(
    st.sampled_from(["=1+1", "a_x000D_b", "a\r\nb\tc", "<b>&\"'</b>", "'", "1", "TRUE", "\uffff"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=9),
).map(lambda words: f"文{words}。")
TEXTS = st.dictionaries(st.sampled_from(LOCALES), WORDS, max_size=3).flatmap(
    lambda texts: WORDS.map(lambda words: {"zh-CN": words, **texts})
)


def same(body: Json) -> bytes:
    """Write it and read it again, which must lose nothing; returns the file."""
    wanted = Definition.model_validate(body)
    file = xlsform_of(wanted, "code", 3)
    found = draft_of(file, "code")
    assert found.draft.model_dump(mode="json", by_alias=True, exclude=BESIDE) == wanted.model_dump(
        mode="json", by_alias=True
    )
    assert [
        line for line in found.report.not_taken if "Answers are not put" not in line.message
    ] == []
    assert found.report.taken == len(wanted.questions)
    return file


def taken_by_pyxform(file: bytes) -> str:
    """The XForm that pyxform makes. Errors: whatever it has against the file."""
    return str(convert(io.BytesIO(file), file_type=".xlsx", validate=False).xform)


@st.composite
def dressed(draw: st.DrawFn) -> Json:
    """Questionnaires with all that `drafts` leaves out."""
    body: Json = draw(drafts())
    body["title"] = draw(TEXTS)
    for name in draw(st.sets(st.sampled_from(["intro", "consent", "thanks"]))):
        body[name] = draw(TEXTS)
    scales: list[str] = draw(st.sampled_from([[], ["s"], ["s0", "s1", "-.9"]]))
    body["scales"] = {name: draw(_options()) for name in scales}
    page, pages = None, {}
    for number, one in enumerate(body["questions"]):
        one["label"] = draw(TEXTS)
        if draw(st.booleans()):
            one["hint"] = draw(TEXTS)
        page = draw(st.sampled_from([page, f"{number}p"]))
        if page is not None:
            one["page"] = page
            pages[page] = draw(st.fixed_dictionaries({"title": TEXTS}, optional={"intro": TEXTS}))
        if one["type"] == "number":
            one |= draw(st.sampled_from([{}, {"whole": True}, {"measure": text("分钟")}]))
        if one["type"] == "text":
            one["max_length"] = draw(st.integers(1, 500))
        if "options" in one:
            _dress_choice(draw, one, scales)
    body["pages"] = {code: one for code, one in pages.items() if draw(st.booleans())}
    return body


def _dress_choice(draw: st.DrawFn, one: Json, scales: list[str]) -> None:
    if one["type"] != "matrix":
        one["random_order"] = draw(st.booleans())
    if one["type"] != "multiple_choice":
        one["indicator"] = draw(st.booleans())
    shared: bool = draw(st.booleans())
    if scales and shared:
        one["scale"] = draw(st.sampled_from(scales))
        del one["options"]
        one.pop("max_selected", None)
    elif draw(st.booleans()):
        one["options"] = [one for one in one["options"] if one["value"] != "other"][:200]
        other = {"value": "other", "label": {"zh-CN": "其他"}, "text_length": 100}
        one["options"].append(other)


@st.composite
def _options(draw: st.DrawFn) -> list[Json]:
    found = []
    for one in options(*draw(st.sets(st.sampled_from(["a", "1", "-", "other"]), min_size=1))):
        one["label"] = draw(TEXTS)
        counts = st.sampled_from(["positive", "negative", "excluded"])
        one |= draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "counts_as": counts,
                    "exclusive": st.just(True),
                    "text_length": st.integers(1, 500),
                },
            )
        )
        found.append(one)
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=drafts())
def test_json_to_xlsform_to_json_is_the_identity(body: Json) -> None:
    taken_by_pyxform(same(body))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=dressed())
def test_it_is_so_with_scales_pages_languages_and_everything_else(body: Json) -> None:
    file = same(body)
    again = xlsform_of(draft_of(file, "code").draft, "code", 3)
    assert again == file
    # pyxform writes characters into XML that XML has not, and takes ${ for a reference everywhere.
    if not re.search("[\ufffe\uffff]|[$][{]", json.dumps(body, ensure_ascii=False)):
        taken_by_pyxform(file)


@pytest.mark.parametrize("body", [EVERYTHING, *map(json.loads, SHIPPED)])
def test_whole_questionnaires_come_back(body: Json) -> None:
    taken_by_pyxform(same(body))


def test_names_that_xml_does_not_take_come_back_all_the_same() -> None:
    body = draft(
        single("1", "a", "b"),
        single("_1", "a", "b"),
        single("Meta", "a"),
        single("A", "a"),
        single("a", "a", visible_if={"question": "1", "in": ["a"]}),
        matrix("-", rows=options("1", "A", "a")),
        question("meta", "note", visible_if={"question": "-.a", "not_in": ["b"]}),
    )
    form = taken_by_pyxform(same(body))
    assert "relevant=\" /data/_1  = 'a'\"" in form.replace("/code/", "/data/")


def test_conditions_that_xlsform_cannot_say_come_back_all_the_same() -> None:
    other = [*options("a"), {**options("b")[0], "text_length": 20}]
    conditions = [
        {"question": "one.b", "answered": True},
        {"not": {"question": "many", "in": ["a"]}},
        {"all": [{"question": "one", "answered": False}]},
        {"any": [{"question": "one", "in": ["a"]}, {"question": "one", "in": ["b"]}]},
        {"question": "rate", "in": [1, "2"]},
        {"question": "nobody", "answered": True},
        {"question": "dec", "gte": 1e-300},
        {"question": "dec", "gte": 1e300},
    ]
    notes = [question(f"n{n}", "note", visible_if=one) for n, one in enumerate(conditions)]
    before = [
        question("one", "single_choice", options=other),
        multiple("many"),
        question("rate", "rating"),
        question("dec", "number"),
    ]
    taken_by_pyxform(same(draft(*before, *notes)))


def test_the_largest_questionnaire_that_can_be_published_comes_back() -> None:
    values = [f"{number:064}" for number in range(200)]
    every = {"question": "q0", "in": values}
    rows = [single(f"q{number}", "a", "b", visible_if=every) for number in range(1, 5)]
    body = draft(multiple("q0", *values), *rows)
    body["questions"] += [matrix(f"m{n}", rows=options(*map(str, range(100)))) for n in range(20)]
    assert refusals(definition(*body["questions"])) == []
    same(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (draft(single("a"), single("a")), "/questions/1/code"),
        (draft(single("a", "x", "x")), "/questions/0/options/1/value"),
        (draft(question("a", "single_choice")), "/questions/0"),
        (draft(question("a", "single_choice", scale="s")), "/questions/0/scale"),
        (
            draft(*(question(f"q{n}", "note", page=p) for n, p in enumerate("aba"))),
            "/questions/2/page",
        ),
        (draft(single("a"), pages={"p": {"title": text()}}), "/pages/p"),
    ],
)
def test_a_draft_whose_rows_would_be_ambiguous_is_not_written(body: Json, expected: str) -> None:
    with pytest.raises(XlsformNotWritable) as refused:
        xlsform_of(Definition.model_validate(body), "code", None)
    assert [one.pointer for one in refused.value.errors] == [expected]


def test_a_draft_that_is_half_done_is_written() -> None:
    half = question("a", "text", visible_if={"question": "later", "answered": True})
    body = draft({**half, "label": {"en": "Only"}}, question("later", "note"))
    assert refusals(Definition.model_validate(body)) != []
    same(body)
    same(draft(half, scales={"unused": options("a")}, intro={"en": "x"}))
    same(draft(question("r", "rating", min=5, max=1), question("n", "number", min=5, max=1)))


def test_pyxform_is_loaded_by_the_first_file_and_not_by_the_server() -> None:
    code = "import sys, app.main; sys.exit('pyxform' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("bound", [5e-324, -1.7976931348623157e-300, 0.1, 123456789012.34567])
def test_every_number_comes_back_to_its_last_digit(bound: float) -> None:
    after = question("n", "note", visible_if={"question": "d", "gte": bound})
    taken_by_pyxform(same(draft(question("d", "number", min=bound, max=1e12), after)))
