"""The life of a campaign: draft, open, closed, archived, and what each lets change."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.factories import Api, campaign_body, revision, tree

SIX = {"questionnaire": "satisfaction-six", "version": 1}
STEPS = ("open", "close", "archive")
PATHS = {"draft": (), "open": STEPS[:1], "closed": STEPS[:2], "archived": STEPS}


async def campaign_in(api: Api, state: str, **changes: Any) -> dict[str, Any]:
    """The body of a campaign that has been brought into a state."""
    await tree(api)
    body = campaign_body(**changes)
    await api.made("PUT", "/v1/campaigns/C", body)
    for step in PATHS[state]:
        await api.made("POST", f"/v1/campaigns/C/{step}")
    assert (await api.made("GET", "/v1/campaigns/C"))["state"] == state
    return body


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        ("draft", {"open": "open"}),
        ("open", {"open": "open", "close": "closed"}),
        ("closed", {"open": "open", "close": "closed", "archive": "archived"}),
        ("archived", {"archive": "archived"}),
    ],
)
async def test_each_state_leads_only_where_it_may(
    admin: Api, state: str, allowed: dict[str, str]
) -> None:
    body = await campaign_in(admin, state)
    for step in STEPS:
        await admin.made("PUT", f"/v1/campaigns/{step}", body)
        for before in PATHS[state]:
            await admin.made("POST", f"/v1/campaigns/{step}/{before}")
        reply = await admin.post(f"/v1/campaigns/{step}/{step}")
        if step in allowed:
            assert (reply.status_code, reply.json()["state"]) == (200, allowed[step])
        else:
            assert (reply.status_code, reply.json()["type"]) == (409, "/problems/campaign-state")
        after = await admin.made("GET", f"/v1/campaigns/{step}")
        assert after["state"] == allowed.get(step, state)


async def test_a_closed_campaign_opens_again_only_before_its_end(admin: Api) -> None:
    body = await campaign_in(admin, "closed")
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    await admin.made("PUT", "/v1/campaigns/C", {**body, "closes_at": past})
    refused = await admin.post("/v1/campaigns/C/open")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/campaign-state")
    assert "closes_at" in refused.json()["detail"]
    await admin.made("PUT", "/v1/campaigns/C", body)
    assert (await admin.made("POST", "/v1/campaigns/C/open"))["state"] == "open"


async def test_a_step_repeated_changes_nothing(admin: Api) -> None:
    await campaign_in(admin, "draft")
    assert await revision(admin) == 1
    for number, step in enumerate(STEPS, start=2):
        first = await admin.made("POST", f"/v1/campaigns/C/{step}")
        assert await admin.made("POST", f"/v1/campaigns/C/{step}") == first
        assert await revision(admin) == number


FROZEN: list[tuple[dict[str, Any], list[str]]] = [
    ({"region": "A"}, ["/region"]),
    ({"identity": ["device", "invitation"]}, ["/identity"]),
    ({"once_per": "campaign"}, ["/once_per"]),
    ({"on_duplicate": "keep_last"}, ["/on_duplicate"]),
    ({"min_cell": 5}, ["/min_cell"]),
    ({"min_cell": 5, "region": "B", "title": "x"}, ["/min_cell", "/region"]),
    ({"populations": {"parent": SIX}}, ["/populations/teacher"]),
    (
        {"populations": {"parent": SIX, "teacher": SIX, "student": SIX}},
        ["/populations/student"],
    ),
    (
        {"populations": {"parent": {**SIX, "version": 2}, "teacher": SIX}},
        ["/populations/parent/version"],
    ),
    (
        {"populations": {"parent": {**SIX, "questionnaire": "q"}, "teacher": SIX}},
        ["/populations/parent/questionnaire"],
    ),
]


@pytest.mark.parametrize("state", ["open", "closed"])
async def test_opening_freezes_the_rules(admin: Api, state: str) -> None:
    body = await campaign_in(admin, state)
    before = await admin.made("GET", "/v1/campaigns/C")
    counted = await revision(admin)
    for changes, expected in FROZEN:
        refused = await admin.put("/v1/campaigns/C", {**body, **changes})
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/campaign-frozen")
        assert sorted(error["pointer"] for error in refused.json()["errors"]) == expected
    assert await admin.made("GET", "/v1/campaigns/C") == before
    assert await revision(admin) == counted


@pytest.mark.parametrize("state", ["open", "closed"])
async def test_the_rest_may_change_while_it_runs(admin: Api, state: str) -> None:
    body = await campaign_in(admin, state)
    counted = await revision(admin)
    target = {"name": "all", "basis": "parents", "share": 1, "channel": None}
    changed = {
        **body,
        "title": "Another title",
        "period": "2027-spring",
        "closes_at": "2026-12-31T00:00:00Z",
        "delivery_days": 30,
        "populations": {
            "teacher": {**SIX, "weight": 1.5, "under_14": False, "max_children": 1, "targets": []},
            "parent": {
                **SIX,
                "weight": 0.5,
                "under_14": False,
                "max_children": 1,
                "targets": [target],
            },
        },
        "min_rank": 50,
        "headline_channels": ["phone"],
        "contact": {"phone": "12345"},
        "legal": {"文号": "7"},
    }
    after = await admin.made("PUT", "/v1/campaigns/C", changed)
    assert {name: after[name] for name in changed if name != "opens_at"} == {
        name: value for name, value in changed.items() if name != "opens_at"
    }
    assert after["state"] == state
    assert await revision(admin) == counted + 1


async def test_nothing_of_an_archived_campaign_changes(admin: Api) -> None:
    body = await campaign_in(admin, "archived")
    assert (await admin.put("/v1/campaigns/C", body)).status_code == 200
    refused = await admin.put("/v1/campaigns/C", {**body, "title": "x", "min_rank": 40})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/campaign-frozen")
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/min_rank", "/title"]


async def test_two_openings_at_once_open_it_once(admin: Api) -> None:
    await campaign_in(admin, "draft")
    replies = await asyncio.gather(*[admin.post("/v1/campaigns/C/open") for _ in range(10)])
    assert [reply.status_code for reply in replies] == [200] * 10
    assert await revision(admin) == 2


async def test_a_rule_cannot_slip_in_while_the_campaign_opens(admin: Api) -> None:
    await tree(admin)
    for number in range(6):
        code = f"C{number}"
        body = campaign_body()
        await admin.made("PUT", f"/v1/campaigns/{code}", body)
        opened, changed = await asyncio.gather(
            admin.post(f"/v1/campaigns/{code}/open"),
            admin.put(f"/v1/campaigns/{code}", {**body, "once_per": "unit"}),
        )
        assert opened.status_code == 200
        after = await admin.made("GET", f"/v1/campaigns/{code}")
        assert after["state"] == "open"
        assert changed.status_code in (200, 409)
        assert after["once_per"] == ("unit" if changed.status_code == 200 else "population")
