"""SQL of links and invitations."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.tables import CampaignPopulation
from app.links.tables import InvitationBatch, Link
from app.units.tables import Enrolment, Unit, subtree


async def named_units(
    session: AsyncSession, codes: Collection[str], *, seen_from: int | None, region_id: int
) -> dict[str, tuple[int, bool]]:
    """By code: the id of each unit within a subtree, and whether it is inside the region."""
    inside = Unit.id.in_(subtree(region_id)).label("inside")
    statement = select(Unit.code, Unit.id, inside).where(Unit.code == func.any(list(codes)))
    if seen_from is not None:
        statement = statement.where(Unit.id.in_(subtree(seen_from)))
    return {row.code: (row.id, row.inside) for row in await session.execute(statement)}


async def ids_at_level(session: AsyncSession, root_id: int, kind: str, *, limit: int) -> list[int]:
    """The ids of units of one kind, the unit itself and those below it; `limit` of them."""
    statement = select(Unit.id).where(Unit.id.in_(subtree(root_id)), Unit.kind == kind)
    return list(await session.scalars(statement.limit(limit)))


async def unit_kind(session: AsyncSession, unit_id: int) -> str:
    """The kind of a unit."""
    return (await session.scalars(select(Unit.kind).where(Unit.id == unit_id))).one()


def _listed() -> Select[int, str, int, int, str, str, str, bool]:
    return (
        select(
            Link.id,
            Link.code,
            Link.campaign_id,
            Link.unit_id,
            Unit.code.label("unit"),
            Unit.name.label("unit_name"),
            CampaignPopulation.code.label("population"),
            Link.revoked_at.is_not(None).label("revoked"),
        )
        .join(Unit, Unit.id == Link.unit_id)
        .join(
            CampaignPopulation,
            and_(
                CampaignPopulation.campaign_id == Link.campaign_id,
                CampaignPopulation.position == Link.population,
            ),
        )
    )


async def links_in_force(
    session: AsyncSession, campaign_id: int, population: int, unit_ids: Collection[int]
) -> list[Any]:
    """The links of these units that are not revoked, in order of their units' codes."""
    statement = _listed().where(
        Link.campaign_id == campaign_id,
        Link.population == population,
        Link.unit_id == func.any(list(unit_ids)),
        Link.revoked_at.is_(None),
    )
    return list(await session.execute(statement.order_by(Unit.code)))


async def insert_links(
    session: AsyncSession, campaign_id: int, population: int, codes: Mapping[int, str]
) -> None:
    """Store new links by unit id; skips a unit that has one by now, and a code that is taken."""
    rows = [
        {"campaign_id": campaign_id, "population": population, "unit_id": unit, "code": code}
        # In one order everywhere, or two requests at once would wait for each other.
        for unit, code in sorted(codes.items())
    ]
    await session.execute(insert(Link).on_conflict_do_nothing(), rows)


async def list_links(
    session: AsyncSession, campaign_id: int, *, seen_from: int | None, after: int, limit: int
) -> list[Any]:
    """A campaign's links within a subtree, oldest first: `limit + 1`, so that the end shows."""
    statement = _listed().where(Link.campaign_id == campaign_id, Link.id > after)
    if seen_from is not None:
        statement = statement.where(Link.unit_id.in_(subtree(seen_from)))
    return list(await session.execute(statement.order_by(Link.id).limit(limit + 1)))


async def all_links(session: AsyncSession, campaign_id: int, *, seen_from: int | None) -> list[Any]:
    """All of a campaign's links within a subtree, in order of unit and population."""
    statement = _listed().where(Link.campaign_id == campaign_id)
    if seen_from is not None:
        statement = statement.where(Link.unit_id.in_(subtree(seen_from)))
    order = (Unit.code, Link.population, Link.id)
    return list(await session.execute(statement.order_by(*order)))


async def link_by_code(session: AsyncSession, code: str, *, seen_from: int | None) -> Any | None:
    """The link with this code, if its unit lies within a subtree (None: anywhere)."""
    statement = _listed().where(Link.code == code)
    if seen_from is not None:
        statement = statement.where(Link.unit_id.in_(subtree(seen_from)))
    return (await session.execute(statement)).one_or_none()


