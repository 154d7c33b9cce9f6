"""Rules of units: who sees which, and how the tree may change."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.core.problems import FieldError, InvalidInput, NotFound
from app.units import queries
from app.units.schemas import EnrolmentIn, UnitIn
from app.units.tables import KINDS, Unit


async def visible(session: AsyncSession, caller: Principal, code: str) -> Unit:
    """The unit with this code. Errors: NotFound, also for what lies outside the subtree."""
    unit = await queries.unit_by_code(session, code, within=caller.unit_id)
    if unit is None:
        raise NotFound(f"There is no unit {code} that this client can see.")
    return unit


async def visible_ids(
    session: AsyncSession, caller: Principal, codes: Collection[str], *, within: int
) -> dict[str, int]:
    """The ids, by code, of those of these units that the caller sees and that lie in a subtree,
    such as that of a campaign's region."""
    return await queries.ids_in_both(session, codes, root_id=within, seen_from=caller.unit_id)


async def lies_within(session: AsyncSession, unit_id: int, root_id: int) -> bool:
    """Whether a unit is another one, or lies below it."""
    return await queries.is_within(session, unit_id, root_id)


def above(parent_kind: str, child_kind: str) -> bool:
    """Whether a unit of one kind can stand above a unit of another; this forbids cycles too."""
    return KINDS.index(parent_kind) < KINDS.index(child_kind)


async def put(
    session: AsyncSession, caller: Principal, code: str, unit: UnitIn
) -> tuple[Unit, bool]:
    """Create or change a unit; returns it and whether it is new.

    Errors: NotFound where it, or the parent, lies outside the caller's subtree; InvalidInput
    where the kinds of parent, unit and children don't descend.
    """
    if unit.parent == code:
        raise _wrong_kind("A unit cannot stand below itself.")
    await queries.lock_tree(session)
    existing = await queries.unit_by_code(session, code)
    if existing is not None:
        await visible(session, caller, code)
    parent = await _parent(session, caller, unit, existing)
    if parent is not None and not above(parent.kind, unit.kind):
        raise _wrong_kind(f"A {unit.kind} cannot stand below a {parent.kind}.")
    if existing is not None:
        for _, kind in await queries.children(session, existing.id):
            if not above(unit.kind, kind):
                raise _wrong_kind(
                    f"There is a {kind} below this unit, so it cannot be a {unit.kind}."
                )
    parent_id = parent.id if parent else None
    moved = existing is None or existing.parent_id != parent_id
    row = {**unit.model_dump(exclude={"parent"}), "code": code, "parent_id": parent_id}
    await queries.upsert_units(session, [row])
    session.expire_all()
    stored = await queries.unit_by_code(session, code)
    assert stored is not None
    if moved:
        await queries.rebuild_ancestors(session, [stored.id])
    verb = "change" if existing else "make"
    audit.record(session, caller, f"unit.{verb}", code, parent=unit.parent, moved=moved)
    return stored, existing is None


async def _parent(
    session: AsyncSession, caller: Principal, unit: UnitIn, existing: Unit | None
) -> Unit | None:
    stands_under = await queries.parent_code(session, existing) if existing else None
    if existing is not None and unit.parent == stands_under:
        # The root of a subtree keeps its parent, which its own clients cannot see.
        return await queries.unit_by_code(session, unit.parent) if unit.parent else None
    if unit.parent is None:
        if caller.unit_id is not None:
            raise NotFound("A unit without a parent can only be made by a client that sees all.")
        return None
    return await visible(session, caller, unit.parent)


def _wrong_kind(message: str) -> InvalidInput:
    order = " > ".join(KINDS)
    error = FieldError("/kind", "wrong_level", f"{message} The order is {order}.")
    return InvalidInput(errors=[error])


async def put_enrolment(
    session: AsyncSession, caller: Principal, code: str, enrolment: EnrolmentIn
) -> bool:
    """Create or change a unit's enrolment in a period; returns whether it is new."""
    unit = await visible(session, caller, code)
    known = {row.period for row in await queries.enrolments_of(session, [unit.id])}
    await queries.upsert_enrolments(session, [{**enrolment.model_dump(), "unit_id": unit.id}])
    audit.record(session, caller, "unit.enrolment", code, **enrolment.model_dump())
    return enrolment.period not in known
