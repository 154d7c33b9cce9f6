"""One person, one answer: whatever comes in, in whatever order, by whatever proofs, and at once."""

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.core.database import Database
from app.core.settings import Settings
from app.counts.recounting import check
from tests.browser.chromium import serving
from tests.factories import Api, campaign_body, open_campaign, tree
from tests.responses.people import Answer, People, people
from tests.telephone.deliveries import delivered

ONCE_PER = ("campaign", "population", "unit")
AT_ONCE = 64


@dataclass
class Book:
    """A naive account of who may answer: what the service should say, one request at a time."""

    once_per: str
    keep_last: bool
    holders: dict[tuple[str, str], str] = field(default_factory=dict)
    """Who holds which proof, in its scope."""
    counted: dict[str, str] = field(default_factory=dict)
    """The channel of each response that counts."""
    told: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Content and state of every response that was ever stored."""

    def claims(self, answer: Answer) -> list[tuple[str, str]]:
        """The proofs of a response, each in the scope of `once_per`."""
        scope = {"campaign": "", "population": answer.population, "unit": answer.unit}
        return [(scope[self.once_per], proof) for proof in answer.proofs]

    def take(self, answer: Answer) -> tuple[int, str]:
        """The status and word that this response should be told."""
        if answer.id in self.told:
            content, state = self.told[answer.id]
            if state == "withdrawn":
                return 410, "withdrawn"
            if content == answer.content:
                return 200, "accepted"
            return 409, "submission-conflict"
        held = {self.holders[claim] for claim in self.claims(answer) if claim in self.holders}
        if held:
            former = held.pop()
            if held or not self.keep_last or self.counted[former] != answer.channel:
                return 409, "already-answered"
            self.free(former, "replaced")
            self.store(answer)
            return 200, "replaced"
        self.store(answer)
        return 201, "accepted"

    def store(self, answer: Answer) -> None:
        """It counts from now on."""
        self.holders |= dict.fromkeys(self.claims(answer), answer.id)
        self.counted[answer.id] = answer.channel
        self.told[answer.id] = (answer.content, "accepted")

    def free(self, submission_id: str, state: str) -> None:
        """It counts no more, and its person may answer again."""
        del self.counted[submission_id]
        self.told[submission_id] = (self.told[submission_id][0], state)
        self.holders = {
            claim: holder for claim, holder in self.holders.items() if holder != submission_id
        }


async def _ready(admin: Api, once_per: str, on_duplicate: str, seed: int) -> People:
    await tree(admin)
    populations = campaign_body()["populations"]
    for population in populations.values():
        population["max_children"] = 2
    await open_campaign(
        admin,
        populations=populations,
        identity=["wechat", "invitation", "device"],
        once_per=once_per,
        on_duplicate=on_duplicate,
    )
    return await people(admin, seed, count=7)


def _word(reply: Any) -> str:
    document = reply.json()
    return str(document.get("status") if reply.is_success else document["type"].rpartition("/")[2])


async def _withdraw(api: Api, receipt: str) -> str:
    reply = await api.http.post("/v1/receipts/withdraw", json={"receipt": receipt})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["status"])


async def _standing(api: Api) -> set[str]:
    """The ids of the responses that the rows count, the telephone's apart."""
    database: Database = api.app.state.database
    rows = await database.pool.fetch(
        "SELECT submission_id FROM responses WHERE channel <> 4 GROUP BY 1 HAVING sum(sign) > 0"
    )
    return {str(row["submission_id"]) for row in rows}


async def _holding(api: Api) -> Counter[str]:
    """How many claims each response holds."""
    database: Database = api.app.state.database
    rows = await database.pool.fetch("SELECT submission_id FROM claims")
    return Counter(str(row["submission_id"]) for row in rows)


async def _assert_counts_are_the_rows(api: Api) -> None:
    database: Database = api.app.state.database
    async for recount in check(database):
        assert not recount.differences
    counted = await database.pool.fetchval("SELECT coalesce(sum(sign), 0) FROM responses")
    rows = (await api.made("GET", "/v1/campaigns/C/results?by=population"))["rows"]
    assert sum(row["respondents"] for row in rows) == counted


