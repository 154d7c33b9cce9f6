"""A campaign to measure with: six indicators and a text, one school, many invitations."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from app.clients import service as clients
from app.core.database import Database
from app.core.embedded_postgres import client_url

_DEFINITION = Path(__file__).parents[2] / "app/questionnaires/definitions/satisfaction-six.json"


ANSWERS = {
    "overall": "satisfied",
    "ethics": "satisfied",
    "teaching": "basically_satisfied",
    "workload": "dissatisfied",
    "conditions": "satisfied",
    "safety": "dont_know",
    "comment": "希望多一些体育活动",
}
_MOST_AT_ONCE = 50_000


def body() -> bytes:
    """A response's body, with a submission id of its own."""
    sent = {"submission_id": str(uuid.uuid4()), "answers": ANSWERS}
    return json.dumps(sent, ensure_ascii=False).encode()


def set_up(data_dir: Path, port: int, *, invitations: int) -> list[str]:
    """Make an open campaign through the API; the tokens of this many invitations."""
    with signed_in(data_dir, port) as http:
        put(http, "/v1/units/S", {"name": "学校", "kind": "school"})
        definition = json.loads(_DEFINITION.read_text("utf-8"))
        comment = {"code": "comment", "type": "text", "label": {"zh-CN": "意见"}}
        definition["questions"].append(comment)
        put(http, "/v1/questionnaires/bench", definition)
        http.post("/v1/questionnaires/bench/publish").raise_for_status()
        put(http, "/v1/campaigns/bench", _campaign())
        http.post("/v1/campaigns/bench/open").raise_for_status()
        return list(_invitations(http, invitations))


def _invitations(http: httpx.Client, count: int) -> Iterator[str]:
    for first in range(0, count, _MOST_AT_ONCE):
        reply = http.post(
            "/v1/campaigns/bench/invitations",
            json={
                "unit": "S",
                "population": "parent",
                "count": min(_MOST_AT_ONCE, count - first),
            },
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        reply.raise_for_status()
        yield from (item["token"] for item in reply.json()["items"])


@contextmanager
def signed_in(data_dir: Path, port: int) -> Iterator[httpx.Client]:
    """The API of the server on this port, as a client that may do everything."""
    made = asyncio.run(_client(data_dir))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
        reply = http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(made.client_id, made.client_secret),
        )
        token = reply.raise_for_status().json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


def put(http: httpx.Client, url: str, body: dict[str, Any]) -> None:
    """Put something that must succeed."""
    http.put(url, json=body).raise_for_status()


def _campaign() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "title": "Benchmark",
        "region": "S",
        "opens_at": (now - timedelta(days=1)).isoformat(),
        "closes_at": (now + timedelta(days=1)).isoformat(),
        "identity": ["wechat", "invitation"],
        "populations": {"parent": {"questionnaire": "bench", "version": 1}},
    }


async def _client(data_dir: Path) -> clients.NewClient:
    database = Database(client_url(data_dir), pool_size=1)
    try:
        async with database.sessions.begin() as session:
            return await clients.create(session, name="bench", scopes=["admin"], unit=None)
    finally:
        await database.close()
