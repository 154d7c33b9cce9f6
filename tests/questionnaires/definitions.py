"""Questionnaires for tests: small parts by hand, whole ones and answers to them at random."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from app.questionnaires.schemas import Definition

Json = dict[str, Any]


def text(words: str = "文字") -> dict[str, str]:
    """A text in the default language."""
    return {"zh-CN": words}


def option(value: str, **fields: Any) -> Json:
    return {"value": value, "label": text(value), **fields}


def options(*values: str) -> list[Json]:
    return [option(value) for value in values]


def question(code: str, kind: str, **fields: Any) -> Json:
    return {"code": code, "type": kind, "label": text(code), **fields}


def single(code: str, *values: str, **fields: Any) -> Json:
    return question(code, "single_choice", options=options(*(values or ("a", "b"))), **fields)


def multiple(code: str, *values: str, **fields: Any) -> Json:
    return question(code, "multiple_choice", options=options(*(values or "abc")), **fields)


def matrix(code: str, **fields: Any) -> Json:
    return question(
        code, "matrix", **{"rows": options("a", "b"), "options": options("a", "b"), **fields}
    )


def draft(*questions: Json, **fields: Any) -> Json:
    """A questionnaire's body of these questions."""
    return {"title": text("问卷"), "questions": list(questions), **fields}


def definition(*questions: Json, **fields: Any) -> Definition:
    return Definition.model_validate(draft(*questions, **fields))


EVERYTHING: Json = draft(
    single("overall", "satisfied", "dissatisfied", required=True),
    multiple("improve", "food", "safety", "homework", "sport", max_selected=3),
    question("score", "rating", min=0, max=10),
    question("homework", "number", min=0, max=600),
    question("read_this", "note"),
    question(
        "comment",
        "text",
        max_length=10,
        visible_if={"question": "overall", "in": ["dissatisfied"]},
    ),
)
"""One question of every type."""

# Values that also sort and nest oddly, so that nothing leans on their order or their look.
_VALUES = st.lists(
    st.from_regex(r"[A-Za-z0-9._-]{1,3}", fullmatch=True), min_size=1, max_size=30, unique=True
)


@st.composite
def _questions(draw: st.DrawFn, code: str) -> Json:
    kind = draw(st.sampled_from(_KINDS))
    asked = question(code, kind, required=draw(st.booleans()))
    if kind in ("single_choice", "multiple_choice", "matrix"):
        asked["options"] = options(*draw(_VALUES))
    if kind == "matrix":
        asked["rows"] = options(*draw(st.sampled_from([("1",), ("b", "a"), ("x", "-", ".")])))
    elif "options" in asked:
        for number in draw(_FEW):
            asked["options"][number % len(asked["options"])]["text_length"] = 20
    if kind == "multiple_choice":
        asked["max_selected"] = draw(st.integers(1, len(asked["options"])))
        for number in draw(_FEW):
            asked["options"][number % len(asked["options"])]["exclusive"] = True
    if kind == "date":
        asked["min"], asked["max"] = sorted(draw(st.tuples(_DAYS, _DAYS)))
    if kind == "rating":
        asked["min"] = draw(st.integers(-100, 99))
        asked["max"] = draw(st.integers(asked["min"] + 1, 100))
    if kind == "number":
        asked["min"], asked["max"] = sorted(draw(st.tuples(_NUMBERS, _NUMBERS)))
    return asked


_FEW = st.sampled_from([(), (), (0,), (7,), (1, 2)])
_KINDS = [
    "single_choice",
    "multiple_choice",
    "rating",
    "number",
    "date",
    "text",
    "matrix",
    "note",
]
_DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(date.isoformat)
_NUMBERS = st.floats(-1e12, 1e12) | st.integers(-(10**12), 10**12)


