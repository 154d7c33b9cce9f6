"""SQL of limits."""

from collections.abc import Mapping

from app.core.database import Connection

_ADD = """
INSERT INTO limit_counts AS counted (minute, key, used)
SELECT $1, key, used FROM unnest($2::bytea[], $3::integer[]) AS added (key, used) ORDER BY key
ON CONFLICT (minute, key) DO UPDATE SET used = counted.used + excluded.used
RETURNING key, used
"""


async def add(connection: Connection, minute: int, used: Mapping[bytes, int]) -> dict[bytes, int]:
    """Add to the counts of a minute; returns what all processes have counted by now."""
    # Nobody waits for these to reach the disk.
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = off")
        rows = await connection.fetch(_ADD, minute, list(used), list(used.values()))
        await connection.execute("DELETE FROM limit_counts WHERE minute < $1", minute - 5)
    return {row["key"]: row["used"] for row in rows}
