"""What proves a publication: digests and signatures, checked with common tools, and tampering."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from app.access.principal import Principal
from app.access.tables import Client
from app.core.embedded_postgres import EmbeddedPostgres
from app.core.keyring import Keyring
from app.doctor.database import check_publications
from app.publications import service
from app.publications.checking import Checked, checked
from app.publications.schemas import PublicationIn
from app.responses.tables import Cause
from tests.factories import Api
from tests.publications.publishing import (
    SECTIONS,
    URL,
    asked,
    campaign,
    published,
    rows,
    section,
)
from tests.results.ledger import Entry, insert
from tests.telephone.bulk import ended, working

GUIDE = Path(__file__).parents[2] / "docs" / "publications.md"
TOOLS = ("jq", "openssl", "sha256sum", "base64", "bash")


def block(name: str) -> str:
    """The commands of the guide that are named so."""
    [found] = re.findall(rf"```sh {name}\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    return str(found)


def shell(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Run them, until the first that fails."""
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", block(name)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")
async def test_anybody_verifies_it_as_the_guide_says(admin: Api, tmp_path: Path) -> None:
    await campaign(admin)
    made = await published(admin)
    keys = await Api(admin.http, admin.app).made("GET", "/v1/signing-keys")
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    (tmp_path / "publication.json").write_bytes((await admin.get(f"{URL}/1")).content)
    (tmp_path / "statement.json").write_bytes(await section(admin, 1, "statement"))
    (tmp_path / "rows.ndjson").write_bytes(await section(admin, 1, "rows"))
    found = shell(tmp_path, "digests")
    assert found.returncode == 0, found.stderr
    assert found.stdout.split()[0] == made["digest"]
    assert "Success" in shell(tmp_path, "signature").stdout
    for name, commands in (("rows.ndjson", "digests"), ("statement.json", "signature")):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content.replace(b"A1", b"A9", 1))
        assert shell(tmp_path, commands).returncode != 0


async def looked_at(api: Api, keyring: Keyring | None = None) -> Checked:
    """What the doctor finds."""
    async with api.app.state.database.snapshot() as session:
        return await checked(session, keyring or api.app.state.keyring)


async def test_what_a_superuser_alters_is_found(
    admin: Api, postgres: EmbeddedPostgres, database_url: str
) -> None:
    await campaign(admin)
    for _ in range(4):
        await published(admin)
    assert await looked_at(admin) == Checked([], [])
    packed = await admin.app.state.database.pool.fetchval(
        "SELECT packed FROM publication_sections WHERE number = 1 AND section = 'rows'"
    )
    better = gzip.compress(gzip.decompress(packed).replace(b'"A1"', b'"A2"'))
    name = database_url.rpartition("/")[2].partition("?")[0]
    connection = await asyncpg.connect(postgres.url(name, role="postgres"))
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "UPDATE publication_sections SET packed = $1 WHERE number = 1 AND section = 'rows'",
            better,
        )
        await connection.execute(
            "UPDATE publications SET statement = convert_to(replace("
            "convert_from(statement, 'UTF8'), '第1号', '第7号'), 'UTF8') WHERE number = 2"
        )
        await connection.execute("DELETE FROM publications WHERE number = 3")
    finally:
        await connection.close()
    found = await looked_at(admin)
    assert found == Checked(["C/1", "C/2", "C/3"], [])
    told = check_publications(found)
    assert (told.state, "C/1, C/2, C/3" in told.found) == ("failure", True)
    # Whoever reads it finds it too.
    signed = (await admin.made("GET", f"{URL}/1"))["statement"]["sections"]["rows"]
    content = await section(admin, 1, "rows")
    assert len(content) == signed["bytes"]
    assert hashlib.sha256(content).hexdigest() != signed["sha256"]


