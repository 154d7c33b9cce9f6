"""Posters as HTML made for print: no script, nothing from elsewhere, a sheet of A4 for each."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from app.core.clock import SHANGHAI
from app.core.templates import own_style_alone, templates
from app.links import qr
from app.links.schemas import link_url

Locale = Literal["zh-CN", "en"]

_FOLDER = Path(__file__).parent / "templates"
_STYLE = (_FOLDER / "poster.css").read_text("utf-8")
POLICY = own_style_alone(_STYLE)
"""The Content-Security-Policy of such a document."""
_LONG_NAME = 16

_environment = templates(_FOLDER)

_TEXTS: dict[Locale, dict[str, str]] = {
    "zh-CN": {
        "document": "调查海报",
        "parent": "请家长扫码填写",
        "student": "请同学扫码填写",
        "teacher": "请老师扫码填写",
        "anyone": "请扫码填写",
        "code": "二维码",
        "scan": "打开微信，点右上角的“＋”，选“扫一扫”，对准上面的二维码。",
        "answer": "按您自己的真实想法，一题一题点选，最后点“提交”。",
        "done": "看到“已经收到”，就完成了。每人只能提交一次。",
        "type": "扫不了码？请在浏览器里输入网址",
        "closes": "截止时间：{time}（北京时间）",
        "ask": "咨询：{contact}",
        "ask_school": "如有疑问，请联系学校或{bureau}。",
    },
    "en": {
        "document": "Survey posters",
        "parent": "Parents: please scan",
        "student": "Students: please scan",
        "teacher": "Teachers: please scan",
        "anyone": "Please scan",
        "code": "QR code",
        "scan": "Open WeChat, tap + at the top right, choose Scan, and point it at the code above.",
        "answer": "Tap the answers that say what you really think, then tap “Send my answers”.",
        "done": "When the page says “Received”, you are done. Everybody can answer once.",
        "type": "Cannot scan? Type this address into a browser",
        "closes": "Open until {time} (Beijing time)",
        "ask": "Questions: {contact}",
        "ask_school": "If you have a question, ask the school or {bureau}.",
    },
}


def document(rows: Iterable[Any], public_url: str, locale: Locale) -> Iterator[str]:
    """The posters of links, as `posters.queries` finds them, in parts: one for each sheet."""
    texts = _TEXTS[locale]
    head = {"locale": locale, "title": texts["document"], "style": _STYLE}
    yield _environment.get_template("head.html").render(head)
    template = _environment.get_template("poster.html")
    for row in rows:
        yield template.render(_sheet(row, public_url, locale))
    yield "</main>\n</body>\n</html>\n"


def _sheet(row: Any, public_url: str, locale: Locale) -> dict[str, Any]:
    texts, contact = _TEXTS[locale], row.contact or {}
    url = link_url(row.code, public_url)
    bureau = contact.get("bureau") or row.region_name
    return {
        "t": texts,
        "bureau": bureau,
        "title": row.title,
        "unit": row.unit_name,
        "long": len(row.unit_name) > _LONG_NAME or len(row.title) > _LONG_NAME,
        "call": texts.get(row.population, texts["anyone"]),
        "code": qr.inline(url),
        "address": url.partition("://")[2],
        "closes": texts["closes"].format(time=_moment(row.closes_at, locale)),
        "ask": _ask(contact, bureau, texts),
    }


def _ask(contact: Mapping[str, str], bureau: str, texts: Mapping[str, str]) -> str:
    # The telephone first: it is what people look for.
    first = [contact[name] for name in ("phone", "hours") if name in contact]
    others = [line for name, line in contact.items() if name not in ("bureau", "phone", "hours")]
    if not first and not others:
        return texts["ask_school"].format(bureau=bureau)
    return texts["ask"].format(contact=" · ".join([*first, *others]))


def _moment(instant: datetime, locale: Locale) -> str:
    at = instant.astimezone(SHANGHAI)
    if locale == "en":
        return f"{at.day} {at:%B %Y, %H:%M}"
    return f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"
