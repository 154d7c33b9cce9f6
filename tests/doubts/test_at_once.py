"""Answering, flagging, voiding, restoring, withdrawing and revising, all at once."""

import asyncio
import random
import uuid
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.counts.folding import fold
from app.doubts import voiding
from app.questionnaires.validator import Encoded
from app.responses import ledger
from app.responses.submission import Outcome, Submission
from app.responses.tables import Cause, Channel
from tests.doubts.crowds import database_of, differences, judged, publish
from tests.factories import Api, invitations, link, open_campaign, revision, submission, tree
from tests.telephone.deliveries import delivered, interview

WHY = {"reason": "x"}
FREE = {200, 201, 409, 410}
"""What may be said to whoever answers or withdraws meanwhile."""


async def batch_of(api: Api) -> int:
    found: int = (await api.made("GET", "/v1/campaigns/C/invitations"))["items"][-1]["batch"]
    return found


async def counted(api: Api, batch: int) -> int:
    found: int = await database_of(api).pool.fetchval(
        "SELECT coalesce(sum(sign), 0)::int FROM responses WHERE channel = 3 AND origin_id = $1",
        batch,
    )
    return found


async def test_a_batch_that_is_answered_at_full_speed_is_voided_whole(ready: Api) -> None:
    tokens = await invitations(ready, 150) + await invitations(ready, 50)
    batches = (await ready.made("GET", "/v1/campaigns/C/invitations"))["items"]
    await invitations(ready, 200, "A2")
    batch = int(batches[0]["batch"])
    accepted: list[str] = []
    begun, waiting = asyncio.Event(), list(tokens[:150])

    async def parent() -> None:
        while waiting:
            url = f"/v1/invitations/{waiting.pop()}/responses"
            reply = await ready.post(url, submission())
            assert reply.status_code in (201, 410)
            if reply.status_code == 201:
                accepted.append(reply.json()["receipt"])
            if len(accepted) >= 40:
                begun.set()

    async def bureau() -> Any:
        await begun.wait()
        return await ready.made("POST", f"/v1/campaigns/C/invitations/{batch}/void", WHY)

    made, *_ = await asyncio.gather(bureau(), *(parent() for _ in range(64)))
    assert made["finished"]
    assert made["responses"] == len(accepted)
    assert await counted(ready, batch) == 0
    for receipt in accepted:
        arrival = await ready.made("POST", "/v1/receipts/read", {"receipt": receipt})
        assert arrival["status"] == "voided"
    assert await database_of(ready).pool.fetchval("SELECT count(*) FROM claims") == 0
    assert await differences(ready) == []


