"""The demonstration through the API: what a newcomer finds."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from app.core import clock
from app.demonstration import Shown
from app.demonstration.earlier_wave import EARLIER
from app.demonstration.places import UNITS
from app.demonstration.setting_up import CAMPAIGNS
from app.demonstration.telephone_wave import interviews
from tests.demonstration.conftest import DEMONSTRATION
from tests.demonstration.reading import load
from tests.factories import Api, submission

COUNTIES = {
    "370702": "潍城区",
    "370703": "寒亭区",
    "370704": "坊子区",
    "370705": "奎文区",
    "370724": "临朐县",
    "370725": "昌乐县",
    "370781": "青州市",
    "370782": "诸城市",
    "370783": "寿光市",
    "370784": "安丘市",
    "370785": "高密市",
    "370786": "昌邑市",
}
PARENTS, TEACHERS = CAMPAIGNS["parent"], CAMPAIGNS["teacher"]


@pytest.fixture(scope="module")
def template(demonstration_dir: Path) -> str:
    """Tests here begin with the demonstration loaded."""
    return DEMONSTRATION


async def token_of(api: Api, shown: Shown, name: str) -> Api:
    """The API as one of the demonstration's own clients sees it."""
    one = next(one for one in shown.credentials if one.name == name)
    reply = await api.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(one.client_id, one.client_secret),
    )
    assert reply.status_code == 200, reply.text
    assert reply.json()["scope"].split() == sorted(one.scope.split())
    return Api(api.http, api.app, reply.json()["access_token"])


async def every(api: Api, url: str) -> list[Any]:
    """All items of a list, page after page."""
    items: list[Any] = []
    cursor = ""
    while True:
        page = await api.made("GET", f"{url}limit=100{cursor}")
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


async def test_the_city_has_its_twelve_counties_under_their_own_codes(
    shown: Shown, admin: Api
) -> None:
    city = await admin.made("GET", "/v1/units/370700")
    counties = await every(admin, "/v1/units?kind=county&")
    assert (city["name"], city["kind"], city["parent"]) == ("潍坊市", "city", None)
    assert {one["code"]: one["name"] for one in counties} == COUNTIES
    assert {one["parent"] for one in counties} == {"370700"}
    assert sum(one["residents"] for one in counties) == city["residents"]


async def test_every_county_has_schools_of_every_stage(shown: Shown, admin: Api) -> None:
    schools = await every(admin, "/v1/units?kind=school&")
    assert len(schools) == 108
    assert len({one["name"] for one in schools}) == 108
    stages = Counter((one["parent"], one["stage"]) for one in schools)
    every_stage = ("kindergarten", "primary", "junior", "senior", "vocational")
    assert set(stages) == {(county, stage) for county in COUNTIES for stage in every_stage}
    for one in schools[::20]:
        assert one["code"].startswith(f"{one['parent']}-S")
        enrolment, before = (await admin.made("GET", f"/v1/units/{one['code']}"))["enrolment"]
        assert (enrolment["period"], before["period"]) == ("2026-autumn", "2026-spring")
        assert enrolment["parents"] > enrolment["students"] > enrolment["teachers"] > 0


def test_the_list_of_units_is_one_that_a_bureau_could_import() -> None:
    with UNITS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["code"] for row in rows}) == len(rows) == 121
    for row in rows:
        assert row["kind"] != "school" or row["name"].startswith(COUNTIES[row["parent"]][:-1])


async def test_both_campaigns_are_open_for_months(shown: Shown, admin: Api) -> None:
    for population, code in CAMPAIGNS.items():
        campaign = await admin.made("GET", f"/v1/campaigns/{code}")
        assert (campaign["state"], campaign["period"]) == ("open", "2026-autumn")
        assert list(campaign["populations"]) == [population]
        now = clock.now().isoformat()
        assert campaign["opens_at"] < now
        assert campaign["closes_at"][:7] > now[:7]


async def test_every_school_has_its_links(shown: Shown, admin: Api) -> None:
    schools = {one["code"] for one in await every(admin, "/v1/units?kind=school&")}
    for code in CAMPAIGNS.values():
        links = await every(admin, f"/v1/campaigns/{code}/links?")
        assert sorted(one["unit"] for one in links) == sorted(schools)


async def test_counties_range_from_no_answers_to_many(shown: Shown, admin: Api) -> None:
    results = await admin.made("GET", f"/v1/campaigns/{PARENTS}/results?by=unit&level=county")
    rows = {row["unit"]["code"]: row for row in results["rows"]}
    assert set(rows) == set(COUNTIES)
    assert rows["370786"]["respondents"] == 0
    assert rows["370786"]["rate"] is None
    assert 0 < rows["370724"]["respondents"] < 60
    others = [row for code, row in rows.items() if code not in ("370786", "370724")]
    assert all(200 < row["respondents"] < 600 for row in others)
    assert len({row["rate"] for row in others}) == 10
    assert all(0.8 < row["rate"] < 0.95 for row in others)
    assert all(0.02 < row["dont_know_share"] < 0.1 for row in others)


