"""A contractor's push under SIGKILL: every interview is stored once, and both sides can show it."""

from pathlib import Path

import pytest

from tests.chaos.ledger import connected
from tests.chaos.pushes import PART, THE_CLIENT, pushed


@pytest.mark.process
@pytest.mark.timeout(300)
async def test_a_push_that_is_killed_and_repeated_stores_every_interview_once(
    tmp_path: Path,
) -> None:
    kinds = (THE_CLIENT, "PostgreSQL", "everything")
    for done in pushed(tmp_path, kinds, seed=20261122):
        assert [kind for kind, _ in done.killed] == list(kinds)
        assert all(0 < parts < done.items // PART for _, parts in done.killed)
        assert f"exactly this file ({done.items:,} interviews" in done.said
        assert done.counted("rejected") == 0
        connection = await connected(tmp_path / "data")
        try:
            interviews = await connection.fetchrow(
                "SELECT count(*) AS rows, count(DISTINCT interview_id) AS names, "
                "count(*) FILTER (WHERE status = 'counted') AS counted FROM interviews"
            )
            stored = await connection.fetchval("SELECT sum(sign) FROM responses")
        finally:
            await connection.close()
        assert interviews["rows"] == interviews["names"] == done.items
        assert interviews["counted"] == stored == done.items * 3 // 4
