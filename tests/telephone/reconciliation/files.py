"""What a contractor has on its own side: its file, and what it computes from that alone."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from app.core.clock import day_of
from tests.factories import Api

URL = "/v1/campaigns/C/reconciliation"


def line(item: dict[str, Any]) -> str:
    """The line of an interview, as the digest is described."""
    ended = datetime.fromisoformat(item["ended_at"]).astimezone(UTC)
    fields = (
        item["interview_id"],
        str(item.get("revision", 1)),
        item["unit"],
        item["population"],
        item["disposition"],
        ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return "\t".join(fields) + "\n"


def digest(items: Iterable[dict[str, Any]]) -> str:
    """SHA-256 over the sorted lines of interviews, each in its latest revision."""
    lines = sorted(line(item).encode() for item in items)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def ended_on(item: dict[str, Any]) -> str:
    """The day in Asia/Shanghai on which an interview ended."""
    return day_of(datetime.fromisoformat(item["ended_at"])).isoformat()


async def of_contractor(api: Api, **parameters: Any) -> Any:
    """The reconciliation of the one source that a contractor sees, and the rows."""
    reply = await api.made("GET", URL, params=parameters)
    [source] = reply["sources"]
    return source, reply["rows"]


async def client_id(api: Api) -> str:
    """The client_id of a contractor."""
    source, _ = await of_contractor(api)
    return str(source["source"])
