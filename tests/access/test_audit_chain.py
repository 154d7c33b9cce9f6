"""The audit's chain: whatever is changed, removed or put elsewhere is found."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.access import audit
from app.access.audit.verifying import Verdict, verify
from app.access.principal import OPERATOR
from app.core.database import Database
from app.core.keyring import Keyring
from tests.factories import Api, link, open_campaign

Verify = Callable[..., Awaitable[Verdict]]


@pytest.fixture
async def audited(admin: Api) -> Api:
    """An API with a dozen audited deeds."""
    above = {"W": None, "A": "W", "B": "W", "A1": "A", "A2": "A", "B1": "B"}
    for code, parent in above.items():
        kind = "school" if code[1:] else "county" if parent else "city"
        unit = {"name": code, "kind": kind, "parent": parent}
        await admin.made("PUT", f"/v1/units/{code}", unit)
    await open_campaign(admin)
    for code in ("W", "A1", "A2", "B1"):
        await link(admin, code)
    return admin


@pytest.fixture
def verdict(api: Api) -> Verify:
    """Verifies the audit, with the app's keyring or another."""

    async def found(keyring: Keyring | None = None, *, noted: str | None = None) -> Verdict:
        database: Database = api.app.state.database
        async with database.snapshot() as session:
            return await verify(session, keyring or api.app.state.keyring, noted=noted)

    return found


async def tamper(api: Api, *statements: str) -> None:
    """What somebody does who owns the database, but not the keys."""
    async with api.app.state.database.pool.acquire() as connection:
        await connection.execute("ALTER TABLE audit_entries DISABLE TRIGGER append_only")
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("ALTER TABLE audit_entries ENABLE TRIGGER append_only")


async def test_every_deed_is_in_the_chain(audited: Api, verdict: Verify) -> None:
    found = await verdict()
    count = await audited.app.state.database.pool.fetchval("SELECT count(*) FROM audit_entries")
    assert (found.entries, found.unchained, found.fault) == (count, 0, None)
    assert count >= 12
    assert len(found.head) == 64


async def test_an_audit_in_which_nothing_was_done_is_whole(verdict: Verify) -> None:
    assert await verdict() == Verdict(0, 0, "", None)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("SET action = 'unit.nothing'", "entry 5"),
        ("SET object = 'other'", "entry 5"),
        ("SET detail = '{}'", "entry 5"),
        ("SET at = at - interval '1 microsecond'", "entry 5"),
        ("SET client_id = NULL", "entry 5"),
        ("SET address = '192.0.2.1'", "entry 5"),
        ("SET request_id = ''", "entry 5"),
        ("SET hash = decode(repeat('00', 32), 'hex')", "entry 5"),
        ("SET hash = NULL", "entry 5"),
        # As if from before the chain, which begins with a hash over all of those.
        ("SET number = NULL", "entry 1,"),
        ("SET number = 1000", "entries 5 to 5 were removed"),
    ],
)
async def test_a_changed_entry_is_found(
    audited: Api, verdict: Verify, change: str, fault: str
) -> None:
    await tamper(audited, f"UPDATE audit_entries {change} WHERE number = 5")
    found = await verdict()
    assert fault in str(found.fault)
    assert found.entries == (0 if fault == "entry 1," else 4)


@pytest.mark.parametrize("number", [1, 5])
async def test_a_removed_entry_is_found(audited: Api, verdict: Verify, number: int) -> None:
    await tamper(audited, f"DELETE FROM audit_entries WHERE number = {number}")
    found = await verdict()
    assert found.fault == f"entries {number} to {number} were removed"


async def test_entries_removed_and_numbered_anew_are_found(audited: Api, verdict: Verify) -> None:
    await tamper(
        audited,
        "DELETE FROM audit_entries WHERE number = 5",
        "UPDATE audit_entries SET number = -number WHERE number > 5",
        "UPDATE audit_entries SET number = -number - 1 WHERE number < 0",
        "UPDATE audit_head SET number = number - 1",
    )
    assert (await verdict()).fault is not None


async def test_entries_that_changed_places_are_found(audited: Api, verdict: Verify) -> None:
    await tamper(
        audited,
        "UPDATE audit_entries SET number = -5 WHERE number = 5",
        "UPDATE audit_entries SET number = 5 WHERE number = 6",
        "UPDATE audit_entries SET number = 6 WHERE number = -5",
    )
    assert "entry 5" in str((await verdict()).fault)


async def test_an_end_that_was_cut_off_is_found(audited: Api, verdict: Verify) -> None:
    whole = (await verdict()).entries
    await tamper(audited, f"DELETE FROM audit_entries WHERE number > {whole - 2}")
    assert (await verdict()).fault == f"entries {whole - 1} to {whole} were removed"
    await tamper(
        audited,
        f"UPDATE audit_head SET number = {whole - 2}, "
        f"hash = (SELECT hash FROM audit_entries WHERE number = {whole - 2})",
    )
    assert "without the audit's key" in str((await verdict()).fault)
    await tamper(audited, "DELETE FROM audit_head")
    assert (await verdict()).fault == "the end of the chain was removed"
    await tamper(audited, "DELETE FROM audit_entries", "DELETE FROM service_keys")
    # Whoever takes everything away leaves nothing to be found, but for a head noted elsewhere.
    assert await verdict(noted="00" * 32) == Verdict(0, 0, "", None, noted=False)


