"""SQL of WeChat."""

from datetime import datetime, timedelta
from typing import NamedTuple

from app.core.database import Connection


async def begin_exchange(connection: Connection, key: bytes, lasts: timedelta) -> bool:
    """Claim the exchange of a code; False where somebody else has."""
    claimed = await connection.fetchval(
        """
        INSERT INTO wechat_exchanges (key, expires_at) VALUES ($1, now() + $2)
        ON CONFLICT DO NOTHING RETURNING true
        """,
        key,
        lasts,
    )
    return bool(claimed)


async def end_exchange(connection: Connection, key: bytes, outcome: bytes) -> None:
    """Store what came of an exchange."""
    await connection.execute(
        "UPDATE wechat_exchanges SET outcome = $2 WHERE key = $1", key, outcome
    )


class Exchange(NamedTuple):
    """What is known of an exchange."""

    outcome: bytes | None
    expired: bool


async def exchange(connection: Connection, key: bytes) -> Exchange:
    """What has come of an exchange that was begun; one that was dropped since has expired."""
    row = await connection.fetchrow(
        "SELECT outcome, expires_at <= now() AS expired FROM wechat_exchanges WHERE key = $1", key
    )
    return Exchange(row["outcome"], row["expired"]) if row else Exchange(None, True)


class Kept(NamedTuple):
    """A token or ticket as it is stored."""

    sealed: bytes | None
    """None where there is none that is still good."""
    due: bool
    renewed_at: datetime | None


async def kept_pass(connection: Connection, name: str) -> Kept:
    """The token or ticket of this name."""
    row = await connection.fetchrow(
        """
        SELECT CASE WHEN expires_at > now() THEN sealed END AS sealed,
            coalesce(due_at <= now(), true) AS due, renewed_at
        FROM wechat_passes WHERE name = $1
        """,
        name,
    )
    return Kept(row["sealed"], row["due"], row["renewed_at"]) if row else Kept(None, True, None)


async def lease(
    connection: Connection, name: str, lasts: timedelta, renewed_at: datetime | None
) -> bool:
    """Be the one who renews it for so long; False where another is, or has since `renewed_at`."""
    leased = await connection.fetchval(
        """
        INSERT INTO wechat_passes AS kept (name, expires_at, leased_until)
        VALUES ($1, now() + $2, now() + $2)
        ON CONFLICT (name) DO UPDATE SET leased_until = excluded.leased_until
        WHERE kept.leased_until <= now() AND kept.renewed_at IS NOT DISTINCT FROM $3
        RETURNING true
        """,
        name,
        lasts,
        renewed_at,
    )
    return bool(leased)


async def keep_pass(
    connection: Connection, name: str, sealed: bytes, due: timedelta, lasts: timedelta
) -> None:
    """Store a new one, and let others renew it when it is due."""
    await connection.execute(
        """
        INSERT INTO wechat_passes (name, sealed, renewed_at, due_at, expires_at, leased_until)
        VALUES ($1, $2, now(), now() + $3, now() + $4, now())
        ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed,
            renewed_at = excluded.renewed_at, due_at = excluded.due_at,
            expires_at = excluded.expires_at, leased_until = excluded.leased_until
        """,
        name,
        sealed,
        due,
        lasts,
    )
