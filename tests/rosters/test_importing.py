"""Importing rosters: forms, bad rows, the same again, at once, a hundred thousand."""

import asyncio
import io
import random
from typing import Any

import openpyxl
import pytest
from cryptography.exceptions import InvalidTag

from app.rosters.reading import NDJSON, XLSX
from app.rosters.sealing import Kept, RosterKeys
from tests.factories import Api, campaign_body, open_campaign, tree
from tests.rosters.lists import (
    COLUMNS,
    URL,
    as_csv,
    as_ndjson,
    imported,
    links,
    person,
    refused,
    send,
)

PHONE = "+8613800000000"


def as_xlsx(rows: list[dict[str, Any]]) -> bytes:
    """The list as a workbook; phones stand in it as numbers, as people type them."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(COLUMNS)
    for row in rows:
        book.active.append([row.get(name) for name in COLUMNS])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


async def stored(api: Api, table: str = "roster_entries") -> int:
    found: int = await api.app.state.database.pool.fetchval(f"SELECT count(*) FROM {table}")
    return found


async def test_everybody_new_is_invited_and_found_by_the_row(county: Api) -> None:
    rows = [person(PHONE), person(None, "A2", external_id="F-1"), person("13800000001", child=1)]
    reply = await send(county, as_csv(rows))
    assert reply.status_code == 201
    made = reply.json()
    assert {name: made[name] for name in ("rows", "created", "known", "sharing")} == {
        "rows": 3,
        "created": 3,
        "known": 0,
        "sharing": 0,
    }
    found = await links(county, made["roster"])
    assert [(one["row"], one["unit"], one["population"]) for one in found] == [
        ("2", "A1", "parent"),
        ("3", "A2", "parent"),
        ("4", "A1", "parent"),
    ]
    assert len({one["token"] for one in found}) == 3
    for one in found:
        assert one["url"] == f"http://testserver/i/{one['token']}"
        assert one["revoked"] == "false"
    assert found == await links(county, made["roster"])
    batches = (await county.made("GET", "/v1/campaigns/C/invitations"))["items"]
    assert {(one["unit"], one["count"], one["roster"]) for one in batches} == {
        ("A1", 2, made["roster"]),
        ("A2", 1, made["roster"]),
    }


async def test_csv_workbooks_and_ndjson_say_the_same(county: Api) -> None:
    rows = [person("13800000000", external_id="7"), person("13800000001", "A2", child=None)]
    assert (await imported(county, *rows))["created"] == 2
    in_book = [{**row, "phone": int(row["phone"])} for row in rows]
    spelled = [person("+86 138 0000 0000", external_id="7"), rows[1]]
    for body, kind in (
        (as_xlsx(in_book), XLSX),
        (as_ndjson(spelled), NDJSON),
        (as_csv(rows).decode().encode("gb18030"), "text/csv; charset=gb18030"),
    ):
        reply = await send(county, body, kind)
        assert (reply.status_code, reply.json()["known"]) == (200, 2), kind
        assert reply.json()["roster"] is None


async def test_the_same_row_again_makes_nothing_new(county: Api) -> None:
    first = await imported(county, person(PHONE), person("13800000001"))
    again = await imported(county, person("13800000001"), person("13800000002"), person(PHONE))
    assert (again["created"], again["known"]) == (1, 2)
    [only] = await links(county, again["roster"])
    assert only["row"] == "3"
    assert len(await links(county, first["roster"])) == 2
    twice = await imported(county, person("13800000003"), person("138 0000 0003", child=1))
    assert (twice["rows"], twice["created"], twice["known"]) == (2, 1, 1)


async def test_a_dry_run_counts_and_changes_nothing(county: Api) -> None:
    reply = await send(county, as_csv([person(PHONE), person(PHONE)]), dry_run="true")
    expected = {"roster": None, "rows": 2, "created": 1, "known": 1, "sharing": 0}
    assert (reply.status_code, reply.json()) == (200, expected)
    assert [await stored(county, one) for one in ("roster_entries", "invitation_batches")] == [0, 0]
    refusal = await send(county, as_csv([person("12")]), dry_run="true")
    assert refusal.status_code == 422


async def test_one_bad_row_and_nothing_is_taken(county: Api) -> None:
    rows = [
        person("13800000000"),
        person("13800000", "A1"),
        person(None),
        person("13800000000", "B1"),
        person("13800000000", "nowhere"),
        {**person("13800000000"), "population": "pupil"},
        person("13800000000", child=2),
        person("13800000000", child=0),
        person("13800000000", external_id="王小明"),
        {**person("13800000000"), "unit": None},
    ]
    assert await refused(county, as_csv(rows)) == {
        "/rows/3/phone": "bad_phone",
        "/rows/4/phone": "missing",
        "/rows/5/unit": "unknown_unit",
        "/rows/6/unit": "unknown_unit",
        "/rows/7/population": "unknown_population",
        "/rows/8/child": "too_many_children",
        "/rows/9/child": "greater_than_equal",
        "/rows/10/external_id": "string_pattern_mismatch",
        "/rows/11/unit": "string_type",
    }
    assert await stored(county) == 0


async def test_of_many_bad_rows_the_first_thousand_are_told(county: Api) -> None:
    for bad in ("12", "13800000000"):
        rows = [person(bad, "nowhere") for _ in range(1_200)]
        reply = await send(county, as_csv(rows))
        errors = reply.json()["errors"]
        assert [one["pointer"].split("/")[2] for one in errors] == [
            str(number) for number in range(2, 1_002)
        ]
        assert "1,000 rows" in reply.json()["detail"]


async def test_no_error_repeats_what_was_sent(county: Api) -> None:
    secrets = ["13911112222", "1391111222x", "13911112223"]
    ndjson = as_ndjson(
        [
            {**person("13800000000"), secrets[0]: 1},
            person(secrets[1]),
            person(secrets[2], "nowhere"),
            7,
        ]
    )
    for body, kind in (
        (ndjson, NDJSON),
        (as_csv([person(f"{secrets[0]},")]) + f"A1,parent,,,,{secrets[1]}\n".encode(), "text/csv"),
        (f"unit,population,{secrets[0]}\n".encode(), "text/csv"),
    ):
        reply = await send(county, body, kind)
        assert reply.status_code == 422
        assert not any(secret[:7] in reply.text for secret in secrets), reply.text
    errors = await refused(county, ndjson, NDJSON)
    assert errors["/rows/1"] == "extra_forbidden"
    assert errors["/rows/2/phone"] == "bad_phone"
    assert "/rows/4" in errors


async def test_what_is_no_list_is_refused(county: Api) -> None:
    for body, kind, status in (
        (b"", "text/csv", 422),
        (b"", NDJSON, 422),
        (b"unit,phone\nA1,1\n", "text/csv", 422),
        (b'unit,population,phone\nA1,"parent,1\n', "text/csv", 400),
        (b"PK\x03\x04", XLSX, 400),
        (b'{"unit": "A1"', NDJSON, 400),
        (b'\xff\xfe{"unit": "A1"}', NDJSON, 400),
        (b"[" * 9_000, NDJSON, 400),
        (b"[" * 100_000, NDJSON, 400),
        (
            b'{"unit": "A1", "population": "parent", "phone": "' + b" " * 10_000 + b'1"}',
            NDJSON,
            400,
        ),
        (b"\n" * 1_000_000, NDJSON, 422),
        (b"{}", "application/json", 415),
        (b"unit,population,phone\n", "text/csv", 200),
    ):
        assert (await send(county, body, kind)).status_code == status, body[:40]
    assert await stored(county) == 0


async def test_no_more_people_than_are_enrolled_but_by_admin(campaign: Api, county: Api) -> None:
    people = [person(str(13_900_000_000 + number)) for number in range(201)]
    assert await refused(county, as_csv(people)) == {"/rows/2/unit": "more_than_enrolled"}
    assert (await imported(county, *people[:200]))["created"] == 200
    at_county = person("13800000000", "A")
    errors = await refused(county, as_csv([people[200], at_county]))
    assert errors == {"/rows/2/unit": "more_than_enrolled", "/rows/3/unit": "enrolment_unknown"}
    assert (await imported(campaign, people[200], at_county))["created"] == 2


async def test_a_number_of_many_is_nobodys(campaign: Api) -> None:
    rows = [person(PHONE, external_id=f"F-{number}") for number in range(10)]
    made = await imported(campaign, *rows)
    assert (made["created"], made["sharing"]) == (10, 10)
    errors = await refused(campaign, as_csv([person(PHONE, external_id="F-10")]))
    assert errors == {"/rows/2/phone": "shared_too_often"}
    # Of another child it is another proof, and the limit is by itself.
    assert (await imported(campaign, person("13800000009", external_id="F-0")))["sharing"] == 1


async def test_of_children_under_14_no_list_is_taken(admin: Api) -> None:
    await tree(admin)
    asked = {"questionnaire": "satisfaction-six", "version": 1}
    populations = {"student": {**asked, "under_14": True}, "parent": asked}
    await open_campaign(admin, populations=populations, identity=["invitation"])
    pupil = {"unit": "A1", "population": "student", "external_id": "S-1"}
    errors = await refused(admin, as_csv([person(PHONE), pupil]))
    assert errors == {"/rows/3/population": "identifies_a_child"}


async def test_lists_are_taken_while_the_campaign_is_fixed_and_has_its_key(admin: Api) -> None:
    await tree(admin)
    await admin.made("PUT", "/v1/campaigns/C", campaign_body())
    body = as_csv([person(PHONE)])

    async def told() -> tuple[int, str]:
        reply = await send(admin, body)
        return reply.status_code, reply.json().get("type", "")

    state = 409, "/problems/campaign-state"
    assert await told() == state
    await admin.made("POST", "/v1/campaigns/C/open")
    assert (await told())[0] == 201
    await admin.made("POST", "/v1/campaigns/C/close")
    assert (await told())[0] == 200
    pool = admin.app.state.database.pool
    key = await pool.fetchrow("DELETE FROM campaign_keys WHERE purpose = 'identity' RETURNING *")
    assert await told() == state
    await pool.execute("INSERT INTO campaign_keys VALUES ($1, $2, $3)", *key)
    await admin.made("POST", "/v1/campaigns/C/archive")
    assert await told() == state
    await open_campaign(admin, "D", identity=["device"])
    reply = await send(admin, body, url="/v1/campaigns/D/roster")
    assert reply.json()["type"] == "/problems/invitations-not-admitted"


async def test_the_same_list_at_once_invites_everybody_once(county: Api) -> None:
    people = [person(str(13_900_000_000 + number)) for number in range(60)]
    orders = [random.Random(seed).sample(people, len(people)) for seed in range(6)]
    replies = await asyncio.gather(*[imported(county, *order) for order in orders])
    assert sorted(one["created"] for one in replies) == [0] * 5 + [60]
    assert await stored(county) == 60


async def test_who_was_invited_in_vain_is_invited_anew(county: Api) -> None:
    people = [person(PHONE), person("13800000001", "A2")]
    first = await imported(county, *people)
    [of_a1, _] = await links(county, first["roster"])
    await county.made("POST", f"/v1/campaigns/C/invitations/{of_a1['batch']}/revoke")
    again = await imported(county, *people)
    assert (again["created"], again["known"]) == (1, 1)
    [anew] = await links(county, again["roster"])
    assert anew["unit"] == "A1"
    assert anew["token"] != of_a1["token"]
    assert [one["unit"] for one in await links(county, first["roster"])] == ["A2"]
    assert [await stored(county, one) for one in ("roster_entries", "roster_proofs")] == [2, 2]


async def test_imports_and_readings_are_written_down_in_numbers(county: Api) -> None:
    made = await imported(county, person(PHONE), callable="true")
    await links(county, made["roster"])
    entries = await county.app.state.database.pool.fetch(
        "SELECT action, object, detail::text FROM audit_entries WHERE action LIKE 'roster.%' "
        "ORDER BY id"
    )
    assert [(one["action"], one["object"]) for one in entries] == [
        ("roster.import", "C"),
        ("roster.export", "C"),
    ]
    assert '"created": 1' in entries[0]["detail"]
    assert '"callable": true' in entries[0]["detail"]
    assert not any("138" in one["detail"] for one in entries)


async def test_a_phone_that_will_be_called_can_be_read_with_the_campaigns_key(
    campaign: Api,
) -> None:
    await imported(campaign, person("13800000001", external_id="F-1"))
    await imported(campaign, person(PHONE, external_id="F-2"), callable="true")
    pool = campaign.app.state.database.pool
    rules = await campaign.app.state.reception.directory.campaign(pool, "C")
    keys = RosterKeys(rules.identity_key, rules.id)
    rows = await pool.fetch("SELECT batch_id, serial, sealed FROM roster_entries ORDER BY batch_id")
    assert [keys.opened(*row) for row in rows] == [Kept(None, None), Kept(None, PHONE)]
    # Somebody is to call them after all.
    again = await imported(campaign, person("13800000001", external_id="F-1"), callable="true")
    assert again["known"] == 1
    [first, _] = await pool.fetch(
        "SELECT batch_id, serial, sealed FROM roster_entries ORDER BY batch_id"
    )
    assert keys.opened(*first) == Kept(None, "+8613800000001")
    with pytest.raises(InvalidTag):
        keys.opened(first["batch_id"], first["serial"] + 1, first["sealed"])


async def test_a_hundred_thousand_people_are_one_request(campaign: Api) -> None:
    numbers = random.Random(5).sample(range(10**8), 100_000)
    rows = (
        f"{unit},parent,13{number:09},F-{number},\n"
        for unit, number in zip(["A1", "A2", "B1", "A"] * 25_000, numbers, strict=True)
    )
    body = ("unit,population,phone,external_id,child\n" + "".join(rows)).encode()
    made = (await send(campaign, body)).json()
    assert (made["rows"], made["created"]) == (100_000, 100_000)
    found = await links(campaign, made["roster"])
    assert [int(one["row"]) for one in found] == list(range(2, 100_002))
    assert len({one["token"] for one in found}) == 100_000
    assert [await stored(campaign, one) for one in ("roster_entries", "roster_proofs")] == [
        100_000,
        200_000,
    ]


async def test_links_are_read_by_those_who_may(campaign: Api, county: Api) -> None:
    made = await imported(campaign, person(PHONE), person(PHONE, "B1"))
    assert len(await links(campaign, made["roster"])) == 2
    assert [one["unit"] for one in await links(county, made["roster"])] == ["A1"]
    for_b = await imported(campaign, person("13800000001", "B1"))
    reader = await campaign.as_client("results:exact", unit="A", name="reader")
    school = await campaign.as_client("links:write", unit="A1", name="school")
    nobody = Api(campaign.http, campaign.app)
    for client, roster, status in (
        (county, for_b["roster"], 404),
        (county, 2**31 - 1, 404),
        (campaign, 0, 422),
        (reader, made["roster"], 403),
        (school, made["roster"], 403),
        (nobody, made["roster"], 401),
    ):
        assert (await client.get(f"{URL}/{roster}/links.csv")).status_code == status
    for client, status in ((reader, 403), (school, 403), (nobody, 401)):
        assert (await send(client, as_csv([person(PHONE)]))).status_code == status
    await open_campaign(campaign, "of-b", region="B")
    other = await send(county, as_csv([person(PHONE)]), url="/v1/campaigns/of-b/roster")
    assert other.status_code == 404
    pool = campaign.app.state.database.pool
    await pool.execute("UPDATE invitation_batches SET key_id = '\\x00000000'")
    gone = await campaign.get(f"{URL}/{made['roster']}/links.csv")
    assert (gone.status_code, gone.json()["type"]) == (410, "/problems/invitations-gone")
