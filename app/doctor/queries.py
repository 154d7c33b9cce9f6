"""What a database says of itself, and of the program that uses it."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def settings(session: AsyncSession, names: Sequence[str]) -> dict[str, str]:
    """Settings as they are for our own sessions, in their own units."""
    statement = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
    rows = await session.execute(statement, {"names": list(names)})
    return {row.name: row.setting for row in rows}


async def clock_seconds(session: AsyncSession) -> float:
    """Seconds since 1970, by the database's clock."""
    found = await session.scalar(text("SELECT extract(epoch FROM clock_timestamp())::float8"))
    return float(found or 0)


async def encoding(session: AsyncSession) -> str:
    """How this database stores text."""
    found = await session.scalar(
        text(
            "SELECT pg_encoding_to_char(encoding) FROM pg_database "
            "WHERE datname = current_database()"
        )
    )
    return str(found)


async def revision(session: AsyncSession) -> str | None:
    """The migration that the database is at; None where it is empty."""
    if await session.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    found: str | None = await session.scalar(text("SELECT version_num FROM alembic_version"))
    return found


async def strangers_connected(session: AsyncSession) -> int:
    """Connections to any database of the server that are not ours."""
    # Those of other roles may hide all but their database.
    statement = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL "
        "AND application_name IS DISTINCT FROM 'xinsheng' "
        "AND coalesce(backend_type, 'client backend') = 'client backend'"
    )
    return int(await session.scalar(statement) or 0)


async def longest_transaction(session: AsyncSession) -> float:
    """Seconds that the oldest open transaction of the server has lasted, ours not counted."""
    statement = text(
        "SELECT extract(epoch FROM max(now() - xact_start))::float8 FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid()"
    )
    return float(await session.scalar(statement) or 0)


async def recent_addresses(session: AsyncSession, *, most: int) -> list[str]:
    """Where the latest audited requests came from."""
    statement = text(
        "SELECT address FROM audit_entries WHERE address IS NOT NULL ORDER BY id DESC LIMIT :most"
    )
    return list(await session.scalars(statement, {"most": most}))


async def keys_kept_long(session: AsyncSession, *, days: int) -> list[str]:
    """Codes of archived campaigns that still have their identity key so long after delivery."""
    statement = text(
        "SELECT code FROM campaigns JOIN campaign_keys AS key ON campaign_id = campaigns.id "
        "WHERE state = 'archived' AND key.purpose = 'identity' AND closes_at + "
        "make_interval(days => delivery_days + CAST(:days AS int)) < now() ORDER BY code"
    )
    return list(await session.scalars(statement, {"days": days}))


async def receives(session: AsyncSession) -> bool | None:
    """Whether this standby has its primary's log streamed to it; None for what is no standby."""
    statement = text(
        "SELECT CASE WHEN pg_is_in_recovery() THEN EXISTS (SELECT FROM pg_stat_wal_receiver) END"
    )
    found: bool | None = await session.scalar(statement)
    return found


async def written_up_to(session: AsyncSession) -> str:
    """How far the write-ahead log has come, for `megabytes_behind`."""
    return str(await session.scalar(text("SELECT CAST(pg_current_wal_lsn() AS text)")))


async def megabytes_behind(standby: AsyncSession, position: str) -> float:
    """How much of the write-ahead log a standby still has to replay up to there."""
    statement = text(
        "SELECT greatest(CAST(:position AS text)::pg_lsn - pg_last_wal_replay_lsn(), 0) / 1048576.0"
    )
    return float(await standby.scalar(statement, {"position": position}) or 0)
