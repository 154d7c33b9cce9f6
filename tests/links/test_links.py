"""Links: making, listing, revoking, and the codes they have."""

import asyncio
import csv
import io
import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import segno

from app.core.database import Database
from app.core.limits.policies import PER_MINUTE
from app.links import queries, service
from app.links.schemas import MAX_UNITS
from app.links.service import ALPHABET, CODE_LENGTH
from tests.factories import Api, campaign_body, link, open_campaign, revision, tree

LINKS = "/v1/campaigns/C/links"


async def ask(api: Api, *units: str, population: str = "parent") -> Any:
    """The items of a request for links."""
    made = await api.made("POST", LINKS, {"population": population, "units": list(units)})
    return made["items"]


async def test_links_are_made_once_and_are_the_same_ever_after(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    body = {"population": "parent", "units": ["A2", "A1", "A2"]}
    first = await admin.post(LINKS, body)
    assert first.status_code == 201
    items = first.json()["items"]
    assert [item["unit"] for item in items] == ["A1", "A2"]
    for item in items:
        assert re.fullmatch(r"[2-9A-HJ-NP-Za-km-z]{8}", item["code"])
        assert item["url"] == f"http://testserver/s/{item['code']}"
        assert (item["population"], item["revoked"]) == ("parent", False)
    again = await admin.post(LINKS, body)
    assert (again.status_code, again.json()) == (200, first.json())
    teachers = await ask(admin, "A1", population="teacher")
    assert teachers[0]["code"] != items[0]["code"]
    more = await ask(admin, "A1", "B1")
    assert more[0] == items[0]


async def test_links_for_all_units_of_a_level(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    body = {"population": "parent", "level": "school", "within": "W"}
    made = await admin.post(LINKS, body)
    assert [item["unit"] for item in made.json()["items"]] == ["A1", "A2", "B1"]
    assert made.status_code == 201
    for level, within, expected in (
        ("school", "A", ["A1", "A2"]),
        ("county", "A", ["A"]),
        ("school", "A1", ["A1"]),
        ("class", "W", []),
    ):
        body = {"population": "parent", "level": level, "within": within}
        items = (await admin.made("POST", LINKS, body))["items"]
        assert [item["unit"] for item in items] == expected
    assert (await ask(admin, "A1"))[0] == made.json()["items"][0]


async def test_what_is_wrong_with_a_request_is_pointed_at(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, region="A")
    parents = {"population": "parent"}
    for body, pointers in (
        (parents, [""]),
        ({**parents, "level": "school"}, [""]),
        ({**parents, "within": "A"}, [""]),
        ({**parents, "units": ["A1"], "level": "school", "within": "A"}, [""]),
        ({**parents, "units": ["A1"], "within": "A"}, [""]),
        ({**parents, "units": []}, ["/units"]),
        ({**parents, "units": ["A1"] * (MAX_UNITS + 1)}, ["/units"]),
        ({**parents, "units": "A1"}, ["/units"]),
        ({**parents, "units": ["A1", 5]}, ["/units/1"]),
        ({**parents, "units": ["a\x00"]}, [""]),
        ({**parents, "level": "planet", "within": "A"}, ["/level"]),
        ({"units": ["A1"]}, ["/population"]),
        ({"population": "student", "units": ["A1"]}, ["/population"]),
        ({**parents, "units": ["A1"], "colour": 1}, ["/colour"]),
        ({**parents, "units": ["W", "A1", "B"]}, ["/units/0", "/units/2"]),
        ({**parents, "level": "school", "within": "W"}, ["/within"]),
    ):
        reply = await admin.post(LINKS, body)
        assert reply.status_code == 422, body
        assert [error["pointer"] for error in reply.json()["errors"]] == pointers, body
    missing = await admin.post(LINKS, {**parents, "units": ["A1", "nowhere"]})
    assert missing.status_code == 404
    assert [error["pointer"] for error in missing.json()["errors"]] == ["/units/1"]
    assert (await admin.made("GET", LINKS))["items"] == []


async def test_a_request_for_too_many_units_makes_none(
    admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tree(admin)
    await open_campaign(admin)
    monkeypatch.setattr(service, "MAX_UNITS", 2)
    body = {"population": "parent", "level": "school", "within": "W"}
    refused = await admin.post(LINKS, body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/within")
    assert (await admin.made("GET", LINKS))["items"] == []
    await admin.made("POST", LINKS, {**body, "within": "A"})


async def classes(database_url: str, count: int) -> list[int]:
    """The ids of so many new classes of school A1."""
    connection = await asyncpg.connect(database_url)
    made = await connection.fetch(
        """
        INSERT INTO units (code, name, kind, parent_id)
        SELECT 'many-' || n, n, 'class', (SELECT id FROM units WHERE code = 'A1')
        FROM generate_series(1, $1) AS n RETURNING id
        """,
        count,
    )
    await connection.execute("""
        INSERT INTO unit_ancestors (unit_id, ancestor_id, depth)
        SELECT units.id, above.ancestor_id, above.depth + 1
        FROM units JOIN unit_ancestors AS above ON above.unit_id = units.parent_id
        WHERE units.kind = 'class' UNION ALL SELECT id, id, 0 FROM units WHERE kind = 'class'
    """)
    await connection.close()
    return [row["id"] for row in made]


async def test_twenty_thousand_links_are_made_in_one_request(admin: Api, database_url: str) -> None:
    await tree(admin)
    await open_campaign(admin)
    await classes(database_url, MAX_UNITS)
    body = {"population": "parent", "level": "class", "within": "W"}
    first = await admin.made("POST", LINKS, body)
    assert len({item["code"] for item in first["items"]}) == MAX_UNITS
    assert await admin.made("POST", LINKS, body) == first
    units = [f"many-{n}" for n in range(MAX_UNITS, 0, -1)]
    assert await ask(admin, *units) == first["items"]


async def test_links_made_at_once_never_wait_for_each_other(admin: Api, database_url: str) -> None:
    await tree(admin)
    await open_campaign(admin)
    ids = await classes(database_url, 4_000)
    database: Database = admin.app.state.database

    async def insert(name: str, unit_ids: list[int]) -> None:
        codes = {unit_id: f"{name}{unit_id}" for unit_id in unit_ids}
        async with database.sessions.begin() as session:
            await queries.insert_links(session, 1, 0, codes)

    await asyncio.gather(insert("forth", ids), insert("back", ids[::-1]))
    body = {"population": "parent", "level": "class", "within": "W"}
    items = (await admin.made("POST", LINKS, body))["items"]
    assert len({re.sub(r"\d", "", item["code"]) for item in items}) == 1


async def test_the_same_request_at_once_gives_the_same_links(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    requests = [
        {"population": "parent", "units": ["A1", "A2", "B1", "A"]},
        {"population": "parent", "units": ["A", "B1", "A2", "A1"]},
    ]
    replies = await asyncio.gather(*[admin.post(LINKS, requests[n % 2]) for n in range(12)])
    assert sorted(reply.status_code for reply in replies) == [200] * 11 + [201]
    assert len({reply.text for reply in replies}) == 1
    assert len((await admin.made("GET", LINKS))["items"]) == 4


async def test_a_code_that_is_taken_is_replaced_by_another(
    admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tree(admin)
    await open_campaign(admin)
    taken = await link(admin, "A1")
    codes = iter([taken, "22222222", taken, "33333333"])
    monkeypatch.setattr(service, "_new_code", lambda: next(codes))
    made = await ask(admin, "A2", "B1")
    assert sorted(item["code"] for item in made) == ["22222222", "33333333"]
    monkeypatch.setattr(service, "_new_code", lambda: taken)
    reply = await admin.post(LINKS, {"population": "parent", "units": ["W", "A1"]})
    assert reply.status_code == 503
    assert "W" not in {item["unit"] for item in (await admin.made("GET", LINKS))["items"]}


async def test_a_revoked_link_stays_revoked_and_makes_room(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    code = await link(admin, "A1")
    before = await revision(admin)
    revoked = await admin.made("POST", f"/v1/links/{code}/revoke")
    assert (revoked["code"], revoked["revoked"]) == (code, True)
    assert await revision(admin) == before + 1
    assert await admin.made("POST", f"/v1/links/{code}/revoke") == revoked
    assert await revision(admin) == before + 1
    fresh = await link(admin, "A1")
    assert fresh != code
    listed = (await admin.made("GET", LINKS))["items"]
    assert [(item["code"], item["revoked"]) for item in listed] == [(code, True), (fresh, False)]


async def test_making_and_revoking_at_once_never_fails(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    for _ in range(5):
        code = await link(admin, "A1")
        body = campaign_body(title="changed")
        replies = await asyncio.gather(
            admin.post(LINKS, {"population": "parent", "units": ["A1"]}),
            admin.post(f"/v1/links/{code}/revoke"),
            admin.put("/v1/campaigns/C", body),
            admin.post(LINKS, {"population": "parent", "units": ["A2", "A1"]}),
            admin.post(f"/v1/links/{code}/revoke"),
        )
        assert all(reply.is_success for reply in replies), [reply.text for reply in replies]
        in_force = [
            item
            for item in (await admin.made("GET", LINKS))["items"]
            if item["unit"] == "A1" and not item["revoked"]
        ]
        assert len(in_force) <= 1
        assert code not in {item["code"] for item in in_force}


async def test_a_population_is_not_left_out_while_it_gets_its_links(admin: Api) -> None:
    await tree(admin)
    populations = campaign_body()["populations"]
    fewer = campaign_body(populations={"parent": populations["parent"]})
    wanted = {"population": "teacher", "units": ["A1", "A2", "B1"]}
    for number in range(8):
        url = f"/v1/campaigns/D{number}"
        await admin.made("PUT", url, campaign_body())
        changed, linked = await asyncio.gather(
            admin.put(url, fewer), admin.post(f"{url}/links", wanted)
        )
        assert (changed.status_code, linked.status_code) in [(200, 422), (409, 201)]


async def test_nothing_is_made_for_an_archived_campaign(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    code = await link(admin, "A1")
    await admin.made("POST", "/v1/campaigns/C/close")
    assert await link(admin, "A1") == code
    await admin.made("POST", "/v1/campaigns/C/archive")
    refused = await admin.post(LINKS, {"population": "parent", "units": ["A2"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/campaign-state")
    assert (await admin.made("POST", f"/v1/links/{code}/revoke"))["revoked"]


async def test_links_are_listed_page_by_page(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    asked = [*await ask(admin, "B1"), *await ask(admin, "A1"), *await ask(admin, "A2")]
    made = [{**link, "answered": 0} for link in asked]
    first = await admin.made("GET", f"{LINKS}?limit=2")
    assert first["items"] == made[:2]
    second = await admin.made("GET", f"{LINKS}?limit=2&cursor={first['next']}")
    assert (second["items"], second["next"]) == (made[2:], None)
    # "x", a number past the largest id, and a superscript two, which counts as a digit.
    for cursor in ("eA", "OTk5OTk5OTk5OQ", "wrI"):
        refused = await admin.get(f"{LINKS}?cursor={cursor}")
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "?cursor")


async def test_the_list_opens_in_a_spreadsheet_and_runs_nothing_there(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    names = {
        "-1": "=1+1",
        "X2": "+86",
        "X3": "@SUM(A1)",
        "X4": '-2,"3"\n4',
        "X5": "＝1",
        "X6": "好",
    }
    for code, name in names.items():
        await admin.made(
            "PUT", f"/v1/units/{code}", {"name": name, "kind": "school", "parent": "A"}
        )
    made = await ask(admin, *names)
    await admin.made("POST", f"/v1/links/{made[-1]['code']}/revoke")
    reply = await admin.get(f"{LINKS}.csv")
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="links-C.csv"'
    assert reply.content.startswith(b"\xef\xbb\xbfunit,unit_name,population,code,url,revoked\r\n")
    rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))
    assert [(row["unit"], row["unit_name"]) for row in rows] == [
        ("'-1", "'=1+1"),
        ("X2", "'+86"),
        ("X3", "'@SUM(A1)"),
        ("X4", '\'-2,"3"\n4'),
        ("X5", "'＝1"),
        ("X6", "好"),
    ]
    assert [row["url"] for row in rows] == [item["url"] for item in made]
    assert [row["code"] for row in rows] == [item["code"] for item in made]
    assert [row["revoked"] for row in rows] == ["false"] * 5 + ["true"]
    assert {row["population"] for row in rows} == {"parent"}


async def test_the_qr_code_holds_the_links_address(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    made = (await ask(admin, "A1"))[0]
    code = segno.make(made["url"], error="q", micro=False)
    assert code.error in ("Q", "H")
    svg = await admin.get(f"/v1/links/{made['code']}/qr.svg")
    assert svg.headers["Content-Type"] == "image/svg+xml"
    expected = io.BytesIO()
    code.save(expected, kind="svg", scale=8)
    assert svg.content == expected.getvalue()
    assert svg.content.startswith(b"<?xml")
    assert b"<svg" in svg.content
    png = await admin.get(f"/v1/links/{made['code']}/qr.png")
    assert png.headers["Content-Type"] == "image/png"
    assert png.content.startswith(b"\x89PNG\r\n\x1a\n")
    modules = code.symbol_size(scale=16)[0]
    assert int.from_bytes(png.content[16:20], "big") == modules
    other = (await ask(admin, "A2"))[0]
    assert (await admin.get(f"/v1/links/{other['code']}/qr.svg")).content != svg.content


def test_the_arithmetic_of_guessing_links_in_the_docs_is_right() -> None:
    said = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")
    codes, a_second = len(ALPHABET) ** CODE_LENGTH, PER_MINUTE["guesses"] / 60
    years, days = 365.25 * 24 * 3600, 24 * 3600
    assert f"{codes:.1e}" == "1.1e+14"
    assert round(codes / 2 / a_second / years, -2) == 17_700
    assert round(codes / 4_000 / a_second / years, 1) == 8.8
    assert round(codes / 100_000 / a_second / days) == 129
    assert round(codes / 10_000_000 / a_second / 3600) == 31
    paragraph = " ".join(said[said.index("- **Links** are") :].split())
    assert paragraph.startswith("- **Links** are 8 characters of 57,")
    for figure in ("1.1 × 10^14", "6,000 addresses a minute", "17,700 years", "8.8 years"):
        assert figure in paragraph
