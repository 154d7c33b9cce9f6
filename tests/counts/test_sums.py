"""What is summed over respondents, against plain counting of their answers."""

import random

import pytest
from sqlalchemy import select

from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.counts import sums
from app.counts.layouts import layouts_of
from app.counts.reading import counted
from app.counts.selection import Selection
from app.questionnaires.layout import layout_of
from app.questionnaires.schemas import Definition
from tests.counts.test_folding import UNITS, database_of, fold_all, prepare
from tests.factories import Api
from tests.results.ledger import DEFINITIONS, Entry, insert, random_ledger

COUNTS_AS = {"good": "positive", "fair": "positive", "bad": "negative", "unsure": "excluded"}


def expected(entries: list[Entry], population: str) -> list[int]:
    """Respondents, and the sums of p, v, p², pv, v² over them."""
    indicators = [
        question["code"]
        for question in DEFINITIONS[population]["questions"]
        if question.get("indicator")
    ]
    heads = [0] * sums.CELLS
    for entry in entries:
        if entry.population != population:
            continue
        sides = [COUNTS_AS[entry.answers[code]] for code in indicators if code in entry.answers]
        p, v = sides.count("positive"), sides.count("positive") + sides.count("negative")
        for number, value in enumerate((1, p, v, p * p, p * v, v * v)):
            heads[number] += value
    return heads


async def heads(api: Api) -> dict[int, list[int]]:
    async with database_of(api).sessions() as session:
        campaign = await session.scalar(select(Campaign).where(Campaign.code == "C"))
        assert campaign is not None
        layouts = await layouts_of(session, await campaigns.populations(session, campaign.id))
        selection = Selection(campaign_id=campaign.id, root_id=campaign.region_id, layouts=layouts)
        found = await counted(session, selection)
    return {one.population: list(one.sums[: sums.CELLS]) for one in found}


@pytest.mark.parametrize("seed", [31, 32])
async def test_the_sums_over_respondents_are_those_of_their_votes(admin: Api, seed: int) -> None:
    await prepare(admin)
    written, standing = random_ledger(random.Random(seed), UNITS, 120)
    await insert(admin, written)
    wanted = {number: expected(standing, name) for number, name in enumerate(DEFINITIONS)}
    assert all(all(one) for one in wanted.values())
    assert await heads(admin) == wanted
    await fold_all(admin)
    assert await heads(admin) == wanted


def test_a_questionnaire_without_indicators_has_no_votes() -> None:
    asked = {"code": "q", "type": "number", "label": {"zh-CN": "几"}}
    layout = layout_of(Definition.model_validate({"title": {"zh-CN": "题"}, "questions": [asked]}))
    assert sums.positive_sql(layout) == sums.counted_sql(layout) == "0"
    assert sums.width(layout) == sums.CELLS + 1
