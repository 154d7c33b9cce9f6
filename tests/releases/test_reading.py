"""Results as those see them who may read releases alone."""

from typing import Any

import pytest

from app.responses.tables import Channel
from tests.factories import Api, open_campaign, tree
from tests.results.ledger import Entry, insert, publish

RESULTS = "/v1/campaigns/C/results"
HIDDEN = ("counts", "rate", "interval", "answered", "missing", "dont_know_share")


@pytest.fixture
async def campaign(admin: Api) -> Api:
    """A client that may do everything, and an open campaign C."""
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    return admin


@pytest.fixture
async def public(campaign: Api) -> Api:
    """A public dashboard."""
    return await campaign.as_client("results:read")


async def answered(
    api: Api, unit: str, number: int, channel: Channel = Channel.link, vote: str = "good"
) -> None:
    votes = {"a": vote, "b": "bad"}
    await insert(api, [Entry(unit=unit, channel=channel, answers=votes) for _ in range(number)])


async def read(api: Api, **parameters: Any) -> Any:
    return await api.made("GET", RESULTS, params=parameters)


async def test_without_a_release_the_public_sees_none(campaign: Api, public: Api) -> None:
    await answered(campaign, "A1", 20)
    refused = await public.get(RESULTS)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-release")


async def test_the_public_sees_the_release_and_not_what_came_since(
    campaign: Api, public: Api
) -> None:
    await answered(campaign, "A1", 20)
    release = await campaign.made("POST", "/v1/campaigns/C/releases")
    before = await public.get(RESULTS)
    await answered(campaign, "A1", 30, vote="bad")
    after = await public.get(RESULTS, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 304
    body = before.json()
    assert (body["exact"], body["release"], body["as_of"]) == (False, 1, release["as_of"])
    [row] = body["rows"]
    assert (row["respondents"], row["included"], row["rate"]) == (20, 20, 0.5)
    await campaign.made("POST", "/v1/campaigns/C/releases")
    [row] = (await read(public))["rows"]
    assert (row["respondents"], row["rate"]) == (50, 0.2)


async def test_small_cells_are_hidden_and_cannot_be_had_by_subtraction(
    campaign: Api, public: Api
) -> None:
    await answered(campaign, "A1", 20)
    await answered(campaign, "A2", 3, vote="bad")
    await answered(campaign, "A1", 4, Channel.phone, vote="bad")
    await campaign.made("POST", "/v1/campaigns/C/releases")
    schools = {row["unit"]["code"]: row for row in (await read(public, by="unit"))["rows"]}
    assert {name: schools["A2"][name] for name in HIDDEN} == dict.fromkeys(HIDDEN)
    assert (schools["A2"]["suppressed"], schools["A2"]["respondents"]) == (True, 3)
    assert (schools["A1"]["respondents"], schools["A1"]["included"]) == (24, 20)
    assert schools["A1"]["counts"]["bad"] == 20
    assert (schools["B1"]["suppressed"], schools["B1"]["respondents"]) == (False, 0)
    [total] = (await read(public))["rows"]
    assert (total["respondents"], total["included"]) == (27, 20)
    assert total["counts"] == schools["A1"]["counts"]
    channels = {row["channel"]: row for row in (await read(public, by="channel"))["rows"]}
    assert channels["phone"]["suppressed"]
    assert channels["link"]["included"] == 20


async def test_every_grouping_is_the_sum_of_what_is_shown(campaign: Api, public: Api) -> None:
    for unit, number in (("A1", 12), ("A2", 15), ("B1", 11), ("A", 10), ("W", 4)):
        for channel in (Channel.link, Channel.phone):
            await answered(campaign, unit, number, channel)
    await campaign.made("POST", "/v1/campaigns/C/releases")
    [total] = (await read(public))["rows"]
    for level in ("city", "county", "school"):
        for by in ("unit", "unit,channel", "unit,population", "population,channel"):
            rows = (await read(public, by=by, level=level))["rows"]
            for name in ("respondents", "included"):
                assert sum(row[name] for row in rows) == total[name], (level, by)
            shown = [row for row in rows if not row["suppressed"]]
            assert sum(row["counts"].get("good", 0) for row in shown) == total["counts"]["good"]


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        ({"by": "day"}, "?by"),
        ({"quality": "clean"}, "?quality"),
        ({"source": "individual"}, "?source"),
    ],
)
async def test_what_a_release_cannot_say_is_refused(
    campaign: Api, public: Api, parameters: dict[str, str], where: str
) -> None:
    await answered(campaign, "A1", 20)
    await campaign.made("POST", "/v1/campaigns/C/releases")
    refused = await public.get(RESULTS, params=parameters)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [where]
    assert (await campaign.get(RESULTS, params=parameters)).status_code == 200


async def test_a_table_leaves_hidden_figures_empty(campaign: Api, public: Api) -> None:
    await answered(campaign, "A1", 3)
    await campaign.made("POST", "/v1/campaigns/C/releases")
    reply = await public.get(RESULTS, headers={"Accept": "text/csv"})
    head, line = reply.text.lstrip("\ufeff").splitlines()
    cells = dict(zip(head.split(","), line.split(","), strict=True))
    assert (cells["respondents"], cells["included"], cells["suppressed"]) == ("3", "0", "true")
    assert all(not cells[name] for name in ("answered", "rate", "counts.good"))
