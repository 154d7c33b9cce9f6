"""A region to measure with: 500 schools in 10 counties, ten questions and a text."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import httpx

from app.core.database import Database
from app.core.embedded_postgres import client_url
from scripts.bench.campaign import put, signed_in

_DEFINITION = Path(__file__).parents[2] / "app/questionnaires/definitions/satisfaction-six.json"
_MORE = ("clubs", "meals", "dormitory", "fees")
CAMPAIGN, BEFORE = "bench", "bench-before"
"""The campaign to fill, and one to compare it with."""
_SCHOOLS, _COUNTIES = 500, 10
_HEADS = "30000,60000,2000"
"""Students, parents and teachers of each school: more than ever answer."""


@dataclass
class Region:
    """An open campaign over the region, a token that reads its results, and invitations."""

    token: str
    public: str
    """A token of somebody who sees releases alone."""
    school_ids: list[int]
    _invitations: Iterator[str] = field(repr=False)

    @classmethod
    def set_up(cls, data_dir: Path, port: int, *, invitations: int) -> Self:
        """Make it through the API of the server on this port."""
        with signed_in(data_dir, port) as http:
            token = http.headers["Authorization"].removeprefix("Bearer ")
            _make_units(http)
            _make_campaign(http)
            tokens = _invitations(http, invitations)
            public = _public(http)
        ids = asyncio.run(_school_ids(data_dir))
        return cls(token, public, ids, iter(tokens))

    def invitation(self) -> str:
        """One that was not used yet."""
        return next(self._invitations)


def submission() -> bytes:
    """A response's body."""
    indicators = ("overall", "ethics", "teaching", "workload", "conditions", "safety")
    answers = dict.fromkeys((*indicators, *_MORE), "satisfied")
    sent = {"submission_id": str(uuid.uuid4()), "answers": {**answers, "comment": "很好"}}
    return json.dumps(sent, ensure_ascii=False).encode()


def _public(http: httpx.Client) -> str:
    made = http.post("/v1/clients", json={"name": "public", "scopes": ["results:read"]})
    client = made.raise_for_status().json()
    reply = http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(client["client_id"], client["client_secret"]),
    )
    token: str = reply.raise_for_status().json()["access_token"]
    return token


def _make_units(http: httpx.Client) -> None:
    lines = ["code,name,kind,parent,stage,period,students,parents,teachers", "W,城市,city,,,,,,"]
    lines += [f"C{number},{number}县,county,W,,,,," for number in range(_COUNTIES)]
    lines += [
        f"S{number},{number}学校,school,C{number % _COUNTIES},primary,2026-autumn,{_HEADS}"
        for number in range(_SCHOOLS)
    ]
    http.post(
        "/v1/units/import",
        content="\n".join(lines).encode(),
        headers={"Content-Type": "text/csv"},
    ).raise_for_status()


def _make_campaign(http: httpx.Client) -> None:
    definition = json.loads(_DEFINITION.read_text("utf-8"))
    label = {"zh-CN": "题"}
    scale = next(iter(definition["scales"]))
    definition["questions"] += [
        {"code": code, "type": "single_choice", "scale": scale, "label": label} for code in _MORE
    ]
    definition["questions"].append({"code": "comment", "type": "text", "label": label})
    put(http, "/v1/questionnaires/bench", definition)
    http.post("/v1/questionnaires/bench/publish").raise_for_status()
    now = datetime.now(UTC)
    targets = [
        {"name": "semester", "basis": "students", "share": 0.5},
        {"name": "telephone", "basis": "parents", "share": 0.05, "channel": "phone"},
    ]
    campaign = {
        "title": "Benchmark",
        "period": "2026-autumn",
        "region": "W",
        "opens_at": (now - timedelta(days=20)).isoformat(),
        "closes_at": (now + timedelta(days=1)).isoformat(),
        "identity": ["invitation"],
        "populations": {"parent": {"questionnaire": "bench", "version": 1, "targets": targets}},
        "headline_channels": ["invitation", "link"],
    }
    for code in (CAMPAIGN, BEFORE):
        put(http, f"/v1/campaigns/{code}", campaign)
        http.post(f"/v1/campaigns/{code}/open").raise_for_status()


def _invitations(http: httpx.Client, count: int) -> list[str]:
    """As many for each of fifty schools, in mixed order."""
    schools = [f"S{number}" for number in range(0, _SCHOOLS, _SCHOOLS // 50)]
    batches = []
    for school in schools:
        reply = http.post(
            "/v1/campaigns/bench/invitations",
            json={"unit": school, "population": "parent", "count": -(-count // len(schools))},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        batches.append([item["token"] for item in reply.raise_for_status().json()["items"]])
    return [token for together in zip(*batches, strict=True) for token in together]


async def _school_ids(data_dir: Path) -> list[int]:
    database = Database(client_url(data_dir), pool_size=1)
    await database.open()
    try:
        rows = await database.pool.fetch("SELECT id FROM units WHERE kind = 'school' ORDER BY id")
        return [row["id"] for row in rows]
    finally:
        await database.close()
