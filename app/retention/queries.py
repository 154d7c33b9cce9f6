"""SQL of retention."""

from typing import Any

from sqlalchemy import Executable, column, delete, func, select, table, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import RevokedToken
from app.campaigns.tables import Campaign, CampaignKey
from app.core.database import Connection
from app.identity.wechat.tables import WeChatExchange, WeChatPass
from app.responses.tables import Claim, ResponseText, VoidedClaim
from app.retention.tables import Destruction, KeysFile
from app.rosters.tables import RosterEntry, RosterProof
from app.telephone.reconciliation.tables import AnsweredBefore
from app.telephone.tables import Delivery, DeliveryChunk, Interview

_CALLS_OF_NOBODY = text(
    "(SELECT jsonb_agg(call - 'interviewer' ORDER BY number) "
    "FROM jsonb_array_elements(calls) WITH ORDINALITY AS made (call, number))"
)
# Their room stands above this one: the table is named, not imported.
_EXPORTS = table("exports", column("campaign_id"))
_WATCHED_DAYS = 7
"""For so long it is looked again whether anything of a destroyed campaign came after."""
_DUE = (
    Campaign.closes_at
    + func.make_interval(0, 0, 0, Campaign.delivery_days + Campaign.retention_days)
    <= func.now()
)


async def take_turn(session: AsyncSession) -> bool:
    """Be the one process that erases, until this transaction ends; False where another is."""
    taken = await session.scalar(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended('retention', 0))")
    )
    return bool(taken)


async def without_time_limit(session: AsyncSession) -> None:
    """Let this transaction's statements take as long as a million rows do."""
    await session.execute(text("SET LOCAL statement_timeout = 0"))


async def due(session: AsyncSession) -> list[str]:
    """The codes of campaigns whose time is over and that were not erased yet."""
    statement = select(Campaign.code).where(_DUE, Campaign.erased_at.is_(None))
    return list(await session.scalars(statement.order_by(Campaign.id)))


async def erase(session: AsyncSession, campaign_id: int, *, texts: bool) -> dict[str, int]:
    """Erase what could lead to a person in a campaign; returns how many rows of what.

    `texts`: also what people wrote, and then nothing is left for retention to do.
    """
    await session.execute(
        delete(CampaignKey).where(
            CampaignKey.campaign_id == campaign_id, CampaignKey.purpose == "identity"
        )
    )
    erased = {}
    for name, statement in _erasing(campaign_id).items():
        if texts or name != "texts":
            result: Any = await session.execute(statement)
            erased[name] = result.rowcount
    changed: dict[str, Any] = {"erased_at": func.now()} if texts else {}
    await session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(**changed, revision=Campaign.revision + 1)
    )
    return erased


def _erasing(campaign_id: int) -> dict[str, Executable]:
    """By what they are told as: the statements that leave nothing which the key could link."""
    deliveries = select(Delivery.id).where(Delivery.campaign_id == campaign_id)
    interviews = update(Interview).where(Interview.campaign_id == campaign_id)
    return {
        "claims": delete(Claim).where(Claim.campaign_id == campaign_id),
        "voided": delete(VoidedClaim).where(VoidedClaim.campaign_id == campaign_id),
        "roster": delete(RosterEntry).where(RosterEntry.campaign_id == campaign_id),
        "roster_proofs": delete(RosterProof).where(RosterProof.campaign_id == campaign_id),
        "answered_before": delete(AnsweredBefore).where(AnsweredBefore.campaign_id == campaign_id),
        "texts": delete(ResponseText).where(ResponseText.campaign_id == campaign_id),
        "exports": delete(_EXPORTS).where(_EXPORTS.c.campaign_id == campaign_id),
        "interviews": interviews.values(
            child=None,
            sample_id=None,
            interviewer=None,
            recording=None,
            recording_sha256=None,
            calls=_CALLS_OF_NOBODY,
            content_mac=b"",
        ),
        "waiting": delete(DeliveryChunk).where(DeliveryChunk.delivery_id.in_(deliveries)),
    }


async def delete_stragglers(session: AsyncSession) -> int:
    """Delete claims that came in while their campaign's key was being destroyed; how many."""
    gone = select(Destruction.campaign_id).where(
        Destruction.recorded_at > func.now() - func.make_interval(0, 0, 0, _WATCHED_DAYS)
    )
    statement = delete(Claim).where(Claim.campaign_id.in_(gone))
    result: Any = await session.execute(statement)
    return int(result.rowcount)


async def destroyed(session: AsyncSession) -> frozenset[int]:
    """The ids of all campaigns whose identity key was destroyed."""
    return frozenset(await session.scalars(select(Destruction.campaign_id)))


async def destroyed_lately(session: AsyncSession) -> bool:
    """Whether a key was destroyed in the last days."""
    since = func.now() - func.make_interval(0, 0, 0, _WATCHED_DAYS)
    found = await session.scalar(
        select(Destruction.campaign_id).where(Destruction.recorded_at > since).limit(1)
    )
    return found is not None


async def destructions_of(session: AsyncSession, campaign_id: int) -> list[Destruction]:
    """What was destroyed of a campaign, the first time first."""
    statement = select(Destruction).where(Destruction.campaign_id == campaign_id)
    return list(await session.scalars(statement.order_by(Destruction.destroyed_at)))


async def every_destruction(session: AsyncSession) -> list[Any]:
    """All of them: `code`, `created_at` of the campaign; `cause`, `destroyed_at`."""
    statement = (
        select(Campaign.code, Campaign.created_at, Destruction.cause, Destruction.destroyed_at)
        .join(Campaign, Campaign.id == Destruction.campaign_id)
        .order_by(Destruction.destroyed_at)
    )
    return list(await session.execute(statement))


async def lock_campaign(session: AsyncSession, code: str) -> Campaign | None:
    """The campaign with this code, if any, which nobody changes before this transaction ends."""
    statement = select(Campaign).where(Campaign.code == code).with_for_update()
    return await session.scalar(statement.execution_options(populate_existing=True))


async def files_of_keys(session: AsyncSession, found: Destruction) -> list[KeysFile]:
    """The files that may hold a campaign's key, the newest first."""
    slack = func.make_interval(0, 0, 0, 0, 0, 1)
    statement = (
        select(KeysFile)
        .join(Campaign, Campaign.id == found.campaign_id)
        .where(
            KeysFile.made_at >= Campaign.created_at - slack,
            KeysFile.made_at <= found.recorded_at + slack,
        )
    )
    return list(await session.scalars(statement.order_by(KeysFile.made_at.desc())))


async def folders_of_keys(session: AsyncSession) -> list[str]:
    """The folders that files of campaigns' keys lie in, as they were last seen."""
    return list(await session.scalars(select(KeysFile.folder).distinct()))


async def rewrite_keys(connection: Connection) -> None:
    """Write the table of keys anew, so that its file has none that was deleted.

    Errors: LockNotAvailableError where it is being read for long, as by a backup.
    """
    # Who waits for the table keeps others waiting behind it.
    await connection.execute("SET lock_timeout = '500ms'")
    try:
        await connection.execute("VACUUM (FULL) campaign_keys")
    finally:
        await connection.execute("RESET lock_timeout")


async def forget_revoked_tokens(session: AsyncSession) -> None:
    """Drop the revocations of tokens that have expired by now."""
    await session.execute(delete(RevokedToken).where(RevokedToken.expires_at < func.now()))


async def forget_wechat(session: AsyncSession) -> None:
    """Drop what WeChat said of people, and tokens that have expired."""
    for kept in (WeChatExchange, WeChatPass):
        await session.execute(delete(kept).where(kept.expires_at < func.now()))
