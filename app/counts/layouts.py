"""The layouts of the versions that a campaign's populations are asked."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.tables import CampaignPopulation
from app.questionnaires import service as questionnaires
from app.questionnaires.layout import Layout

# A published version never changes, so it is laid out once for each process and database.
_known: WeakKeyDictionary[Any, dict[tuple[int, int], Layout]] = WeakKeyDictionary()


async def layouts_of(
    session: AsyncSession, populations: Sequence[CampaignPopulation]
) -> dict[int, Layout]:
    """The layout of each population's version, by the population's position."""
    known = _known.setdefault(session.get_bind(), {})
    versions = {(one.questionnaire_id, one.version) for one in populations}
    missing = versions - known.keys()
    if missing:
        known.update(await questionnaires.layouts(session, missing))
    return {one.position: known[one.questionnaire_id, one.version] for one in populations}
