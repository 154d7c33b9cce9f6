"""Batches of counts: what is taken, replaced, repeated and withdrawn, and what stays on file."""

from datetime import UTC, datetime
from typing import Any

from tests.factories import Api, campaign_body
from tests.telephone.deliveries import ago, pool
from tests.telephone.tallies.batches import OVERALL, put, refused, respondents, row, taken

NO_CHANGE: dict[str, Any] = {"rows_changed": 0, "counts_changed": 0, "rows": []}


def change(unit: str, before: int | None, after: int | None, counts: int) -> dict[str, Any]:
    """A line of the report of what changed."""
    return {
        "unit": unit,
        "population": "parent",
        "before": before,
        "after": after,
        "counts_changed": counts,
    }


async def deliveries(api: Api) -> list[tuple[Any, ...]]:
    """What the reconciliation knows of."""
    rows = await pool(api).fetch(
        "SELECT kind, form, name, sent, accepted, replayed, updated, finished_at IS NOT NULL "
        "FROM deliveries ORDER BY id"
    )
    return [tuple(one) for one in rows]


async def test_a_batch_counts_in_results_at_once(campaign: Api, source: Api) -> None:
    reply = await put(source, row("A1"), row("B1", 10, counts={}))
    assert reply.status_code == 201
    assert reply.json() == {
        "batch": "T",
        "revision": 1,
        "status": "accepted",
        "changed": {
            "respondents_before": 0,
            "respondents_after": 130,
            "rows_changed": 2,
            "counts_changed": 4,
            "rows": [change("A1", None, 120, 4), change("B1", None, 10, 0)],
        },
        "nested": [],
    }
    [total] = (await campaign.made("GET", "/v1/campaigns/C/results?question=overall"))["rows"]
    assert total["counts"] == OVERALL
    assert (total["respondents"], total["answered"], total["missing"]) == (130, 120, 10)
    assert total["rate"] == 105 / 115
    assert total["dont_know_share"] == 5 / 120


async def test_the_same_again_is_replayed_however_it_is_written(campaign: Api, source: Api) -> None:
    as_of = datetime.now(UTC).replace(microsecond=0)
    rows = [row("A1"), row("B1", 10, counts={"overall": {"satisfied": 3}})]
    await taken(source, *rows, as_of=as_of.isoformat(), source_note="热线")
    zero = {"satisfied": 3, "dissatisfied": 0}
    respelled = [row("B1", 10, counts={"overall": zero, "safety": {}}), row("A1")]
    again = await put(source, *respelled, as_of=f"{as_of:%FT%T.000Z}", source_note=" 热线 ")
    assert again.status_code == 200
    unchanged = {"respondents_before": 130, "respondents_after": 130, **NO_CHANGE}
    assert (again.json()["status"], again.json()["changed"]) == ("replayed", unchanged)
    assert await respondents(campaign) == 130
    assert await deliveries(source) == [
        ("tallies", "json", "T", 2, 2, 0, 0, True),
        ("tallies", "json", "T", 2, 0, 2, 0, True),
    ]
    audited = (await campaign.made("GET", "/v1/audit?action=tallies.deliver"))["items"]
    said = {"batch": "T", "revision": 1, "rows": 2}
    assert {one["detail"]["status"]: one["detail"] for one in audited} == {
        status: {**said, "status": status} for status in ("accepted", "replayed")
    }


async def test_a_higher_revision_replaces_the_batch_whole(campaign: Api, source: Api) -> None:
    await taken(source, row("A1"), row("A2", 7, counts={}), row("B1", 5, counts={}))
    other = {**OVERALL, "satisfied": 85, "dont_know": 0}
    reply = await put(
        source, row("A1", counts={"overall": other}), row("B1", 5, counts={}), revision=3
    )
    assert (reply.status_code, reply.json()["status"]) == (200, "updated")
    assert reply.json()["changed"] == {
        "respondents_before": 132,
        "respondents_after": 125,
        "rows_changed": 2,
        "counts_changed": 2,
        "rows": [change("A1", 120, 120, 2), change("A2", 7, None, 0)],
    }
    assert await respondents(campaign) == 125
    assert [one[3:7] for one in await deliveries(source)] == [(3, 3, 0, 0), (2, 0, 0, 2)]


async def test_a_lower_revision_or_other_content_is_refused(campaign: Api, source: Api) -> None:
    as_of = ago(minutes=9)
    await taken(source, row(), as_of=as_of)
    for other in (
        {"channel": "paper"},
        {"as_of": ago(minutes=8)},
        {"method": "by hand"},
        {"source_note": "x"},
    ):
        reply = await put(source, row(), **{"as_of": as_of, **other})
        assert refused(reply) == (409, "tally-conflict", {("/revision", "not_higher")}), other
    reply = await put(source, row(respondents=121), as_of=as_of)
    assert refused(reply)[1] == "tally-conflict"
    await taken(source, row(respondents=121), as_of=as_of, revision=5)
    for revision in (1, 4):
        reply = await put(source, row(), as_of=as_of, revision=revision)
        assert refused(reply)[1] == "tally-conflict"
    assert await respondents(campaign) == 121
    assert len(await deliveries(source)) == 2


async def test_a_revision_without_rows_withdraws_the_batch(campaign: Api, source: Api) -> None:
    empty = await put(source)
    assert refused(empty) == (422, "invalid-input", {("/rows", "too_few")})
    await taken(source, row())
    gone = await taken(source, revision=2)
    assert (gone["status"], gone["changed"]["respondents_after"]) == ("updated", 0)
    assert gone["changed"]["rows"] == [change("A1", 120, None, 4)]
    assert await respondents(campaign) == 0
    batch = await source.made("GET", "/v1/campaigns/C/tallies/T")
    assert (batch["state"], batch["revision"], batch["rows"]) == ("withdrawn", 2, 0)
    await taken(source, row(), revision=3)
    assert await respondents(campaign) == 120


