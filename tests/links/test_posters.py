"""Posters of links: what stands on them, who gets them, and a county's all at once."""

import re
from html import unescape
from typing import Any

import segno

from tests.factories import Api, link, open_campaign, tree

CONTACT = {"bureau": "潍坊市教育局", "phone": "0536-8091234", "hours": "工作日 9:00-17:00"}
POSTERS = "/v1/campaigns/C/links/posters?population=parent"


async def ready(admin: Api, **changes: Any) -> None:
    """The tree, and an open campaign C that closes on New Year's Eve in Beijing."""
    await tree(admin)
    await open_campaign(admin, **{"closes_at": "2098-12-31T10:00:00Z", **changes})


def texts(page: str) -> list[str]:
    """What can be read on the posters."""
    body = page.partition("<body>")[2]
    found = [unescape(one).strip() for one in re.split(r"<[^>]*>", body)]
    return [one for one in found if one]


async def test_a_poster_says_who_asks_whom_how_and_until_when(admin: Api) -> None:
    await ready(admin, contact=CONTACT)
    code = await link(admin)
    reply = await admin.get(f"/v1/links/{code}/poster")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    url = f"{admin.app.state.settings.public_url}/s/{code}"
    assert texts(reply.text) == [
        "潍坊市教育局",
        "2026 年秋季满意度调查",
        "A1学校",
        "请家长扫码填写",
        "打开微信，点右上角的“＋”，选“扫一扫”，对准上面的二维码。",
        "按您自己的真实想法，一题一题点选，最后点“提交”。",
        "看到“已经收到”，就完成了。每人只能提交一次。",
        "扫不了码？请在浏览器里输入网址",
        url.partition("://")[2],
        "截止时间：2098年12月31日 18:00（北京时间）",
        "咨询：0536-8091234 · 工作日 9:00-17:00",
    ]
    # Level Q: a quarter of it may be creased or stained; four modules of quiet around it.
    expected = segno.make(url, error="q", micro=False)
    assert expected.svg_inline(omitsize=True, border=4) in reply.text
    assert "<script" not in reply.text
    assert "http" not in reply.text.replace("http://www.w3.org/2000/svg", "")


async def test_a_poster_speaks_english_where_asked(admin: Api) -> None:
    await ready(admin)
    code = await link(admin, population="teacher")
    page = (await admin.get(f"/v1/links/{code}/poster?lang=en")).text
    assert '<html lang="en">' in page
    found = texts(page)
    assert "Teachers: please scan" in found
    assert "Open until 31 December 2098, 18:00 (Beijing time)" in found
    assert "If you have a question, ask the school or 潍坊市." in found
    refused = await admin.get(f"/v1/links/{code}/poster?lang=fr")
    assert refused.status_code == 422


async def test_names_of_units_and_contacts_are_no_markup(admin: Api) -> None:
    evil = '</style><script>alert("1")</script>&amp;'
    await ready(admin, title=evil, contact={"bureau": evil, "other": evil})
    unit = {"name": evil, "kind": "school", "parent": "A", "stage": "primary"}
    await admin.made("PUT", "/v1/units/A1", unit)
    reply = await admin.get(f"/v1/links/{await link(admin)}/poster")
    assert "<script" not in reply.text
    assert reply.text.count("</style>") == 1
    assert texts(reply.text).count(evil) == 3
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


async def test_a_revoked_link_has_no_poster(admin: Api) -> None:
    await ready(admin)
    code = await link(admin)
    await admin.made("POST", f"/v1/links/{code}/revoke")
    assert (await admin.get(f"/v1/links/{code}/poster")).status_code == 404
    gone = await admin.get(POSTERS)
    assert gone.status_code == 404
    assert "make them" in gone.json()["detail"]


async def test_all_posters_come_as_one_document_or_in_parts(admin: Api) -> None:
    await ready(admin)
    for unit in ("A1", "A2", "B1"):
        await link(admin, unit)
    await link(admin, "A1", "teacher")
    await link(admin, "A")
    whole = await admin.get(POSTERS)
    assert whole.status_code == 200
    assert "Link" not in whole.headers
    assert schools(whole.text) == ["A1学校", "A2学校", "B1学校", "A县"]
    assert schools((await admin.get(f"{POSTERS}&level=school&within=A")).text) == [
        "A1学校",
        "A2学校",
    ]
    url, found = f"{POSTERS}&level=school&limit=2", []
    while url:
        part = await admin.get(url)
        found.append(schools(part.text))
        following = re.fullmatch(r'<([^>]+)>; rel="next"', part.headers.get("Link", ""))
        url = following[1] if following else ""
    assert found == [["A1学校", "A2学校"], ["B1学校"]]


def schools(page: str) -> list[str]:
    """The units that posters are for, in their order."""
    return re.findall(r'<p class="unit">([^<]+)</p>', page)


async def test_what_is_asked_amiss_is_named(admin: Api) -> None:
    await ready(admin)
    await link(admin)
    asked = {
        "population=pupil": "?population",
        "population=parent&limit=501": "?limit",
        "population=parent&level=planet": "?level",
        "population=parent&cursor=nonsense": "?cursor",
    }
    for query, place in asked.items():
        reply = await admin.get(f"/v1/campaigns/C/links/posters?{query}")
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"] == place


async def test_a_county_gets_the_posters_of_its_own_schools(admin: Api) -> None:
    await ready(admin)
    codes = {unit: await link(admin, unit) for unit in ("A1", "B1")}
    county = await admin.as_client("results:read", unit="A")
    assert schools((await county.get(POSTERS)).text) == ["A1学校"]
    assert (await county.get(f"/v1/links/{codes['A1']}/poster")).status_code == 200
    assert (await county.get(f"/v1/links/{codes['B1']}/poster")).status_code == 404
    assert (await county.get(f"{POSTERS}&within=B")).status_code == 404
