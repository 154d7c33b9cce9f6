"""SQL of sandboxes: who sent what to one, and emptying it."""

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import IdempotencyKey
from app.core.database import Base
from app.jobs.tables import Job
from app.telephone.tables import Delivery

KEPT = {
    "campaign_keys": "what fits them is gone; new ones would change nothing",
    "campaign_populations": "brought in line with the real campaign's",
    "delivery_plans": "say by when who is to deliver",
    "destructions": "a sandbox whose key was destroyed is never emptied",
    "invitation_batches": "ways in: the invitations can be used again",
    "jobs": "say what was done, and go by themselves",
    "links": "ways in",
    "publication_sections": "go with the publications",
    "publications": "a sandbox has none, and none is ever deleted",
    "roster_entries": "belong to the invitations",
    "roster_proofs": "belong to the invitations",
}
"""Tables that name a campaign and keep their rows when a sandbox is emptied, and why."""
_FIRST = "claims"
"""Whoever writes to the ledger holds these: when they are gone, nobody is in the middle of it."""


async def sources(session: AsyncSession, campaign_id: int) -> set[int]:
    """The clients that have delivered anything to a campaign."""
    statement = select(Delivery.source_id).where(Delivery.campaign_id == campaign_id).distinct()
    return set(await session.scalars(statement))


async def has_unfinished_jobs(session: AsyncSession, campaign_id: int) -> bool:
    """Whether anything is still being done for a campaign in the background."""
    statement = select(Job.id).where(
        Job.campaign_id == campaign_id, Job.state.in_(("queued", "running"))
    )
    return await session.scalar(statement.limit(1)) is not None


async def stand_alone(session: AsyncSession, campaign_id: int) -> None:
    """Keep folding, judging and voiding out until this transaction ends; the campaign is locked.

    Errors: LockNotAvailableError where one of them takes long.
    """
    for statement in (
        "SET LOCAL lock_timeout = '20s'",
        "SET LOCAL statement_timeout = 0",
        "SELECT pg_advisory_xact_lock(hashtextextended('judging', 0))",
        "SELECT pg_advisory_xact_lock(hashtext('folding'))",
        # Whoever folds what it saw before fails on this row, and looks again.
        "UPDATE folding SET folded_until = folded_until",
    ):
        await session.execute(text(statement))
    texts = func.hashtextextended("texts", campaign_id)
    await session.execute(select(func.pg_advisory_xact_lock(texts)))


async def empty(session: AsyncSession, campaign_id: int) -> None:
    """Delete everything that was sent to a campaign or answered in it, whatever room it is of."""
    # Else a repetition would be told that what was deleted had been taken.
    await session.execute(
        delete(IdempotencyKey).where(
            Delivery.campaign_id == campaign_id,
            IdempotencyKey.client_id == Delivery.source_id,
            IdempotencyKey.key == Delivery.name,
        )
    )
    tables = [
        table
        for table in reversed(Base.metadata.sorted_tables)
        if "campaign_id" in table.columns and table.name not in KEPT
    ]
    for table in sorted(tables, key=lambda one: one.name != _FIRST):
        await session.execute(delete(table).where(table.c.campaign_id == campaign_id))
