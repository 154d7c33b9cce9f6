"""Jobs are seen by who caused them and by admins above, and by nobody else."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.access.principal import Principal
from app.core.database import Database
from app.core.problems import InvalidInput
from app.jobs import entries, service
from tests.factories import Api, tree


@pytest.fixture
async def counties(admin: Api) -> Api:
    """A city with two counties."""
    await tree(admin)
    return admin


async def caused(api: Api, name: str, *, total: int | None = None) -> UUID:
    """Queue a job as the client of this name; returns its id."""
    database: Database = api.app.state.database
    async with database.sessions.begin() as session:
        statement = text("SELECT id, client_id, scopes, unit_id FROM clients WHERE name = :name")
        row = (await session.execute(statement, {"name": name})).one()
        caller = Principal(row.id, row.client_id, frozenset(row.scopes), row.unit_id, "request-1")
        parameters: dict[str, Any] = {"secret": "of the handler"}
        job = await service.queue(session, caller, kind="count", parameters=parameters, total=total)
        return job.id


async def change(api: Api, job_id: UUID, values: str) -> None:
    """Bring a job into another state, as a worker would."""
    database: Database = api.app.state.database
    async with database.sessions.begin() as session:
        await session.execute(text(f"UPDATE jobs SET {values} WHERE id = :id"), {"id": job_id})


async def test_a_job_tells_how_far_it_is_and_when_to_come_again(counties: Api) -> None:
    contractor = await counties.as_client("interviews:write", "A", "contractor")
    job_id = await caused(counties, "contractor", total=10)
    reply = await contractor.get(f"/v1/jobs/{job_id}")
    assert reply.status_code == 200
    assert int(reply.headers["Retry-After"]) > 0
    assert reply.json() == {
        "id": str(job_id),
        "kind": "count",
        "state": "queued",
        "done": 0,
        "total": 10,
        "result": None,
        "problem": None,
        "created_at": reply.json()["created_at"],
        "started_at": None,
        "finished_at": None,
    }
    ended = "state = 'done', done = 10, result = '{\"accepted\": 10}', finished_at = now()"
    await change(counties, job_id, ended)
    reply = await contractor.get(f"/v1/jobs/{job_id}")
    assert (reply.json()["state"], reply.json()["result"]) == ("done", {"accepted": 10})
    assert "Retry-After" not in reply.headers


async def test_a_failed_job_shows_its_problem(counties: Api) -> None:
    contractor = await counties.as_client("interviews:write", "A", "contractor")
    job_id = await caused(counties, "contractor")
    problem = json.dumps(InvalidInput().document("r"))
    ended = f"state = 'failed', problem = '{problem}', finished_at = now()"
    await change(counties, job_id, ended)
    shown = await contractor.made("GET", f"/v1/jobs/{job_id}")
    assert shown["problem"]["type"] == "/problems/invalid-input"
    assert shown["state"] == "failed"


async def test_another_clients_job_is_as_unknown_as_one_that_is_none(counties: Api) -> None:
    await counties.as_client("interviews:write", "A", "contractor")
    job_id = await caused(counties, "contractor")
    for others in (
        await counties.as_client("interviews:write", "A", "rival"),
        await counties.as_client("results:exact audit:read", None, "sees all, but is no admin"),
        await counties.as_client("admin", "B", "admin elsewhere"),
        await counties.as_client("admin", "A1", "admin below"),
    ):
        theirs = await others.get(f"/v1/jobs/{job_id}")
        unknown = await others.get(f"/v1/jobs/{uuid4()}")
        assert theirs.status_code == unknown.status_code == 404
        assert {**theirs.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
        assert (await others.made("GET", "/v1/jobs"))["items"] == []


async def test_admins_above_its_client_see_a_job(counties: Api) -> None:
    await counties.as_client("interviews:write", "A", "contractor")
    job_id = await caused(counties, "contractor")
    for above in (
        await counties.as_client("admin", "A", "county"),
        await counties.as_client("admin", "W", "city"),
        counties,
    ):
        assert (await above.made("GET", f"/v1/jobs/{job_id}"))["id"] == str(job_id)
        assert (await above.made("GET", "/v1/jobs"))["items"] == []  # what they caused


async def test_a_job_of_a_client_that_sees_all_is_for_admins_who_see_all(counties: Api) -> None:
    await counties.as_client("interviews:write", None, "contractor")
    job_id = await caused(counties, "contractor")
    city = await counties.as_client("admin", "W", "city")
    assert (await city.get(f"/v1/jobs/{job_id}")).status_code == 404
    assert (await counties.get(f"/v1/jobs/{job_id}")).status_code == 200


async def test_a_clients_jobs_are_listed_the_newest_first_in_pages(counties: Api) -> None:
    contractor = await counties.as_client("interviews:write", "A", "contractor")
    jobs = [str(await caused(counties, "contractor")) for _ in range(5)]
    # Two of the same instant: a page may end between them.
    await change(counties, UUID(jobs[1]), "created_at = (SELECT min(created_at) FROM jobs)")
    found: list[str] = []
    url: str | None = "/v1/jobs?limit=1"
    while url:
        page = await contractor.made("GET", url)
        assert len(page["items"]) == 1
        found += [one["id"] for one in page["items"]]
        url = page["next"] and f"/v1/jobs?limit=1&cursor={page['next']}"
    assert found[:3] == [jobs[4], jobs[3], jobs[2]]
    assert sorted(found[3:]) == sorted(jobs[:2])


@pytest.mark.parametrize("cursor", ["x", "MQ", "MjAyNi0xMS0yMiB4", "MjAyNi0xMS0yMiA"])
async def test_a_cursor_that_was_not_given_out_is_refused(counties: Api, cursor: str) -> None:
    reply = await counties.get(f"/v1/jobs?cursor={cursor}")
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "?cursor"


async def test_what_no_job_can_be_called_is_refused(counties: Api) -> None:
    for strange in ("1", "%00", "x" * 500):
        assert (await counties.get(f"/v1/jobs/{strange}")).status_code == 422


async def test_monitoring_is_told_how_it_stands_with_jobs(counties: Api) -> None:
    await counties.as_client("interviews:write", "A", "contractor")
    waiting, running, failed = [await caused(counties, "contractor") for _ in range(3)]
    await change(counties, running, "state = 'running'")
    await change(counties, failed, "state = 'failed', problem = '{}', finished_at = now()")
    database: Database = counties.app.state.database
    async with database.sessions.begin() as session:
        await session.execute(
            text(
                f"UPDATE {entries.SCHEMA}.pgqueuer SET execute_after = now() - interval '90 s' "
                "WHERE dedupe_key = :id"
            ),
            {"id": str(waiting)},
        )
    told = (await counties.http.get("/metrics")).text
    assert 'xinsheng_jobs{state="queued"} 1\n' in told
    assert 'xinsheng_jobs{state="running"} 1\n' in told
    assert "xinsheng_jobs_failed_last_hour 1\n" in told
    [due] = [one for one in told.splitlines() if one.startswith("xinsheng_jobs_due_seconds ")]
    assert float(due.split()[1]) >= 90
