"""What tests of deliveries begin with."""

import itertools
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from app.core.database import Database, Pool
from tests.factories import Api, answers

URL = "/v1/campaigns/C/interviews"
REFUSAL = "2.11"
_numbers = itertools.count(13_800_000_000)


def phone() -> str:
    """A number that nobody else has."""
    return f"+86{next(_numbers)}"


def ago(**span: float) -> str:
    """A time before now, such as ago(minutes=5)."""
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


def interview(name: str = "V-1", value: str = "satisfied", **fields: Any) -> dict[str, Any]:
    """A complete interview with a phone of its own."""
    return {
        "interview_id": name,
        "unit": "A1",
        "population": "parent",
        "phone": phone(),
        "disposition": "1.1",
        "attempts": 2,
        "started_at": ago(minutes=9),
        "ended_at": ago(minutes=5),
        "answers": answers(value),
        **fields,
    }


def in_vain(name: str = "V-1", disposition: str = REFUSAL, **fields: Any) -> dict[str, Any]:
    """A call without an interview."""
    return {**interview(name), "disposition": disposition, "answers": None, **fields}


async def send(
    api: Api, *items: Any, key: str | None = None, url: str = URL, **options: Any
) -> httpx.Response:
    """Deliver, under a fresh key where none is given."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return await api.post(url, {"interviews": list(items)}, headers=headers, **options)


async def delivered(api: Api, *items: Any, **options: Any) -> Any:
    """The reply to a delivery that is taken."""
    reply = await send(api, *items, **options)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def statuses(api: Api, *items: Any, **options: Any) -> list[str]:
    """What each item of a delivery is told."""
    return [one["status"] for one in (await delivered(api, *items, **options))["results"]]


def pool(api: Api) -> Pool:
    """Connections of the app's own database."""
    database: Database = api.app.state.database
    return database.pool


async def counted(api: Api) -> Counter[tuple[str, int]]:
    """Counted responses by unit and the answer to the first question: the sum of the signs."""
    rows = await pool(api).fetch(
        "SELECT units.code, get_byte(answers, 0) AS answer, sum(sign) AS n FROM responses "
        "JOIN units ON units.id = unit_id GROUP BY 1, 2 HAVING sum(sign) <> 0"
    )
    return Counter({(row["code"], row["answer"]): row["n"] for row in rows})


async def count(api: Api) -> int:
    """Counted responses in all."""
    return (await counted(api)).total()


async def on_file(api: Api, columns: str = "revision, status") -> list[tuple[Any, ...]]:
    """The stored revisions of all interviews."""
    rows = await pool(api).fetch(
        f"SELECT {columns} FROM interviews ORDER BY source_id, interview_id, revision"
    )
    return [tuple(row) for row in rows]


async def traces(api: Api) -> dict[str, int]:
    """How many rows deliveries have left where."""
    return {
        table: await pool(api).fetchval(f"SELECT count(*) FROM {table}")
        for table in ("interviews", "responses", "response_texts", "claims", "idempotency_keys")
    }


def problem(result: dict[str, Any]) -> tuple[str, set[str]]:
    """Type and pointers of a rejected item's problem."""
    assert result["status"] == "rejected"
    document = result["problem"]
    return document["type"], {error["pointer"] for error in document["errors"]}


async def refused_among_good(api: Api, items: list[Any]) -> list[dict[str, Any]]:
    """The results of items that are all rejected between two good ones, which are taken."""
    reply = await delivered(api, interview("good-1"), *items, interview("good-2"))
    results: list[dict[str, Any]] = reply["results"][1:-1]
    first, last = reply["results"][0], reply["results"][-1]
    assert [first["status"], last["status"]] == ["accepted", "accepted"]
    assert (reply["accepted"], reply["rejected"]) == (2, len(items))
    assert await count(api) == 2
    return results


async def rejected(api: Api, item: Any) -> tuple[str, set[str]]:
    """The problem of an item that is sent between two good ones, which are taken."""
    return problem((await refused_among_good(api, [item]))[0])
