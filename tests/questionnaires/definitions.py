"""Questionnaires for tests: small parts by hand, whole ones and answers to them at random."""

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
    kind = draw(
        st.sampled_from(["single_choice", "multiple_choice", "rating", "number", "text", "note"])
    )
    asked = question(code, kind, required=draw(st.booleans()))
    if kind in ("single_choice", "multiple_choice"):
        asked["options"] = options(*draw(_VALUES))
    if kind == "multiple_choice":
        asked["max_selected"] = draw(st.integers(1, len(asked["options"])))
    if kind == "rating":
        asked["min"] = draw(st.integers(-100, 99))
        asked["max"] = draw(st.integers(asked["min"] + 1, 100))
    if kind == "number":
        asked["min"], asked["max"] = sorted(draw(st.tuples(_NUMBERS, _NUMBERS)))
    return asked


_NUMBERS = st.floats(-1e12, 1e12) | st.integers(-(10**12), 10**12)


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
        bound = st.floats(asked["min"], asked["max"])
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
        earlier = [one for one in questions if one["type"] != "note"]
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
            values = st.sampled_from([one["value"] for one in asked["options"]])
            return st.none() | st.lists(values, max_size=asked["max_selected"], unique=True)
        case "rating":
            return st.none() | st.integers(asked["min"], asked["max"])
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
    return st.fixed_dictionaries(
        {},
        optional={
            one["code"]: an_answer(one) for one in body["questions"] if one["type"] != "note"
        },
    )
