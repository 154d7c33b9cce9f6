"""SQL of reading text answers.

They stand in the order of a hash, which says nothing of when they came and has an index.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock

Place = tuple[int, UUID]
"""Where a text stands in the order: its hash, then its response."""
FIRST: Place = (-(1 << 63), UUID(int=0))

# The next entries of the index, so many at most, whoever they are of; then their responses, each
# by its key.
_WINDOW = """
    SELECT submission_id, sequence, body,
        uuid_hash_extended(submission_id, position::bigint) AS shuffled
    FROM response_texts
    WHERE campaign_id = :campaign_id AND position = :position
    AND uuid_hash_extended(submission_id, position::bigint) >= :shuffled
    AND (uuid_hash_extended(submission_id, position::bigint), submission_id)
        > (CAST(:shuffled AS bigint), CAST(:submission_id AS uuid))
    ORDER BY uuid_hash_extended(submission_id, position::bigint), submission_id
    LIMIT :most
"""
_TEXTS = text(f"""
    SELECT said.shuffled, said.submission_id, said.body, one.channel, one.day,
        units.code, units.name
    FROM ({_WINDOW}) AS said
    CROSS JOIN LATERAL (
        SELECT unit_id, channel, (answered_at AT TIME ZONE '{clock.SHANGHAI.key}')::date AS day
        FROM responses AS standing
        WHERE campaign_id = :campaign_id AND submission_id = said.submission_id
        AND sequence = said.sequence AND sign > 0 AND population = :population
        AND (CAST(:channel AS smallint) IS NULL OR channel = :channel)
        AND (NOT :clean OR quality IS NULL)
        AND (
            SELECT true FROM unit_ancestors
            WHERE unit_id = standing.unit_id AND ancestor_id = :root_id
        )
        AND NOT EXISTS (
            SELECT FROM responses AS later
            WHERE later.campaign_id = :campaign_id AND later.submission_id = said.submission_id
            AND later.sequence > said.sequence
        )
        OFFSET 0
    ) AS one
    JOIN units ON units.id = one.unit_id
    WHERE (CAST(:contains AS text) IS NULL OR strpos(lower(said.body), lower(:contains)) > 0)
    ORDER BY said.shuffled, said.submission_id
    LIMIT :limit
""")
_END = text(f"SELECT shuffled, submission_id FROM ({_WINDOW}) AS said OFFSET :most - 1")


def _window(campaign_id: int, position: int, *, after: Place, most: int) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "position": position,
        "shuffled": after[0],
        "submission_id": after[1],
        "most": most,
    }


async def texts(
    session: AsyncSession,
    campaign_id: int,
    population: int,
    position: int,
    *,
    after: Place,
    most: int,
    root_id: int,
    channel: int | None,
    clean: bool,
    contains: str | None,
    limit: int,
) -> list[Any]:
    """What counted responses of a population say, of the next `most` texts in the order.

    `position` is that of the question among the version's texts. Rows: `shuffled`,
    `submission_id`, `body`, `channel`, `day`; `code`, `name` of the unit.
    """
    parameters = {
        **_window(campaign_id, position, after=after, most=most),
        "population": population,
        "root_id": root_id,
        "channel": channel,
        "clean": clean,
        "contains": contains,
        "limit": limit,
    }
    return list(await session.execute(_TEXTS, parameters))


async def end_of(
    session: AsyncSession, campaign_id: int, position: int, *, after: Place, most: int
) -> Place | None:
    """Where the last of the next `most` texts stands; None where there are fewer left."""
    parameters = _window(campaign_id, position, after=after, most=most)
    row = (await session.execute(_END, parameters)).first()
    return None if row is None else (row.shuffled, row.submission_id)