async def revoke_link(session: AsyncSession, link_id: int) -> None:
    """Revoke a link, if it is not yet."""
    await session.execute(
        update(Link)
        .where(Link.id == link_id, Link.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )


async def enrolments(
    session: AsyncSession, unit_ids: Collection[int], period: str | None
) -> dict[int, Any]:
    """By unit: how many `students`, `parents` and `teachers` it has in a period, where known."""
    rows = await session.execute(
        select(Enrolment.unit_id, Enrolment.students, Enrolment.parents, Enrolment.teachers).where(
            Enrolment.unit_id == func.any(list(unit_ids)), Enrolment.period == period
        )
    )
    return {row.unit_id: row for row in rows}


async def invited(
    session: AsyncSession, campaign_id: int, unit_ids: Collection[int]
) -> dict[tuple[int, int], int]:
    """By unit and population: how many of the units' invitations are not revoked."""
    batch = InvitationBatch
    rows = await session.execute(
        select(batch.unit_id, batch.population, func.sum(batch.count).label("invitations"))
        .where(
            batch.campaign_id == campaign_id,
            batch.unit_id == func.any(list(unit_ids)),
            batch.revoked_at.is_(None),
        )
        .group_by(batch.unit_id, batch.population)
    )
    return {(row.unit_id, row.population): row.invitations for row in rows}


async def insert_batch(session: AsyncSession, **columns: Any) -> InvitationBatch:
    """Store a new batch."""
    batch = InvitationBatch(**columns)
    session.add(batch)
    await session.flush()
    return batch


async def insert_roster(
    session: AsyncSession, rows: Sequence[dict[str, Any]]
) -> tuple[int, dict[tuple[int, int], int]]:
    """Store a roster's new batches; returns its number, and the batches by unit and population."""
    batch = InvitationBatch
    statement = insert(batch).returning(batch.unit_id, batch.population, batch.id)
    made = await session.execute(statement, rows)
    ids = {(row.unit_id, row.population): row.id for row in made}
    roster = min(ids.values())
    await session.execute(
        update(batch).where(batch.id == func.any(list(ids.values()))).values(roster=roster)
    )
    return roster, ids


async def batch_by_id(session: AsyncSession, batch_id: int) -> InvitationBatch:
    """The batch with this id, which there is."""
    return await session.get_one(InvitationBatch, batch_id)


def _listed_batches() -> Select[int, str, str, int, datetime, bool, int | None, bytes]:
    return (
        select(
            InvitationBatch.id,
            Unit.code.label("unit"),
            CampaignPopulation.code.label("population"),
            InvitationBatch.count.label("invitations"),
            InvitationBatch.created_at,
            InvitationBatch.revoked_at.is_not(None).label("revoked"),
            InvitationBatch.roster,
            InvitationBatch.key_id,
        )
        .join(Unit, Unit.id == InvitationBatch.unit_id)
        .join(
            CampaignPopulation,
            and_(
                CampaignPopulation.campaign_id == InvitationBatch.campaign_id,
                CampaignPopulation.position == InvitationBatch.population,
            ),
        )
    )


async def list_batches(
    session: AsyncSession, campaign_id: int, *, seen_from: int | None, after: int, limit: int
) -> list[Any]:
    """A campaign's batches within a subtree, oldest first: `limit + 1`, so that the end shows."""
    statement = _listed_batches().where(
        InvitationBatch.campaign_id == campaign_id, InvitationBatch.id > after
    )
    if seen_from is not None:
        statement = statement.where(InvitationBatch.unit_id.in_(subtree(seen_from)))
    return list(await session.execute(statement.order_by(InvitationBatch.id).limit(limit + 1)))


async def batches_of_roster(
    session: AsyncSession, campaign_id: int, roster: int, *, seen_from: int | None
) -> list[Any]:
    """All batches of a roster within a subtree, oldest first."""
    statement = _listed_batches().where(
        InvitationBatch.campaign_id == campaign_id, InvitationBatch.roster == roster
    )
    if seen_from is not None:
        statement = statement.where(InvitationBatch.unit_id.in_(subtree(seen_from)))
    return list(await session.execute(statement.order_by(InvitationBatch.id)))


async def batch_of_campaign(
    session: AsyncSession, campaign_id: int, batch_id: int, *, seen_from: int | None
) -> Any | None:
    """One of a campaign's batches, if its unit lies within a subtree (None: anywhere)."""
    statement = _listed_batches().where(
        InvitationBatch.campaign_id == campaign_id, InvitationBatch.id == batch_id
    )
    if seen_from is not None:
        statement = statement.where(InvitationBatch.unit_id.in_(subtree(seen_from)))
    return (await session.execute(statement)).one_or_none()


async def revoke_batch(session: AsyncSession, batch_id: int) -> bool:
    """Revoke a batch; False where it was revoked before."""
    revoked = await session.scalar(
        update(InvitationBatch)
        .where(InvitationBatch.id == batch_id, InvitationBatch.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(InvitationBatch.id)
    )
    return revoked is not None
