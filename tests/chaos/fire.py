"""Exactness under fire: whoever reads while others write sees what was acknowledged, exactly."""

import asyncio
import dataclasses
import random
import time
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.ledger import assert_counts_are_the_rows, authorised
from tests.chaos.wire import Reply, Wire
from tests.factories import Api, invitations, open_campaign, submission, tree
from tests.processes import server
from tests.telephone.deliveries import in_vain, interview

WRITERS = 24
INTERVIEWERS = 2
READERS = 2
SCHOOLS = ("A1", "A2", "B1")
VALUES = ("satisfied", "basically_satisfied", "dissatisfied", "dont_know")
_TOKENS_A_SECOND = 1200
_DELIVERED_AT_ONCE = 10


@dataclass
class Book:
    """What those who write to one campaign know, at every moment."""

    sent: int = 0
    """Responses that were on their way, or arrived."""
    acknowledged: int = 0
    withdrawing: int = 0
    """Withdrawals that were on their way, or arrived."""
    withdrawn: int = 0
    standing: "Counter[tuple[str, str]]" = field(default_factory=Counter)
    """What should count when all is done, by school and answer."""


@dataclass
class Watched:
    """How much of everything came to pass."""

    responses: int = 0
    duplicates: int = 0
    second_answers_refused: int = 0
    withdrawals: int = 0
    replacements: int = 0
    interviews: int = 0
    revisions: int = 0
    busy: int = 0
    results_read: int = 0
    counted_at_the_end: int = 0

    def rows(self) -> list[tuple[str, int]]:
        """Names for people, and numbers."""
        return [(name.replace("_", " "), n) for name, n in dataclasses.asdict(self).items()]


class Fire:
    """A campaign C that keeps the first answer, K that keeps the last, and all who use them."""

    def __init__(self, base: str, token: str, seconds: float) -> None:
        self.base = base
        self.authorisation = {"Authorization": f"Bearer {token}"}
        self.ends_at = time.monotonic() + seconds
        self.tokens: dict[str, list[tuple[str, str]]] = {}
        self.books = {"C": Book(), "K": Book()}
        self.watched = Watched()
        self.chance = random.Random(20261122)

    @property
    def burns(self) -> bool:
        """Whether it goes on."""
        return time.monotonic() < self.ends_at

    async def _ask(self, wire: Wire, path: str, body: Any, **headers: str) -> Reply:
        """A POST, sent again while the server is busy."""
        while True:
            reply = await wire.ask("POST", path, body, headers)
            if reply.status != 503:
                return reply
            self.watched.busy += 1
            await asyncio.sleep(0.05)

    async def _answer(self, wires: list[Wire], token: str, body: Any) -> list[Reply]:
        """The same response by all these connections at once."""
        path = f"/v1/invitations/{token}/responses"
        return await asyncio.gather(*(self._ask(wire, path, body) for wire in wires))

    async def answering_once(self) -> None:
        """People of C: some send twice, some try a second answer, some withdraw."""
        wires = [await Wire.open(self.base) for _ in range(2)]
        while self.burns and self.tokens["C"]:
            token, school = self.tokens["C"].pop()
            receipt, value = await self._answer_once(wires, token, school)
            if self.chance.random() < 0.2:
                [refused] = await self._answer(wires[:1], token, submission())
                assert refused.status == 409, refused.body
                self.watched.second_answers_refused += 1
            if self.chance.random() < 0.2:
                await self._withdraw(wires[0], receipt)
                self.books["C"].standing[school, value] -= 1
                if self.chance.random() < 0.5:
                    await self._answer_once(wires, token, school)
        for wire in wires:
            wire.close()

    async def _answer_once(self, wires: list[Wire], token: str, school: str) -> tuple[str, str]:
        book, value = self.books["C"], self.chance.choice(VALUES)
        times = self.chance.choice((1, 1, 1, 2))
        book.sent += 1
        replies = await self._answer(wires[:times], token, submission(value))
        book.acknowledged += 1
        book.standing[school, value] += 1
        assert {reply.status for reply in replies} <= {200, 201}, replies
        [receipt] = {reply.json()["receipt"] for reply in replies}
        self.watched.responses += 1
        self.watched.duplicates += times - 1
        return receipt, value

    async def _withdraw(self, wire: Wire, receipt: str) -> None:
        self.books["C"].withdrawing += 1
        reply = await self._ask(wire, "/v1/receipts/withdraw", {"receipt": receipt})
        self.books["C"].withdrawn += 1
        assert reply.status == 200, reply.body
        self.watched.withdrawals += 1

    async def changing_their_minds(self) -> None:
        """People of K: they answer, and answer anew, sometimes twice at once."""
        book = self.books["K"]
        wires = [await Wire.open(self.base) for _ in range(2)]
        while self.burns and self.tokens["K"]:
            token, school = self.tokens["K"].pop()
            book.sent += 1
            [first] = await self._answer(wires[:1], token, submission())
            book.acknowledged += 1
            assert first.status == 201, first.body
            value = self.chance.choice(VALUES)
            path = f"/v1/invitations/{token}/responses"
            anew = wires[: self.chance.choice((1, 2))]
            replies = await asyncio.gather(
                *(self._ask(wire, path, submission(value)) for wire in anew)
            )
            for reply in replies:
                assert (reply.status, reply.json()["status"]) == (200, "replaced"), reply
            book.standing[school, value] += 1
            self.watched.responses += 1
            self.watched.replacements += len(anew)
        for wire in wires:
            wire.close()

    async def interviewing(self) -> None:
        """A contractor for C: delivers, revises answers, and takes some interviews back."""
        wire = await Wire.open(self.base)
        book = self.books["C"]
        while self.burns:
            items = [
                interview(str(uuid.uuid4()), self.chance.choice(VALUES), unit=school)
                for school in self.chance.choices(SCHOOLS, k=_DELIVERED_AT_ONCE)
            ]
            book.sent += len(items)
            await self._deliver(wire, items, "accepted")
            book.acknowledged += len(items)
            for item in items:
                item["revision"] = 2
            revised, vain = items[:5], items[5:7]
            for item in revised:
                former = item["answers"]["overall"]
                other = self.chance.choice([value for value in VALUES if value != former])
                item["answers"] = submission(other)["answers"]
            await self._deliver(wire, revised, "updated")
            book.withdrawing += len(vain)
            await self._deliver(wire, [{**in_vain(), **_key(item)} for item in vain], "updated")
            book.withdrawn += len(vain)
            for item in revised + items[7:]:
                book.standing[item["unit"], item["answers"]["overall"]] += 1
            self.watched.interviews += len(items)
            self.watched.revisions += len(revised) + len(vain)
        wire.close()

    async def _deliver(self, wire: Wire, items: list[Any], expected: str) -> None:
        headers = {**self.authorisation, "Idempotency-Key": str(uuid.uuid4())}
        path = "/v1/campaigns/C/interviews"
        reply = await self._ask(wire, path, {"interviews": items}, **headers)
        assert reply.status == 200, reply.body
        assert reply.json()[expected] == len(items), reply.body

    async def reading(self) -> None:
        """Whoever reads results: each must hold what was acknowledged before it was asked for."""
        wire = await Wire.open(self.base)
        while self.burns:
            campaign = self.chance.choice("CK")
            by = self.chance.choice(("", "by=unit&level=school", "by=unit,question&level=county"))
            book = self.books[campaign]
            acknowledged, withdrawn = book.acknowledged, book.withdrawn
            rows = await self.results(wire, campaign, by)
            counted = respondents(rows)
            least = acknowledged - book.withdrawing
            most = book.sent - withdrawn
            assert least <= counted <= most, f"{by}: {counted} is not in [{least}, {most}]"
            self.watched.results_read += 1
        wire.close()

    async def results(self, wire: Wire, campaign: str, by: str) -> list[dict[str, Any]]:
        """The rows of a campaign's exact results, each of them whole."""
        path = f"/v1/campaigns/{campaign}/results?{by}"
        reply = await wire.ask("GET", path, headers=self.authorisation)
        assert reply.status == 200, reply.body
        rows: list[dict[str, Any]] = reply.json()["rows"]
        for row in rows:
            assert sum(row["counts"].values()) == row["answered"]
            if row.get("question") is not None:
                assert row["answered"] + row["missing"] == row["respondents"]
        return rows


