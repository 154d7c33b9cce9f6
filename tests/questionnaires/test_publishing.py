"""What keeps a draft from being published."""

from typing import Any

import pytest

from app.questionnaires.faults import MAX_BYTES, MESSAGES
from app.questionnaires.publishing import missing_translations, refusals
from app.questionnaires.schemas import Definition
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

NOTE = question("n", "note")
Q = single("q", "a", "b")
ENGLISH = {"en": "x"}
BARE = question("q", "single_choice")
PAGE_EN = {"p": {"title": ENGLISH}}
VOTES = [option("yes", counts_as="positive"), option("no")]


def refused(body: Json) -> set[tuple[str, str]]:
    return {(one.pointer, one.code) for one in refusals(Definition.model_validate(body))}


REFUSED: list[tuple[str, str, Json]] = [
    ("no_questions", "/questions", draft()),
    ("no_questions", "/questions", draft(NOTE)),
    (
        "too_much_text",
        "/questions",
        draft(*(question(f"q{number}", "text", max_length=5000) for number in range(5))),
    ),
    (
        "too_many_options",
        "/questions",
        draft(*(question(f"q{number}", "rating", min=1, max=100) for number in range(51))),
    ),
    ("default_locale_missing", "/title", draft(Q, title=ENGLISH)),
    ("default_locale_missing", "/intro", draft(Q, intro=ENGLISH)),
    ("default_locale_missing", "/consent", draft(Q, consent=ENGLISH)),
    ("default_locale_missing", "/thanks", draft(Q, thanks=ENGLISH)),
    ("default_locale_missing", "/title", draft(Q, default_locale="en")),
    ("default_locale_missing", "/questions/0/label", draft({**Q, "label": ENGLISH})),
    ("default_locale_missing", "/questions/0/hint", draft({**Q, "hint": ENGLISH})),
    (
        "default_locale_missing",
        "/questions/0/options/0/label",
        draft({**BARE, "options": [{"value": "a", "label": ENGLISH}]}),
    ),
    (
        "default_locale_missing",
        "/scales/s/0/label",
        draft(Q, scales={"s": [{"value": "a", "label": ENGLISH}]}),
    ),
    ("duplicate_code", "/questions/1/code", draft(Q, Q)),
    ("duplicate_code", "/questions/1/code", draft(Q, question("q", "note"))),
    ("reserved_dot", "/questions/0/code", draft(single("q.row"))),
    (
        "split_page",
        "/questions/2/page",
        draft(single("x", page="1"), single("y", page="2"), single("z", page="1")),
    ),
    ("split_page", "/questions/2/page", draft(single("x", page="1"), Q, single("z", page="1"))),
    ("duplicate_value", "/questions/0/options/2/value", draft(single("q", "a", "b", "a"))),
    ("duplicate_value", "/scales/s/1/value", draft(Q, scales={"s": options("a", "a")})),
    ("scale_or_options", "/questions/0", draft(BARE)),
    ("scale_or_options", "/questions/0", draft({**Q, "scale": "s"}, scales={"s": options("a")})),
    ("unknown_scale", "/questions/0/scale", draft({**BARE, "scale": "s"})),
    (
        "counts_as_missing",
        "/scales/s/1/counts_as",
        draft({**BARE, "scale": "s", "indicator": True}, scales={"s": VOTES}),
    ),
    (
        "counts_as_missing",
        "/questions/0/options/1/counts_as",
        draft({**BARE, "options": VOTES, "indicator": True}),
    ),
    ("too_many", "/questions/0/max_selected", draft(multiple("q", "a", "b", max_selected=3))),
    ("empty_range", "/questions/0/max", draft(question("q", "rating", min=5, max=5))),
    ("empty_range", "/questions/0/max", draft(question("q", "rating", min=6))),
    ("empty_range", "/questions/0/max", draft(question("q", "number", min=1.5, max=1))),
    ("default_locale_missing", "/pages/p/title", draft({**Q, "page": "p"}, pages=PAGE_EN)),
    (
        "default_locale_missing",
        "/questions/0/measure",
        draft(question("q", "number", measure=ENGLISH)),
    ),
    (
        "default_locale_missing",
        "/questions/0/rows/0/label",
        draft(matrix("q", rows=[{"value": "a", "label": ENGLISH}])),
    ),
    ("unknown_page", "/pages/q", draft(Q, pages={"q": {"title": text()}})),
    ("duplicate_value", "/questions/0/rows/1/value", draft(matrix("q", rows=options("a", "a")))),
    ("scale_or_options", "/questions/0", draft({**matrix("q"), "scale": "s"})),
    ("unknown_scale", "/questions/0/scale", draft(matrix("q", options=None, scale="nowhere"))),
    ("counts_as_missing", "/questions/0/options/0/counts_as", draft(matrix("q", indicator=True))),
    ("code_too_long", "/questions/0/code", draft(matrix("q" * 63))),
    (
        "code_too_long",
        "/questions/0/code",
        draft({**BARE, "code": "q" * 60, "options": [option("other", text_length=9)]}),
    ),
    (
        "too_much_text",
        "/questions",
        draft(
            *(
                {**BARE, "code": f"q{n}", "options": [option("other", text_length=500)]}
                for n in range(41)
            )
        ),
    ),
    (
        "too_many_options",
        "/questions",
        draft(*(matrix(f"q{n}", rows=options(*map(str, range(100)))) for n in range(26))),
    ),
    ("empty_range", "/questions/0/max", draft(question("q", "number", min=0.1, max=0.9, whole=1))),
    (
        "empty_range",
        "/questions/0/max",
        draft(question("q", "date", min="2026-09-02", max="2026-09-01")),
    ),
]


