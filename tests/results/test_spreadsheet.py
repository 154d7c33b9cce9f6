"""Results and coverage as a table for spreadsheets."""

import csv
import io
import threading
from typing import Any

import httpx
import pytest

from app.results.schemas import ResultRow
from app.results.spreadsheet import results_csv
from app.units.schemas import UnitRef
from tests.factories import Api, answer, invitations, open_campaign, tree

URL = "/v1/campaigns/C/results"
CSV = {"Accept": "text/csv"}
OPTIONS = ("satisfied", "basically_satisfied", "dissatisfied", "dont_know")


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def table(api: Api, url: str = URL, **parameters: Any) -> httpx.Response:
    reply = await api.get(url, params=parameters, headers=CSV)
    assert reply.status_code == 200, reply.text
    return reply


async def test_results_come_as_a_table_with_fixed_columns(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    for token, value in zip(await invitations(admin, 3), OPTIONS[:3], strict=True):
        await answer(admin, token, value)
    reply = await table(admin, by="unit")
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert reply.content.startswith(b"\xef\xbb\xbfunit,unit_name,")
    assert reply.content.endswith(b"\r\n")
    first, second, *_ = lines(reply.content)
    own = {name: value for name, value in first.items() if not name.startswith("composite.")}
    assert own == {
        "unit": "A1",
        "unit_name": "A1学校",
        "population": "",
        "channel": "",
        "day": "",
        "question": "",
        "respondents": "3",
        "included": "3",
        "answered": "18",
        "missing": "0",
        "rate": "0.6666666666666666",
        "dont_know_share": "0.0",
        "interval_low": first["interval_low"],
        "interval_high": first["interval_high"],
        "interval_kind": "indicative",
        "no_interval": "",
        "heads": "200",
        "suppressed": "false",
        "comparable": "true",
        **{f"counts.{value}": "6" for value in OPTIONS[:3]},
        "counts.dont_know": "0",
    }
    assert 0 < float(first["interval_low"]) < 0.6666 < float(first["interval_high"]) < 1
    assert (second["interval_low"], second["no_interval"]) == ("", "no_votes")
    assert (second["unit"], second["rate"], second["counts.satisfied"]) == ("A2", "", "0")
    total = lines((await table(admin)).content)
    assert list(total[0]) == list(first)
    everything = lines((await table(admin, by="unit,population,channel,question,day")).content)
    assert list(everything[0]) == list(first)
    counted = [row for row in everything if row["respondents"] != "0"]
    assert {(row["population"], row["channel"]) for row in counted} == {("parent", "invitation")}
    assert [row["question"] for row in counted][:2] == ["overall", "ethics"]


def told(value: Any) -> str:
    return "" if value is None else str(value)


async def test_the_composite_stands_at_the_end_of_each_line_of_a_table(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    await answer(admin, (await invitations(admin, 1, population="teacher"))[0], "dissatisfied")
    for token in await invitations(admin, 2, unit="A2"):
        await answer(admin, token)
    composite = (await admin.made("GET", URL, params={"by": "unit"}))["composite"]
    expected = {}
    for name, of in [
        ("", composite),
        *((f".{i['population']}", i) for i in composite["populations"]),
    ]:
        low, high = of["interval"]
        expected[f"composite.rate{name}"] = told(of["rate"])
        expected[f"composite.interval_low{name}"] = told(low)
        expected[f"composite.interval_high{name}"] = told(high)
    for part in composite["populations"]:
        for figure in ("weight", "share", "respondents"):
            expected[f"composite.{figure}.{part['population']}"] = told(part[figure])
    expected["composite.interval_kind"] = "indicative"
    assert (expected["composite.rate"], expected["composite.share.teacher"]) == ("0.5", "0.5")
    found = lines((await table(admin, by="unit")).content)
    assert [row["unit"] for row in found] == ["A1", "A2", "B1"]
    for row in found:
        assert {name: row[name] for name in list(row)[-len(expected) :]} == expected
    alone = lines((await table(admin, by="unit", population="parent")).content)
    assert not [name for name in alone[0] if name.startswith("composite")]


async def test_a_table_is_written_beside_the_loop_that_serves_others(
    admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tree(admin)
    await open_campaign(admin)
    writer, threads = csv.writer, []

    def noted(file: io.StringIO) -> Any:
        threads.append(threading.get_ident())
        return writer(file)

    monkeypatch.setattr(csv, "writer", noted)
    assert lines((await table(admin, by="unit")).content)
    assert lines((await table(admin, "/v1/campaigns/C/coverage")).content)
    assert len(threads) == 2
    assert threading.get_ident() not in threads


async def test_the_table_has_an_etag_of_its_own_and_pages(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    reply = await table(admin, by="unit", limit=2)
    again = await table(admin, by="unit", limit=2)
    assert reply.headers["ETag"] == again.headers["ETag"]
    json = await admin.get(URL, params={"by": "unit", "limit": 2})
    assert reply.headers["ETag"] != json.headers["ETag"]
    known = {**CSV, "If-None-Match": reply.headers["ETag"]}
    unchanged = await admin.get(URL, params={"by": "unit", "limit": 2}, headers=known)
    assert unchanged.status_code == 304
    following = reply.headers["Link"]
    assert following.endswith('>; rel="next"')
    url = URL + following[1 : following.index(">")]
    rest = await admin.get(url, headers=CSV)
    assert [row["unit"] for row in lines(reply.content) + lines(rest.content)] == ["A1", "A2", "B1"]
    assert "Link" not in rest.headers


async def test_coverage_comes_as_a_table(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    reply = await table(admin, "/v1/campaigns/C/coverage", within="A1")
    assert lines(reply.content) == [
        {
            "unit": "A1",
            "unit_name": "A1学校",
            "population": "parent",
            "target": "semester",
            "basis": "100",
            "required": "50",
            "responded": "0",
            "share": "0.0",
            "met": "false",
            "gap": "50",
            "pace": "0.0",
            "expected_on": "",
            "on_time": "",
            "basis_missing": "0",
        }
    ]


async def test_a_unit_that_is_named_like_a_formula_is_text_in_the_table(admin: Api) -> None:
    await tree(admin)
    name = '=HYPERLINK("http://x","点我")'
    await admin.made("PUT", "/v1/units/A1", {"name": name, "kind": "school", "parent": "A"})
    await open_campaign(admin)
    first, *_ = lines((await table(admin, by="unit")).content)
    assert first["unit_name"] == "'" + name
    json = await admin.made("GET", URL, params={"by": "unit"})
    assert json["rows"][0]["unit"]["name"] == name


@pytest.mark.parametrize("start", list("=+-@\t\r\n"))
def test_whatever_begins_a_formula_is_defused_and_numbers_are_plain(start: str) -> None:
    row = ResultRow(
        unit=UnitRef(code="A", name=start + "1"),
        question=None,
        respondents=0,
        included=0,
        answered=0,
        missing=0,
        counts={},
        rate=0.00001,
        interval=(0.25, 1e-7),
        interval_kind="sample",
        dont_know_share=1.0,
        suppressed=True,
    )
    (cells,) = lines(results_csv([row], ["other"]))
    assert cells["unit_name"] == f"'{start}1"
    assert (cells["rate"], cells["dont_know_share"]) == ("0.00001", "1.0")
    assert (cells["interval_low"], cells["interval_high"]) == ("0.25", "0.0000001")
    assert (cells["suppressed"], cells["counts.other"]) == ("true", "")


PREFERENCES = [
    ("text/csv", "text/csv"),
    ("Text/CSV; Q=0.9, application/json;q=0.5", "text/csv"),
    ("text/csv, */*", "text/csv"),
    ("text/csv;q=0.5, */*;q=0.8", "application/json"),
    ("text/csv;q=0.5, application/json", "application/json"),
    ("text/csv;q=0", "application/json"),
    ("text/csv;q=nonsense", "application/json"),
    ("text/csv;q=nan", "application/json"),
    ("*/*", "application/json"),
    ("application/json", "application/json"),
    ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
    ("", "application/json"),
]


async def test_the_accept_header_chooses_the_form(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    for accept, kind in PREFERENCES:
        reply = await admin.get(URL, headers={"Accept": accept})
        assert reply.headers["Content-Type"].startswith(kind), accept
