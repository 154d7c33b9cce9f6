"""Hostile input: nothing breaks out of the page, nothing breaks the page."""

from typing import Any

import pytest

from app.phone_page.pages import _address
from tests.factories import Api, link, open_campaign
from tests.phone_page.conftest import Browser, hidden, six
from tests.phone_page.questionnaires import EVERY_TYPE, ask

BREAKOUT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7000*7001}}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def broken_out(page: str) -> bool:
    """Whether a script or handler of somebody else's stands in the page."""
    return "<script>" in page or "<img" in page or str(7000 * 7001) in page


def hostile(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition with every text made hostile."""

    def made(value: Any) -> Any:
        if isinstance(value, list):
            return [made(one) for one in value]
        if isinstance(value, dict) and set(value) == {"zh-CN", "en"}:
            return dict.fromkeys(value, BREAKOUT)
        if isinstance(value, dict):
            return {name: made(one) for name, one in value.items()}
        return value

    changed: dict[str, Any] = made(definition)
    return changed


async def test_hostile_names_and_texts_stay_texts(ready: Api, browser: Browser) -> None:
    for code, kind, parent in (("W", "city", None), ("A1", "school", "A")):
        unit = {"name": BREAKOUT, "kind": kind, "parent": parent}
        await ready.made("PUT", f"/v1/units/{code}", unit)
    lines = {BREAKOUT[:60]: BREAKOUT, "phone": "javascript:alert(1)"}
    url = await ask(ready, hostile(EVERY_TYPE), title=BREAKOUT, contact=lines, legal=lines)
    page = await browser.open(url)
    form = {**hidden(page.text), "q.overall": "dissatisfied"}
    failed = await browser.send(url, {**form, "q.homework": BREAKOUT, "q.comment": BREAKOUT})
    assert failed.status_code == 422
    thanks = await browser.send(url, {**form, "q.why": "x"})
    assert thanks.status_code == 201
    again = await browser.open(url)
    for reply in (page, failed, thanks, again):
        assert "&lt;script&gt;" in reply.text
        assert not broken_out(reply.text)
        assert 'href="javascript' not in reply.text


def test_only_phone_numbers_and_mail_addresses_become_links() -> None:
    assert _address("+86 (536) 809-1234") == "tel:+865368091234"
    assert _address("a@b.cn") == "mailto:a@b.cn"
    for line in ("javascript:alert(1)", "a@b.cn?cc=x@y.z", "工作日", "", "1234\n", "a@b@c"):
        assert _address(line) == ""


async def test_hostile_hidden_fields_stay_texts(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url, started_at=BREAKOUT, locale=BREAKOUT, device_proof=BREAKOUT)
    form["q.overall"] = BREAKOUT
    page = await browser.send(f"{url}?lang={BREAKOUT}", form)
    assert page.status_code == 422
    assert not broken_out(page.text)


async def test_hostile_fields_stay_texts_when_they_are_kept_unread(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    await ready.app.state.database.pool.close()
    page = await browser.send(url, {BREAKOUT: BREAKOUT, "q.x": "a\x00b"})
    assert page.status_code == 503
    assert not broken_out(page.text)
    assert "\x00" not in page.text


@pytest.mark.parametrize(
    "body",
    [
        b"submission_id=%ff%fe",
        b"q.overall=\xc4\xe3",
        b"submission_id=%ED%A0%80",
        b"",
        b"submission_id=not-a-uuid",
        b"submission_id=%00",
        b"&&&&==&=",
        b"&".join(b"a=1" for _ in range(6_000)),
        b"\x00" * 100,
    ],
)
async def test_what_cannot_be_read_is_a_page_and_stores_nothing(
    ready: Api, browser: Browser, body: bytes
) -> None:
    url = f"/s/{await link(ready)}"
    reply = await ready.http.post(url, content=body, headers=FORM)
    assert reply.status_code == 400
    assert "没有收到完整的内容" in reply.text or "did not arrive whole" in reply.text
    assert await ready.app.state.database.pool.fetchval("SELECT count(*) FROM responses") == 0


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
async def test_other_content_types_are_refused_with_a_page(
    ready: Api, browser: Browser, kind: str
) -> None:
    url = f"/s/{await link(ready)}"
    reply = await ready.http.post(url, content=b"{}", headers={"Content-Type": kind})
    assert reply.status_code == 415
    assert reply.headers["Content-Type"].startswith("text/html")


async def test_a_charset_after_the_content_type_is_fine(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url)
    kind = {"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}
    assert (await browser.send(url, form, headers=kind)).status_code == 201


async def test_a_huge_form_is_a_page_whether_its_length_is_declared_or_not(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    part = b"q.overall=" + b"x" * 65_536

    async def flood() -> Any:
        for _ in range(40):
            yield part

    for content in (flood(), part * 40):
        reply = await ready.http.post(url, content=content, headers=FORM)
        assert reply.status_code == 413
        assert reply.headers["Content-Type"].startswith("text/html")


async def test_texts_of_full_length_fit_in_a_form(ready: Api, browser: Browser) -> None:
    questions = [
        {"code": f"t{n}", "type": "text", "label": {"zh-CN": "说"}, "max_length": 5000}
        for n in range(4)
    ]
    url = await ask(ready, {"title": {"zh-CN": "问"}, "questions": questions})
    form = hidden((await browser.open(url)).text)
    texts = {f"q.t{n}": "満" * 5000 for n in range(4)}
    assert (await browser.send(url, {**form, **texts})).status_code == 201


async def test_a_label_cannot_be_broken_by_format_braces(ready: Api, browser: Browser) -> None:
    await open_campaign(ready, "B", title="{max} {0} {x.__class__}")
    url = f"/s/{await link(ready, campaign='B')}"
    assert "{x.__class__}" in (await browser.open(url)).text
    assert (await browser.send(url, {**await browser.fill(url), **six()})).status_code == 201
