"""Answering over the API: once, exactly, with a reply that keeps its promise."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.database import Database
from tests.factories import (
    Api,
    answers,
    invitations,
    link,
    open_campaign,
    submission,
    tree,
)


async def rows(api: Api, table: str = "responses") -> int:
    """How many rows a table has."""
    database: Database = api.app.state.database
    count: int = await database.pool.fetchval(f"SELECT count(*) FROM {table}")
    return count


async def device(api: Api, code: str) -> str:
    """A device proof for a link."""
    return str((await api.made("GET", f"/v1/links/{code}"))["device_proof"])


def problem_of(reply: Any) -> str:
    """The slug of a problem document."""
    assert reply.headers["Content-Type"] == "application/problem+json", reply.text
    return str(reply.json()["type"].removeprefix("/problems/"))


async def test_an_invited_parent_answers_once_and_repeats_get_the_same_receipt(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    body = submission()
    first = await ready.post(f"/v1/invitations/{token}/responses", body)
    assert first.status_code == 201
    assert first.json()["status"] == "accepted"
    again = await ready.post(f"/v1/invitations/{token}/responses", body)
    assert again.status_code == 200
    assert again.json() == first.json()
    assert await rows(ready) == 1
    other = await ready.post(f"/v1/invitations/{token}/responses", submission("dissatisfied"))
    assert (other.status_code, problem_of(other)) == (409, "already-answered")
    assert await rows(ready) == 1


async def test_a_device_answers_once_and_a_stranger_not_at_all(ready: Api) -> None:
    code = await link(ready)
    proof = await device(ready, code)
    url = f"/v1/links/{code}/responses"
    assert (await ready.post(url, submission(device_proof=proof))).status_code == 201
    twice = await ready.post(url, submission(device_proof=proof))
    assert problem_of(twice) == "already-answered"
    for stranger in ({}, {"device_proof": "x" * 38}, {"device_proof": proof[:-1] + "!"}):
        reply = await ready.post(url, submission(**stranger))
        assert (reply.status_code, problem_of(reply)) == (401, "identity-required")
    assert await rows(ready) == 1


async def test_the_same_id_with_other_answers_is_a_conflict(ready: Api) -> None:
    first, second = await invitations(ready, 2)
    body = submission()
    await ready.made("POST", f"/v1/invitations/{first}/responses", body)
    changed = {**body, "answers": answers("dissatisfied")}
    for token in (first, second):
        reply = await ready.post(f"/v1/invitations/{token}/responses", changed)
        assert (reply.status_code, problem_of(reply)) == (409, "submission-conflict")
    # The refused one bound nothing: the second invitation is still good.
    assert await rows(ready, "claims") == 1
    fresh = await ready.post(f"/v1/invitations/{second}/responses", submission())
    assert fresh.status_code == 201


async def test_same_answers_means_the_canonical_form(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    body = submission(started_at=datetime.now(UTC).isoformat(), locale="en")
    await ready.made("POST", f"/v1/invitations/{token}/responses", body)
    again = {"submission_id": body["submission_id"].upper(), "answers": body["answers"]}
    assert (await ready.post(f"/v1/invitations/{token}/responses", again)).status_code == 200


async def test_a_repeat_is_recognised_before_identity_and_after_closing(ready: Api) -> None:
    code = await link(ready)
    body = submission(device_proof=await device(ready, code))
    stored = await ready.made("POST", f"/v1/links/{code}/responses", body)
    del body["device_proof"]
    without_proof = await ready.post(f"/v1/links/{code}/responses", body)
    assert (without_proof.status_code, without_proof.json()) == (200, stored)
    await ready.made("POST", "/v1/campaigns/C/close")
    late = await ready.post(f"/v1/links/{code}/responses", body)
    assert (late.status_code, late.json()) == (200, stored)
    new = await ready.post(f"/v1/links/{code}/responses", submission())
    assert (new.status_code, problem_of(new)) == (410, "closed")


async def test_changed_rules_hold_at_once_though_they_were_remembered(ready: Api) -> None:
    first, second, third = await invitations(ready, 3)
    await ready.made("POST", f"/v1/invitations/{first}/responses", submission())
    await ready.made("POST", "/v1/campaigns/C/close")
    refused = await ready.post(f"/v1/invitations/{second}/responses", submission())
    assert problem_of(refused) == "closed"
    await ready.made("POST", "/v1/campaigns/C/open")
    taken = await ready.post(f"/v1/invitations/{second}/responses", submission())
    assert taken.status_code == 201
    batches = await ready.made("GET", "/v1/campaigns/C/invitations")
    batch = batches["items"][0]["batch"]
    await ready.made("POST", f"/v1/campaigns/C/invitations/{batch}/revoke")
    revoked = await ready.post(f"/v1/invitations/{third}/responses", submission())
    assert (revoked.status_code, problem_of(revoked)) == (410, "link-revoked")


async def test_a_revoked_link_takes_nothing_more(ready: Api) -> None:
    code = await link(ready)
    proof = await device(ready, code)
    await ready.made("POST", f"/v1/links/{code}/responses", submission(device_proof=proof))
    await ready.made("POST", f"/v1/links/{code}/revoke")
    reply = await ready.post(
        f"/v1/links/{code}/responses", submission(device_proof=await device(ready, code))
    )
    assert (reply.status_code, problem_of(reply)) == (410, "link-revoked")


async def test_outside_the_window_nothing_is_taken(admin: Api) -> None:
    await tree(admin)
    now = datetime.now(UTC)
    early = {"opens_at": (now + timedelta(hours=1)).isoformat()}
    late = {"closes_at": (now - timedelta(minutes=1)).isoformat()}
    for code, window, status, slug in (
        ("E", early, 425, "not-open-yet"),
        ("L", late, 410, "closed"),
    ):
        await open_campaign(admin, code, **window)
        [token] = await invitations(admin, 1, campaign=code)
        reply = await admin.post(f"/v1/invitations/{token}/responses", submission())
        assert (reply.status_code, problem_of(reply)) == (status, slug)
    assert await rows(admin) == 0


async def test_every_wrong_answer_is_listed(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    wrong = answers(overall="splendid", ethics=1, teaching=None, nonsense="x")
    reply = await ready.post(
        f"/v1/invitations/{token}/responses",
        {"submission_id": str(uuid.uuid4()), "answers": wrong},
    )
    assert (reply.status_code, problem_of(reply)) == (422, "invalid-answers")
    found = {(error["pointer"], error["code"]) for error in reply.json()["errors"]}
    assert found == {
        ("/answers/overall", "not_an_option"),
        ("/answers/ethics", "wrong_type"),
        ("/answers/teaching", "required"),
        ("/answers/nonsense", "unknown_question"),
    }
    assert "splendid" not in reply.text
    assert await rows(ready) == await rows(ready, "claims") == 0


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"submission_id": "not-a-uuid"}, "/submission_id"),
        ({"submission_id": None}, "/submission_id"),
        ({"answers": []}, "/answers"),
        ({"answers": "x"}, "/answers"),
        ({"started_at": "yesterday"}, "/started_at"),
        ({"started_at": "2026-11-01T10:00:00"}, "/started_at"),
        ({"started_at": "99999-01-01T00:00:00Z"}, "/started_at"),
        ({"started_at": "0001-01-01T00:00:00Z"}, "/started_at"),
        ({"started_at": "9999-12-31T23:59:59Z"}, "/started_at"),
        ({"locale": "x" * 100}, "/locale"),
        ({"device_proof": 5}, "/device_proof"),
        ({"openid": "o-1"}, "/openid"),
    ],
)
async def test_a_wrong_envelope_names_the_field(
    ready: Api, change: dict[str, Any], pointer: str
) -> None:
    [token] = await invitations(ready, 1)
    reply = await ready.post(f"/v1/invitations/{token}/responses", {**submission(), **change})
    assert reply.status_code == 422
    assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]


async def test_missing_fields_are_all_named(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    reply = await ready.post(f"/v1/invitations/{token}/responses", {})
    pointers = [error["pointer"] for error in reply.json()["errors"]]
    assert pointers == ["/submission_id", "/answers"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{\x00}\x00",
        b"[" * 50_000,
        b'{"answers":' + b'{"a":' * 12_000,
        b'{"submission_id": "\xe9"}',
        b'{"submission_id": "\\ud800"}',
        b"\x00",
    ],
)
async def test_what_is_not_json_is_malformed(ready: Api, body: bytes) -> None:
    [token] = await invitations(ready, 1)
    reply = await ready.request("POST", f"/v1/invitations/{token}/responses", content=body)
    assert (reply.status_code, problem_of(reply)) == (400, "malformed")
    assert await rows(ready) == 0


async def test_a_text_with_nul_is_refused(ready: Api) -> None:
    await text_campaign(ready)
    [token] = await invitations(ready, 1, campaign="T")
    for text, code in (("a\x00b", "control_character"), ("x" * 501, "too_long"), (5, "wrong_type")):
        body = {"submission_id": str(uuid.uuid4()), "answers": {"comment": text}}
        reply = await ready.post(f"/v1/invitations/{token}/responses", body)
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["code"] == code
    assert await rows(ready) == 0


async def text_campaign(api: Api) -> None:
    """An open campaign T that asks for a number, several choices and a text."""
    zh = {"zh-CN": "…"}
    options = [{"value": value, "label": zh} for value in "abcdefghij"]
    await api.made(
        "PUT",
        "/v1/questionnaires/mixed",
        {
            "title": zh,
            "questions": [
                {"code": "improve", "type": "multiple_choice", "options": options, "label": zh},
                {"code": "homework", "type": "number", "min": 0, "max": 600, "label": zh},
                {"code": "comment", "type": "text", "label": zh},
            ],
        },
    )
    await api.made("POST", "/v1/questionnaires/mixed/publish")
    population = {"questionnaire": "mixed", "version": 1}
    await open_campaign(api, "T", populations={"parent": population})


async def test_numbers_texts_and_several_choices_are_stored_apart_and_compared(ready: Api) -> None:
    await text_campaign(ready)
    [token] = await invitations(ready, 1, campaign="T")
    url = f"/v1/invitations/{token}/responses"
    given = {"improve": ["j", "a"], "homework": 45.5, "comment": " 很好 \r\n谢谢 "}
    body = {"submission_id": str(uuid.uuid4()), "answers": given}
    await ready.made("POST", url, body)
    same = {**given, "improve": ["a", "j"], "comment": "很好 \n谢谢"}
    assert (await ready.post(url, {**body, "answers": same})).status_code == 200
    for change in ({"improve": ["a"]}, {"homework": 45}, {"comment": None}):
        reply = await ready.post(url, {**body, "answers": {**given, **change}})
        assert problem_of(reply) == "submission-conflict"
    database: Database = ready.app.state.database
    row = await database.pool.fetchrow("SELECT * FROM responses")
    assert row["answers"] == bytes([1, 0b00000001, 0b00000010, 1, 1])
    assert row["numbers"] == [45.5]
    assert await database.pool.fetchval("SELECT body FROM response_texts") == "很好 \n谢谢"


async def test_two_hundred_identical_at_once_make_one_row(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    body = submission()
    url = f"/v1/invitations/{token}/responses"
    replies = await asyncio.gather(*(ready.post(url, body) for _ in range(200)))
    assert sorted(reply.status_code for reply in replies) == [200] * 199 + [201]
    assert len({reply.json()["receipt"] for reply in replies}) == 1
    assert await rows(ready) == await rows(ready, "claims") == 1


async def test_two_hundred_different_ones_of_one_person_make_one_row(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    url = f"/v1/invitations/{token}/responses"
    replies = await asyncio.gather(*(ready.post(url, submission()) for _ in range(200)))
    assert sorted(reply.status_code for reply in replies) == [201] + [409] * 199
    assert {problem_of(reply) for reply in replies if reply.status_code == 409} == {
        "already-answered"
    }
    assert await rows(ready) == await rows(ready, "claims") == 1


async def test_one_id_of_two_hundred_persons_binds_one_of_them(ready: Api) -> None:
    tokens = await invitations(ready, 200)
    body = submission()
    replies = await asyncio.gather(
        *(ready.post(f"/v1/invitations/{token}/responses", body) for token in tokens)
    )
    # The same id with the same answers is a repeat, whoever sends it.
    assert sorted(reply.status_code for reply in replies) == [200] * 199 + [201]
    assert await rows(ready) == await rows(ready, "claims") == 1


async def test_with_keep_last_the_later_answer_takes_the_place(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, on_duplicate="keep_last")
    [token] = await invitations(admin, 1)
    url = f"/v1/invitations/{token}/responses"
    first = await admin.made("POST", url, submission("satisfied"))
    later = submission("dissatisfied")
    replaced = await admin.post(url, later)
    assert (replaced.status_code, replaced.json()["status"]) == (200, "replaced")
    again = await admin.post(url, later)
    assert (again.status_code, again.json()["status"]) == (200, "accepted")
    assert again.json()["receipt"] == replaced.json()["receipt"] != first["receipt"]


async def test_once_per_population_and_per_campaign(admin: Api) -> None:
    await tree(admin)
    for code, once_per, expected in (("P", "population", 201), ("Q", "campaign", 409)):
        await open_campaign(admin, code, once_per=once_per)
        as_parent = await link(admin, population="parent", campaign=code)
        as_teacher = await link(admin, population="teacher", campaign=code)
        proof = await device(admin, as_parent)
        body = submission(device_proof=proof)
        await admin.made("POST", f"/v1/links/{as_parent}/responses", body)
        second = submission(device_proof=proof)
        reply = await admin.post(f"/v1/links/{as_teacher}/responses", second)
        assert reply.status_code == expected


async def test_a_proof_that_the_campaign_does_not_admit_proves_nothing(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, identity=["invitation"])
    code = await link(admin)
    view = await admin.made("GET", f"/v1/links/{code}")
    assert view["device_proof"] is None
    await open_campaign(admin, "D")
    proof = await device(admin, await link(admin, campaign="D"))
    reply = await admin.post(f"/v1/links/{code}/responses", submission(device_proof=proof))
    assert problem_of(reply) == "identity-required"


async def test_unknown_links_and_invitations_are_not_found(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    flipped = ("B" if token[0] != "B" else "C") + token[1:]
    for url in (
        "/v1/links/nolink22/responses",
        "/v1/links/%00/responses",
        "/v1/links/校/responses",
        f"/v1/invitations/{flipped}/responses",
        "/v1/invitations/x/responses",
        "/v1/invitations/%E6%A0%A1/responses",
    ):
        reply = await ready.post(url, submission())
        assert (reply.status_code, problem_of(reply)) == (404, "not-found")


async def test_a_link_shows_what_it_asks_in_one_language_or_all(ready: Api) -> None:
    code = await link(ready)
    view = await ready.made("GET", f"/v1/links/{code}")
    assert view["campaign"]["code"] == "C"
    assert view["unit"] == {"code": "A1", "name": "A1学校"}
    assert (view["population"], view["state"]) == ("parent", "open")
    questions = view["questionnaire"]["questions"]
    assert questions[0]["code"] == "overall"
    assert set(questions[0]["label"]) == {"zh-CN", "en"}
    english = await ready.made("GET", f"/v1/links/{code}?locale=en")
    assert set(english["questionnaire"]["questions"][0]["label"]) == {"en"}
    unknown = await ready.made("GET", f"/v1/links/{code}?locale=fr")
    reply = await ready.get(f"/v1/links/{code}")
    assert reply.headers["Cache-Control"] == "no-store"
    assert set(unknown["questionnaire"]["title"]) == {"zh-CN"}


async def test_reading_a_link_writes_nothing(ready: Api) -> None:
    code = await link(ready)
    before = [await rows(ready, table) for table in ("responses", "claims", "audit_entries")]
    await ready.made("GET", f"/v1/links/{code}")
    after = [await rows(ready, table) for table in ("responses", "claims", "audit_entries")]
    assert before == after


async def test_a_wrong_clock_keeps_nobody_from_answering(ready: Api) -> None:
    tokens = await invitations(ready, 3)
    for token, year in zip(tokens, (1970, 2099, 2026), strict=True):
        started = f"{year}-11-01T10:00:00+08:00"
        reply = await ready.post(
            f"/v1/invitations/{token}/responses", submission(started_at=started)
        )
        assert reply.status_code == 201
