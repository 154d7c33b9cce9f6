"""Options in random order."""

import uuid
from collections import Counter
from uuid import UUID

from app.questionnaires.ordering import shuffled
from app.questionnaires.schemas import Option
from tests.questionnaires.definitions import option

OPTIONS = [
    Option.model_validate(one)
    for one in (
        option("a"),
        option("b"),
        option("c"),
        option("other", text_length=20),
        option("none", exclusive=True),
    )
]


def values(submission_id: UUID, code: str = "q") -> list[str]:
    return [one.value for one in shuffled(OPTIONS, submission_id, code)]


def test_every_order_comes_equally_often_and_the_last_stay_last() -> None:
    orders = Counter(tuple(values(uuid.UUID(int=number))) for number in range(6000))
    assert len(orders) == 6
    assert {order[3:] for order in orders} == {("other", "none")}
    assert all(800 < times < 1200 for times in orders.values())


def test_a_response_has_one_order_for_ever() -> None:
    submission_id = UUID("3b241101-e2bb-4255-8caf-4136c566a962")
    assert values(submission_id) == ["c", "a", "b", "other", "none"]
    assert values(submission_id) == values(submission_id)
    assert {tuple(values(submission_id, code)) for code in "pqrstuvw"} > {
        tuple(values(submission_id))
    }
