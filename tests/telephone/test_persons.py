"""Persons whom an interview names by a number of the bureau's."""

import hmac

import msgspec

from app.questionnaires.schemas import Definition
from app.questionnaires.validator import Validator
from app.responses.directory import Population, Questionnaire
from app.telephone.items import Item, Seals
from app.telephone.schemas import read_interview
from tests.factories import Api, open_campaign, tree
from tests.results.ledger import PARENTS
from tests.telephone.deliveries import (
    ago,
    count,
    delivered,
    in_vain,
    interview,
    on_file,
    phone,
    pool,
    rejected,
    statuses,
)


async def test_one_external_id_is_one_person_whatever_the_phone(contractor: Api) -> None:
    same = {"external_id": "F-1"}
    await delivered(contractor, interview("V-1", **same), interview("V-2", **same))
    assert await on_file(contractor, "status") == [("counted",), ("already_answered",)]
    await delivered(contractor, interview("V-3", external_id="F-2"))
    assert await count(contractor) == 2


async def test_another_external_id_is_other_content(contractor: Api) -> None:
    first = interview(external_id="F-1")
    assert await statuses(contractor, first) == ["accepted"]
    assert await statuses(contractor, first) == ["replayed"]
    assert await statuses(contractor, {**first, "external_id": "F-2"}) == ["rejected"]
    assert await statuses(contractor, {**first, "external_id": "F-2", "revision": 2}) == ["updated"]
    stored = await pool(contractor).fetchval("SELECT string_agg(t::text, '') FROM interviews t")
    assert "F-1" not in stored
    assert "F-2" not in stored


async def test_an_external_id_is_a_code_and_no_name(contractor: Api) -> None:
    for wrong in ("王小明", "", "a b", "x" * 65, 7):
        kind, pointers = await rejected(contractor, interview(external_id=wrong, phone=phone()))
        assert (kind, pointers) == ("/problems/invalid-input", {"/interviews/1/external_id"})
        await pool(contractor).execute("TRUNCATE responses, claims, interviews")


async def test_of_a_child_no_external_id_is_taken(admin: Api) -> None:
    await tree(admin)
    asked = {"questionnaire": "satisfaction-six", "version": 1, "under_14": True}
    await open_campaign(admin, populations={"student": asked}, identity=["invitation"])
    contractor = await admin.as_client("interviews:write")
    named = in_vain(population="student", phone=None, external_id="S-1")
    reply = await delivered(contractor, named)
    [error] = reply["results"][0]["problem"]["errors"]
    assert (error["pointer"], error["code"]) == ("/interviews/0/external_id", "identifies_a_child")


def test_an_interview_without_one_is_the_same_as_before_there_were_any() -> None:
    sent = read_interview({**in_vain(), "started_at": None, "ended_at": ago(minutes=1)})
    definition = Definition.model_validate(PARENTS)
    asked = Questionnaire("q", 1, definition, Validator(definition))
    item = Item(sent, 3, Population(1, "parent", asked, False, 1), "+8613800000000", None)
    canonical = [3, 1, None, item.phone, None, sent.disposition, 2, None, None, sent.ended_at, None]
    key = hmac.digest(b"k" * 32, b"interviews/content", "sha256")
    expected = hmac.digest(key, msgspec.json.encode(canonical), "sha256")
    assert Seals(b"k" * 32).content(item) == expected


async def test_a_childs_number_is_one_however_it_is_spelled(contractor: Api) -> None:
    person = phone()
    spelled = [None, 1, "1", "01", 2, "2", " 02", "２", "大宝", "大宝"]
    items = [
        interview(f"V-{number}", phone=person, child=child) for number, child in enumerate(spelled)
    ]
    await delivered(contractor, *items)
    assert await count(contractor) == 3


async def test_full_width_digits_are_the_same_number(contractor: Api) -> None:
    items = [
        interview("V-1", phone="13912345678"),
        interview("V-2", phone="１３９１２３４５６７８"),
    ]
    await delivered(contractor, *items)
    assert await on_file(contractor, "status") == [("counted",), ("already_answered",)]
