"""What requests leave in the database: every row that is written, told by triggers.

A transaction that is rolled back takes what its triggers noted with it, and a row that comes and
goes again leaves nothing: so what is left is what was stored. What the service writes in its own
time is not counted as any request's.
"""

from collections import Counter
from typing import Any

IN_ITS_OWN_TIME = frozenset(
    {
        "folded_campaigns",
        "folding",
        "judged_campaigns",
        "judging",
        "limit_counts",
        "running_counts",
        "origin_counts",
    }
)
"""Tables that the service alone writes, of responses that were stored before."""

_TABLES = """
    SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition
"""
_NOTED = """
    CREATE TABLE noted (place text, content text, times int);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP <> 'INSERT' THEN INSERT INTO noted VALUES (TG_ARGV[0], OLD::text, -1); END IF;
        IF TG_OP <> 'DELETE' THEN INSERT INTO noted VALUES (TG_ARGV[0], NEW::text, 1); END IF;
        RETURN NULL;
    END $$;
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
    """The tables that hold something else than when this was last asked."""
    changes: Counter[tuple[str, str]] = Counter()
    for row in await connection.fetch("DELETE FROM noted RETURNING place, content, times"):
        changes[row["place"], row["content"]] += row["times"]
    return {place for (place, _), times in changes.items() if times != 0}
