"""Counts by origin: what came through each link and batch is the sum of its rows at any moment."""

import asyncio
import random
import uuid

from sqlalchemy import select

from app.campaigns.tables import Campaign
from app.core.database import Pool
from app.counts import origins
from app.counts.folding import adopt, fold
from app.counts.recounting import check, repair
from app.responses.tables import Channel
from tests.counts.test_folding import database_of, fold_all, prepare
from tests.factories import Api

_INSERT = """
    INSERT INTO responses (
        campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
        answered_at, answers
    )
    SELECT campaigns.id, $1, $2, $3, units.id, $4, $5, $6, now(), decode(repeat('00', 16), 'hex')
    FROM campaigns, units WHERE campaigns.code = 'C' AND units.code = 'A1'
"""
ORIGINS = range(1, 7)
CHANNELS = tuple(Channel)


async def append(
    pool: Pool, dice: random.Random, standing: dict[uuid.UUID, tuple[int, ...]]
) -> None:
    """A random row: a new response through some origin, or the end of one that stands."""
    if standing and dice.random() < 0.3:
        name = dice.choice(list(standing))
        sequence, population, channel, origin = standing.pop(name)
        await pool.execute(_INSERT, name, sequence + 1, -1, population, channel, origin or None)
        return
    name = uuid.UUID(int=dice.getrandbits(128))
    place = (dice.randrange(2), dice.choice(CHANNELS), dice.choice((0, *ORIGINS)))
    population, channel, origin = place
    await pool.execute(_INSERT, name, 0, 1, population, channel, origin or None)
    standing[name] = (0, *place)


async def read(api: Api, *channels: Channel) -> dict[int, int]:
    """The counts as the lists of links and batches have them."""
    async with database_of(api).sessions.begin() as session:
        [campaign] = await session.scalars(select(Campaign.id))
        return await origins.answered(session, campaign, channels, ORIGINS)


def expected(standing: dict[uuid.UUID, tuple[int, ...]], *channels: Channel) -> dict[int, int]:
    """The same, from what is known to stand."""
    through = [origin for _, _, channel, origin in standing.values() if channel in channels]
    return {origin: through.count(origin) for origin in ORIGINS}


async def differences(api: Api) -> list[str]:
    return [str(one) async for each in check(database_of(api)) for one in each.differences]


async def test_they_are_the_rows_whatever_is_folded_meanwhile(admin: Api) -> None:
    await prepare(admin)
    dice = random.Random(41)
    pool = database_of(admin).pool
    standing: dict[uuid.UUID, tuple[int, ...]] = {}

    async def keep_folding() -> None:
        while True:
            await fold(database_of(admin), most=17)

    folding = asyncio.create_task(keep_folding())
    try:
        for number in range(240):
            await append(pool, dice, standing)
            if number % 8 == 0:
                for channels in (origins.LINK, origins.BATCH, (Channel.phone,), CHANNELS):
                    assert await read(admin, *channels) == expected(standing, *channels)
    finally:
        folding.cancel()
        await asyncio.gather(folding, return_exceptions=True)
    await fold_all(admin)
    assert await read(admin, *CHANNELS) == expected(standing, *CHANNELS)
    assert await differences(admin) == []
    await pool.execute("UPDATE folding SET server = 1")
    assert await adopt(database_of(admin))
    assert await read(admin, *CHANNELS) == expected(standing, *CHANNELS)
    await fold_all(admin)
    assert await pool.fetchval("SELECT count(*) FROM origin_counts") > 6
    assert await differences(admin) == []


async def test_whatever_differs_is_found_named_and_mended(admin: Api) -> None:
    await prepare(admin)
    pool = database_of(admin).pool
    for number in range(12):
        await pool.execute(
            _INSERT, uuid.UUID(int=number + 1), 0, 1, 0, Channel.link, 1 + number % 3
        )
    await fold_all(admin)
    for wrong, named in (
        ("UPDATE origin_counts SET responses = 9 WHERE origin_id = 2", "link 2: the rows say 4"),
        ("DELETE FROM origin_counts WHERE origin_id = 3", "through link 3"),
        (
            "INSERT INTO origin_counts SELECT campaign_id, 77, 3, 0, 1 FROM origin_counts LIMIT 1",
            "through invitation 77: the rows say 0, the counts 1",
        ),
        (
            "INSERT INTO origin_counts SELECT campaign_id, 78, 2, 1, 1 FROM origin_counts LIMIT 1",
            "through link 78",
        ),
    ):
        await pool.execute(wrong)
        [found] = await differences(admin)
        assert named in found
        mended = [one async for one in repair(database_of(admin))]
        assert sum(len(one.differences) for one in mended) == 1
        assert await differences(admin) == []