@pytest.mark.parametrize(("code", "pointer", "body"), REFUSED)
def test_a_fault_is_refused_with_its_place_and_nothing_else_is(
    code: str, pointer: str, body: Json
) -> None:
    assert (pointer, code) in refused(body)
    assert {found for _, found in refused(body)} == {code}


def test_a_definition_too_large_for_a_phone_is_refused_for_that_alone() -> None:
    filling = "满" * 1900
    body = draft(*(single(f"q{n}", hint=text(filling)) for n in range(60)), Q, Q)
    assert len(Definition.model_validate(body).model_dump_json().encode()) > MAX_BYTES
    assert refused(body) == {("", "too_large")}


def test_conditions_too_many_for_every_response_are_refused_for_that_alone() -> None:
    condition = {"all": [{"question": "q", "answered": True}] * 50}
    shown = [single(f"q{number}", visible_if=condition) for number in range(20)]
    assert refused(draft(Q, *shown)) == set()
    one_more = single("more", visible_if={"question": "q", "answered": True})
    assert refused(draft(Q, *shown, one_more, Q)) == {("/questions", "too_complex")}


EARLIER = {
    "one": single("e", "a", "b"),
    "many": multiple("e", "a", "b", "c"),
    "rating": question("e", "rating", min=0, max=10),
    "number": question("e", "number", min=0, max=600),
    "any number": question("e", "number"),
    "text": question("e", "text"),
    "note": question("e", "note"),
    "date": question("e", "date", min="2026-09-01"),
    "matrix": matrix("e"),
    "other": {**single("e"), "options": [option("a"), option("b", text_length=5)]},
    "alone": {**multiple("e"), "options": [option("a"), option("b", exclusive=True)]},
}
CONDITIONS: list[tuple[str, str, Json, str | None]] = [
    # kind of the earlier question, pointer below visible_if, the condition, what is wrong
    ("one", "", {"question": "e", "in": ["a"]}, None),
    ("one", "", {"question": "e", "not_in": ["a", "b"]}, None),
    ("one", "/in/1", {"question": "e", "in": ["a", "z"]}, "not_an_option"),
    ("one", "/not_in/0", {"question": "e", "not_in": ["z"]}, "not_an_option"),
    ("one", "/gte", {"question": "e", "gte": 1}, "wrong_comparison"),
    ("many", "", {"all": [{"question": "e", "in": ["a"]}, {"question": "e", "in": ["b"]}]}, None),
    ("many", "/lte", {"question": "e", "lte": 1}, "wrong_comparison"),
    (
        "many",
        "/all",
        {"all": [{"question": "e", "in": ["a"]}, {"question": "e", "not_in": ["a"]}]},
        "never_true",
    ),
    ("rating", "", {"question": "e", "in": ["0", 10]}, None),
    ("rating", "", {"question": "e", "gte": 9.5}, None),
    ("rating", "/in/0", {"question": "e", "in": [11]}, "not_an_option"),
    ("rating", "", {"question": "e", "gte": 10.5}, "never_true"),
    ("number", "", {"question": "e", "lte": 0}, None),
    ("number", "", {"question": "e", "lte": -1}, "never_true"),
    ("number", "/in", {"question": "e", "in": ["5"]}, "wrong_comparison"),
    (
        "number",
        "",
        {"all": [{"question": "e", "gte": 60}, {"question": "e", "lte": 60}]},
        None,
    ),
    (
        "number",
        "/not/all",
        {"not": {"all": [{"question": "e", "gte": 61}, {"question": "e", "lte": 60}]}},
        "never_true",
    ),
    ("any number", "", {"question": "e", "gte": 1e12}, None),
    ("any number", "", {"question": "e", "gte": 1e13}, "never_true"),
    ("text", "", {"question": "e", "answered": True}, None),
    ("text", "/not_in", {"question": "e", "not_in": ["x"]}, "wrong_comparison"),
    (
        "text",
        "/any/0/all",
        {
            "any": [
                {"all": [{"question": "e", "answered": yes} for yes in (True, False)]},
                {"question": "e", "answered": True},
            ]
        },
        "never_true",
    ),
    (
        "one",
        "/all",
        {"all": [{"question": "e", "in": ["a"]}, {"question": "e", "in": ["b"]}]},
        "never_true",
    ),
    ("one", "", {"any": [{"question": "e", "in": ["a"]}, {"question": "e", "in": ["b"]}]}, None),
    ("note", "/question", {"question": "e", "answered": True}, "not_answerable"),
    ("one", "/question", {"question": "then", "answered": True}, "not_earlier"),
    ("one", "/not/question", {"not": {"question": "last", "answered": True}}, "not_earlier"),
    (
        "one",
        "/all/1/question",
        {"all": [{"question": "e", "answered": True}, {"question": "x", "in": ["a"]}]},
        "unknown_question",
    ),
    ("date", "", {"question": "e", "gte": "2026-09-01"}, None),
    ("date", "", {"question": "e", "lte": "2026-08-31"}, "never_true"),
    ("date", "/gte", {"question": "e", "gte": 2026}, "wrong_comparison"),
    ("date", "/in", {"question": "e", "in": ["2026-09-01"]}, "wrong_comparison"),
    ("number", "/gte", {"question": "e", "gte": "2026-09-01"}, "wrong_comparison"),
    ("matrix", "", {"question": "e.a", "in": ["b"]}, None),
    ("matrix", "/in/0", {"question": "e.a", "in": ["z"]}, "not_an_option"),
    ("matrix", "/question", {"question": "e", "answered": True}, "row_needed"),
    ("matrix", "/question", {"question": "e.z", "answered": True}, "unknown_question"),
    ("other", "", {"question": "e.b", "answered": True}, None),
    ("other", "/question", {"question": "e.a", "answered": True}, "unknown_question"),
    (
        "alone",
        "/all",
        {"all": [{"question": "e", "in": ["a"]}, {"question": "e", "in": ["b"]}]},
        "never_true",
    ),
]


