"""XLSForms over HTTP: who may send and get them, and how they are refused."""

import asyncio
import io
from typing import Any

import httpx
import openpyxl

from tests.factories import Api, tree
from tests.questionnaires.definitions import EVERYTHING, draft, single
from tests.questionnaires.xlsform.workbooks import LISTS, questions, xlsform

URL = "/v1/questionnaires/form/xlsform"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORM = xlsform(
    questions(["select_one yn", "a", "问"], ["geopoint", "g", "哪里"]),
    LISTS[:3],
    settings=[["form_title"], ["问卷"]],
)


async def send(api: Api, file: bytes = FORM, url: str = URL, **options: Any) -> httpx.Response:
    """Send an XLSForm as a browser's form would."""
    parts = {"file": ("form.xlsx", file, XLSX)}
    return await api.request("POST", url, files=parts, **options)


async def test_a_form_makes_a_draft_that_can_be_published(admin: Api) -> None:
    made = await send(admin)
    assert made.status_code == 201, made.text
    body = made.json()
    report = body.pop("report")
    assert report["taken"] == 1
    assert [(one["sheet"], one["row"], one["column"]) for one in report["not_taken"]] == [
        ("survey", 3, "A (type)")
    ]
    assert body == await admin.made("GET", "/v1/questionnaires/form")
    assert body["title"] == {"zh-CN": "问卷"}
    published = await admin.made("POST", "/v1/questionnaires/form/publish")
    assert published["version"] == 1
    again = await send(admin)
    assert (again.status_code, again.json()["versions"]) == (200, [1])


async def test_a_questionnaire_goes_out_as_a_form_and_comes_back_the_same(admin: Api) -> None:
    await admin.made("PUT", "/v1/questionnaires/form", EVERYTHING)
    await admin.made("POST", "/v1/questionnaires/form/publish")
    await admin.made("PUT", "/v1/questionnaires/form", draft(single("other")))
    old, new = [await admin.get(URL + query) for query in ("?version=1", "")]
    for reply in (old, new):
        assert reply.status_code == 200
        assert reply.headers["Content-Type"] == XLSX
        assert reply.headers["Content-Disposition"] == 'attachment; filename="form.xlsx"'
        book = openpyxl.load_workbook(io.BytesIO(reply.content))
        assert book.sheetnames == ["survey", "choices", "settings"]
    assert (await admin.get(URL + "?version=2")).status_code == 404
    assert (await send(admin, old.content)).json()["report"]["not_taken"] == []
    # The draft is the published version again.
    assert (await admin.post("/v1/questionnaires/form/publish")).status_code == 200


async def test_a_file_that_is_refused_changes_nothing(admin: Api) -> None:
    before = (await send(admin)).json()
    bad = xlsform(questions(["select_one nowhere", "a", "问"], ["text", "b", "?", "${x} = 1"]))
    for file, pointers in [
        (bad, ["/survey/2/type", "/survey/3/relevant"]),
        (b"type,name,label\ntext,a,b\n", []),
        (b"", []),
    ]:
        reply = await send(admin, file)
        assert (reply.status_code, reply.json()["type"]) == (422, "/problems/xlsform-refused")
        assert [error["pointer"] for error in reply.json()["errors"]] == pointers
    del before["report"]
    assert await admin.made("GET", "/v1/questionnaires/form") == before


async def test_only_a_part_named_file_is_taken(admin: Api) -> None:
    others: list[dict[str, Any]] = [
        {"json": {}},
        {"content": FORM, "headers": {"Content-Type": XLSX}},
        {"data": {"file": "x"}},
    ]
    for options in others:
        reply = await admin.request("POST", URL, **options)
        expected = (415, "/problems/unsupported-media-type")
        assert (reply.status_code, reply.json()["type"]) == expected
    for parts in ({"other": FORM}, {"file": (None, "text")}):
        reply = await admin.request("POST", URL, files=parts)
        assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = await admin.request("POST", URL, content=b"--y\r\nnonsense", headers=broken)
    assert reply.status_code in (400, 422)
    reply = await send(admin, b"\0" * (1 << 20))
    assert (reply.status_code, reply.json()["type"]) == (413, "/problems/too-large")


async def test_only_who_may_put_a_questionnaire_may_send_its_form(admin: Api, api: Api) -> None:
    await tree(admin)
    await send(admin)
    assert (await send(api)).status_code == 401
    reader = await admin.as_client("results:read", unit="A")
    reply = await send(reader)
    assert (reply.status_code, reply.json()["type"]) == (403, "/problems/scope-missing")
    assert (await reader.get(URL)).status_code == 200
    writer = await admin.as_client("questionnaires:write", unit="A")
    reply = await send(writer)
    assert (reply.status_code, reply.json()["type"]) == (403, "/problems/not-owner")
    own = "/v1/questionnaires/own/xlsform"
    assert (await send(writer, url=own)).json()["unit"] == "A"
    neighbour = await admin.as_client("questionnaires:write", unit="B")
    assert (await send(neighbour, url=own)).status_code == 404
    assert (await neighbour.get(own)).status_code == 404


async def test_a_draft_that_cannot_be_written_says_why(admin: Api) -> None:
    await admin.made("PUT", "/v1/questionnaires/form", draft(single("a"), single("a")))
    reply = await admin.get(URL)
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/xlsform-not-writable")
    assert [error["pointer"] for error in reply.json()["errors"]] == ["/questions/1/code"]


async def test_forms_sent_at_once_make_one_questionnaire(admin: Api) -> None:
    replies = await asyncio.gather(*(send(admin) for _ in range(6)))
    assert sorted(reply.status_code for reply in replies) == [200] * 5 + [201]