def _key(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("interview_id", "unit", "phone", "revision")}


def respondents(rows: list[dict[str, Any]]) -> int:
    """The respondents of all rows; where they are by question too, all questions must agree."""
    by_unit: dict[str | None, set[int]] = defaultdict(set)
    for row in rows:
        by_unit[(row.get("unit") or {}).get("code")].add(row["respondents"])
    assert all(len(numbers) == 1 for numbers in by_unit.values()), by_unit
    return sum(number for numbers in by_unit.values() for number in numbers)


async def _set_up(api: Api, seconds: float) -> dict[str, list[tuple[str, str]]]:
    await tree(api)
    await open_campaign(api, "C")
    await open_campaign(api, "K", on_duplicate="keep_last")
    each = 100 + int(seconds * _TOKENS_A_SECOND / len(SCHOOLS))
    tokens: dict[str, list[tuple[str, str]]] = {}
    for campaign in "CK":
        made = [
            (token, school)
            for school in SCHOOLS
            for token in await invitations(api, each, school, campaign=campaign)
        ]
        random.Random(campaign).shuffle(made)
        tokens[campaign] = made
    return tokens


async def _burn(fire: Fire) -> None:
    async with asyncio.TaskGroup() as people:
        for _ in range(WRITERS):
            people.create_task(fire.answering_once())
            people.create_task(fire.changing_their_minds())
        for _ in range(INTERVIEWERS):
            people.create_task(fire.interviewing())
        for _ in range(READERS):
            people.create_task(fire.reading())


async def _settle(fire: Fire) -> None:
    """All is quiet: every campaign counts to the last answer what those who wrote know."""
    wire = await Wire.open(fire.base)
    for campaign, book in fire.books.items():
        rows = await fire.results(wire, campaign, "by=unit,question&level=school&question=overall")
        counted = {
            (row["unit"]["code"], value): number
            for row in rows
            for value, number in row["counts"].items()
            if number
        }
        assert counted == {key: number for key, number in book.standing.items() if number}
        [total] = await fire.results(wire, campaign, "population=parent")
        assert total["respondents"] == book.acknowledged - book.withdrawn == sum(counted.values())
        fire.watched.counted_at_the_end += total["respondents"]
    wire.close()


async def under_fire(data_dir: Path, seconds: float) -> Watched:
    """Write at full speed for so long while others read; all must be exact, then and after.

    Errors: AssertionError for the first result that is not between what was acknowledged before
    it was asked for and what had been sent when it came.
    """
    with server(data_dir, "--workers", "2") as running:
        async with authorised(running) as api:
            tokens = await _set_up(api, seconds)
            fire = Fire(running.base, api.token or "", seconds)
        fire.tokens = tokens
        await _burn(fire)
        await _settle(fire)
        assert_counts_are_the_rows(data_dir)
        assert running.stop() == 0
    return fire.watched
