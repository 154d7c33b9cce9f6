"""What is told of doubts: how many, where, why."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.doubts import queries
from app.doubts.schemas import DoubtsOut, DoubtsRow, RestoredOut, SignOut, VoidOut
from app.doubts.signs import Thresholds, explained, signs_of
from app.responses.tables import Doubt
from app.units.schemas import UnitRef


@dataclass
class _Group:
    """The doubtful responses of a unit and population."""

    unit: UnitRef
    population: str
    flagged: int = 0
    signs: Counter[str] = field(default_factory=Counter)

    def add(self, quality: int, responses: int) -> None:
        """Add so many responses that have the signs of `quality`."""
        self.flagged += responses
        self.signs.update(dict.fromkeys(signs_of(quality), responses))


async def doubts(
    session: AsyncSession, caller: Principal, campaign: Campaign, thresholds: Thresholds
) -> DoubtsOut:
    """The doubtful responses of a campaign that count, of what the caller sees of it.

    `thresholds`: those that will be judged by, for a campaign that was never judged.
    """
    judged = await queries.judged(session, campaign.id)
    if judged is not None and judged.thresholds is not None:
        thresholds = {**thresholds, **judged.thresholds}
    root_id = await campaigns.root_seen(session, caller, campaign)
    groups: dict[tuple[str, str], _Group] = {}
    for row in await queries.doubted(session, campaign.id, within=root_id):
        unit = UnitRef(code=row.code, name=row.name)
        group = groups.setdefault((row.code, row.population), _Group(unit, row.population))
        group.add(row.quality, row.responses)
    totals = sum((group.signs for group in groups.values()), Counter[str]())
    return DoubtsOut(
        campaign=campaign.code,
        judged_at=None if judged is None else judged.judged_at,
        thresholds=dict(thresholds),
        signs=[
            SignOut.model_validate(
                {
                    "sign": one.name,
                    "explanation": explained(one, thresholds),
                    "responses": totals[str(one.name)],
                }
            )
            for one in Doubt
        ],
        rows=[DoubtsRow.model_validate(group) for group in groups.values()],
    )


def void_out(row: Any) -> VoidOut:
    """A row of `voiding.queries.list_voids` as replies show it."""
    restored = None
    if row.restored_at is not None:
        restored = RestoredOut(
            at=row.restored_at,
            by=row.restored_by_client,
            reason=row.restore_reason,
            responses=row.restored,
            answered_again=row.answered_again,
            withdrawn=row.withdrawn,
        )
    return VoidOut(
        void=row.id,
        link=row.link,
        batch=row.batch_id,
        unit=row.unit,
        population=row.population,
        reason=row.reason,
        at=row.voided_at,
        by=row.voided_by_client,
        responses=row.responses,
        finished=row.settled,
        restored=restored,
    )
