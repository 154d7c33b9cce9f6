"""Random conditions and random answers: page and server show the same questions.

A definition with a hundred random conditions, upon questions of every type and upon one another,
is served by the page's own template and judged by the page's own script; its decisions stand
beside the validator's for one random filling after the other, hundreds to a page load.
"""

import random
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Page, Route

from app.phone_page import languages, pages
from app.phone_page.forms import number_of
from app.phone_page.pages import Keys, Visit
from app.questionnaires.schemas import Definition
from app.questionnaires.validator import Validator
from tests.browser.conftest import OpenPhone
from tests.browser.parents import at
from tests.factories import Api, link

pytestmark = pytest.mark.browser

CONDITIONS, FILLINGS = 100, 50

SOURCES: dict[str, dict[str, Any]] = {
    "a": {"type": "single_choice", "values": ["x", "y", "1", "01", "null"]},
    "m": {"type": "multiple_choice", "values": ["p", "q", "r", "2"]},
    "r": {"type": "rating", "min": 0, "max": 10},
    "n": {"type": "number"},
    "d": {"type": "date"},
    "t": {"type": "text"},
}
NUMBERS = [-3, -0.5, 0, 0.1, 1, 2.5, 3, 10, 1200, 1e6]
DAYS = ["2019-08-31", "2019-09-01", "2020-02-29", "2026-01-01"]
TYPED = {
    "n": [
        "",
        " ",
        "-3",
        "－0.5",
        "0",
        "0.10",
        "１",
        "2.5",
        "3.0",
        "1,200",
        "1，200",
        "x",
        "1e6",
        "+3",
    ],
    "d": ["", *DAYS, "2018-12-31"],
    "t": ["", " ", "\n", "hello", "0", "None", "\u3000"],
}
"""What people type; numbers in full width, blanks, and what is no number among it."""


def labelled(code: str, **fields: Any) -> dict[str, Any]:
    return {"code": code, "label": {"zh-CN": code}, **fields}


def made_up(chance: random.Random) -> Definition:
    """The sources, and then as many texts, each under a condition upon what stands before."""
    questions = []
    for code, source in SOURCES.items():
        fields = dict(source)
        values = fields.pop("values", [])
        if values:
            fields["options"] = [{"value": one, "label": {"zh-CN": one}} for one in values]
        questions.append(labelled(code, **fields))
    for number in range(CONDITIONS):
        before = [*SOURCES, *(f"c{one}" for one in range(number))]
        condition = conditional(chance, before, 0)
        questions.append(labelled(f"c{number}", type="text", visible_if=condition))
    return Definition.model_validate({"title": {"zh-CN": "问卷"}, "questions": questions})


def conditional(chance: random.Random, before: list[str], depth: int) -> dict[str, Any]:
    """A random condition upon some of these questions."""
    kind = chance.random()
    if depth < 3 and kind < 0.4:
        deeper = [conditional(chance, before, depth + 1) for _ in range(chance.randint(1, 3))]
        return {"all": deeper} if kind < 0.2 else {"any": deeper}
    if depth < 3 and kind < 0.5:
        return {"not": conditional(chance, before, depth + 1)}
    # Mostly upon what has types of its own, and not only upon the many texts.
    code = chance.choice(list(SOURCES) if chance.random() < 0.7 else before)
    return {"question": code, **comparison(chance, code)}


def comparison(chance: random.Random, code: str) -> dict[str, Any]:
    choices: list[dict[str, Any]] = [{"answered": True}, {"answered": False}]
    values = SOURCES.get(code, {}).get("values")
    if values:
        some = chance.sample(values, chance.randint(1, len(values)))
        choices += [{"in": some}, {"not_in": some}] * 3
    if code == "r":
        some = chance.sample(range(11), 3)
        choices += [{"in": some}, {"not_in": some}]
    if code in ("r", "n"):
        bound = chance.choice(NUMBERS[2:8] if code == "r" else NUMBERS)
        choices += [{"gte": bound}, {"lte": bound}] * 2
    if code == "d":
        choices += [{"gte": chance.choice(DAYS)}, {"lte": chance.choice(DAYS)}] * 2
    return chance.choice(choices)


def filling(chance: random.Random) -> dict[str, Any]:
    """What somebody taps and types, by question; hidden questions may have been filled in too."""
    said: dict[str, Any] = {}
    for code, source in SOURCES.items():
        if code in TYPED:
            said[code] = chance.choice(TYPED[code])
        elif code == "m":
            said[code] = chance.sample(source["values"], chance.randint(0, 4))
        else:
            values = source.get("values") or [str(one) for one in range(11)]
            said[code] = chance.choice([None, *values])
    for number in range(CONDITIONS):
        said[f"c{number}"] = chance.choice(["", "said"])
    return said


def judged(validator: Validator, said: dict[str, Any]) -> set[str]:
    """The questions that the server asks of whoever has filled in this."""
    answers: dict[str, Any] = {code: given or None for code, given in said.items()}
    if answers["r"] is not None:
        answers["r"] = int(answers["r"])
    number = number_of(said["n"])
    answers["n"] = said["n"] if number is None else number
    return set(validator.asked(answers))


FILL = """(fillings) => fillings.map((said) => {
  const form = document.querySelector("form");
  for (const field of form.querySelectorAll("input:not([type=hidden]), textarea")) {
    const given = said[field.name.slice(2)];
    if (field.type === "radio") field.checked = given === field.value;
    else if (field.type === "checkbox") field.checked = given.indexOf(field.value) >= 0;
    else field.value = given;
  }
  form.dispatchEvent(new Event("input"));
  return Array.from(form.querySelectorAll("[data-code]:not([hidden])"),
    (one) => one.dataset.code);
})"""


async def serve(page: Page, live: Api, path: str, definition: Definition) -> Validator:
    """Have this phone shown a definition at a path; returns what the server judges it by."""
    door = await live.app.state.reception.directory.link(path.rpartition("/")[2])
    validator = Validator(definition)
    questionnaire = replace(
        door.population.questionnaire, definition=definition, validator=validator
    )
    language = languages.choose(definition, asked=None, accepted="")
    keys = Keys("00000000-0000-4000-8000-000000000000", "", "", None)
    html = pages.form(Visit(language, "", door), questionnaire, keys)

    async def show(route: Route) -> None:
        await route.fulfill(body=html, content_type="text/html; charset=utf-8")

    await page.unroute_all()
    await page.route(f"**{path}", show)
    await page.goto(at(live, path))
    return validator


async def test_random_conditions_mean_the_same_to_page_and_server(
    campaign: Api, new_phone: OpenPhone
) -> None:
    path = f"/s/{await link(campaign)}"
    seen = {True: 0, False: 0}
    async with new_phone() as page:
        for seed in range(3):
            chance = random.Random(seed)
            validator = await serve(page, campaign, path, made_up(chance))
            fillings = [filling(chance) for _ in range(FILLINGS)]
            for said, shown in zip(fillings, await page.evaluate(FILL, fillings), strict=True):
                expected = judged(validator, said)
                assert set(shown) == expected, (seed, said)
                seen[True] += len(expected) - len(SOURCES)
                seen[False] += CONDITIONS + len(SOURCES) - len(expected)
    assert min(seen.values()) > FILLINGS * CONDITIONS // 2, "both decisions are put to the test"
