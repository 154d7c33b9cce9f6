"""The pages that a person can come to: the form, the thanks, and each reason for neither."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.problems import FieldError
from app.phone_page import forms
from app.phone_page.assets import NAMES
from app.phone_page.forms import Form
from app.phone_page.languages import Language
from app.phone_page.questions import shown, unplaced
from app.phone_page.rendering import render
from app.phone_page.texts import day, moment
from app.responses.directory import Entrance, Questionnaire, Rules

SDK = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"
"""WeChat's own script, by which a page sets its share card."""
_DESCRIPTION = 120
_LONG = 10
"""From so many questions on the page shows how far one has come."""
_RECEIPT_GROUP = 4
_CONTACTS = ("name", "phone", "email", "wechat", "address", "hours")
_LEGAL = ("表号", "制定机关", "批准机关", "批准文号", "备案机关", "备案文号", "文号", "有效期")
"""The marks of a statistical form, in the order in which forms bear them."""
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,24}")
_EMAIL = re.compile(r"[^@\s:?&]{1,64}@[^@\s:?&]{1,190}")


@dataclass(frozen=True, slots=True)
class Visit:
    """What every page needs to know of the person's visit."""

    language: Language
    root: str
    """The path that the service lives under, without a slash at its end."""
    entrance: Entrance | None
    """Where the person came in; None where the address leads nowhere."""
    switch: Sequence[tuple[str, str, str]] = ()
    """Other languages on offer: locale, own name, address."""
    child: int | None = None
    """Which of the person's children it is about; None for the first."""
    share: "Share | None" = None
    large: bool = False
    """Whether the person reads large print."""
    resize: str | None = None
    """The address of the page in the other size, where it can be had."""
    picture: str | None = None
    """The whole address of the picture on share cards."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a page in WeChat needs to set its share card."""

    link: str
    """The address that is shared."""
    signature: str
    """Where its signature comes from."""