async def test_schools_differ_and_some_are_silent(shown: Shown, admin: Api) -> None:
    url = f"/v1/campaigns/{PARENTS}/results?by=unit&level=school&channel=link"
    rows = (await admin.made("GET", url))["rows"]
    silent = [row for row in rows if row["respondents"] == 0]
    few = [row for row in rows if 0 < row["respondents"] < 10]
    assert len(silent) > 9
    assert len(few) >= 3
    rates = [row["rate"] for row in rows if row["respondents"] >= 20]
    assert max(rates) - min(rates) > 0.15


@pytest.mark.parametrize(("level", "ranked", "others"), [("county", 9, 3), ("school", 46, 51)])
async def test_some_units_are_ranked_and_others_have_not_come_so_far(
    shown: Shown, admin: Api, level: str, ranked: int, others: int
) -> None:
    rows = (await admin.made("GET", f"/v1/campaigns/{PARENTS}/ranking?level={level}"))["rows"]
    assert sum(row["rank"] is not None for row in rows) == ranked
    assert sum("below_target" in row["because"] for row in rows) == others


async def test_the_channels_are_those_that_were_used(shown: Shown, admin: Api) -> None:
    results = await admin.made("GET", f"/v1/campaigns/{PARENTS}/results?by=channel")
    by_channel = {row["channel"]: row["respondents"] for row in results["rows"]}
    wave = interviews(clock.now())
    counted = [one for one in wave if one["disposition"] in ("1.1", "1.2")]
    assert by_channel["phone"] == len(counted) == 221
    assert by_channel["invitation"] == 261
    assert by_channel["link"] == 3431
    teachers = await admin.made("GET", f"/v1/campaigns/{TEACHERS}/results")
    assert teachers["rows"][0]["respondents"] == 553


def test_the_wave_has_calls_without_answers_too() -> None:
    wave = interviews(clock.now())
    assert 250 <= len(wave) <= 350
    assert len({one["phone"] for one in wave}) == len({one["interview_id"] for one in wave})
    assert len({one["disposition"] for one in wave}) >= 7
    for one in wave:
        assert ("answers" in one) == (one["disposition"] in ("1.1", "1.2"))
        assert one["phone"].startswith("+86120"), "a number that nobody can have"


async def test_its_clients_may_do_what_they_are_for(shown: Shown, api: Api) -> None:
    bureau = await token_of(api, shown, "bureau")
    contractor = await token_of(api, shown, "contractor")
    dashboard = await token_of(api, shown, "dashboard")
    results = f"/v1/campaigns/{PARENTS}/results?by=unit&level=county"
    assert shown.results_url == f"http://testserver{results}"
    assert (await bureau.get(results)).status_code == 200
    assert (await dashboard.get(results)).status_code == 200
    assert (await contractor.get(results)).status_code == 403
    assert (await dashboard.post(f"/v1/campaigns/{PARENTS}/close")).status_code == 403
    wave = {"interviews": interviews(clock.now())[:1]}
    delivered = await contractor.post(
        f"/v1/campaigns/{PARENTS}/interviews", wave, headers={"Idempotency-Key": "x"}
    )
    assert delivered.status_code == 200


async def test_the_results_page_is_opened_by_a_client_that_sees_releases_alone(
    shown: Shown, api: Api
) -> None:
    address, _, secret = shown.page_url.partition("#")
    assert address == f"http://testserver/results/{PARENTS}"
    public = await token_of(api, shown, "public")
    assert secret in {f"{one.client_id}:{one.client_secret}" for one in shown.credentials}
    assert (await public.made("GET", f"/v1/campaigns/{PARENTS}/results"))["exact"] is False
    codes = f"{EARLIER},{PARENTS}"
    trend = await public.made("GET", f"/v1/trends?unit=370700&population=parent&campaigns={codes}")
    before, now = trend["rows"]
    assert before["interval"] is not None
    assert 0 < now["change"]["difference"] < 0.05
    ranking = await public.made("GET", f"/v1/campaigns/{EARLIER}/ranking?level=school")
    assert ranking["ranked"] > 60


async def test_the_link_takes_an_answer(shown: Shown, api: Api) -> None:
    link = shown.link_url.removeprefix("http://testserver/s/")
    seen = await api.made("GET", f"/v1/links/{link}")
    assert (seen["state"], seen["population"]) == ("open", "parent")
    answer = submission(device_proof=seen["device_proof"])
    assert (await api.post(f"/v1/links/{link}/responses", answer)).status_code == 201


async def test_the_invitation_takes_an_answer_and_the_next_one_is_shown(
    shown: Shown, api: Api, app: FastAPI
) -> None:
    token = shown.invitation_url.removeprefix("http://testserver/i/")
    answered = await api.post(f"/v1/invitations/{token}/responses", submission())
    assert answered.status_code == 201
    again = await load(app)
    assert again.invitation_url != shown.invitation_url
    assert again.credentials == shown.credentials
