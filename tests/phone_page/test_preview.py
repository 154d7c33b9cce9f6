"""A preview shows what people will see, checks what is filled in, and stores nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.core.database import Database
from app.core.keyring import Keyring
from app.phone_page.preview import texts
from app.questionnaires import previews
from app.questionnaires.faults import MESSAGES
from app.questionnaires.previews import Preview
from tests.factories import Api
from tests.phone_page.conftest import Browser, hidden
from tests.phone_page.questionnaires import EVERY_TYPE

URL = "/v1/questionnaires/own"
BANNER = "这是预览，不会保存。"
GOOD = {"q.overall": "satisfied", "q.improve": "food"}


@pytest.fixture
async def author(admin: Api) -> Api:
    """The admin's API with the questionnaire `own`, not published."""
    await admin.made("PUT", URL, EVERY_TYPE)
    return admin


async def made(api: Api, version: int | None = None) -> str:
    """The path of a new preview."""
    reply = await api.made("POST", f"{URL}/preview", {"version": version})
    assert reply["url"].startswith("http://testserver/p/")
    return str(reply["url"]).removeprefix("http://testserver")


async def everything(api: Api) -> dict[str, int]:
    """How many rows each table has."""
    pool = api.app.state.database.pool
    tables = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return {
        row["relname"]: await pool.fetchval(f'SELECT count(*) FROM "{row["relname"]}"')
        for row in tables
        if row["relname"] != "limit_counts"
    }


async def test_the_form_is_shown_checked_and_nothing_is_stored(
    author: Api, browser: Browser
) -> None:
    path = await made(author)
    before = await everything(author)
    assert before["questionnaires"] > 0
    form = await browser.open(path)
    assert form.status_code == 200
    for words in (
        BANNER,
        "Preview: nothing is stored.",
        "总体满意吗？",
        "您的回答只用于改进工作。",
    ):
        assert words in form.text
    assert form.headers["Cache-Control"] == "no-store"
    assert "noindex" in form.headers["X-Robots-Tag"]
    fields = hidden(form.text)
    wrong = await browser.send(path, {**fields, **GOOD, "q.homework": "2000"})
    assert wrong.status_code == 422
    assert BANNER in wrong.text
    assert "请填写 0 到 600 之间的数字。" in wrong.text
    assert 'value="2000"' in wrong.text
    missing = await browser.send(path, fields)
    assert missing.status_code == 422
    right = await browser.send(path, {**fields, **GOOD})
    assert right.status_code == 200
    assert "这份回答会被接受" in right.text
    assert "<form" not in right.text
    # Again and again: there is no "once".
    assert (await browser.send(path, {**fields, **GOOD})).status_code == 200
    assert await everything(author) == before
    assert browser.cookies == {}


async def test_a_draft_is_shown_as_it_is_now_and_a_version_as_it_was(
    author: Api, browser: Browser
) -> None:
    await author.made("POST", f"{URL}/publish")
    of_draft, of_version = await made(author), await made(author, 1)
    later = [{**EVERY_TYPE["questions"][1], "label": {"zh-CN": "新的问题？"}}]
    await author.made("PUT", URL, {**EVERY_TYPE, "questions": later})
    assert "新的问题？" in (await browser.open(of_draft)).text
    assert "总体满意吗？" in (await browser.open(of_version)).text


async def test_languages_switch_and_stay(author: Api, browser: Browser) -> None:
    path = await made(author)
    form = await browser.open(f"{path}?lang=en")
    assert '<html lang="en"' in form.text
    assert "Satisfied overall?" in form.text
    assert 'href="?lang=zh-CN"' in form.text
    done = await browser.send(path, {**hidden(form.text), **GOOD})
    assert "These answers would be accepted" in done.text


async def test_a_draft_that_cannot_be_published_says_why_not_in_plain_words(
    author: Api, browser: Browser
) -> None:
    asked: dict[str, Any] = {**EVERY_TYPE["questions"][1], "scale": "nowhere"}
    twice = [asked, {**asked, "type": "note", "scale": None}]
    del twice[1]["scale"], twice[1]["required"], twice[1]["indicator"]
    path = await made(author)
    await author.made("PUT", URL, {**EVERY_TYPE, "questions": twice, "intro": {"en": "Only."}})
    page = await browser.open(path)
    assert page.status_code == 200
    assert BANNER in page.text
    assert "<form" not in page.text
    for place, why in (
        ("第 1 题（overall）", "用到的公共选项组不存在"),
        ("第 2 题（overall）", "题目代码和前面的题重复了"),
        ("开头的说明", "有文字缺少默认语言的版本"),
    ):
        assert f"<strong>{place}</strong> {why}" in page.text
    english = await browser.open(f"{path}?lang=en")
    assert "There is no such shared scale." in english.text


