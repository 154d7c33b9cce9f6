"""Layouts: counting stored answers by cells."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.questionnaires.layout import Layout, layout_of
from app.questionnaires.schemas import Definition
from app.questionnaires.validator import Encoded, Validator
from tests.questionnaires.definitions import (
    EVERYTHING,
    Json,
    answers_to,
    definition,
    drafts,
    option,
    parts,
    question,
)


def by_cell(layout: Layout, stored: list[Encoded]) -> list[int]:
    """What the database counts: for each cell, the responses that are in it."""
    return [
        sum(one.answers[cell.slot] & cell.mask == cell.value for one in stored)
        for cell in layout.cells
    ]


def counted_plainly(asked: Json, responses: list[Json]) -> dict[str, int]:
    """Votes, by looking at every answer."""
    if asked["type"] == "rating":
        votes = {str(value): 0 for value in range(asked["min"], asked["max"] + 1)}
    else:
        votes = {one["value"]: 0 for one in asked.get("options", [])}
    for response in responses:
        answer = response.get(asked["code"])
        for value in answer if isinstance(answer, list) else [answer]:
            if str(value) in votes and value is not None:
                votes[str(value)] += 1
    return votes


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_counts_by_cell_are_the_counts_of_the_answers(data: st.DataObject) -> None:
    body = data.draw(drafts())
    validator = Validator(Definition.model_validate(body))
    stored = [
        validator.encode(validator.asked(answers), require=False)
        for answers in data.draw(st.lists(answers_to(body), max_size=12))
    ]
    responses = [validator.decode(one) for one in stored]
    counted = by_cell(validator.layout, stored)
    questions = {part["code"]: part for one in body["questions"] for part in parts(one)}
    for place in validator.layout.places:
        expected = counted_plainly(questions[place.code], responses)
        assert place.counts(counted) == expected
        assert place.answered(counted) == sum(place.code in one for one in responses)


def test_places_stand_one_after_the_other_and_leave_notes_out() -> None:
    layout = layout_of(Definition.model_validate(EVERYTHING))
    assert [place.code for place in layout.places] == [
        "overall",
        "improve",
        "score",
        "homework",
        "comment",
    ]
    ends = [place.slot + place.size for place in layout.places]
    assert [place.slot for place in layout.places] == [0, *ends[:-1]]
    assert (layout.size, layout.numbers, layout.texts) == (ends[-1], 1, 1)
    ends = [place.first + len(place.cells) for place in layout.places]
    assert [place.first for place in layout.places] == [0, *ends[:-1]]
    assert len(layout.cells) == ends[-1]


def test_numbers_and_texts_have_positions_among_their_own_kind() -> None:
    layout = layout_of(
        definition(
            question("n0", "number"),
            question("t0", "text"),
            question("r", "rating"),
            question("n1", "number"),
            question("t1", "text"),
        )
    )
    assert {place.code: place.position for place in layout.places} == {
        "n0": 0,
        "t0": 0,
        "r": 0,
        "n1": 1,
        "t1": 1,
    }


def test_a_place_knows_what_its_options_count_as() -> None:
    scale = [option("good", counts_as="positive"), option("bad", counts_as="negative"), option("x")]
    layout = layout_of(
        definition(
            question("one", "single_choice", scale="s", indicator=True),
            question("many", "multiple_choice", scale="s"),
            scales={"s": scale},
        )
    )
    one, many = layout.places
    assert one.indicator
    assert not many.indicator
    assert dict(one.counts_as) == {"good": "positive", "bad": "negative"}
    assert one.values == many.values == ("good", "bad", "x")
