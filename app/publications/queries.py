"""SQL of publications."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.tables import Campaign
from app.publications.tables import Publication, PublicationSection
from app.questionnaires.tables import QuestionnaireVersion
from app.responses.tables import Cause, Response
from app.units.tables import Unit, subtree


async def lock(session: AsyncSession, campaign_id: int) -> None:
    """Let nobody else publish of this campaign before this transaction ends."""
    statement = text("SELECT pg_advisory_xact_lock(hashtext('publications'), :id)")
    await session.execute(statement, {"id": campaign_id})


async def units_at(session: AsyncSession, root_id: int, levels: Collection[str]) -> int:
    """How many units of these kinds there are within a unit."""
    statement = select(func.count()).where(Unit.kind.in_(levels), Unit.id.in_(subtree(root_id)))
    return await session.scalar(statement) or 0


async def last_number(session: AsyncSession, campaign_id: int) -> int:
    """The number of the campaign's latest publication; 0 without any."""
    statement = select(func.max(Publication.number)).where(Publication.campaign_id == campaign_id)
    return await session.scalar(statement) or 0


async def numbered(session: AsyncSession, campaign_id: int, number: int) -> Publication | None:
    """The campaign's publication with this number."""
    return await session.get(Publication, (campaign_id, number))


async def corrections(session: AsyncSession, campaign_id: int) -> dict[int, int]:
    """By the number of a publication that was corrected, the number of the one that does so."""
    rows = await session.execute(
        select(Publication.corrects, Publication.number).where(
            Publication.campaign_id == campaign_id, Publication.corrects.is_not(None)
        )
    )
    return {row.corrects: row.number for row in rows}


async def publications(
    session: AsyncSession, campaign_id: int, *, before: int | None = None, limit: int | None = None
) -> list[Publication]:
    """Publications, the newest first: `limit` of them and one more, numbered below `before`."""
    statement = select(Publication).where(Publication.campaign_id == campaign_id)
    if before is not None:
        statement = statement.where(Publication.number < before)
    if limit is not None:
        statement = statement.limit(limit + 1)
    return list(await session.scalars(statement.order_by(Publication.number.desc())))


async def section(session: AsyncSession, campaign_id: int, number: int, name: str) -> bytes | None:
    """One section, packed."""
    return await session.scalar(
        select(PublicationSection.packed).where(
            PublicationSection.campaign_id == campaign_id,
            PublicationSection.number == number,
            PublicationSection.section == name,
        )
    )


async def insert(
    session: AsyncSession, publication: Publication, sections: Mapping[str, bytes]
) -> None:
    """Store a publication with its packed sections."""
    session.add(publication)
    await session.flush()
    for name, packed in sections.items():
        session.add(
            PublicationSection(
                campaign_id=publication.campaign_id,
                number=publication.number,
                section=name,
                packed=packed,
            )
        )
    await session.flush()


async def definition(session: AsyncSession, questionnaire_id: int, version: int) -> dict[str, Any]:
    """What a published version asks."""
    found = await session.get_one(QuestionnaireVersion, (questionnaire_id, version))
    return found.definition


async def left_out(session: AsyncSession, campaign_id: int) -> dict[Cause, int]:
    """How many responses were taken out of the count, by cause; a restoring takes a voiding back.

    Reads the index of the campaign's whole ledger.
    """
    rows = await session.execute(
        select(Response.cause, -func.sum(Response.sign))
        .where(
            Response.campaign_id == campaign_id,
            Response.sequence > 0,
            (Response.sign < 0) | (Response.cause == Cause.restored),
            Response.cause.is_not(None),
        )
        .group_by(Response.cause)
    )
    return {Cause(cause): int(number) for cause, number in rows if cause is not None}


async def doubtful(session: AsyncSession, campaign_id: int) -> int:
    """How many responses are flagged as doubtful, and counted all the same."""
    statement = select(func.sum(Response.sign)).where(
        Response.campaign_id == campaign_id, Response.quality.is_not(None)
    )
    return int(await session.scalar(statement) or 0)


async def every_publication(
    session: AsyncSession,
) -> AsyncIterator[tuple[str, Publication, dict[str, bytes]]]:
    """All publications there are: the campaign's code, the row, and its packed sections."""
    keys = await session.execute(
        select(Campaign.code, Publication.campaign_id, Publication.number)
        .join(Campaign, Campaign.id == Publication.campaign_id)
        .order_by(Campaign.code, Publication.number)
    )
    for code, campaign_id, number in keys.all():
        found = await session.get_one(Publication, (campaign_id, number))
        rows = await session.execute(
            select(PublicationSection.section, PublicationSection.packed).where(
                PublicationSection.campaign_id == campaign_id,
                PublicationSection.number == number,
            )
        )
        yield code, found, {row.section: row.packed for row in rows}
        session.expunge(found)
