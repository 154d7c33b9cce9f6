"""The view that spells responses out, for people who look into the database."""

import json
import random
import uuid
from typing import Any

from app.core.database import Database
from app.questionnaires.schemas import Definition
from app.questionnaires.validator import Validator
from tests.factories import Api, invitations, open_campaign, tree
from tests.results.ledger import DEFINITIONS, publish, random_answers


async def readable(api: Api) -> dict[str, dict[str, Any]]:
    database: Database = api.app.state.database
    rows = await database.pool.fetch("SELECT * FROM readable_responses")
    return {
        str(row["submission_id"]): {**row, "answers": json.loads(row["answers"] or "{}")}
        for row in rows
    }


async def test_it_shows_every_answer_under_its_code_as_it_was_given(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    dice = random.Random(7)
    sent: dict[str, tuple[str, dict[str, Any]]] = {}
    for population, definition in DEFINITIONS.items():
        validator = Validator(Definition.model_validate(definition))
        for token in await invitations(admin, 10, population=population):
            submission_id = str(uuid.uuid4())
            answers = random_answers(dice, population)
            sent[submission_id] = population, validator.decode(validator.encode(answers))
            body = {"submission_id": submission_id, "answers": answers}
            await admin.made("POST", f"/v1/invitations/{token}/responses", body)
    shown = await readable(admin)
    assert {name: (row["population"], row["answers"]) for name, row in shown.items()} == sent
    assert {row["campaign"] for row in shown.values()} == {"C"}
    assert {row["unit"] for row in shown.values()} == {"A1"}
    assert {row["channel"] for row in shown.values()} == {"invitation"}
    assert {row["withdrawn"] for row in shown.values()} == {False}


async def test_it_shows_the_last_word_on_each(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    [token] = await invitations(admin, 1)
    name, answers = str(uuid.uuid4()), {"comment": "好", "hours": 2.5}
    body = {"submission_id": name, "answers": answers}
    reply = await admin.made("POST", f"/v1/invitations/{token}/responses", body)
    assert (await readable(admin))[name]["answers"] == answers
    await admin.made("POST", "/v1/receipts/withdraw", {"receipt": reply["receipt"]})
    [row] = (await readable(admin)).values()
    assert row["withdrawn"]
    assert row["sequence"] == 1
