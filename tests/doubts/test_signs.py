"""Signs: what each is found by, and what looks alike and is honest."""

import random
from datetime import timedelta
from typing import Any

import pytest

from app.responses.tables import Channel
from tests.doubts.crowds import Given, at, flagged, give, judged, publish
from tests.factories import Api, answers, open_campaign, tree

DICE = random.Random(7)
VALUES = ("satisfied", "basically_satisfied", "dissatisfied", "dont_know")


def usual(count: int, seconds: int = 60, **fields: Any) -> list[Given]:
    """People who took about as long as everybody, at times of their own over a day."""
    return [
        Given("usual", seconds=seconds + number % 7, at=at(11 * number), **fields)
        for number in range(count)
    ]


async def found(api: Api, given: list[Given], **thresholds: float | None) -> dict[str, set[str]]:
    await give(api, given)
    await judged(api, **thresholds)
    return await flagged(api, given)


async def _again(api: Api, given: list[Given], **thresholds: float | None) -> dict[str, set[str]]:
    await judged(api, **thresholds)
    return await flagged(api, given)


async def test_who_is_much_faster_than_the_median_is_flagged(ready: Api) -> None:
    given = [
        *usual(40),
        Given("quick", seconds=15),
        Given("brisk", seconds=25),
        Given("unknown", seconds=None),
        Given("slow", seconds=30_000),
    ]
    assert await found(ready, given) == {"quick": {"fast"}}
    assert (await judged(ready, fast=0.5)).changed == 1
    assert await flagged(ready, given) == {"quick": {"fast"}, "brisk": {"fast"}}
    assert (await judged(ready, fast=None)).changed == 2
    assert await flagged(ready, given) == {}


async def test_a_median_needs_responses(ready: Api) -> None:
    given = [*usual(18), Given("quick", seconds=1)]
    assert await found(ready, given) == {}
    given += await give(ready, usual(1))
    await judged(ready)
    assert await flagged(ready, given) == {"quick": {"fast"}}


async def test_interviews_have_a_median_of_their_own(ready: Api) -> None:
    phone: Any = {"channel": Channel.phone}
    given = [
        *usual(30, seconds=40),
        *usual(30, seconds=400, **phone),
        Given("filled in by the interviewer", seconds=60, **phone),
    ]
    assert await found(ready, given) == {"filled in by the interviewer": {"fast"}}


async def test_six_equal_answers_are_no_sign_however_quick(ready: Api) -> None:
    given = [*usual(30), Given("quick and content", seconds=25), Given("content", seconds=60)]
    assert await found(ready, given) == {}


async def test_the_same_option_for_ten_questions_is_a_sign_only_of_who_hurries(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations={"parent": await publish(admin, 10)})
    alike = {f"q{number}": "dissatisfied" for number in range(10)}
    given = [
        *(
            usual(1, answers={f"q{n}": DICE.choice(VALUES) for n in range(10)})[0]
            for _ in range(30)
        ),
        Given("hurried", seconds=27, answers=alike),
        Given("took their time", seconds=50, answers=alike),
        Given("hurried but chose", seconds=27, answers={**alike, "q3": "satisfied"}),
        Given("left three out", seconds=27, answers=dict(list(alike.items())[3:])),
    ]
    assert await found(admin, given) == {"hurried": {"straight"}}
    assert await _again(admin, given, straight=None) == {}


async def test_a_whole_school_behind_one_address_gets_through(ready: Api) -> None:
    """A parents' evening: 200 phones in forty minutes behind one address, all of them content."""
    await ready.made("PUT", "/v1/units/A1/enrolment", {"period": "2026-autumn", "parents": 200})
    school = [
        Given("evening", seconds=DICE.randint(25, 120), network=5, at=at(DICE.uniform(0, 40)))
        for _ in range(200)
    ]
    assert await found(ready, school) == {}
    # A computer room of another school, where nobody knows the enrolment.
    await ready.made("PUT", "/v1/units/R", {"name": "R", "kind": "school", "parent": "B"})
    room = [
        Given("room", unit="R", seconds=DICE.randint(25, 60), network=6, at=at(DICE.uniform(0, 3)))
        for _ in range(40)
    ]
    assert await found(ready, room) == {}


async def test_more_within_an_hour_than_are_enrolled_are_flagged(ready: Api) -> None:
    # Half before the hour of the clock and half after it.
    stuffed = [Given("stuffed", at=at(20 + number / 20), network=number) for number in range(401)]
    elsewhere = [Given("elsewhere", unit="A2", at=at(20 + number / 20)) for number in range(150)]
    before = [Given("the day before", at=at(-1500 - number)) for number in range(20)]
    given = [*stuffed, *elsewhere, *before]
    assert await found(ready, given, burst=2.1) == {}
    await judged(ready)
    assert await flagged(ready, given) == {"stuffed": {"burst"}}
    await judged(ready, burst=None)
    assert await flagged(ready, given) == {}


