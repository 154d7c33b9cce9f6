"""SQL of results."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    Date,
    Integer,
    SmallInteger,
    Subquery,
    TableValuedAlias,
    cast,
    column,
    func,
    null,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.questionnaires.tables import QuestionnaireVersion
from app.responses.tables import Channel, Response
from app.results.counting import Tallied
from app.units.tables import Unit, UnitAncestor, subtree


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What of a campaign's ledger is counted, and what it is grouped by."""

    campaign_id: int
    root_id: int
    """Only responses given to this unit and all below it."""
    slots: Sequence[tuple[int, int | None]]
    """(population, slot) to count; slot None for the respondents themselves."""
    level: str | None = None
    """The kind of unit to group by; None: not by unit."""
    by_channel: bool = False
    by_day: bool = False
    channel: Channel | None = None
    clean: bool = False
    """Whether responses that were flagged are left out."""


async def tallied(session: AsyncSession, selection: Selection) -> list[Tallied]:
    """Count the ledger: how often each slot has each value but 0, in each group that has any.

    One statement, so that respondents and votes are of one instant. All results and coverage are
    made from this; nothing else reads the ledger.
    """
    groups = _groups(selection)
    rows = await session.execute(
        select(
            Unit.code,
            Unit.name,
            groups.c.population,
            groups.c.channel,
            groups.c.day,
            groups.c.slot,
            groups.c.value,
            groups.c.n,
        ).outerjoin_from(groups, Unit, Unit.id == groups.c.unit_id)
    )
    return [Tallied._make(row) for row in rows]


def _groups(selection: Selection) -> Subquery:
    wanted = _wanted(selection.slots)
    at = _at_level(selection.level, selection.root_id)
    day = cast(func.timezone(clock.SHANGHAI.key, Response.answered_at), Date)
    # No byte at no slot: the rows of the respondents themselves have null in both.
    value = func.get_byte(Response.answers, wanted.c.slot)
    keys: dict[str, Any] = {
        "unit_id": at.c.ancestor_id if selection.level else None,
        "population": wanted.c.population,
        "channel": Response.channel if selection.by_channel else None,
        "day": day if selection.by_day else None,
        "slot": wanted.c.slot,
        "value": value,
    }
    absent = cast(null(), Integer)
    named = [(absent if key is None else key).label(name) for name, key in keys.items()]
    statement = (
        select(*named, func.sum(Response.sign).label("n"))
        .join_from(Response, wanted, wanted.c.population == Response.population)
        .where(
            Response.campaign_id == selection.campaign_id,
            Response.unit_id.in_(subtree(selection.root_id)),
            value.is_distinct_from(0),
        )
        .group_by(*[key for key in keys.values() if key is not None])
        .having(func.sum(Response.sign) != 0)
    )
    if selection.level:
        statement = statement.outerjoin(at, at.c.unit_id == Response.unit_id)
    if selection.channel is not None:
        statement = statement.where(Response.channel == selection.channel)
    if selection.clean:
        statement = statement.where(Response.quality == 0)
    return statement.subquery("groups")


def _wanted(slots: Sequence[tuple[int, int | None]]) -> TableValuedAlias:
    return (
        func.unnest(
            cast([population for population, _ in slots], ARRAY(SmallInteger)),
            cast([slot for _, slot in slots], ARRAY(Integer)),
        )
        .table_valued(column("population", SmallInteger), column("slot", Integer))
        .render_derived(name="wanted")
    )


def _at_level(level: str | None, root_id: int) -> Subquery:
    """Each unit below `root_id` with its ancestor, or itself, of that kind within `root_id`."""
    return (
        select(UnitAncestor.unit_id, UnitAncestor.ancestor_id)
        .join(Unit, Unit.id == UnitAncestor.ancestor_id)
        .where(Unit.kind == level, UnitAncestor.ancestor_id.in_(subtree(root_id)))
        .subquery("at_level")
    )


async def units_at(session: AsyncSession, root_id: int, level: str) -> dict[str, str]:
    """Names by code of all units of a kind within `root_id`."""
    rows = await session.execute(
        select(Unit.code, Unit.name).where(Unit.kind == level, Unit.id.in_(subtree(root_id)))
    )
    return {row.code: row.name for row in rows}


async def unit_id_within(session: AsyncSession, code: str, root_id: int) -> int | None:
    """The id of the unit with this code, if it lies within the subtree of `root_id`."""
    return await session.scalar(
        select(Unit.id).where(Unit.code == code, Unit.id.in_(subtree(root_id)))
    )


async def definitions(
    session: AsyncSession, versions: Collection[tuple[int, int]]
) -> dict[tuple[int, int], dict[str, Any]]:
    """Published definitions by (questionnaire id, version)."""
    key = tuple_(QuestionnaireVersion.questionnaire_id, QuestionnaireVersion.version)
    rows = await session.scalars(select(QuestionnaireVersion).where(key.in_(versions)))
    return {(row.questionnaire_id, row.version): row.definition for row in rows}


# A stated number counts for every unit above it, up to but excluding the next one that states a
# number itself.
_BASES = text("""
    WITH
    within AS (SELECT unit_id FROM unit_ancestors WHERE ancestor_id = :root_id),
    stated AS (
        SELECT enrolments.unit_id, one.basis, one.n
        FROM enrolments
        CROSS JOIN LATERAL (
            VALUES ('students', students), ('parents', parents), ('teachers', teachers)
        ) AS one (basis, n)
        WHERE period = :period AND one.n IS NOT NULL
        UNION ALL
        SELECT id, 'residents', residents FROM units WHERE residents IS NOT NULL
    ),
    covered AS (
        SELECT stated.unit_id, stated.basis, min(line.depth) AS depth
        FROM stated
        JOIN unit_ancestors AS line ON line.unit_id = stated.unit_id AND line.depth > 0
        JOIN stated AS above ON above.unit_id = line.ancestor_id AND above.basis = stated.basis
        WHERE stated.unit_id IN (SELECT unit_id FROM within)
        GROUP BY 1, 2
    )
    SELECT units.code, stated.basis, sum(stated.n) AS n
    FROM stated
    JOIN unit_ancestors AS line ON line.unit_id = stated.unit_id
    JOIN units ON units.id = line.ancestor_id AND units.kind = :level
    LEFT JOIN covered ON covered.unit_id = stated.unit_id AND covered.basis = stated.basis
    WHERE line.ancestor_id IN (SELECT unit_id FROM within)
    AND line.depth < coalesce(covered.depth, 32767)
    GROUP BY 1, 2
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
    return {(row.code, row.basis): int(row.n) for row in rows}
