"""SQL of units."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.units.tables import Enrolment, Unit, UnitAncestor, subtree

_REBUILD_ANCESTORS = text("""
    WITH RECURSIVE
    changed AS (
        SELECT id FROM units WHERE id = ANY(:ids)
        UNION
        SELECT child.id FROM units AS child JOIN changed ON child.parent_id = changed.id
    ),
    dropped AS (
        DELETE FROM unit_ancestors WHERE unit_id IN (SELECT id FROM changed)
        RETURNING unit_id, ancestor_id
    ),
    moved AS (
        -- A new unit has no rows to drop.
        UPDATE unit_tree SET moves = moves + 1 WHERE EXISTS (SELECT FROM dropped)
    ),
    climb AS (
        SELECT id AS unit_id, id AS ancestor_id, 0 AS depth FROM changed
        UNION ALL
        SELECT climb.unit_id, units.parent_id, climb.depth + 1
        FROM climb JOIN units ON units.id = climb.ancestor_id
        WHERE units.parent_id IS NOT NULL
    )
    -- Waiting for the count makes the old rows go first.
    INSERT INTO unit_ancestors (unit_id, ancestor_id, depth)
    SELECT unit_id, ancestor_id, depth FROM climb, (SELECT count(*) FROM dropped) AS gone
    ON CONFLICT (unit_id, ancestor_id) DO UPDATE SET depth = excluded.depth
""")


async def lock_tree(session: AsyncSession) -> None:
    """Let one transaction at a time change the tree."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('units'))"))


async def unit_by_code(
    session: AsyncSession, code: str, *, within: int | None = None
) -> Unit | None:
    """The unit with this code, if it lies within the subtree of `within` (None: anywhere)."""
    statement = select(Unit).where(Unit.code == code)
    if within is not None:
        statement = statement.where(Unit.id.in_(subtree(within)))
    return await session.scalar(statement)


async def units_by_codes(session: AsyncSession, codes: Collection[str]) -> dict[str, Unit]:
    """The units with these codes, by code."""
    rows = await session.scalars(select(Unit).where(Unit.code == func.any(list(codes))))
    return {unit.code: unit for unit in rows}


async def units_by_ids(
    session: AsyncSession, ids: Collection[int | None]
) -> dict[int | None, Unit]:
    """The units with these ids, by id; None among them is passed over."""
    wanted = [one for one in ids if one is not None]
    rows = await session.scalars(select(Unit).where(Unit.id == func.any(wanted)))
    return {unit.id: unit for unit in rows}


async def ids_in_both(
    session: AsyncSession, codes: Collection[str], *, root_id: int, seen_from: int | None
) -> dict[str, int]:
    """The ids, by code, of those of these units that lie in both subtrees (None: anywhere)."""
    statement = select(Unit.code, Unit.id).where(
        Unit.code == func.any(list(codes)), Unit.id.in_(subtree(root_id))
    )
    if seen_from is not None:
        statement = statement.where(Unit.id.in_(subtree(seen_from)))
    return {row.code: row.id for row in await session.execute(statement)}


async def is_within(session: AsyncSession, unit_id: int, root_id: int) -> bool:
    """Whether a unit is another one, or lies below it."""
    statement = subtree(root_id).where(UnitAncestor.unit_id == unit_id)
    return await session.scalar(statement) is not None


async def ids_within(session: AsyncSession, root_id: int) -> set[int]:
    """The ids of a unit and all below it."""
    return set(await session.scalars(subtree(root_id)))


async def parent_code(session: AsyncSession, unit: Unit) -> str | None:
    """The code of the unit above, if there is one."""
    return await session.scalar(select(Unit.code).where(Unit.id == unit.parent_id))


async def children(session: AsyncSession, unit_id: int) -> list[tuple[str, str]]:
    """Codes and kinds of the units right below."""
    rows = await session.execute(select(Unit.code, Unit.kind).where(Unit.parent_id == unit_id))
    return [(row.code, row.kind) for row in rows]


async def ids_by_codes(session: AsyncSession, codes: Collection[str]) -> dict[str, int]:
    """The ids of units, by code."""
    statement = select(Unit.code, Unit.id).where(Unit.code == func.any(list(codes)))
    return {row.code: row.id for row in await session.execute(statement)}


def _listed() -> Select[str, str, str, str, str | None, int | None]:
    parent = aliased(Unit)
    return (
        select(
            Unit.code, Unit.name, Unit.kind, parent.code.label("parent"), Unit.stage, Unit.residents
        )
        .outerjoin(parent, parent.id == Unit.parent_id)
        .order_by(Unit.code)
    )


async def list_units(
    session: AsyncSession,
    *,
    seen_from: int | None,
    within: int | None,
    kind: str | None,
    after: str | None,
    limit: int,
) -> list[Any]:
    """Units in order of their codes: `limit + 1` of them, so that the end shows."""
    statement = _listed().limit(limit + 1)
    for root in (seen_from, within):
        if root is not None:
            statement = statement.where(Unit.id.in_(subtree(root)))
    if kind is not None:
        statement = statement.where(Unit.kind == kind)
    if after is not None:
        statement = statement.where(Unit.code > after)
    return list(await session.execute(statement))


async def upsert_units(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Create or change units by code; each row has every column but the id."""
    statement = insert(Unit)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "code"}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["code"], set_=changed), rows
    )


async def rebuild_ancestors(session: AsyncSession, ids: Collection[int]) -> None:
    """Bring the ancestors of these units, and of all below them, up to date."""
    await session.execute(_REBUILD_ANCESTORS, {"ids": list(ids)})


async def enrolments_of(session: AsyncSession, unit_ids: Collection[int]) -> list[Enrolment]:
    """All enrolment of these units, latest period first."""
    statement = (
        select(Enrolment)
        .where(Enrolment.unit_id == func.any(list(unit_ids)))
        .order_by(func.left(Enrolment.period, 4).desc(), Enrolment.period)
    )
    return list(await session.scalars(statement))


async def upsert_enrolments(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Create or change enrolment by unit and period."""
    statement = insert(Enrolment)
    changed = {name: statement.excluded[name] for name in ("students", "parents", "teachers")}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["unit_id", "period"], set_=changed), rows
    )
