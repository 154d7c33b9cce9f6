"""SQL of backups: PostgreSQL's own list of what there is, and COPY, out and in.

Bare asyncpg. Names are of the catalogue's making or were authenticated, and quoted all the same.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from asyncpg.exceptions import ConnectionDoesNotExistError

from app.backup.contents import TRANSACTION, Table
from app.core.database import Connection

Triggers = list[tuple[str, str, str]]
"""Table, trigger, and when it fires: O, A or R, as `pg_trigger` has it."""

_OF_OURS = """
    relnamespace = current_schema()::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
        AND deptype = 'e'
    )
"""
_FIRES = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}
# Before all transactions of any server, and at one distance from each other: what a response
# holds is found by the transaction that stored both.
_PUT_BEFORE = "CASE WHEN {0} < 0 THEN {0} ELSE {0} - (1::bigint << 62) END AS {0}"


def quoted(name: str) -> str:
    """A name as SQL spells it."""
    return '"' + name.replace('"', '""') + '"'


def _listed(names: Sequence[str]) -> str:
    return ", ".join(quoted(name) for name in names)


async def revision(connection: Connection) -> str | None:
    """The migration that the database is at; None for one without our tables."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return found


async def table_names(connection: Connection, *, logged: bool = False) -> list[str]:
    """All tables, those of extensions apart; `logged`: only those that outlive a crash."""
    durable = "AND relpersistence = 'p'" if logged else ""
    rows = await connection.fetch(
        f"SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') {durable} AND {_OF_OURS} "
        "ORDER BY relname"
    )
    return [row["relname"] for row in rows]


async def columns(connection: Connection, table: str) -> tuple[str, ...]:
    """The columns of a table in order, without those that PostgreSQL works out."""
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 "
        "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        quoted(table),
    )
    return tuple(row["attname"] for row in rows)


async def references(connection: Connection) -> dict[str, set[str]]:
    """For each table, those that its foreign keys name."""
    rows = await connection.fetch("""
        SELECT origin.relname AS origin, target.relname AS target FROM pg_constraint
        JOIN pg_class AS origin ON origin.oid = conrelid
        JOIN pg_class AS target ON target.oid = confrelid
        WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
    """)
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["origin"], set()).add(row["target"])
    return found


async def sequences(connection: Connection, tables: Sequence[str]) -> dict[str, int]:
    """The last number that each sequence of these tables gave, of those that gave one."""
    rows = await connection.fetch(
        """
        SELECT sequence.relname, pg_sequence_last_value(sequence.oid) AS last
        FROM pg_class AS sequence JOIN pg_depend ON objid = sequence.oid
        JOIN pg_class AS owner ON owner.oid = refobjid
        WHERE sequence.relkind = 'S' AND classid = 'pg_class'::regclass
        AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
        AND owner.relname = ANY($1) AND owner.relnamespace = current_schema()::regnamespace
        ORDER BY 1
        """,
        tables,
    )
    return {row["relname"]: row["last"] for row in rows if row["last"] is not None}


async def hold(connection: Connection, tables: Sequence[str]) -> None:
    """Let nobody change the form of these tables before the transaction ends; rows may change."""
    await connection.execute(f"LOCK TABLE {_listed(tables)} IN ACCESS SHARE MODE")


async def copy_out(
    connection: Connection, table: Table, sink: Callable[[bytes], Awaitable[None]]
) -> int:
    """Send a table's rows to `sink`, as PostgreSQL's text; how many there were.

    Transactions are put before all others: those of another server mean nothing.
    """
    wanted = ", ".join(
        _PUT_BEFORE.format(TRANSACTION) if name == TRANSACTION else quoted(name)
        for name in table.columns
    )
    status = await connection.copy_from_query(
        f"SELECT {wanted} FROM {quoted(table.name)}", output=sink, format="text"
    )
    return int(status.split()[1])