async def test_a_draft_with_markup_in_its_texts_shows_it_as_text(
    author: Api, browser: Browser
) -> None:
    path = await made(author)
    mean = {"zh-CN": "<script>alert(1)</script>"}
    await author.made("PUT", URL, {**EVERY_TYPE, "title": mean})
    assert "<script>alert" not in (await browser.open(path)).text
    await author.made("PUT", URL, {**EVERY_TYPE, "title": mean, "questions": []})
    assert "<script>alert" not in (await browser.open(path)).text


def test_every_fault_is_in_plain_words_in_both_languages() -> None:
    names = {f"fault_{code}" for code in MESSAGES}
    for language in (texts.CHINESE, texts.ENGLISH):
        assert names | {"fault_other"} == {one for one in language if one.startswith("fault_")}
    assert set(texts.CHINESE) == set(texts.ENGLISH)


async def test_a_preview_ends_after_a_week_and_none_can_be_made_up(
    author: Api, browser: Browser
) -> None:
    reply = await author.made("POST", f"{URL}/preview")
    until = datetime.fromisoformat(reply["expires_at"])
    assert timedelta(days=6) < until - datetime.now(UTC) <= timedelta(days=7)
    keyring: Keyring = author.app.state.keyring
    shown = previews.opened(keyring, reply["url"].rpartition("/")[2])
    assert shown is not None
    assert shown.until == until
    over = shown._replace(until=datetime.now(UTC) - timedelta(seconds=1))
    gone = shown._replace(questionnaire_id=shown.questionnaire_id + 99)
    never = shown._replace(version=7)
    forged = previews.token(Keyring((b"another-key" + b"0" * 32,)), shown)
    token = previews.token(keyring, shown)
    altered = ("B" if token[0] == "A" else "A") + token[1:]
    for name in (
        previews.token(keyring, over),
        previews.token(keyring, gone),
        previews.token(keyring, never),
        forged,
        altered,
        token[:-1],
        token + "A",
        "",
        "x",
        "你好",
        "a/b",
    ):
        page = await browser.open(f"/p/{name}")
        assert page.status_code == 404, name
        assert "预览链接已经失效" in page.text


def test_a_token_says_the_same_again_after_the_key_was_changed() -> None:
    old, new = b"1" * 32, b"2" * 32
    until = datetime(2026, 12, 1, tzinfo=UTC)
    for shown in (Preview(1, None, until), Preview(2**31 - 1, 2**31 - 1, until)):
        token = previews.token(Keyring((old,)), shown)
        assert len(token) == 43
        assert previews.opened(Keyring((new, old)), token) == shown
        assert previews.opened(Keyring((new,)), token) is None


@pytest.mark.parametrize(
    ("method", "options", "status"),
    [
        ("PUT", {}, 405),
        ("POST", {"json": {}}, 415),
        ("POST", {"data": {"q.overall": "satisfied"}}, 400),
        (
            "POST",
            {"content": b"\xff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
            400,
        ),
    ],
)
async def test_what_no_form_sends_is_told_on_a_page(
    author: Api, method: str, options: dict[str, Any], status: int
) -> None:
    path = await made(author)
    reply = await author.http.request(method, path, **options)
    assert reply.status_code == status
    assert reply.headers["Content-Type"].startswith("text/html")


async def test_only_who_may_write_questionnaires_makes_a_preview_of_what_there_is(
    author: Api,
) -> None:
    reader = await author.as_client("results:read")
    assert (await reader.post(f"{URL}/preview")).status_code == 403
    assert (await author.post(f"{URL}/preview", {"version": 5})).status_code == 404
    assert (await author.post("/v1/questionnaires/none/preview")).status_code == 404
    wrong: httpx.Response = await author.post(f"{URL}/preview", {"version": 0})
    assert wrong.status_code == 422
    database: Database = author.app.state.database
    await author.made("POST", f"{URL}/preview")
    audited = "SELECT count(*) FROM audit_entries WHERE action = 'questionnaire.preview'"
    assert await database.pool.fetchval(audited) == 1