@dataclass(frozen=True, slots=True)
class Step:
    """A way on from a page: the name of its text, and where it leads."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Keys:
    """What a form carries besides answers, so that sending it again changes nothing."""

    submission_id: str
    started_at: str
    seal: str
    """Shows that `started_at` is ours."""
    device_proof: str | None


def form(
    visit: Visit,
    questionnaire: Questionnaire,
    keys: Keys,
    *,
    filled: Form | None = None,
    errors: Sequence[FieldError] = (),
    busy: bool = False,
    preview: bool = False,
) -> str:
    """The questionnaire, empty or as it was filled in, with what is wrong with it."""
    language, entrance = visit.language, visit.entrance
    definition = questionnaire.definition
    questions = shown(definition, language, filled, errors, UUID(keys.submission_id))
    return render(
        "preview/form.html" if preview else "form.html",
        **frame(
            visit,
            "preview" if preview else "form",
            heading=None if entrance else language.of(definition.title),
            error=bool(errors),
        ),
        intro=language.of(definition.intro) if definition.intro else None,
        consent=language.of(definition.consent) if definition.consent else None,
        purpose=entrance.rules.purpose if entrance else None,
        questions=questions,
        long=sum(1 for one in questions if one.code and not one.beside) >= _LONG,
        version=f"{questionnaire.code}:{questionnaire.version}",
        other_errors=unplaced(definition, language, errors),
        busy=busy,
        keys=keys,
        prefix=forms.PREFIX,
    )


def thanks(
    visit: Visit,
    entrance: Entrance,
    receipt: str,
    received_at: datetime | None,
    *,
    steps: Sequence[Step] = (),
) -> str:
    """What follows an accepted response; `received_at` is None when it had come before."""
    language, texts = visit.language, visit.language.texts
    said = entrance.population.questionnaire.definition.thanks
    return render(
        "thanks.html",
        **frame(visit, "thanks", heading=texts["thanks_title"]) | {"switch": [], "resize": None},
        text=language.of(said) if said else texts["thanks_text"],
        receipt=[
            receipt[start : start + _RECEIPT_GROUP]
            for start in range(0, len(receipt), _RECEIPT_GROUP)
        ],
        received_at=moment(received_at, language.words) if received_at else None,
        steps=steps,
    )


def message(
    visit: Visit,
    state: str,
    text: str,
    *,
    reference: str | None = None,
    resend: Form | None = None,
    steps: Sequence[Step] = (),
    code: str | None = None,
) -> str:
    """A page without questions, such as closed; `state` and `text` name texts of the catalogue.

    `reference` is a request's id to ask about; `resend` a form that the page offers to send
    again as it came; `steps` are the ways on, the best first; `code` is the address of a QR code.
    """
    language, texts = visit.language, visit.language.texts
    rules = visit.entrance.rules if visit.entrance else None
    return render(
        "message.html",
        **frame(visit, state, heading=texts[f"{state}_title"]),
        state=state,
        text=texts[text].format(time=_turning_point(rules, state, language)),
        reference=reference and texts["request"].format(id=reference),
        resend=[
            (forms.showable(name), forms.showable(value))
            for name, values in (resend.fields.items() if resend else ())
            for value in values
        ],
        steps=steps,
        code=code,
    )


def _turning_point(rules: Rules | None, state: str, language: Language) -> str:
    if rules is None:
        return ""
    return moment(rules.opens_at if state == "not_open" else rules.closes_at, language.words)


def frame(
    visit: Visit, page: str, *, heading: str | None = None, error: bool = False
) -> dict[str, Any]:
    """What stands around every page; `page` tells the script which it is, and `heading` takes the
    place of the survey's own title."""
    language, entrance = visit.language, visit.entrance
    texts = language.texts
    title = _title(entrance, language) if entrance else texts["service"]
    return {
        "t": texts,
        "page": page,
        "child": visit.child,
        "large": visit.large,
        "resize": visit.resize,
        "language": language,
        "switch": visit.switch,
        "share": visit.share,
        "sdk": SDK,
        "root": visit.root,
        "names": NAMES,
        "bureau": _bureau(entrance.rules) if entrance else None,
        "unit": entrance.unit_name if entrance else None,
        "child_line": texts["child"].format(number=visit.child) if visit.child else None,
        "title": title,
        "heading": heading or title,
        "campaign": entrance.rules.title if entrance else None,
        "sandbox": entrance.rules.sandbox if entrance else False,
        "window_title": (texts["error_in_title"] if error else "") + (heading or title),
        "description": _description(entrance, language) if entrance else None,
        "picture": visit.picture,
        "contact": _contact(entrance.rules.contact, texts) if entrance else [],
        "ask": texts["ask"].format(bureau=_bureau(entrance.rules)) if entrance else None,
        "legal": _legal(entrance.rules.legal) if entrance else [],
        "erased": _erased(entrance.rules, language) if entrance else None,
    }


def _title(entrance: Entrance, language: Language) -> str:
    # The campaign's title has one language, so others read the questionnaire's.
    title = entrance.population.questionnaire.definition.title
    if language.locale != language.default and language.locale in title:
        return title[language.locale]
    return entrance.rules.title


def _legal(legal: Mapping[str, str]) -> list[tuple[str, str]]:
    def place(name: str) -> tuple[int, str]:
        known = (number for number, one in enumerate(_LEGAL) if name.startswith(one))
        return next(known, len(_LEGAL)), name

    return sorted(legal.items(), key=lambda one: place(one[0]))


def _erased(rules: Rules, language: Language) -> str:
    return language.texts["erased"].format(time=day(rules.erased_from, language.words))


def _bureau(rules: Rules) -> str:
    return rules.contact.get("bureau") or rules.region_name


def _description(entrance: Entrance, language: Language) -> str:
    intro = entrance.population.questionnaire.definition.intro
    parts = [entrance.unit_name, language.of(intro) if intro else ""]
    text = " · ".join(" ".join(part.split()) for part in parts if part)
    return text if len(text) <= _DESCRIPTION else text[: _DESCRIPTION - 1] + "…"


def _contact(contact: Mapping[str, str], texts: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Each line of the contact: its name, its text, and an address to open, or nothing."""
    return [
        (texts.get(f"contact_{name}", name), line, _address(line))
        for name, line in sorted(contact.items(), key=lambda one: _place(one[0]))
        if name != "bureau"
    ]


def _place(name: str) -> tuple[int, str]:
    return _CONTACTS.index(name) if name in _CONTACTS else len(_CONTACTS), name


def _address(line: str) -> str:
    if _PHONE.fullmatch(line):
        return "tel:" + re.sub(r"[^+0-9]", "", line)
    if _EMAIL.fullmatch(line):
        return f"mailto:{line}"
    return ""