async def test_a_unit_with_a_steady_pace_beyond_its_enrolment_has_no_burst(ready: Api) -> None:
    """Figures of enrolment grow old; a steady stream is no burst."""
    await ready.made("PUT", "/v1/units/A1/enrolment", {"period": "2026-autumn", "parents": 20})
    steady = [Given("steady", at=at(number)) for number in range(600)]
    assert await found(ready, steady) == {}


async def test_more_from_one_network_than_are_enrolled_are_flagged(ready: Api) -> None:
    many: Any = {"network": 9, "seconds": None}
    one_network = [Given("one network", at=at(number / 10), **many) for number in range(201)]
    others = [Given("others", network=number) for number in range(100, 130)]
    given = [*one_network, *others]
    signs = await found(ready, given, burst=None)
    assert signs == {"one network": {"network", "devices"}}
    # By invitation each has a proof that cannot be had by clearing cookies.
    invited = [
        Given("invited", unit="A2", at=at(7 * number), channel=Channel.invitation, **many)
        for number in range(201)
    ]
    assert "invited" not in await found(ready, invited, burst=None)


async def test_a_network_of_many_schools_is_no_sign(ready: Api) -> None:
    """A mobile operator puts a whole city behind a few addresses."""
    given = [
        Given(unit, unit=unit, network=3, at=at(DICE.uniform(0, 50)))
        for unit in ("A1", "A2", "B1")
        for _ in range(190)
    ]
    assert await found(ready, given) == {}


async def test_one_after_the_other_from_one_network_are_flagged(ready: Api) -> None:
    end = at(0)
    filler = []
    for number in range(25):
        seconds = 40 + number % 9
        end += timedelta(seconds=seconds + number % 5)
        filler.append(Given("one filler", seconds=seconds, network=4, at=end))
    end += timedelta(hours=1)
    handed_round = []
    for _ in range(15):
        end += timedelta(seconds=45)
        handed_round.append(Given("few", seconds=40, network=4, at=end))
    given = [*filler, *handed_round, *usual(30, seconds=45)]
    assert await found(ready, given) == {"one filler": {"succession"}}
    await judged(ready, succession=None)
    assert await flagged(ready, given) == {}


async def test_a_template_is_found_among_honest_answers(ready: Api) -> None:
    pattern = dict(zip(answers(), VALUES * 2, strict=False))
    honest = [
        Given("honest", at=at(17 * number), answers=answers(**_leanings())) for number in range(150)
    ]
    copies = [Given("copy", at=at(13 * number), answers=pattern) for number in range(30)]
    few = [Given("few", unit="A2", at=at(13 * number), answers=pattern) for number in range(9)]
    given = [*honest, *copies, *few]
    assert await found(ready, given) == {"copy": {"template"}}
    assert await _again(ready, given, template=None) == {}


async def test_a_template_is_found_where_it_is_most_of_what_a_unit_has(ready: Api) -> None:
    pattern = dict(zip(answers(), VALUES * 2, strict=False))
    copies = [Given("copy", at=at(13 * number), answers=pattern) for number in range(90)]
    honest = [Given("honest", at=at(17 * number)) for number in range(10)]
    assert await found(ready, [*copies, *honest]) == {"copy": {"template"}}


def _leanings() -> dict[str, str]:
    """What a parent is not simply satisfied with."""
    return {code: DICE.choice(VALUES[:3]) for code in answers() if DICE.random() < 0.3}


@pytest.mark.parametrize("value", ["satisfied", "dissatisfied"])
async def test_uniform_answers_are_no_template(ready: Api, value: str) -> None:
    """A content school, and an angry one whose parents make one exception or another."""
    codes = list(answers())
    given = [Given("alike", at=at(9 * number), answers=answers(value)) for number in range(120)] + [
        Given(
            "but one",
            at=at(9 * number),
            answers=answers(value, **{codes[number % 2]: "basically_satisfied"}),
        )
        for number in range(50)
    ]
    assert await found(ready, given) == {}


async def test_numbers_and_texts_are_part_of_a_template(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations={"parent": await publish(admin, 8)})
    pattern = {f"q{number}": VALUES[number % 4] for number in range(8)}
    same = [
        Given("same", at=at(9 * number), answers={**pattern, "homework": 45})
        for number in range(12)
    ]
    different = [
        Given("different", unit="A2", at=at(9 * number), answers={**pattern, "homework": number})
        for number in range(12)
    ]
    assert await found(admin, [*same, *different]) == {"same": {"template"}}


async def test_the_same_long_comment_is_flagged_and_a_short_one_is_not(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations={"parent": await publish(admin, 2)})
    long = "学校的教学质量和校园环境在全市都是一流的，老师认真负责。"
    given = [Given("copied", at=at(number), answers={"comment": f" {long}"}) for number in range(5)]
    given += [Given("own words", at=at(9), answers={"comment": long + "我很满意"})]
    given += [
        Given("short", at=at(number), answers={"comment": "希望学校越办越好"})
        for number in range(30)
    ]
    given += [
        Given("elsewhere", unit="A2", at=at(number), answers={"comment": long})
        for number in range(4)
    ]
    assert await found(admin, given) == {"copied": {"comment"}}
    await judged(admin, length=40)
    assert await flagged(admin, given) == {}