@pytest.mark.parametrize(("kind", "below", "condition", "fault"), CONDITIONS)
def test_a_condition_asks_earlier_questions_about_values_that_they_take(
    kind: str, below: str, condition: Json, fault: str | None
) -> None:
    body = draft(EARLIER[kind], single("then", visible_if=condition), single("last"))
    place = f"/questions/1/visible_if{below}"
    assert refused(body) == ({(place, fault)} if fault else set())


def test_every_message_is_tested_above() -> None:
    codes = {code for code, *_ in REFUSED} | {fault for *_, fault in CONDITIONS if fault}
    elsewhere = {"too_large", "too_complex", "never_asked"}
    assert codes | elsewhere == set(MESSAGES)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    body = draft(
        {**BARE, "scale": "nowhere"},
        single("x", "a", "a", visible_if={"question": "q", "in": ["whatever"]}),
        single("y", visible_if={"question": "x", "in": ["z"]}),
        single("x", visible_if={"question": "y", "gte": 3}, label=ENGLISH),
        scales={"s": options("a", "a")},
    )
    assert refused(body) == {
        ("/questions/0/scale", "unknown_scale"),
        ("/questions/1/options/1/value", "duplicate_value"),
        ("/questions/3/code", "duplicate_code"),
        ("/questions/3/label", "default_locale_missing"),
        ("/questions/3/visible_if/gte", "wrong_comparison"),
        ("/scales/s/1/value", "duplicate_value"),
    }


def test_a_fault_in_a_shared_scale_is_told_once() -> None:
    questions = (question(code, "single_choice", scale="s", indicator=True) for code in ("x", "y"))
    found = refusals(definition(*questions, scales={"s": VOTES}))
    assert [one.pointer for one in found] == ["/scales/s/1/counts_as"]


def test_good_questionnaires_of_every_type_are_not_refused() -> None:
    assert refused(EVERYTHING) == set()
    pages = [single(f"q{number}", page=page) for number, page in enumerate("1122")]
    assert refused(draft(NOTE, *pages, question("h", "number", min=1, max=1))) == set()


def test_missing_translations_are_pointed_at_and_no_reason_to_refuse() -> None:
    both: dict[str, Any] = {"zh-CN": "文", "en": "text"}
    body = draft(
        {**single("q", "a"), "label": both, "hint": text()},
        single("r", label={**both, "fr": "texte"}),
        title=both,
        intro=text(),
        scales={"s": [{"value": "x", "label": both}, option("y")]},
    )
    assert refused(body) == set()
    assert set(missing_translations(Definition.model_validate(body))) == {
        "/intro/en",
        "/questions/0/hint/en",
        "/questions/0/options/0/label/en",
        "/questions/1/options/0/label/en",
        "/questions/1/options/1/label/en",
        "/scales/s/1/label/en",
    }
