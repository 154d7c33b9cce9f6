"""Publications as tests make them: a campaign with a release, and requests to publish it."""

import uuid
from collections.abc import Iterable
from typing import Any

import httpx
import msgspec

from app.responses.tables import Channel
from tests.factories import Api, open_campaign, tree
from tests.results.ledger import Entry, insert, publish

URL = "/v1/campaigns/C/publications"
RELEASES = "/v1/campaigns/C/releases"
SECTIONS = ("statement", "rows", "ranking", "coverage", "changes", "questionnaires")


async def campaign(admin: Api, **changes: Any) -> Api:
    """An open campaign C, its answers by school and channel, and a first release of them."""
    await tree(admin)
    populations = await publish(admin)
    target = {"name": "semester", "basis": "students", "share": 0.1}
    populations["parent"] |= {"weight": 0.6, "targets": [target]}
    populations["teacher"] |= {"weight": 0.4}
    await open_campaign(admin, populations=populations, min_rank=10, **changes)
    await answered(admin, "A1", 24, good=20)
    await answered(admin, "A2", 15, good=9)
    await answered(admin, "B1", 6, good=6)
    await answered(admin, "B1", 12, good=3, channel=Channel.phone)
    await answered(admin, "A1", 11, good=8, population="teacher")
    await admin.made("POST", RELEASES)
    return admin


async def answered(
    api: Api,
    unit: str,
    number: int,
    *,
    good: int,
    channel: Channel = Channel.link,
    population: str = "parent",
) -> None:
    """So many responses, of which the first `good` are content and the last one doesn't know."""
    question = "b" if population == "parent" else "staff"
    votes = ["good" if one < good else "bad" for one in range(number)]
    said = [
        {"a": vote, question: "unsure" if one == number - 1 else vote}
        for one, vote in enumerate(votes)
    ]
    entries = [
        Entry(unit=unit, channel=channel, population=population, answers=one) for one in said
    ]
    await insert(api, entries)


async def asked(api: Api, key: str | None = None, **wanted: Any) -> httpx.Response:
    """A request to publish."""
    body = {"title": "通报第1号", **wanted}
    return await api.post(URL, body, headers={"Idempotency-Key": key or str(uuid.uuid4())})


async def published(api: Api, **wanted: Any) -> Any:
    """A publication that was made."""
    reply = await asked(api, **wanted)
    assert reply.status_code == 201, reply.text
    return reply.json()


async def section(api: Api, number: int, name: str) -> bytes:
    """The bytes of a section."""
    reply = await api.get(f"{URL}/{number}/{name}")
    assert reply.status_code == 200, reply.text
    return reply.content


async def rows(api: Api, number: int, name: str = "rows") -> list[dict[str, Any]]:
    """The rows of a section."""
    content = await section(api, number, name)
    return [msgspec.json.decode(line) for line in content.splitlines()]


def canonical(found: Iterable[dict[str, Any]]) -> list[bytes]:
    """Rows as bytes that are equal where they say the same."""
    return sorted(msgspec.json.encode(one, order="sorted") for one in found)
