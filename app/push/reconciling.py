"""Whether the server holds what the file says: both sides' digests of the same lines.

docs/reconciliation.md defines the lines.
"""

import hashlib
from collections.abc import Collection
from datetime import UTC
from typing import Any

from app.push.interviews import Converted
from app.push.mapping import instant
from app.push.server import Server
from app.push.wording import Said

_FIELDS = ("interview_id", "revision", "unit", "population", "disposition")


def file_digest(items: Converted, rejected: Collection[int]) -> tuple[str, int]:
    """The digest of a file's interviews, as the latest revision of each has them, and how many."""
    latest: dict[str, tuple[int, str]] = {}
    for row, item in items:
        ended_at = instant(item.get("ended_at")) if isinstance(item, dict) else None
        if not isinstance(item, dict) or row in rejected or ended_at is None:
            continue
        item = {"revision": 1, **{k: v for k, v in item.items() if v is not None}}
        cells = [str(item.get(name, "")).strip() for name in _FIELDS]
        at = ended_at.astimezone(UTC)
        line = "\t".join([*cells, f"{at:%Y-%m-%dT%H:%M:%SZ}"]) + "\n"
        revision = item["revision"] if isinstance(item["revision"], int) else 1
        if latest.get(cells[0], (0, ""))[0] <= revision:
            latest[cells[0]] = (revision, line)
    digest = hashlib.sha256()
    for _, line in sorted(latest.values(), key=lambda one: one[1].encode()):
        digest.update(line.encode())
    return digest.hexdigest(), len(latest)


def compared(server: Server, campaign: str, client_id: str, own: tuple[str, int]) -> Said:
    """What the server's reconciliation says beside the file's own digest. Errors: Stopped."""
    found = server.get(f"/v1/campaigns/{campaign}/reconciliation")
    sources = (one for one in found["sources"] if one["source"] == client_id)
    held: dict[str, Any] = next(sources, {})
    digest, stored = held.get("digest"), held.get("interviews", 0)
    if digest == own[0]:
        return Said(
            f"对账一致：服务器所存正是本文件（{own[1]:,} 条，摘要 {digest[:16]}…）。",
            f"Reconciled: the server holds exactly this file ({own[1]:,} interviews, digest "
            f"{digest[:16]}…).",
        )
    return Said(
        f"服务器存有您在此活动的 {stored:,} 条访谈，本文件被接收的有 {own[1]:,} 条："
        "若其余来自别的文件则属正常；详见 reconciliation?by=day。",
        f"The server holds {stored:,} interviews of yours in this campaign, and {own[1]:,} of this "
        "file were taken: that is as it should be where the others came from other files. "
        "reconciliation?by=day shows it day by day.",
    )
