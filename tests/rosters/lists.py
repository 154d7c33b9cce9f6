"""Rosters as bureaus send them, and what is asked about them."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from tests.factories import Api

URL = "/v1/campaigns/C/roster"
COLUMNS = ("unit", "population", "phone", "external_id", "child")
Row = Mapping[str, Any]


def person(phone: str | None = None, unit: str = "A1", **fields: Any) -> dict[str, Any]:
    """A parent at a school."""
    return {"unit": unit, "population": "parent", "phone": phone, **fields}


def as_csv(rows: Iterable[Row]) -> bytes:
    """The list as CSV; the first row is on line 2."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([row.get(name) for name in COLUMNS] for row in rows)
    return out.getvalue().encode()


def as_ndjson(rows: Iterable[Any]) -> bytes:
    """The list as NDJSON; the first row is on line 1."""
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


async def send(
    api: Api, body: bytes, kind: str = "text/csv", *, url: str = URL, **parameters: Any
) -> httpx.Response:
    """Import a list."""
    return await api.request(
        "POST", url, content=body, headers={"Content-Type": kind}, params=parameters
    )


async def imported(api: Api, *rows: Row, **parameters: Any) -> Any:
    """The reply to a list that is taken."""
    reply = await send(api, as_csv(rows), **parameters)
    assert reply.is_success, reply.text
    return reply.json()


async def refused(api: Api, body: bytes, kind: str = "text/csv") -> dict[str, str]:
    """The errors of a list that is not taken: codes by pointer."""
    reply = await send(api, body, kind)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/import-refused")
    return {error["pointer"]: error["code"] for error in reply.json()["errors"]}


async def links(api: Api, roster: int) -> list[dict[str, str]]:
    """The invitations of a roster, in order of the rows."""
    reply = await api.get(f"{URL}/{roster}/links.csv")
    assert reply.status_code == 200, reply.text
    return list(csv.DictReader(io.StringIO(reply.text.removeprefix("\ufeff"))))


async def tokens(api: Api, *rows: Row, **parameters: Any) -> list[str]:
    """Import a list of new people; their invitations' tokens, in order of the rows."""
    made = await imported(api, *rows, **parameters)
    assert made["created"] == len(rows)
    return [one["token"] for one in await links(api, made["roster"])]