def parts(asked: Json) -> list[Json]:
    """What takes an answer of a question: a matrix's rows, a choice and the texts beside it."""
    if asked["type"] == "note":
        return []
    if asked["type"] == "matrix":
        row = {name: value for name, value in asked.items() if name not in ("rows", "type")}
        codes = (f"{asked['code']}.{one['value']}" for one in asked["rows"])
        return [{**row, "type": "single_choice", "code": code} for code in codes]
    texts = [
        question(f"{asked['code']}.{one['value']}", "text", of=asked["code"], option=one["value"])
        for one in asked.get("options", [])
        if "text_length" in one
    ]
    return [asked, *texts]


def _condition(asked: Json) -> st.SearchStrategy[Json]:
    code = asked["code"]
    answered = st.booleans().map(lambda wanted: {"question": code, "answered": wanted})
    if "options" in asked:
        some = st.lists(
            st.sampled_from([one["value"] for one in asked["options"]]), min_size=1, max_size=3
        )
        return answered | st.sampled_from(["in", "not_in"]).flatmap(
            lambda name: some.map(lambda values: {"question": code, name: values})
        )
    if "min" in asked:
        bound: st.SearchStrategy[Any] = (
            st.floats(asked["min"], asked["max"])
            if (asked["type"] != "date")
            else st.sampled_from([asked["min"], asked["max"]])
        )
        return answered | bound.map(lambda least: {"question": code, "gte": least})
    return answered


@st.composite
def _conditions(draw: st.DrawFn, earlier: list[Json]) -> Json:
    leaf = st.sampled_from(earlier).flatmap(_condition)
    return draw(
        st.recursive(
            leaf,
            lambda inner: (
                st.lists(inner, min_size=1, max_size=3).map(lambda all_of: {"all": all_of})
                | st.lists(inner, min_size=1, max_size=3).map(lambda any_of: {"any": any_of})
                | inner.map(lambda not_: {"not": not_})
            ),
            max_leaves=4,
        )
    )


@st.composite
def drafts(draw: st.DrawFn) -> Json:
    """Questionnaires of a few questions of all types, with conditions upon earlier ones."""
    questions: list[Json] = []
    for number in range(draw(st.integers(1, 8))):
        asked = draw(_questions(f"q{number}"))
        earlier = [part for one in questions for part in parts(one)]
        conditional: bool = draw(st.booleans())
        if earlier and conditional:
            asked["visible_if"] = draw(_conditions(earlier))
        questions.append(asked)
    return draft(*questions)


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20)


def an_answer(asked: Json) -> st.SearchStrategy[Any]:
    """Valid answers to a question, in whatever form they may come; None too."""
    match asked["type"]:
        case "single_choice":
            return st.none() | st.sampled_from([one["value"] for one in asked["options"]])
        case "multiple_choice":
            values = [one["value"] for one in asked["options"] if not one.get("exclusive")]
            alone = [[one["value"]] for one in asked["options"] if one.get("exclusive")]
            some = st.lists(st.sampled_from(values), max_size=asked["max_selected"], unique=True)
            either = [st.none(), *([some] if values else []), *map(st.just, alone)]
            return st.one_of(either)
        case "rating":
            return st.none() | st.integers(asked["min"], asked["max"])
        case "date":
            first, last = (date.fromisoformat(asked[name]) for name in ("min", "max"))
            return st.none() | st.dates(first, last).map(date.isoformat)
        case "number":
            return st.none() | st.floats(asked["min"], asked["max"])
        case "text":
            lines = st.lists(_TEXTS, max_size=3)
            return st.none() | st.sampled_from(["\n", "\r\n", "\r", " "]).flatmap(
                lambda between: lines.map(between.join)
            )
    raise AssertionError("a note takes no answer")


def answers_to(body: Json) -> st.SearchStrategy[Json]:
    """Valid answers to a questionnaire, but for required and hidden questions."""
    each = [part for one in body["questions"] for part in parts(one)]
    return st.fixed_dictionaries({}, optional={one["code"]: an_answer(one) for one in each})
