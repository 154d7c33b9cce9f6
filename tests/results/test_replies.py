"""What dashboards rely on beside the rows: as of when, which release, and that hidden is hidden."""

import asyncio
import json
from typing import Any

import pytest

from app.results.routes import written
from app.results.schemas import ResultsOut
from tests.factories import Api, open_campaign, tree
from tests.results.ledger import Entry, insert, publish

RESULTS = "/v1/campaigns/C/results"
TREND = {"campaigns": "before,C", "population": "parent"}


@pytest.fixture
async def bureau(admin: Api) -> Api:
    """Two campaigns, of which the later one hides the three parents of A2."""
    await tree(admin)
    populations = await publish(admin)
    for code, few in (("before", 30), ("C", 3)):
        await open_campaign(admin, code, populations=populations)
        for unit, number in (("A1", 20), ("A2", few)):
            votes = {"a": "good", "b": "bad"}
            entries = [Entry(unit=unit, answers=votes) for _ in range(number)]
            await insert(admin, entries, campaign=code)
        await admin.made("POST", f"/v1/campaigns/{code}/releases")
    return admin


async def trend(api: Api, unit: str, **asked: str) -> list[dict[str, Any]]:
    rows = await api.made("GET", "/v1/trends", params={**TREND, "unit": unit, **asked})
    found: list[dict[str, Any]] = rows["rows"]
    return found


async def test_a_hidden_wave_is_not_told_as_one_in_which_nobody_voted(bureau: Api) -> None:
    public = await bureau.as_client("results:read")
    first, second = await trend(public, "A2")
    assert (first["suppressed"], first["rate"]) == (False, 0.5)
    assert (second["suppressed"], second["rate"], second["respondents"]) == (True, None, 0)
    assert second["no_interval"] == second["not_compared"] == "suppressed"
    # Nobody of B1 was asked, or through this channel.
    for unit, asked in (("B1", {}), ("A2", {"channel": "phone"})):
        _, nobody = await trend(public, unit, **asked)
        assert (nobody["suppressed"], nobody["not_compared"]) == (False, "no_votes")
    _, live = await trend(bureau, "A2")
    assert (live["suppressed"], live["respondents"], live["not_compared"]) == (False, 3, None)
    turned = await trend(public, "A2", campaigns="C,before")
    assert [row["not_compared"] for row in turned] == [None, "suppressed"]
    # A city is more than what it hides.
    _, city = await trend(public, "W")
    assert (city["suppressed"], city["respondents"]) == (False, 20)


async def test_a_hidden_row_says_so_where_it_has_no_interval(bureau: Api) -> None:
    public = await bureau.as_client("results:read")
    asked = {"by": "unit,question", "population": "parent"}
    rows = (await public.made("GET", RESULTS, params=asked))["rows"]
    why = {(row["unit"]["code"], row["suppressed"], row["no_interval"]) for row in rows}
    assert ("A2", True, "suppressed") in why
    assert {one for one in why if one[0] == "B1"} == {("B1", False, "no_votes")}
    assert all(one[2] != "suppressed" for one in why if not one[1])


async def test_tables_and_304_say_as_of_when_and_which_release(bureau: Api) -> None:
    public = await bureau.as_client("results:read")
    for path in (RESULTS, "/v1/campaigns/C/ranking"):
        whole = await public.get(path)
        table = await public.get(path, headers={"Accept": "text/csv"})
        same = await public.get(path, headers={"If-None-Match": whole.headers["ETag"]})
        assert [one.status_code for one in (whole, table, same)] == [200, 200, 304]
        for reply in (whole, table, same):
            assert reply.headers["Xinsheng-As-Of"] == whole.json()["as_of"]
            assert reply.headers["Xinsheng-Release"] == "1"
    for path in (RESULTS, "/v1/campaigns/C/coverage", "/v1/trends"):
        live = await bureau.get(path, params={**TREND, "unit": "W"} if "trends" in path else {})
        assert live.headers["Xinsheng-As-Of"] == live.json()["as_of"]
        assert "Xinsheng-Release" not in live.headers


async def test_a_long_reply_is_written_while_others_are_served() -> None:
    example: Any = ResultsOut.model_json_schema()["example"]
    reply = ResultsOut.model_validate(example)
    reply.rows *= 2_000 // len(reply.rows)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    body = await written(reply)
    beside.cancel()
    assert turns >= 4
    whole = reply.model_dump_json(exclude={"as_of"}, exclude_unset=True)
    assert json.loads(body) == json.loads(whole)
    reply.rows = []
    assert json.loads(await written(reply))["rows"] == []