async def copy_in(connection: Connection, table: Table, rows: AsyncIterator[bytes]) -> int:
    """Store what `copy_out` has sent; how many rows.

    Errors: asyncpg's, ConnectionDoesNotExistError where the database went away.
    """
    copying = asyncio.ensure_future(
        connection.copy_to_table(table.name, source=rows, columns=table.columns, format="text")
    )

    def lost(_: Connection) -> None:
        copying.cancel()  # asyncpg would wait for ever for room to send

    connection.add_termination_listener(lost)
    try:
        return int((await copying).split()[1])
    except asyncio.CancelledError:
        if connection.is_closed():
            raise ConnectionDoesNotExistError("the connection was lost") from None
        raise
    finally:
        connection.remove_termination_listener(lost)


async def used(connection: Connection, tables: Sequence[str]) -> list[str]:
    """Those of these tables that have a row."""
    return [
        table
        for table in tables
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {quoted(table)})")
    ]


async def other_servers(connection: Connection) -> int:
    """How many further connections of this program the database has."""
    found: int = await connection.fetchval("""
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = current_setting('application_name') AND pid <> pg_backend_pid()
    """)
    return found


async def without_limits(connection: Connection) -> None:
    """Let this transaction take as long as it needs."""
    await connection.execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
    )


async def drop(connection: Connection, tables: Sequence[str]) -> None:
    """Drop tables with what hangs on them, and our functions."""
    if tables:
        await connection.execute(f"DROP TABLE {_listed(tables)} CASCADE")
    functions = await connection.fetch("""
        SELECT oid::regprocedure::text AS name FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
        AND pg_has_role(proowner, 'USAGE') AND NOT EXISTS (
            SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid
            AND deptype = 'e'
        )
    """)
    for row in functions:
        await connection.execute(f"DROP ROUTINE {row['name']} CASCADE")


async def still_triggers(connection: Connection) -> Triggers:
    """Keep our triggers from firing; returns them, for `fire_again`."""
    rows: list[Any] = await connection.fetch(f"""
        SELECT relname, tgname, tgenabled::text AS fires
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE NOT tgisinternal AND tgenabled <> 'D' AND {_OF_OURS}
    """)
    triggers = [(row["relname"], row["tgname"], row["fires"]) for row in rows]
    for table, trigger, _ in triggers:
        await connection.execute(f"ALTER TABLE {quoted(table)} DISABLE TRIGGER {quoted(trigger)}")
    return triggers


async def fire_again(connection: Connection, triggers: Triggers) -> None:
    """Let triggers fire as they did."""
    for table, trigger, fires in triggers:
        await connection.execute(
            f"ALTER TABLE {quoted(table)} {_FIRES[fires]} TRIGGER {quoted(trigger)}"
        )


async def clear(connection: Connection, table: str) -> None:
    """Delete what a migration has put into a table."""
    await connection.execute(f"DELETE FROM {quoted(table)}")


async def set_sequence(connection: Connection, sequence: str, last: int) -> None:
    """Let a sequence go on after this number."""
    await connection.execute("SELECT setval($1::text::regclass, $2)", quoted(sequence), last)


async def analyze(connection: Connection, tables: Sequence[str]) -> None:
    """Let the planner know how much there is in these tables."""
    await connection.execute(f"ANALYZE {_listed(tables)}")


async def days_kept(connection: Connection, folder: str) -> int | None:
    """For how many days files of campaigns' keys in a folder are kept, by the newest backup."""
    found: int | None = await connection.fetchval(
        "SELECT kept_days FROM key_files WHERE folder = $1 AND kept_days IS NOT NULL "
        "ORDER BY made_at DESC LIMIT 1",
        folder,
    )
    return found


async def keep_file(
    connection: Connection, id: str, folder: str, made_at: datetime, kept_days: int | None
) -> None:
    """Record a file of campaigns' keys."""
    await connection.execute(
        "INSERT INTO key_files (id, folder, made_at, kept_days) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (id, folder) DO UPDATE SET made_at = excluded.made_at, "
        "kept_days = excluded.kept_days",
        id,
        folder,
        made_at,
        kept_days,
    )


async def forget_files(connection: Connection, folder: str, present: Sequence[str]) -> None:
    """Forget files of campaigns' keys in a folder, but for those that are there."""
    await connection.execute(
        "DELETE FROM key_files WHERE folder = $1 AND id <> ALL ($2)", folder, list(present)
    )
