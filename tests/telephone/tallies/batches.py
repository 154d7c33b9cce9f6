"""What tests of tallies begin with."""

from typing import Any

import httpx

from tests.factories import Api
from tests.telephone.deliveries import ago

OVERALL = {"satisfied": 80, "basically_satisfied": 25, "dissatisfied": 10, "dont_know": 5}


def row(unit: str = "A1", respondents: int = 120, **fields: Any) -> dict[str, Any]:
    """Counts of the parents of a unit."""
    return {
        "unit": unit,
        "population": "parent",
        "respondents": respondents,
        "counts": {"overall": OVERALL},
        **fields,
    }


def tally(*rows: Any, **fields: Any) -> dict[str, Any]:
    """A batch by telephone, its first revision."""
    return {
        "revision": 1,
        "channel": "phone",
        "as_of": ago(minutes=9),
        "rows": list(rows),
        **fields,
    }


async def put(
    api: Api, *rows: Any, batch: str = "T", campaign: str = "C", **fields: Any
) -> httpx.Response:
    """Deliver a batch."""
    return await api.put(f"/v1/campaigns/{campaign}/tallies/{batch}", tally(*rows, **fields))


async def taken(api: Api, *rows: Any, **fields: Any) -> Any:
    """The reply to a batch that is taken."""
    reply = await put(api, *rows, **fields)
    assert reply.status_code in (200, 201), reply.text
    return reply.json()


def refused(reply: httpx.Response) -> tuple[int, str, set[tuple[str, str]]]:
    """Status and type of a problem, and where it lies: pointers and codes."""
    document = reply.json()
    where = {(error["pointer"], error["code"]) for error in document["errors"]}
    return reply.status_code, document["type"].removeprefix("/problems/"), where


async def respondents(api: Api, **parameters: str) -> int:
    """How many persons results count."""
    reply = await api.made("GET", "/v1/campaigns/C/results", params=parameters)
    return int(reply["rows"][0]["respondents"])
