"""Releases over HTTP: when one is made, and what it shows."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core.database import Database
from app.counts import sums
from app.counts.folding import fold
from app.counts.layouts import layouts_of
from app.releases import queries as of_releases
from app.releases import service as releases
from app.releases.jobs import last_night, release_nightly
from app.releases.problems import NoMoreReleases
from app.releases.reading import released
from app.responses.tables import Channel
from app.units.tables import Unit
from tests.factories import Api, open_campaign, tree
from tests.results.ledger import Entry, insert, publish

RELEASES = "/v1/campaigns/C/releases"


@pytest.fixture
async def campaign(admin: Api) -> Api:
    """A client that may do everything, and an open campaign C."""
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    return admin


async def answered(api: Api, unit: str, number: int, channel: Channel = Channel.link) -> None:
    votes = {"a": "good", "b": "bad"}
    await insert(api, [Entry(unit=unit, channel=channel, answers=votes) for _ in range(number)])


async def shown(api: Api, level: str | None) -> dict[tuple[Any, ...], tuple[int, int | None]]:
    """By (unit, channel): respondents, and how many of them the figures are of."""
    database: Database = api.app.state.database
    async with database.sessions() as session:
        root_id = await session.scalar(select(Unit.id).where(Unit.code == "W"))
        campaign_id = await session.scalar(text("SELECT id FROM campaigns WHERE code = 'C'"))
        assert root_id is not None
        assert campaign_id is not None
        release = await of_releases.latest(session, campaign_id)
        assert release is not None
        layouts = await layouts_of(session, await campaigns.populations(session, campaign_id))
        found = await released(session, release, root_id=root_id, level=level, layouts=layouts)
    return {
        (one.counted.unit, Channel(one.counted.channel or 0).name): (
            one.respondents,
            one.counted.sums[sums.RESPONDENTS] if one.counted.sums else None,
        )
        for one in found
    }


async def test_a_release_shows_cells_of_enough_persons(campaign: Api) -> None:
    await answered(campaign, "A1", 12)
    await answered(campaign, "A2", 9)
    await answered(campaign, "B1", 3, Channel.phone)
    made = await campaign.post(RELEASES)
    assert made.status_code == 201
    body = made.json()
    assert (body["number"], body["final"], body["min_cell"]) == (1, False, 10)
    assert (body["respondents"], body["included"], body["hidden"]) == (24, 12, 2)
    assert await shown(campaign, "school") == {
        ("A1", "link"): (12, 12),
        ("A2", "link"): (9, None),
        ("B1", "phone"): (3, None),
    }
    # A total is the sum of the cells that are shown: nothing can be had by subtraction.
    assert await shown(campaign, "city") == {("W", "link"): (21, 12), ("W", "phone"): (3, None)}
    assert await shown(campaign, None) == {(None, "link"): (21, 12), (None, "phone"): (3, None)}


async def test_a_cell_keeps_its_figures_until_it_has_gained_enough(campaign: Api) -> None:
    await answered(campaign, "A1", 12)
    await campaign.made("POST", RELEASES)
    await answered(campaign, "A1", 9)
    await campaign.made("POST", RELEASES)
    assert await shown(campaign, "school") == {("A1", "link"): (21, 12)}
    await answered(campaign, "A1", 1)
    third = await campaign.made("POST", RELEASES)
    assert third["number"] == 3
    assert await shown(campaign, "school") == {("A1", "link"): (22, 22)}


async def test_nothing_new_makes_no_new_release(campaign: Api) -> None:
    await answered(campaign, "A1", 12)
    first = await campaign.made("POST", RELEASES)
    again = await campaign.post(RELEASES)
    assert again.status_code == 200
    assert again.json() == first
    assert (await campaign.made("GET", RELEASES))["items"] == [first]


async def test_the_final_release_pools_what_is_left_over(campaign: Api) -> None:
    await answered(campaign, "A1", 14)
    await campaign.made("POST", RELEASES)
    await answered(campaign, "A1", 4)
    await answered(campaign, "A2", 7)
    await answered(campaign, "B1", 5)
    await end_delivery(campaign)
    final = await campaign.made("POST", RELEASES)
    assert final["final"]
    assert (final["respondents"], final["included"]) == (30, 25)
    # The eleven that are left over in county A count for it; B1's five make no pool of their own.
    assert await shown(campaign, "county") == {("A", "link"): (25, 25), ("B", "link"): (5, None)}
    assert await shown(campaign, "school") == {
        ("A1", "link"): (18, 14),
        ("A2", "link"): (7, None),
        ("B1", "link"): (5, None),
        (None, "link"): (0, 11),
    }
    assert (await campaign.post(RELEASES)).json()["type"] == "/problems/no-more-releases"


async def end_delivery(api: Api) -> None:
    database: Database = api.app.state.database
    past = datetime.now(UTC) - timedelta(days=30)
    async with database.sessions.begin() as session:
        await session.execute(
            text("UPDATE campaigns SET opens_at = :a, closes_at = :b, revision = revision + 1"),
            {"a": past - timedelta(days=10), "b": past},
        )


async def test_without_answers_there_is_nothing_to_release(campaign: Api) -> None:
    refused = await campaign.post(RELEASES)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/nothing-to-release")


async def test_who_may_not_change_the_campaign_makes_no_release(campaign: Api) -> None:
    await answered(campaign, "A1", 12)
    anonymous = Api(campaign.http, campaign.app)
    assert (await anonymous.post(RELEASES)).status_code == 401
    reader = await campaign.as_client("results:read", "A")
    assert (await reader.post(RELEASES)).status_code == 403
    county = await campaign.as_client("campaigns:write", "A")
    assert (await county.post(RELEASES)).json()["type"] == "/problems/not-owner"
    await campaign.made("POST", RELEASES)
    assert len((await reader.made("GET", RELEASES))["items"]) == 1


async def test_releases_come_in_pages(campaign: Api) -> None:
    for _ in range(3):
        await answered(campaign, "A1", 10)
        await campaign.made("POST", RELEASES)
    first = await campaign.made("GET", RELEASES, params={"limit": 2})
    rest = await campaign.made("GET", RELEASES, params={"cursor": first["next"]})
    assert [one["number"] for one in first["items"] + rest["items"]] == [3, 2, 1]
    refused = await campaign.get(RELEASES, params={"cursor": "nonsense"})
    assert refused.status_code == 422


async def test_every_night_there_is_a_release_of_what_is_new(campaign: Api) -> None:
    database: Database = campaign.app.state.database
    await release_nightly(database)
    assert (await campaign.made("GET", RELEASES))["items"] == []
    await answered(campaign, "A1", 12)
    await release_nightly(database)
    await answered(campaign, "A1", 12)
    # Once a night, however often it is looked.
    await release_nightly(database)
    [first] = (await campaign.made("GET", RELEASES))["items"]
    assert first["respondents"] == 12
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE releases SET as_of = as_of - interval '1 day'"))
    await release_nightly(database)
    [second, _] = (await campaign.made("GET", RELEASES))["items"]
    assert (second["number"], second["respondents"], second["final"]) == (2, 24, False)
    await end_delivery(campaign)
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE releases SET as_of = as_of - interval '1 day'"))
    await release_nightly(database)
    await release_nightly(database)
    numbers = [one["number"] for one in (await campaign.made("GET", RELEASES))["items"]]
    assert numbers == [3, 2, 1]


async def test_who_is_late_by_a_final_release_leaves_it_at_that(
    campaign: Api, caplog: pytest.LogCaptureFixture
) -> None:
    database: Database = campaign.app.state.database
    await answered(campaign, "A1", 12)
    await end_delivery(campaign)
    async with database.sessions.begin() as session:
        made, _ = await releases.make(session, await in_database(session, "C"))
        assert made.final
        nightly = asyncio.create_task(release_nightly(database))
        await until_one_waits(database)
    await nightly
    assert "was not released" not in caplog.text
    assert len((await campaign.made("GET", RELEASES))["items"]) == 1
    async with database.sessions.begin() as session:
        with pytest.raises(NoMoreReleases):
            await releases.make(session, await in_database(session, "C"))


async def in_database(session: AsyncSession, code: str) -> Campaign:
    return (await session.scalars(select(Campaign).where(Campaign.code == code))).one()


async def until_one_waits(database: Database) -> None:
    """Until somebody waits for a lock of this database."""
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    async with asyncio.timeout(60):
        while not await database.pool.fetchval(waiting):
            await asyncio.sleep(0.01)


async def test_a_campaign_that_fails_keeps_no_other_from_its_release(
    campaign: Api, caplog: pytest.LogCaptureFixture
) -> None:
    database: Database = campaign.app.state.database
    await open_campaign(campaign, "D", populations=await publish(campaign))
    await answered(campaign, "A1", 12)
    votes = {"a": "good"}
    await insert(campaign, [Entry(answers=votes) for _ in range(12)], campaign="D")
    await fold(database)
    # Sums of another length than the questionnaire's, as no folding makes them.
    first = "(SELECT id FROM campaigns WHERE code = 'C')"
    spoil = f"UPDATE running_counts SET sums = sums || 1::bigint WHERE campaign_id = {first}"
    await database.pool.execute(spoil)
    await answered(campaign, "A1", 1)
    await release_nightly(database)
    [made] = (await campaign.made("GET", "/v1/campaigns/D/releases"))["items"]
    assert made["respondents"] == 12
    assert (await campaign.made("GET", RELEASES))["items"] == []
    assert "was not released" in caplog.text


async def test_a_region_of_twelve_thousand_cells_gets_one_release_after_the_other(
    campaign: Api,
) -> None:
    database: Database = campaign.app.state.database
    await database.pool.execute(_VILLAGES)
    await answered(campaign, "A1", 12)
    for persons in (1, 2):
        await database.pool.execute(_ONE_MORE_IN_EACH)
        made = await campaign.made("POST", RELEASES)
        assert (made["number"], made["hidden"]) == (persons, 12_000)
        assert made["respondents"] == 12 + 12_000 * persons


_VILLAGES = """
    WITH made AS (
        INSERT INTO units (code, name, kind, parent_id)
        SELECT 'V' || number, '村', 'school', (SELECT id FROM units WHERE code = 'A')
        FROM generate_series(1, 2000) AS number RETURNING id
    )
    INSERT INTO unit_ancestors (unit_id, ancestor_id, depth)
    SELECT id, id, 0 FROM made
    UNION ALL
    SELECT made.id, ancestor_id, depth + 1 FROM made, unit_ancestors
    WHERE unit_id = (SELECT id FROM units WHERE code = 'A')
"""
_ONE_MORE_IN_EACH = """
    INSERT INTO responses (
        campaign_id, submission_id, sequence, sign, unit_id, population, channel, answered_at,
        answers
    )
    SELECT campaign_id, gen_random_uuid(), 0, 1, units.id, population, one, answered_at, answers
    FROM units, generate_series(1, 6) AS one, (
        SELECT * FROM responses LIMIT 1
    ) AS alike
    WHERE units.code LIKE 'V%'
"""


@pytest.mark.parametrize(
    ("now", "night"),
    [
        ("2026-11-22T02:59:59+08:00", "2026-11-21T03:00:00+08:00"),
        ("2026-11-22T03:00:00+08:00", "2026-11-22T03:00:00+08:00"),
        ("2026-11-22T18:00:00+00:00", "2026-11-22T03:00:00+08:00"),
    ],
)
def test_a_night_begins_at_three_in_shanghai(now: str, night: str) -> None:
    assert last_night(datetime.fromisoformat(now)) == datetime.fromisoformat(night)