async def test_publications_of_a_retired_key_are_told_apart(admin: Api) -> None:
    await campaign(admin)
    await published(admin)
    found = await looked_at(admin, Keyring((b"another-" + b"1" * 32,)))
    assert found == Checked([], ["C/1"])
    assert "C/1" in check_publications(found).found


async def test_how_many_were_left_out_is_told_in_steps_of_many(admin: Api) -> None:
    await campaign(admin)

    async def doubtful(number: int) -> Any:
        await insert(admin, [Entry(answers={"a": "good"}, quality=1) for _ in range(number)])
        return (await published(admin))["statement"]["method"]["excluded"]

    assert (await doubtful(9))["doubtful"] is None
    assert (await doubtful(1))["doubtful"] == 10
    assert (await doubtful(9))["doubtful"] == 10
    found = await doubtful(1)
    assert found == {"withdrawn": None, "superseded": None, "voided": None, "doubtful": 20}
    await left_out(admin, Cause.withdrawn, 12)
    await left_out(admin, Cause.replaced, 6)
    await left_out(admin, Cause.revised, 7)
    await left_out(admin, Cause.voided, 25)
    await left_out(admin, Cause.restored, 14)
    await left_out(admin, Cause.flagged, 30)
    found = await doubtful(0)
    assert found == {"withdrawn": 12, "superseded": 13, "voided": 11, "doubtful": 20}


async def left_out(api: Api, cause: Cause, number: int) -> None:
    """Rows of the ledger that take responses out, or put them back."""
    sign = 1 if cause == Cause.restored else -1
    await api.app.state.database.pool.execute(
        "INSERT INTO responses (campaign_id, submission_id, sequence, sign, unit_id, population, "
        "channel, answered_at, answers, cause) SELECT campaigns.id, gen_random_uuid(), 1, $1, "
        "units.id, 0, 2, now(), '\\x00', $2 FROM campaigns, units, generate_series(1, $3) "
        "WHERE campaigns.code = 'C' AND units.code = 'A1'",
        sign,
        cause,
        number,
    )


async def test_publications_outlive_the_erasing_of_personal_data(admin: Api) -> None:
    await campaign(admin)
    await published(admin)
    before = [await section(admin, 1, name) for name in SECTIONS]
    for move in ("close", "archive"):
        await admin.made("POST", f"/v1/campaigns/C/{move}")
    await admin.made("POST", "/v1/campaigns/C/destroy-key", {"confirm": "C"})
    assert [await section(admin, 1, name) for name in SECTIONS] == before


async def test_a_job_publishes_what_is_of_many_units(
    admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await campaign(admin)
    monkeypatch.setattr(service, "MANY_UNITS", 2)
    unknown = await asked(admin, release=7)
    assert unknown.status_code == 422
    queued = await asked(admin, "long")
    assert queued.status_code == 202
    assert (await admin.made("GET", URL))["items"] == []
    again = await asked(admin, "long")
    assert again.headers["Location"] == queued.headers["Location"]
    async with working(admin.app.state.settings):
        job = await ended(admin, queued.headers["Location"])
    assert (job["state"], job["done"], job["total"]) == ("done", 2, 2)
    assert job["result"] == {"number": 1, "publication": f"{URL}/1"}
    assert (await admin.made("GET", f"{URL}/1"))["statement"]["title"] == "通报第1号"
    assert len(await rows(admin, 1)) > 100


async def test_a_job_that_is_taken_twice_publishes_once(admin: Api) -> None:
    await campaign(admin)
    state = admin.app.state
    client_id = (await admin.made("GET", "/v1/clients"))["items"][0]["client_id"]
    async with state.database.sessions.begin() as session:
        client = (await session.scalars(select(Client).where(Client.client_id == client_id))).one()
        caller = Principal(client.id, client_id, frozenset({"admin"}), None)
    wanted = PublicationIn(title="x")
    made = [
        await service.made(state.database, state.keyring, caller, "C", wanted, key="job/1")
        for _ in range(2)
    ]
    assert made == [1, 1]
