"""The demonstration loaded again: what is lost comes back, what was changed stays."""

import json
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.demonstration import Shown
from app.demonstration.credentials import FILE
from app.demonstration.setting_up import CAMPAIGNS
from tests.demonstration.conftest import DEMONSTRATION
from tests.demonstration.reading import counts, load
from tests.factories import Api


@pytest.fixture(scope="module")
def template(demonstration_dir: Path) -> str:
    """Tests here begin with the demonstration loaded."""
    return DEMONSTRATION


async def test_lost_credentials_are_made_anew_and_nothing_else(app: FastAPI, shown: Shown) -> None:
    rows = await counts(app)
    kept = app.state.settings.data_dir / FILE
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.unlink()
    again = await load(app)
    assert {one.client_id for one in again.credentials}.isdisjoint(
        one.client_id for one in shown.credentials
    )
    assert again.link_url == shown.link_url
    made = {name: rows[name] + 4 for name in ("clients", "client_secrets")}
    assert await counts(app) == {**rows, **made}
    assert await load(app) == again


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"clients": [{"name": "bureau"}]}', '{"clients": [1]}', "\x00"]
)
async def test_a_broken_file_of_credentials_is_written_anew(app: FastAPI, content: str) -> None:
    kept = app.state.settings.data_dir / FILE
    kept.write_text(content)
    kept.chmod(0o644)
    shown = await load(app)
    written = json.loads(kept.read_text())["clients"]
    assert [one["client_id"] for one in written] == [one.client_id for one in shown.credentials]
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_only_a_client_that_was_revoked_is_made_anew(app: FastAPI, shown: Shown) -> None:
    await app.state.database.pool.execute(
        "UPDATE clients SET revoked_at = now() WHERE client_id = $1",
        shown.credentials[1].client_id,
    )
    again = await load(app)
    assert again.credentials[0] == shown.credentials[0]
    assert again.credentials[1] != shown.credentials[1]
    assert again.credentials[2] == shown.credentials[2]
    assert (await counts(app))["interviews"] == 294


async def test_what_was_changed_after_loading_stays(app: FastAPI, admin: Api, shown: Shown) -> None:
    unit = {"name": "新名小学", "kind": "school", "parent": "370702", "stage": "primary"}
    await admin.made("PUT", "/v1/units/370702-S01", unit)
    await admin.made("POST", f"/v1/campaigns/{CAMPAIGNS['teacher']}/close")
    await load(app)
    assert (await admin.made("GET", "/v1/units/370702-S01"))["name"] == "新名小学"
    closed = await admin.made("GET", f"/v1/campaigns/{CAMPAIGNS['teacher']}")
    assert closed["state"] == "closed"