async def test_every_revision_stays_on_file(source: Api) -> None:
    improve = {"overall": {"satisfied": 2}}
    await taken(source, row("A1", 9, counts=improve), row("B1"), source_note="大屏", method="SQL")
    await taken(source, row("A1", 8, counts=improve), revision=2)
    batch = await source.made("GET", "/v1/campaigns/C/tallies/T")
    assert (batch["revision"], batch["respondents"], batch["state"]) == (2, 8, "live")
    assert batch["source"]["name"] == "dashboard"
    assert [(one["revision"], one["rows"], one["method"]) for one in batch["revisions"]] == [
        (2, 1, None),
        (1, 2, "SQL"),
    ]
    url = "/v1/campaigns/C/tallies/T"
    full = {"unit": "A1", "population": "parent", "respondents": 9, "answered": {}}
    full["counts"] = {"overall": {**dict.fromkeys(OVERALL, 0), "satisfied": 2}}
    first = await source.made("GET", f"{url}/rows?revision=1")
    assert first["items"][0] == full
    assert [one["unit"] for one in first["items"]] == ["A1", "B1"]
    latest = await source.made("GET", f"{url}/rows")
    assert [one["respondents"] for one in latest["items"]] == [8]
    changes = await source.made("GET", f"{url}/changes")
    assert changes["items"] == [change("A1", 9, 8, 0), change("B1", 120, None, 4)]
    assert len((await source.made("GET", f"{url}/changes?revision=1"))["items"]) == 2
    assert (await source.get(f"{url}/rows?revision=7")).status_code == 404


async def test_rows_and_changes_come_in_pages_the_same_as_whole(source: Api) -> None:
    rows = [row(unit, 1, counts={}) for unit in ("W", "A", "B", "A1", "A2", "B1")]
    rows += [row("A1", 1, counts={}, population="teacher")]
    await taken(source, *rows)
    for what in ("rows", "changes"):
        url = f"/v1/campaigns/C/tallies/T/{what}"
        whole = (await source.made("GET", url))["items"]
        assert len(whole) == 7
        paged: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await source.made("GET", url, params={"limit": 3, **cursor})
            paged += page["items"]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert paged == whole
        assert (await source.get(url, params={"cursor": "bad!"})).status_code == 422


async def test_a_source_sees_its_own_batches_and_the_owner_all(
    campaign: Api, source: Api, rival: Api
) -> None:
    await taken(source, row("A1"))
    await taken(source, row("A2"), batch="U")
    await taken(rival, row("A1"))

    async def listed(api: Api) -> list[tuple[str, str]]:
        found = await api.made("GET", "/v1/campaigns/C/tallies")
        return [(one["batch"], one["source"]["name"]) for one in found["items"]]

    assert await listed(source) == [("T", "dashboard"), ("U", "dashboard")]
    assert await listed(rival) == [("T", "another dashboard")]
    bureau = await campaign.as_client("results:exact", unit="W", name="bureau")
    assert len(await listed(bureau)) == 3
    county = await campaign.as_client("results:exact", unit="A", name="county")
    assert await listed(county) == []
    [theirs] = [
        one["source"]["client_id"]
        for one in (await bureau.made("GET", "/v1/campaigns/C/tallies"))["items"]
        if one["source"]["name"] == "another dashboard"
    ]
    url = f"/v1/campaigns/C/tallies/T?source={theirs}"
    assert (await bureau.made("GET", url))["source"]["name"] == "another dashboard"
    for stranger in (source, county):
        assert (await stranger.get(url)).status_code == 404
    assert (await rival.get("/v1/campaigns/C/tallies/U")).status_code == 404


async def test_a_unit_below_another_that_is_counted_too_is_pointed_out(
    campaign: Api, source: Api, rival: Api
) -> None:
    assert (await taken(source, row("A")))["nested"] == []
    assert (await taken(rival, row("A1")))["nested"] == []
    reply = await taken(source, row("A1"), row("B1"), batch="U")
    assert reply["nested"] == ["A1"]
    assert (await taken(source, row("A2"), batch="V", channel="paper"))["nested"] == ["A1"]
    assert await respondents(campaign) == 5 * 120


async def test_only_repetitions_are_taken_outside_the_days_of_delivery(
    campaign: Api, source: Api
) -> None:
    body = {"rows": [row()], "channel": "phone", "as_of": ago(minutes=9)}
    await source.made("PUT", "/v1/campaigns/C/tallies/T", body)
    await campaign.made("POST", "/v1/campaigns/C/close")
    await campaign.made("POST", "/v1/campaigns/C/archive")
    again = await source.put("/v1/campaigns/C/tallies/T", body)
    assert (again.status_code, again.json()["status"]) == (200, "replayed")
    late = await source.put("/v1/campaigns/C/tallies/T", {**body, "revision": 2})
    assert (late.status_code, late.json()["type"]) == (410, "/problems/closed")
    await campaign.made("PUT", "/v1/campaigns/D", campaign_body())
    early = await put(source, row(), campaign="D")
    assert (early.status_code, early.json()["type"]) == (425, "/problems/not-open-yet")
    await campaign.made("POST", "/v1/campaigns/D/open")
    await taken(source, row(), campaign="D")
    over = campaign_body(closes_at=ago(hours=1), opens_at=ago(days=3), delivery_days=0)
    await campaign.made("PUT", "/v1/campaigns/D", over)
    late = await put(source, row(), campaign="D", batch="late", as_of=ago(hours=2))
    assert (late.status_code, late.json()["type"]) == (410, "/problems/closed")
