"""What a backup holds: no table can be forgotten."""

from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from app.backup import contents
from app.backup.contents import Table, in_order
from app.backup.sealing import BackupRefused, chunks
from app.core import migrating
from app.core.database import engine
from app.core.keyring import Keyring
from tests.backup.conftest import NewDatabase, take

TABLES = text(
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') "
    "AND relnamespace = 'public'::regnamespace"
)


def found_in(path: Path, keyring: Keyring) -> list[str]:
    """The tables in a file, in order."""
    with path.open("rb") as file:
        return [
            Table.decoded(chunk.payload).name
            for chunk in chunks(file, keyring, "it")
            if chunk.kind == contents.TABLE
        ]


async def test_every_table_is_backed_up_or_left_out_for_a_reason(
    database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    path, keys = await take(database_url, keyring, tmp_path)
    backed_up = found_in(path, keyring) + found_in(keys, keyring)
    assert len(set(backed_up)) == len(backed_up)
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        "SELECT relname, relpersistence = 'u' AS fleeting FROM pg_class "
        "WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    )
    await connection.close()
    lasting = {row["relname"] for row in rows if not row["fleeting"]}
    assert set(backed_up) | set(contents.LEFT_OUT) == lasting
    assert not set(backed_up) & set(contents.LEFT_OUT)
    assert all(contents.LEFT_OUT.values())
    assert {row["relname"] for row in rows} == contents.ours() - contents.FORMER


async def test_campaigns_keys_are_in_the_file_of_keys_alone(
    database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    path, keys = await take(database_url, keyring, tmp_path)
    assert found_in(keys, keyring) == ["campaign_keys"]
    assert "campaign_keys" not in found_in(path, keyring)
    assert "claims" in found_in(path, keyring)


async def test_the_tables_of_all_earlier_versions_are_known(new_database: NewDatabase) -> None:
    """What a migration has taken away or renamed belongs into FORMER."""
    url = await new_database()
    script = ScriptDirectory.from_config(Config("alembic.ini"))
    steps = [one.revision for one in script.walk_revisions()][::-1]
    seen: set[str] = set()

    def migrate(connection: Connection, revision: str) -> None:
        migrating.upgrade(connection, revision)
        seen.update(connection.scalars(TABLES))
        connection.commit()

    database = engine(url)
    async with database.connect() as connection:
        for step in steps:
            await connection.run_sync(migrate, step)
    await database.dispose()
    assert seen <= contents.ours()
    assert seen >= contents.FORMER


def test_tables_come_after_those_that_they_refer_to() -> None:
    tables = [Table(name, ("id",)) for name in "abcd"]
    needs = {"a": {"b", "c"}, "b": {"d", "b"}, "c": {"elsewhere"}}
    order = [table.name for table in in_order(tables, needs)]
    assert sorted(order) == list("abcd")
    assert order.index("d") < order.index("b") < order.index("a") > order.index("c")
    with pytest.raises(BackupRefused, match="circle"):
        in_order(tables, {"a": {"b"}, "b": {"a"}})
