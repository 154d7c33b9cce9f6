"""Which language a page is in."""

import string
from typing import Any

import pytest

from app.phone_page.languages import choose
from app.phone_page.texts import CATALOGUE
from app.questionnaires.schemas import Definition
from app.questionnaires.validator import MESSAGES
from tests.factories import Api, link
from tests.phone_page.conftest import Browser, hidden
from tests.phone_page.questionnaires import ask


def definition(*locales: str, default: str = "zh-CN") -> Definition:
    title = dict.fromkeys(locales, "x")
    return Definition.model_validate({"title": title, "default_locale": default})


@pytest.mark.parametrize(
    ("asked", "accepted", "locale"),
    [
        (None, "", "zh-CN"),
        (None, "en", "en"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "zh-Hans-CN", "zh-CN"),
        (None, "zh-TW", "zh-CN"),
        (None, "fr, en;q=0.5, zh;q=0.6", "zh-CN"),
        (None, "fr", "zh-CN"),
        (None, "en;q=0, zh", "zh-CN"),
        (None, "en;q=x, *;q=0.1,,;", "zh-CN"),
        ("en", "zh-CN", "en"),
        ("EN", "zh-CN", "en"),
        ("fr", "en", "en"),
        ("ug", "zh-CN", "ug"),
        (None, "a," * 10_000 + "en", "zh-CN"),
    ],
)
def test_what_the_person_chose_then_the_browser_then_the_questionnaire(
    asked: str | None, accepted: str, locale: str
) -> None:
    offered = definition("zh-CN", "en", "ug")
    assert choose(offered, asked=asked, accepted=accepted).locale == locale


def test_only_languages_of_the_questionnaire_are_offered() -> None:
    language = choose(definition("zh-CN"), asked="en", accepted="en")
    assert language.locale == "zh-CN"
    assert language.others == []
    assert choose(None, asked="en", accepted="zh").locale == "en"


def test_the_pages_own_words_fall_back_to_a_language_that_the_person_likely_reads() -> None:
    uyghur = choose(definition("zh-CN", "ug"), asked="ug", accepted="")
    assert (uyghur.words, uyghur.direction) == ("ug", "rtl")
    tibetan = choose(definition("zh-CN", "bo"), asked="bo", accepted="")
    assert (tibetan.words, tibetan.direction) == ("zh-CN", "ltr")
    french = choose(definition("fr", default="fr"), asked=None, accepted="")
    assert (french.words, french.direction) == ("en", "ltr")
    british = choose(definition("en-GB", default="en-GB"), asked=None, accepted="")
    assert british.words == "en"


def test_every_text_stands_in_every_language_with_the_same_gaps() -> None:
    def gaps(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    chinese = CATALOGUE["zh-CN"]
    for locale, texts in CATALOGUE.items():
        assert set(chinese) == set(texts), locale
        for name, text in chinese.items():
            assert gaps(text) == gaps(texts[name]), (locale, name)


def test_every_error_of_the_validator_has_its_text() -> None:
    for texts in CATALOGUE.values():
        for code in MESSAGES:
            assert f"error_{code}" in texts


async def test_the_page_is_in_the_persons_language_and_can_be_switched(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    chinese = await browser.open(url)
    assert '<html lang="zh-CN" dir="ltr">' in chinese.text
    assert '<a href="?lang=en" lang="en" hreflang="en">English</a>' in chinese.text
    english = await browser.open(f"{url}?lang=en")
    assert '<html lang="en" dir="ltr">' in english.text
    assert "School satisfaction survey" in english.text
    assert "Basically satisfied" in english.text
    assert "Send my answers" in english.text
    assert '<a href="?lang=zh-CN"' in english.text
    # Sent without the query, the page still answers in the language that it was filled in.
    thanks = await browser.send(url, {**hidden(english.text), **(await _six(browser, url))})
    assert "Received. Thank you!" in thanks.text
    assert "hreflang" not in thanks.text
    locale = await ready.app.state.database.pool.fetchval("SELECT locale FROM responses")
    assert locale == "en"


async def _six(browser: Browser, url: str) -> dict[str, Any]:
    form = await browser.fill(url)
    return {name: value for name, value in form.items() if name.startswith("q.")}


async def test_refusals_speak_the_persons_language(ready: Api, browser: Browser) -> None:
    browser.headers = {"Accept-Language": "en-GB"}
    assert "This survey was not found" in (await browser.open("/s/nothing")).text
    code = await link(ready)
    await ready.made("POST", "/v1/campaigns/C/close")
    closed = await browser.open(f"/s/{code}")
    assert "The survey is closed" in closed.text
    assert "A1学校" in closed.text


async def test_a_missing_translation_falls_back_and_right_to_left_is_marked(
    ready: Api, browser: Browser
) -> None:
    questionnaire = {
        "title": {"zh-CN": "问卷", "ug": "سوئال"},
        "questions": [
            {"code": "a", "type": "text", "label": {"zh-CN": "第一", "ug": "بىرىنچى"}},
            {"code": "b", "type": "text", "label": {"zh-CN": "第二"}},
        ],
    }
    url = await ask(ready, questionnaire)
    page = await browser.open(f"{url}?lang=ug")
    assert '<html lang="ug" dir="rtl">' in page.text
    assert "بىرىنچى" in page.text
    assert "第二" in page.text
    assert "<h1>سوئال</h1>" in page.text
    assert "تاپشۇرۇش" in page.text
    assert "ئۇيغۇرچە" in (await browser.open(url)).text