async def test_a_head_that_was_noted_must_stand_in_the_chain(audited: Api, verdict: Verify) -> None:
    noted = (await verdict()).head
    await link(audited, "A2")
    again = await verdict(noted=noted)
    assert (again.fault, again.noted) == (None, True)
    assert not (await verdict(noted="00" * 32)).noted
    await tamper(
        audited,
        "DELETE FROM audit_entries",
        "DELETE FROM audit_head",
        "DELETE FROM service_keys",
    )
    await link(audited, "B1")
    anew = await verdict(noted=noted)
    assert (anew.fault, anew.noted) == (None, False)


async def test_a_forged_entry_is_found(audited: Api, verdict: Verify) -> None:
    await tamper(
        audited,
        "INSERT INTO audit_entries (action, object, detail, request_id, number, hash) "
        "SELECT 'unit.make', 'x', '{}', '', number + 1, hash FROM audit_head",
    )
    assert (await verdict()).fault is not None


async def test_another_keyring_cannot_vouch_for_it(audited: Api, verdict: Verify) -> None:
    found = await verdict(Keyring((b"x" * 32,)))
    assert "key" in str(found.fault)


async def test_entries_from_before_the_chain_are_vouched_for_as_a_whole(
    api: Api, verdict: Verify
) -> None:
    await tamper(
        api,
        "INSERT INTO audit_entries (action, object, detail, request_id) "
        "SELECT 'unit.make', n::text, '{\"a\": 1.50}', '' FROM generate_series(1, 3) AS n",
    )
    assert await verdict() == Verdict(0, 3, "", None)
    admin = await api.as_client("admin")
    await admin.made("PUT", "/v1/units/W", {"name": "x", "kind": "city"})
    found = await verdict()
    assert (found.entries, found.unchained, found.fault) == (1, 3, None)
    await tamper(api, "UPDATE audit_entries SET object = '7' WHERE number IS NULL AND id = 2")
    assert "entry 1" in str((await verdict()).fault)


async def test_many_at_once_form_one_chain(audited: Api, verdict: Verify) -> None:
    before = (await verdict()).entries
    bodies = [{"name": f"学校 {n}", "kind": "school", "parent": "A"} for n in range(20)]
    replies = await asyncio.gather(
        *(audited.put(f"/v1/units/N{n}", body) for n, body in enumerate(bodies))
    )
    assert {reply.status_code for reply in replies} == {201}
    found = await verdict()
    assert (found.entries, found.fault) == (before + 20, None)


async def test_what_was_rolled_back_is_not_written_with_what_follows(
    audited: Api, verdict: Verify
) -> None:
    before = (await verdict()).entries
    units = "code,name,kind,parent\nN1,x,school,A\n"
    headers = {"Content-Type": "text/csv"}
    tried = await audited.post("/v1/units/import?dry_run=true", content=units, headers=headers)
    assert tried.json()["created"] == 1
    assert (await verdict()).entries == before
    await audited.post("/v1/units/import", content=units, headers=headers)
    assert (await verdict()).entries == before + 1


async def test_an_entry_says_from_where_and_by_whom(audited: Api) -> None:
    auditor = await audited.as_client("audit:read")
    page = await auditor.made("GET", "/v1/audit?action=campaign.open")
    [entry] = page["items"]
    assert (entry["object"], entry["address"]) == ("C", "127.0.0.1")
    assert entry["client"].startswith("xc_")
    assert entry["request_id"]
    everything = (await auditor.made("GET", "/v1/audit?limit=1000"))["items"]
    numbers = [one["number"] for one in everything]
    assert numbers == sorted(numbers, reverse=True)
    assert everything[0]["action"] == "audit.read"
    url = "/v1/audit?limit=5&action=unit.make"
    first = await auditor.made("GET", url)
    second = await auditor.made("GET", f"{url}&cursor={first['next']}")
    assert [one["object"] for one in (*first["items"], *second["items"])] == [
        *("B1", "A2", "A1", "B", "A"),
        "W",
    ]
    assert second["next"] is None


async def test_an_auditor_of_a_county_reads_what_its_own_clients_did(audited: Api) -> None:
    county = await audited.as_client("admin", unit="A")
    await county.made("PUT", "/v1/units/A1", {"name": "新", "kind": "school", "parent": "A"})
    auditor = await audited.as_client("audit:read", unit="A")
    entries = (await auditor.made("GET", "/v1/audit"))["items"]
    assert {one["action"] for one in entries} <= {"unit.change", "audit.read"}
    other = await audited.as_client("audit:read", unit="B")
    assert [one["action"] for one in (await other.made("GET", "/v1/audit"))["items"]] == []


async def test_numbers_that_a_database_spells_in_another_way_break_nothing(
    audited: Api, verdict: Verify
) -> None:
    database: Database = audited.app.state.database
    async with database.sessions.begin() as session:
        detail = {"large": 1e300, "small": 1.50, "many": [10**30, 0.1 + 0.2], "none": None}
        audit.record(session, OPERATOR, "test.numbers", "x", **detail)
    assert (await verdict()).fault is None


async def test_the_command_lines_deeds_name_the_machines_user(audited: Api) -> None:
    database: Database = audited.app.state.database
    async with database.sessions.begin() as session:
        audit.record(session, OPERATOR, "keys.rotate", "00")
    auditor = await audited.as_client("audit:read")
    [entry] = (await auditor.made("GET", "/v1/audit?action=keys.rotate"))["items"]
    assert entry["client"] is None
    assert entry["detail"]["user"]
