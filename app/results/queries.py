"""SQL of results."""

from typing import Any, get_args

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.campaigns.schemas import HeadBasis
from app.units.tables import Unit, subtree


async def units_at(session: AsyncSession, root_id: int, level: str) -> dict[str, str]:
    """Names by code of all units of a kind within `root_id`."""
    rows = await session.execute(
        select(Unit.code, Unit.name).where(Unit.kind == level, Unit.id.in_(subtree(root_id)))
    )
    return {row.code: row.name for row in rows}


async def parents(session: AsyncSession, root_id: int, level: str) -> dict[str, Any]:
    """The parents that lie within `root_id` (code, name, kind), by the codes of units of a kind."""
    parent = aliased(Unit)
    rows = await session.execute(
        select(Unit.code.label("of"), parent.code, parent.name, parent.kind)
        .join(parent, parent.id == Unit.parent_id)
        .where(Unit.kind == level, parent.id.in_(subtree(root_id)))
    )
    return {row.of: row for row in rows}


async def unit_id_within(session: AsyncSession, code: str, root_id: int) -> int | None:
    """The id of the unit with this code, if it lies within the subtree of `root_id`."""
    return await session.scalar(
        select(Unit.id).where(Unit.code == code, Unit.id.in_(subtree(root_id)))
    )


# A stated number counts for every unit above it, up to but excluding the next one that states a
# number itself: each unit beside all above it. Joined by keys alone, which no plan makes slow, also
# before anybody has counted the rows of these tables for the planner.
_BASES = text("""
    SELECT code,
        sum(students) FILTER (WHERE depth < coalesce(students_above, 32767)),
        sum(parents) FILTER (WHERE depth < coalesce(parents_above, 32767)),
        sum(teachers) FILTER (WHERE depth < coalesce(teachers_above, 32767)),
        sum(residents) FILTER (WHERE depth < coalesce(residents_above, 32767))
    FROM (
        SELECT above.code, above.kind, line.depth,
            stated.students, stated.parents, stated.teachers, units.residents,
            min(line.depth) FILTER (WHERE line.depth > 0 AND theirs.students IS NOT NULL)
                OVER unit AS students_above,
            min(line.depth) FILTER (WHERE line.depth > 0 AND theirs.parents IS NOT NULL)
                OVER unit AS parents_above,
            min(line.depth) FILTER (WHERE line.depth > 0 AND theirs.teachers IS NOT NULL)
                OVER unit AS teachers_above,
            min(line.depth) FILTER (WHERE line.depth > 0 AND above.residents IS NOT NULL)
                OVER unit AS residents_above
        FROM unit_ancestors AS within
        JOIN units ON units.id = within.unit_id
        JOIN unit_ancestors AS line
            ON line.unit_id = within.unit_id AND line.depth <= within.depth
        JOIN units AS above ON above.id = line.ancestor_id
        LEFT JOIN enrolments AS stated
            ON stated.unit_id = within.unit_id AND stated.period = :period
        LEFT JOIN enrolments AS theirs
            ON theirs.unit_id = line.ancestor_id AND theirs.period = :period
        WHERE within.ancestor_id = :root_id
        WINDOW unit AS (PARTITION BY within.unit_id)
    ) AS lines
    WHERE kind = :level
    GROUP BY code
""")


async def bases(
    session: AsyncSession, root_id: int, *, level: str, period: str | None
) -> dict[tuple[str, str], int]:
    """Heads by (unit code, basis) for the units of a kind within `root_id`, where known.

    A unit's own stated number wins; else it is the sum over the topmost units below that state
    one. Students, parents and teachers are those of the period; residents have none.
    """
    parameters = {"root_id": root_id, "level": level, "period": period}
    rows = await session.execute(_BASES, parameters)
    return {
        (code, basis): int(n)
        for code, *heads in rows
        for basis, n in zip(get_args(HeadBasis), heads, strict=True)
        if n is not None
    }


# What was withdrawn or revised cancels itself out: its rows hold the same number.
_NUMBERS = text("""
    WITH
    within AS MATERIALIZED (SELECT unit_id FROM unit_ancestors WHERE ancestor_id = :root_id),
    at_level AS MATERIALIZED (
        SELECT line.unit_id, units.code
        FROM unit_ancestors AS line
        JOIN within ON within.unit_id = line.ancestor_id
        JOIN units ON units.id = line.ancestor_id AND units.kind = :level
    ),
    said AS (
        SELECT unit_id, numbers[:place] AS value, sum(sign) AS times
        FROM responses
        WHERE campaign_id = :campaign_id AND population = :population
        AND numbers[:place] IS NOT NULL
        AND (CAST(:channel AS smallint) IS NULL OR channel = :channel)
        AND (NOT :clean OR quality IS NULL)
        GROUP BY 1, 2
    )
    SELECT at_level.code, value, sum(times)::bigint AS times
    FROM said JOIN within USING (unit_id) LEFT JOIN at_level USING (unit_id)
    GROUP BY 1, 2 HAVING sum(times) <> 0 LIMIT :most
""")


async def numbers(
    session: AsyncSession,
    campaign_id: int,
    population: int,
    position: int,
    *,
    root_id: int,
    level: str,
    channel: int | None,
    clean: bool,
    most: int,
) -> list[Any]:
    """How often each number was given, by unit code (None: above the level); at most so many.

    `position` is that of the question among the version's numbers. Reads every response of the
    campaign.
    """
    parameters = {
        "campaign_id": campaign_id,
        "population": population,
        "place": position + 1,
        "root_id": root_id,
        "level": level,
        "channel": channel,
        "clean": clean,
        "most": most,
    }
    return list(await session.execute(_NUMBERS, parameters))
