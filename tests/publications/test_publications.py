"""Publications over HTTP: numbered, frozen, of a release, and nothing but what it shows."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
from asyncpg.exceptions import RaiseError

from app.core.database import Database
from tests.factories import Api, campaign_body
from tests.publications.publishing import (
    RELEASES,
    SECTIONS,
    URL,
    answered,
    asked,
    campaign,
    canonical,
    published,
    rows,
    section,
)


async def test_the_first_publication_is_number_one_of_the_latest_release(admin: Api) -> None:
    await campaign(admin)
    reply = await asked(admin, note="首次公布")
    assert reply.status_code == 201
    made = reply.json()
    stated = made["statement"]
    assert (stated["number"], stated["title"], stated["note"]) == (1, "通报第1号", "首次公布")
    assert (stated["release"]["number"], stated["levels"]) == (1, ["county", "school"])
    assert (stated["corrects"], made["corrected_by"], stated["changes"]) == (None, None, None)
    assert (await admin.made("GET", f"{URL}/1")) == made
    [line] = (await admin.made("GET", URL))["items"]
    assert line == {
        "number": 1,
        "title": "通报第1号",
        "made_at": stated["made_at"],
        "release": 1,
        "corrects": None,
        "corrected_by": None,
        "digest": made["digest"],
    }
    entries = await admin.made("GET", "/v1/audit", params={"limit": 5})
    [entry] = [one for one in entries["items"] if one["action"] == "publications.make"]
    assert (entry["object"], entry["detail"]["number"]) == ("C", 1)
    assert entry["detail"]["digest"] == made["digest"]


async def test_every_digest_is_that_of_the_bytes_at_its_address(admin: Api) -> None:
    await campaign(admin)
    made = await published(admin)
    told = made["statement"]["sections"]
    assert set(told) == set(SECTIONS) - {"statement"}
    for name in told:
        content = await section(admin, 1, name)
        assert told[name] == {
            "lines": content.count(b"\n"),
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    stated = await section(admin, 1, "statement")
    assert hashlib.sha256(stated).hexdigest() == made["digest"]
    assert json.loads(stated) == made["statement"]


async def test_its_rows_are_those_that_the_public_saw_in_the_release(admin: Api) -> None:
    await campaign(admin)
    public = await admin.as_client("results:read")
    seen, ranked = await everything_of(public)
    # What comes later is in the next release, and not in this publication.
    await answered(admin, "A2", 30, good=0)
    await answered(admin, "B1", 5, good=0)
    await admin.made("POST", RELEASES)
    await published(admin, release=1)
    # The last ones are as of the release too, whatever was counted since.
    assert canonical(await rows(admin, 1)) == canonical(seen)
    assert canonical(await rows(admin, 1, "ranking")) == canonical(ranked)
    assert canonical(await rows(admin, 1, "rows")) != canonical((await everything_of(public))[0])


async def everything_of(public: Api) -> tuple[list[Any], list[Any]]:
    """All rows of results and of rankings that results:read sees now."""
    seen: list[Any] = []
    for level in (None, "county", "school"):
        for by in ("", ",question", ",channel", ",channel,question"):
            params = {"by": "population" + by}
            if level:
                params = {"by": "unit,population" + by, "level": level}
            found = await public.made("GET", "/v1/campaigns/C/results", params=params)
            assert found["release"]
            seen += [{"level": level, **row} for row in found["rows"]]
    ranked: list[Any] = []
    for level in ("county", "school"):
        for population in ("parent", "teacher", None):
            named = {"population": population} if population else {}
            params = {"level": level, **named}
            found = await public.made("GET", "/v1/campaigns/C/ranking", params=params)
            ranked += [{"level": level, "population": population, **row} for row in found["rows"]]
    return seen, ranked


async def test_it_hides_what_its_release_hides_and_covers_what_that_covers(admin: Api) -> None:
    await campaign(admin)
    await answered(admin, "A1", 9, good=9)
    made = await published(admin)
    hidden = [
        one
        for one in await rows(admin, 1)
        if (one.get("unit") or {}).get("code") == "B1" and one.get("channel") == "link"
    ]
    parents = [one for one in hidden if one["population"] == "parent"]
    assert {(one["respondents"], one["included"]) for one in parents} == {(6, 0)}
    assert all(one["suppressed"] and one["counts"] is None for one in parents)
    release = made["statement"]["release"]
    assert (release["hidden"], release["min_cell"]) == (1, 10)
    assert release["digest"] == (await admin.made("GET", RELEASES))["items"][0]["digest"]
    covered = {one["unit"]["code"]: one for one in await rows(admin, 1, "coverage")}
    assert {code: one["responded"] for code, one in covered.items()} == {
        "A": 39,
        "B": 18,
        "A1": 24,
        "A2": 15,
        "B1": 18,
    }
    assert covered["A1"]["required"] == 10
    assert not {"pace", "expected_on"} & covered["A1"].keys()


async def test_the_statement_says_how_to_compute_it_again(admin: Api) -> None:
    await campaign(admin, headline_channels=["link"])
    stated = (await published(admin))["statement"]
    method = stated["method"]
    assert (method["min_rank"], method["min_cell"], method["interval_level"]) == (10, 10, 0.95)
    assert (method["headline_channels"], method["period"]) == (["link"], "2026-autumn")
    assert method["software"] == "xinsheng 0.1.0"
    assert all(words.keys() == {"zh-CN", "en"} for words in method["formulas"].values())
    parents, teachers = method["populations"]
    assert (parents["weight"], parents["questionnaire"], parents["version"]) == (
        0.6,
        "for-parent",
        1,
    )
    # One of each shown cell of 24, 15 and 12 parents; the hidden six are in no figure.
    assert (parents["dont_know"], teachers["dont_know"]) == (3, 1)
    definitions = await rows(admin, 1, "questionnaires")
    assert [one["questionnaire"] for one in definitions] == ["for-parent", "for-teacher"]
    content = json.dumps(
        definitions[0]["definition"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert parents["definition_sha256"] == hashlib.sha256(content.encode()).hexdigest()
    composite = stated["composite"]
    shares = [one["share"] for one in composite["populations"]]
    assert shares == [0.6, 0.4]
    rates = [one["rate"] for one in composite["populations"]]
    assert composite["rate"] == pytest.approx(0.6 * rates[0] + 0.4 * rates[1])


async def test_nothing_that_is_changed_later_changes_it(admin: Api) -> None:
    await campaign(admin)
    made = await published(admin)
    before = [await section(admin, 1, name) for name in SECTIONS]
    heads = {"period": "2026-autumn", "students": 9, "parents": 9, "teachers": 9}
    await admin.made("PUT", "/v1/units/A1/enrolment", heads)
    unit = {"name": "新名", "kind": "school", "parent": "B", "stage": "primary"}
    await admin.made("PUT", "/v1/units/A2", unit)
    stored = await admin.made("GET", "/v1/campaigns/C")
    body = {name: stored[name] for name in campaign_body() | {"min_rank": 0}}
    body |= {"title": "别的题目", "min_rank": 5}
    await admin.made("PUT", "/v1/campaigns/C", body)
    await answered(admin, "A1", 50, good=0)
    await admin.made("POST", RELEASES)
    assert [await section(admin, 1, name) for name in SECTIONS] == before
    assert await admin.made("GET", f"{URL}/1") == made


async def test_the_database_refuses_to_change_it(admin: Api) -> None:
    await campaign(admin)
    await published(admin)
    database: Database = admin.app.state.database
    for table in ("publications", "publication_sections"):
        for change in ("UPDATE {} SET number = 9", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
            with pytest.raises(RaiseError, match="append"):
                await database.pool.execute(change.format(table))


async def test_the_same_request_twice_publishes_once(admin: Api) -> None:
    await campaign(admin)
    first = await asked(admin, "one")
    again = await asked(admin, "one")
    assert (again.status_code, again.content) == (201, first.content)
    other = await asked(admin, "one", title="别的")
    assert other.json()["type"] == "/problems/idempotency-key-reused"
    without = await admin.post(URL, {"title": "x"})
    assert without.json()["type"] == "/problems/idempotency-key-missing"
    assert [one["number"] for one in (await admin.made("GET", URL))["items"]] == [1]


async def test_requests_at_once_get_different_numbers(admin: Api) -> None:
    await campaign(admin)
    replies = await asyncio.gather(*(asked(admin) for _ in range(3)))
    assert sorted(one.json()["statement"]["number"] for one in replies) == [1, 2, 3]
    same = await asyncio.gather(*(asked(admin, "same") for _ in range(3)))
    made = [one.json()["statement"]["number"] for one in same if one.status_code == 201]
    assert set(made) == {4}
    assert {one.status_code for one in same} <= {201, 409}
    page = await admin.made("GET", URL, params={"limit": 3})
    rest = await admin.made("GET", URL, params={"cursor": page["next"]})
    assert [one["number"] for one in page["items"] + rest["items"]] == [4, 3, 2, 1]


async def test_who_is_killed_in_the_middle_has_published_nothing(admin: Api) -> None:
    await campaign(admin)
    database: Database = admin.app.state.database
    async with database.pool.acquire() as holder:
        async with holder.transaction():
            await holder.execute("LOCK TABLE publication_sections IN SHARE MODE")
            making = asyncio.create_task(asked(admin, "cut"))
            waiting = None
            while waiting is None:
                waiting = await database.pool.fetchval(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                    "AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO publication_sec%'"
                )
                await asyncio.sleep(0.02)
            await holder.execute("SELECT pg_terminate_backend($1)", waiting)
        assert (await making).status_code == 503
    assert (await admin.made("GET", URL))["items"] == []
    assert (await asked(admin, "cut")).json()["statement"]["number"] == 1


async def test_there_is_nothing_to_publish_without_a_release(admin: Api) -> None:
    await campaign(admin)
    unknown = await asked(admin, release=2)
    assert unknown.status_code == 422
    [error] = unknown.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/release", "unknown_release")
    await admin.made("PUT", "/v1/campaigns/D", campaign_body())
    none = await admin.post(
        "/v1/campaigns/D/publications", {"title": "x"}, headers={"Idempotency-Key": "d"}
    )
    assert (none.status_code, none.json()["type"]) == (409, "/problems/no-release")


async def test_only_the_owner_publishes_and_whoever_sees_the_campaign_reads_it_whole(
    admin: Api,
) -> None:
    await campaign(admin)
    county = await admin.as_client("campaigns:write", "A")
    assert (await asked(county)).json()["type"] == "/problems/not-owner"
    reader = await admin.as_client("results:read", "A")
    assert (await asked(reader)).status_code == 403
    city = await admin.as_client("campaigns:write", "W")
    assert (await asked(city)).status_code == 201
    # The whole: else its digest could not be verified.
    assert (await section(reader, 1, "rows")) == await section(admin, 1, "rows")
    assert (await city.get(f"{URL}/1")).status_code == 403
    for address in (f"{URL}/2", f"{URL}/2/rows", f"{URL}/2/statement"):
        assert (await reader.get(address)).status_code == 404
    assert (await reader.get(f"{URL}/1/secrets")).status_code == 422
    assert (await reader.get(URL, params={"cursor": "nonsense"})).status_code == 422


async def test_a_sandbox_publishes_nothing(admin: Api) -> None:
    await campaign(admin)
    made = await admin.made("POST", "/v1/campaigns/C/sandbox")
    url = f"/v1/campaigns/{made['code']}/publications"
    refused = await admin.post(url, {"title": "x"}, headers={"Idempotency-Key": "s"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/sandbox-refused")


async def test_a_section_comes_as_a_table_too(admin: Api) -> None:
    await campaign(admin)
    unit = {"name": "=1+1", "kind": "school", "parent": "A", "stage": "primary"}
    await admin.made("PUT", "/v1/units/A1", unit)
    await published(admin)
    for name in ("rows", "ranking", "coverage", "changes"):
        reply = await admin.get(f"{URL}/1/{name}", headers={"Accept": "text/csv"})
        assert reply.headers["Content-Type"].startswith("text/csv")
        assert reply.text.count("\r\n") == len(await rows(admin, 1, name)) + 1
    table = await admin.get(f"{URL}/1/rows", headers={"Accept": "text/csv"})
    columns = table.text.lstrip("\ufeff").split("\r\n")[0].split(",")
    assert {"level", "unit", "unit_name", "counts.good", "interval_low", "rate"} <= set(columns)
    assert ",'=1+1," in table.text
    assert ",=1+1," not in table.text
