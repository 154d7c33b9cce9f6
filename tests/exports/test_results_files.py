"""Results as files: what /results tells the caller, and nothing else."""

import io
from datetime import datetime
from typing import Any

import openpyxl
import pandas
import pytest

from app.core.database import Database
from app.core.settings import Settings
from app.exports import results
from app.releases.jobs import release_nightly
from tests.exports.world import URL, codebook, exported, of_variable, parts, queued, random_campaign
from tests.factories import Api

_RESULTS = "/v1/campaigns/C/results"
_BY = "unit,population,channel,question"


def told(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of /results, by what tells them from others."""
    return sorted(
        (
            str(row["unit"] and row["unit"]["code"]),
            row["population"],
            row["channel"],
            str(row["question"]),
            row["respondents"],
            row["answered"],
            row["rate"],
            (row["counts"] or {}).get("good"),
        )
        for row in found["rows"]
    )


def read(file: bytes) -> list[tuple[Any, ...]]:
    """The same of a table in Parquet."""
    frame = pandas.read_parquet(io.BytesIO(parts(file)["results.parquet"]))
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    names = ("respondents", "answered", "rate", "counts.good")
    return sorted(
        (
            str(row["unit"]),
            row["population"],
            row["channel"],
            str(row["question"]),
            *(row[name] for name in names),
        )
        for row in rows
    )


async def test_a_file_has_the_rows_that_its_client_may_read(
    admin: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_AT_ONCE", 7)  # several pages
    await random_campaign(admin, 150)
    public = await admin.as_client("results:read")
    wanted: dict[str, Any] = {"content": "results", "format": "parquet", "by": _BY}
    assert (await public.post(URL, wanted)).status_code == 409
    database: Database = admin.app.state.database
    await release_nightly(database)
    exact = await admin.as_client("results:exact")
    found = await exact.made("GET", _RESULTS, params={"by": _BY})
    live = await exported(exact, settings, **wanted)
    assert read(live) == told(found)
    assert "不得公开" in parts(live)["README.txt"].decode()
    found = await public.made("GET", _RESULTS, params={"by": _BY})
    assert any(row["suppressed"] for row in found["rows"])
    released = await exported(public, settings, **wanted)
    assert read(released) == told(found)
    assert "发布编号 release: 1" in parts(released)["README.txt"].decode()
    questions = {one["value"] for one in of_variable(codebook(live), "question", "results")}
    assert {"a", "many", "comment", "staff"} <= questions


async def test_what_a_release_cannot_say_is_refused_at_once(admin: Api) -> None:
    await random_campaign(admin, 20)
    await release_nightly(admin.app.state.database)
    public = await admin.as_client("results:read")
    for wrong, pointer in (
        ({"by": "day"}, "/by"),
        ({"quality": "clean"}, "/quality"),
        ({"source": "tally"}, "/source"),
        ({"question": "nothing"}, "/question"),
        ({"population": "nobody"}, "/population"),
    ):
        reply = await public.post(URL, {"content": "results", "format": "csv", **wrong})
        assert reply.status_code == 422
        assert [one["pointer"] for one in reply.json()["errors"]] == [pointer]


async def test_numbers_are_numbers_in_a_workbook(admin: Api, settings: Settings) -> None:
    await random_campaign(admin, 30)
    job = await exported(admin, settings, content="results", format="xlsx", by="day,question")
    sheet = openpyxl.load_workbook(io.BytesIO(job))["results"]
    head, *rows = sheet.values
    first = dict(zip(head, rows[0], strict=True))
    assert isinstance(first["respondents"], int)
    assert isinstance(first["day"], datetime)
    assert first["suppressed"] == 0


async def test_a_reader_of_releases_has_no_file_of_responses_made(admin: Api) -> None:
    await random_campaign(admin, 5)
    for scope, content, status in (
        ("results:read", "responses", 403),
        ("results:exact", "responses", 403),
        ("responses:read", "results", 403),
        ("audit:read", "responses", 403),
        ("results:exact", "results", 202),
    ):
        client = await admin.as_client(scope)
        reply = await client.post(URL, {"content": content, "format": "csv"})
        assert reply.status_code == status
    assert await queued(admin)
