"""What requests leave in the database: every row that is written, told by triggers.

A transaction that is rolled back takes what its triggers noted with it, so what is left is what
was stored. What the service writes in its own time is not counted as any request's.
"""

from typing import Any

IN_ITS_OWN_TIME = frozenset({"folded_campaigns", "folding", "limit_counts", "running_counts"})
"""Tables that the service alone writes, of responses that were stored before."""

_TABLES = """
    SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition
"""
_NOTED = """
    CREATE TABLE noted (number bigint GENERATED ALWAYS AS IDENTITY, what text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO noted (what) VALUES (TG_ARGV[0] || ' ' || TG_OP); RETURN NULL; END $$;
"""


async def watch(connection: Any) -> None:
    """From now on note every row that is written to any table of the service's."""
    tables = [row["relname"] for row in await connection.fetch(_TABLES)]
    await connection.execute(_NOTED)
    for table in sorted(set(tables) - IN_ITS_OWN_TIME):
        await connection.execute(
            f'CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON "{table}" '
            f"FOR EACH ROW EXECUTE FUNCTION note('{table}')"
        )


async def written(connection: Any) -> set[str]:
    """What was written since this was last asked: tables and what was done to them."""
    return {row["what"] for row in await connection.fetch("DELETE FROM noted RETURNING what")}