@pytest.mark.parametrize("on_duplicate", ["keep_first", "keep_last"])
@pytest.mark.parametrize("once_per", ONCE_PER)
async def test_one_after_the_other_it_does_what_a_naive_book_says(
    admin: Api, once_per: str, on_duplicate: str
) -> None:
    seed = ONCE_PER.index(once_per) * 2 + (on_duplicate == "keep_last")
    crowd = await _ready(admin, once_per, on_duplicate, seed)
    book = Book(once_per, on_duplicate == "keep_last")
    receipts: dict[str, str] = {}
    words: Counter[str] = Counter()
    for number in range(160):
        if crowd.chance.random() < 0.1 and receipts:
            submission_id = crowd.chance.choice(list(receipts))
            if submission_id in book.counted:
                book.free(submission_id, "withdrawn")
            assert await _withdraw(admin, receipts[submission_id]) == book.told[submission_id][1]
            continue
        if crowd.chance.random() < 0.1:
            await _take_interview(crowd, book, number)
            continue
        answer = crowd.answer()
        expected = book.take(answer)
        reply = await crowd.send(answer)
        assert (reply.status_code, _word(reply)) == expected, answer
        words[expected[1]] += 1
        if reply.is_success:
            assert (
                receipts.setdefault(answer.id, reply.json()["receipt"]) == reply.json()["receipt"]
            )
    online = {one for one, channel in book.counted.items() if channel != "phone"}
    assert await _standing(admin) == online
    assert await _holding(admin) == Counter(book.holders.values())
    await _assert_counts_are_the_rows(admin)
    # All of it came to pass, or this has shown nothing.
    assert min(words[word] for word in ("accepted", "already-answered", "withdrawn")) > 0
    assert (words["replaced"] > 0) is book.keep_last


async def _take_interview(crowd: People, book: Book, number: int) -> None:
    sent = crowd.interview(number)
    call = Answer("", "phone", sent["unit"], "parent", (sent["phone"],), {"answers": {}})
    database: Database = crowd.api.app.state.database
    await delivered(crowd.api, sent)
    row = await database.pool.fetchrow(
        "SELECT submission_id, status FROM interviews WHERE interview_id = $1",
        sent["interview_id"],
    )
    free = book.holders.keys().isdisjoint(book.claims(call))
    assert row["status"] == ("counted" if free else "already_answered")
    if free:
        call.body["submission_id"] = row["submission_id"]
        book.store(call)


@pytest.mark.parametrize("on_duplicate", ["keep_first", "keep_last"])
async def test_at_64_connections_no_two_that_count_share_a_proof(
    settings: Settings, on_duplicate: str
) -> None:
    async with serving(settings) as admin:
        admin.http.timeout = httpx.Timeout(60)
        await _at_once(admin, on_duplicate)


async def _at_once(admin: Api, on_duplicate: str) -> None:
    crowd = await _ready(admin, "population", on_duplicate, 7)
    book = Book("population", on_duplicate == "keep_last")
    numbers = itertools.count()
    sent: dict[str, Answer] = {}
    words: Counter[str] = Counter()

    async def one_of_many(chance: random.Random) -> None:
        for _ in range(8):
            if chance.random() < 0.1:
                await delivered(admin, crowd.interview(next(numbers)))
                continue
            answer = crowd.answer()
            sent.setdefault(answer.id, answer)
            reply = await crowd.send(answer)
            assert reply.status_code < 500, reply.text
            words[_word(reply)] += 1
            if reply.is_success and chance.random() < 0.4:
                words[await _withdraw(admin, reply.json()["receipt"])] += 1

    await asyncio.gather(*(one_of_many(random.Random(number)) for number in range(AT_ONCE)))
    standing = await _standing(admin)
    holding = await _holding(admin)
    taken: dict[tuple[str, str], str] = {}
    for submission_id in standing:
        claims = book.claims(sent[submission_id])
        assert taken.keys().isdisjoint(claims)
        taken |= dict.fromkeys(claims, submission_id)
        assert holding.pop(submission_id) == len(claims)
    # What is held besides is the telephone's, one claim for each number.
    assert set(holding.values()) <= {1}
    assert len(holding) <= len(crowd.persons)
    await _assert_counts_are_the_rows(admin)
    assert min(words[word] for word in ("accepted", "already-answered", "withdrawn")) > 0
