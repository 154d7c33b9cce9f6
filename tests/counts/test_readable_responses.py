"""The view that spells responses out, for people who look into the database."""

import json
import random
import uuid
from typing import Any

from app.core.database import Database
from app.questionnaires.schemas import Definition
from app.questionnaires.validator import Validator
from tests.factories import Api, invitations, open_campaign, tree
from tests.questionnaires.definitions import draft, matrix, multiple, option, question, single
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


async def test_it_spells_out_every_kind_of_question(admin: Api) -> None:
    await tree(admin)
    body = draft(
        question("level", "number", min=0.5),
        matrix("m", rows=[option("x"), option("y")]),
        {**single("why"), "options": [option("far"), option("other", text_length=9)]},
        question("born", "date"),
        {
            **multiple("few"),
            "options": [option("none", exclusive=True), option("o", text_length=9)],
        },
        question("comment", "text"),
    )
    await admin.made("PUT", "/v1/questionnaires/every", body)
    await admin.made("POST", "/v1/questionnaires/every/publish")
    asked = {"questionnaire": "every", "version": 1}
    await open_campaign(admin, populations={"parent": asked})
    answers = {
        "level": 1.5,
        "m.x": "b",
        "m.y": "a",
        "why": "other",
        "why.other": "远",
        "born": "2012-02-29",
        "few": ["o"],
        "few.o": "说",
        "comment": "好",
    }
    for given in (answers, {"m.y": "b", "born": "1900-01-01"}, {"few": ["none"], "comment": "无"}):
        [token] = await invitations(admin, 1)
        name = str(uuid.uuid4())
        sent = {"submission_id": name, "answers": given}
        await admin.made("POST", f"/v1/invitations/{token}/responses", sent)
        assert (await readable(admin))[name]["answers"] == given
    rows = (await admin.made("GET", "/v1/campaigns/C/results?by=question"))["rows"]
    counts = {row["question"]: row["counts"] for row in rows}
    assert counts["m.y"] == {"a": 1, "b": 1}
    assert counts["why"] == {"far": 0, "other": 1}


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
