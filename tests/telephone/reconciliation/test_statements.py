"""Statements of delivery and digests, verified with what docs/reconciliation.md tells to run."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.clock import day_of
from app.core.keyring import Keyring
from app.telephone.reconciliation.signing import public_keys
from tests.factories import Api
from tests.telephone.deliveries import ago, delivered, in_vain, interview, pool
from tests.telephone.reconciliation.files import client_id, digest, of_contractor
from tests.test_architecture import ROOT

URL = "/v1/campaigns/C/statement"
CSV = {"Accept": "text/csv"}
DOCUMENT = (ROOT / "docs" / "reconciliation.md").read_text("utf-8")
COLUMNS = ("interview_id", "revision", "unit", "population", "disposition", "ended_at")


def example(kind: str) -> str:
    """The document's block of this kind."""
    [found] = re.findall(rf"^```{kind}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def shell(folder: Path, kind: str) -> str:
    found = run(folder, "sh", "-ec", example(kind))
    assert found.returncode == 0, found.stderr
    return found.stdout


def python(folder: Path, kind: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(folder, sys.executable, "-c", example(f"python {kind}"), *arguments)


async def test_the_digest_is_computed_from_the_contractors_own_file(
    contractor: Api, tmp_path: Path
) -> None:
    items = [
        interview("V-1"),
        interview("V-10", unit="B1", ended_at=ago(minutes=3)),
        interview("V.2", ended_at=ago(minutes=3).replace("+00:00", "Z")),
        in_vain("a_3"),
    ]
    items[0]["ended_at"] = (datetime.now(UTC) - timedelta(minutes=5)).astimezone().isoformat()
    corrected = {**items[1], "unit": "A2", "revision": 3}
    await delivered(contractor, *items, corrected)
    source, _ = await of_contractor(contractor)
    file = tmp_path / "interviews.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in [*items, corrected]))
    assert python(tmp_path, "digest", "interviews.ndjson").stdout.strip() == source["digest"]
    latest = [items[0], corrected, *items[2:]]
    assert digest(latest) == source["digest"]
    rows = [
        [str(one.get(name, 1)) for name in COLUMNS[:-1]] + [_utc(one["ended_at"])] for one in latest
    ]
    with (tmp_path / "interviews.csv").open("w", newline="") as table:
        csv.writer(table).writerows([COLUMNS, *rows])
    assert shell(tmp_path, "sh").split()[0] == source["digest"]
    assert python(tmp_path, "digest", "interviews.csv").stdout.strip() == source["digest"]


def _utc(ended_at: str) -> str:
    return datetime.fromisoformat(ended_at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_a_statement_says_what_was_delivered_to_both_sides_alike(
    contractor: Api, bureau: Api
) -> None:
    items = [interview("V-1"), in_vain("V-2")]
    await delivered(contractor, *items, "junk", key="=one")
    name = await client_id(contractor)
    mine = (await contractor.made("GET", URL))["statement"]
    theirs = (await bureau.made("GET", URL, params={"source": name}))["statement"]
    assert {**mine, "made_at": ""} == {**theirs, "made_at": ""}
    assert mine["number"].startswith(f"C/{name}/{mine['until']}/")
    assert mine["totals"] == {
        "deliveries": 1,
        "in_progress": 0,
        "sent": 3,
        "stored": 2,
        "replayed": 0,
        "refused": 1,
        "interviews": 2,
        "revisions": 2,
    }
    assert mine["by_disposition"] == {"1.1": 1, "2.11": 1}
    assert mine["digest"] == digest(items)
    assert [one["name"] for one in mine["batches"]] == ["=one"]
    assert "already_answered" not in json.dumps(mine)


async def test_a_statement_ends_with_its_day(contractor: Api) -> None:
    first = interview("V-1")
    await delivered(contractor, first)
    for table in ("interviews", "deliveries"):
        await pool(contractor).execute(
            f"UPDATE {table} SET received_at = received_at - interval '1 day'"
        )
    yesterday = str(day_of(datetime.now(UTC)) - timedelta(days=1))
    before = (await contractor.made("GET", URL, params={"until": yesterday}))["statement"]
    await delivered(contractor, {**first, "attempts": 3, "revision": 2}, interview("V-2"))
    after = (await contractor.made("GET", URL, params={"until": yesterday}))["statement"]
    assert {**after, "made_at": ""} == {**before, "made_at": ""}
    assert (after["totals"]["revisions"], after["digest"]) == (1, digest([first]))
    now = (await contractor.made("GET", URL))["statement"]
    assert now["totals"]["revisions"] == 3
    assert now["number"] != after["number"]
    never = (await contractor.made("GET", URL, params={"until": "0001-01-01"}))["statement"]
    assert (never["batches"], never["days"], never["digest"]) == ([], [], None)


async def test_statements_of_nobody_and_of_days_to_come_are_refused(
    contractor: Api, bureau: Api
) -> None:
    tomorrow = str(day_of(datetime.now(UTC)) + timedelta(days=2))
    for api, parameters, where in (
        (bureau, {}, "?source"),
        (contractor, {"until": tomorrow}, "?until"),
    ):
        reply = await api.get(URL, params=parameters)
        assert reply.status_code == 422
        assert [one["pointer"] for one in reply.json()["errors"]] == [where]
    signed = "SELECT count(*) FROM audit_entries WHERE action = 'statement.sign'"
    assert await pool(contractor).fetchval(signed) == 0


async def test_a_statement_is_verified_offline_and_no_altered_byte_passes(
    contractor: Api, tmp_path: Path
) -> None:
    await delivered(contractor, interview("V-1"), in_vain("V-2"), key="=HYPERLINK(1)")
    keys = await Api(contractor.http, contractor.app).made("GET", "/v1/signing-keys")
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    for form, headers in (("statement.json", {}), ("statement.csv", CSV)):
        reply = await contractor.get(URL, headers=headers)
        assert reply.status_code == 200, reply.text
        file = tmp_path / form
        file.write_bytes(reply.content)
        found = python(tmp_path, "verify", form, "keys.json")
        assert found.stdout.strip() == "the statement is genuine", found.stderr
        altered = reply.content.replace(b"2.11", b"2.12")
        assert altered != reply.content
        (tmp_path / f"altered-{form}").write_bytes(altered)
        found = python(tmp_path, "verify", f"altered-{form}", "keys.json")
        assert "InvalidSignature" in found.stderr
    rows = list(csv.DictReader(io.StringIO((tmp_path / "statement.csv").read_text("utf-8-sig"))))
    assert ("batch", "'=HYPERLINK(1)") in [(row["part"], row["name"]) for row in rows]
    if shutil.which("openssl"):
        (tmp_path / "key.pem").write_text(keys["items"][0]["pem"])
        assert "Success" in shell(tmp_path, "sh openssl")


async def test_a_statement_signed_before_the_secret_changed_is_still_verified(
    contractor: Api, tmp_path: Path
) -> None:
    reply = await contractor.get(URL)
    (tmp_path / "statement.json").write_bytes(reply.content)
    former = b"test-key-" + b"0" * 32
    contractor.app.state.keyring.renew((b"another-" + b"1" * 32, former))
    keys = await Api(contractor.http, contractor.app).made("GET", "/v1/signing-keys")
    signing = json.loads(reply.content)["signature"]["key_id"]
    assert [one["key_id"] for one in keys["items"]][1:] == [signing]
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    found = python(tmp_path, "verify", "statement.json", "keys.json")
    assert found.stdout.strip() == "the statement is genuine", found.stderr


def test_the_published_keys_give_no_secret_away() -> None:
    keyring = Keyring((b"k" * 32,))
    secret = keyring.current("statement").key.hex()
    [key] = public_keys(keyring)
    assert secret not in key.model_dump_json()
    assert "PRIVATE" not in key.pem


async def test_the_table_comes_where_it_is_preferred(contractor: Api) -> None:
    for accept, kind in (
        ("text/csv", "text/csv"),
        ("application/json, text/csv", "application/json"),
        ("text/csv;q=1, application/json", "text/csv"),
        ("*/*", "application/json"),
    ):
        reply = await contractor.get(URL, headers={"Accept": accept})
        assert reply.headers["Content-Type"].startswith(kind), accept