async def test_an_answer_that_is_being_stored_as_its_batch_is_voided_counts_no_more(
    ready: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It found the batch in force, and commits when everything else is voided."""
    monkeypatch.setattr(voiding, "CARRYING_OUT_SECONDS", 0.5)
    await invitations(ready, 1)
    batch = await batch_of(ready)
    late = Submission(
        campaign_id=1,
        revision=await revision(ready),
        submission_id=uuid.uuid4(),
        unit_id=await database_of(ready).pool.fetchval("SELECT id FROM units WHERE code = 'A1'"),
        population=0,
        channel=Channel.invitation,
        origin_id=batch,
        encoded=Encoded(answers=b"\1" * 6, numbers=None, texts=()),
        fingerprints=(b"x" * 16,),
        answered_at=clock.now(),
    )
    async with database_of(ready).pool.acquire() as connection, connection.transaction():
        assert await ledger.store(connection, [late]) == [Outcome.stored]
        url = f"/v1/campaigns/C/invitations/{batch}/void"
        assert not (await ready.made("POST", url, WHY))["finished"]
    assert await counted(ready, batch) == 1
    await voiding.carry_out_all(database_of(ready))
    assert await counted(ready, batch) == 0
    [shown] = (await ready.made("GET", "/v1/campaigns/C/voids"))["items"]
    assert (shown["responses"], shown["finished"]) == (1, True)


class Town:
    """People and bureaus who do whatever they may, in an order that the dice decide."""

    def __init__(self, api: Api, seed: int) -> None:
        self.api, self.dice = api, random.Random(seed)
        self.doors: list[str] = []
        self.devices: list[str] = []
        self.voidable: list[str] = []
        self.receipts: list[str] = []

    async def settle_in(self) -> None:
        for unit in ("A1", "A2", "B1"):
            tokens = await invitations(self.api, 20, unit)
            self.doors += [f"invitations/{token}" for token in tokens]
            self.voidable.append(f"campaigns/C/invitations/{await batch_of(self.api)}")
        for unit in ("A1", "A2", "B1", "A", "B"):
            # Whoever finds one voided goes to another.
            url = f"links/{await link(self.api, unit)}"
            self.doors += [url] * 20
            self.voidable.append(url)
        for _ in range(12):
            shown = await self.api.made("GET", f"/v1/{url}")
            self.devices.append(shown["device_proof"])

    async def live(self) -> None:
        """One of them does something."""
        deeds: list[Awaitable[Any]] = []
        for one, times in (
            (self._answer, 20),
            (self._withdraw, 3),
            (self._interview, 3),
            (self._judge, 2),
            (self._void, 2),
            (self._restore, 2),
            (self._fold, 1),
        ):
            deeds += [one() for _ in range(times)]
        self.dice.shuffle(deeds)
        await asyncio.gather(*deeds)

    async def _answer(self) -> None:
        given: dict[str, Any] = {f"q{number}": "satisfied" for number in range(4)}
        if self.dice.random() < 0.5:
            given["comment"] = f"第 {self.dice.random()} 条"
        seconds = self.dice.choice((1, 60, 61, 62))
        started = clock.now() - timedelta(seconds=seconds)
        device = self.dice.choice(self.devices)
        body = submission(answers=given, started_at=started.isoformat(), device_proof=device)
        reply = await self.api.post(f"/v1/{self.dice.choice(self.doors)}/responses", body)
        assert reply.status_code in FREE, reply.text
        if reply.is_success:
            self.receipts.append(reply.json()["receipt"])

    async def _withdraw(self) -> None:
        if self.receipts:
            receipt = {"receipt": self.dice.choice(self.receipts)}
            told = await self.api.made("POST", "/v1/receipts/withdraw", receipt)
            assert told["status"] in ("withdrawn", "replaced")

    async def _interview(self) -> None:
        name, number = f"V-{self.dice.randrange(4)}", self.dice.randrange(1, 50)
        value = self.dice.choice(("satisfied", "dissatisfied"))
        one = interview(
            name,
            revision=number,
            phone=f"+861380000{name[-1]}000",
            answers={"q0": value, "comment": f"第 {number} 次"},
            disposition="1.2",
        )
        await delivered(self.api, one)

    async def _judge(self) -> None:
        await judged(self.api, fast=self.dice.choice((0.3, 0.9, None)), least=3)

    async def _void(self) -> None:
        await self.api.made("POST", f"/v1/{self.dice.choice(self.voidable)}/void", WHY)

    async def _restore(self) -> None:
        url = f"/v1/{self.dice.choice(self.voidable)}/restore"
        assert (await self.api.post(url, WHY)).status_code in (200, 409)

    async def _fold(self) -> None:
        await fold(database_of(self.api), most=10)


_SOUND = {
    "a response counts once or not at all": """
        SELECT submission_id FROM responses GROUP BY 1 HAVING sum(sign) NOT IN (0, 1)
    """,
    "the sequence of a response has no gap": """
        SELECT submission_id FROM responses GROUP BY 1 HAVING max(sequence) + 1 <> count(*)
    """,
    "what counts holds its claim, and what does not holds none": """
        SELECT submission_id FROM responses FULL JOIN claims USING (campaign_id, submission_id)
        GROUP BY 1 HAVING (sum(sign) > 0) <> (count(fingerprint) > 0)
    """,
    "what is voided has its claim put aside, and nothing else has": """
        SELECT submission_id
        FROM (
            SELECT DISTINCT ON (submission_id) submission_id, cause = $1 AND sign < 0 AS voided
            FROM responses ORDER BY submission_id, sequence DESC
        ) AS last FULL JOIN (SELECT DISTINCT submission_id FROM voided_claims) AS aside
        USING (submission_id)
        WHERE coalesce(voided, false) <> (aside.submission_id IS NOT NULL)
    """,
    "what somebody wrote stands with what counts": """
        SELECT submission_id FROM readable_responses
        WHERE NOT withdrawn AND (answers ? 'comment') AND answers ->> 'comment' IS NULL
    """,
}


@pytest.mark.parametrize("seed", range(2))
async def test_the_ledger_is_sound_whatever_happens_at_once(admin: Api, seed: int) -> None:
    await tree(admin)
    population = await publish(admin, 4)
    await open_campaign(admin, populations={"parent": population})
    town = Town(admin, seed)
    await town.settle_in()
    for _ in range(4):
        await town.live()
    await voiding.carry_out_all(database_of(admin))
    pool = database_of(admin).pool
    for rule, broken in _SOUND.items():
        arguments = [Cause.voided] if "$1" in broken else []
        assert await pool.fetch(broken, *arguments) == [], rule
    assert await differences(admin) == []
    for one in (await admin.made("GET", "/v1/campaigns/C/voids"))["items"]:
        assert one["finished"]
        in_force = one["restored"] is None
        if in_force and one["batch"]:
            assert await counted(admin, one["batch"]) == 0
    [row] = (await admin.made("GET", "/v1/campaigns/C/results"))["rows"]
    assert row["respondents"] == await pool.fetchval("SELECT sum(sign) FROM responses")
