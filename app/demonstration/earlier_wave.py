"""The demonstration's spring: a campaign that is over, whose counts came from another system."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.schemas import CampaignIn
from app.core import clock
from app.core.keyring import Keyring
from app.demonstration.opinions import between, mood, opinion, seeded
from app.demonstration.places import CITY, schools
from app.responses.directory import Directory
from app.telephone.tallies import service as tallies
from app.telephone.tallies.schemas import TallyIn
from app.units import service as units
from app.units.schemas import EnrolmentIn

EARLIER = "weifang-2026-spring-parents"
_PERIOD = "2026-spring"
_BATCH = "spring-2026"
_BEGAN = timedelta(days=230)
_LASTED = timedelta(days=14)
_SINCE = 0.015
"""How much fewer were pleased then than are now."""


async def deliver(
    session: AsyncSession, caller: Principal, keyring: Keyring, directory: Directory
) -> None:
    """The campaign, its counts, and its end, in the caller's transaction."""
    for school in schools():
        heads = {"students": school.students, "parents": school.parents}
        enrolment = EnrolmentIn(period=_PERIOD, teachers=school.teachers, **heads)
        await units.put_enrolment(session, caller, school.code, enrolment)
    opens_at = datetime.combine(clock.day_of(clock.now()) - _BEGAN, time(8), clock.SHANGHAI)
    await campaigns.put(session, caller, keyring, EARLIER, _campaign(opens_at))
    await campaigns.move(session, caller, EARLIER, "open")
    sent = TallyIn(channel="link", as_of=opens_at + timedelta(days=10))
    await tallies.deliver(session, caller, directory, EARLIER, _BATCH, sent, list(_counted()))
    await campaigns.move(session, caller, EARLIER, "closed")


def _campaign(opens_at: datetime) -> CampaignIn:
    body = {
        "title": "2026 年春季潍坊市家长满意度调查（演示）",
        "period": _PERIOD,
        "region": CITY,
        "opens_at": opens_at,
        "closes_at": opens_at + _LASTED,
        # Long enough for a demonstration that is loaded much later than it was held.
        "delivery_days": 365,
        "populations": {
            "parent": {
                "questionnaire": "satisfaction-six",
                "version": 1,
                # So that some are below it, and stand apart from the ranking.
                "targets": [{"name": "抽样覆盖", "basis": "students", "share": 0.04}],
            }
        },
        "contact": {"bureau": "潍坊市教育局（演示）", "phone": "0536-0000000"},
    }
    return CampaignIn.model_validate(body)


def _counted() -> Iterator[dict[str, Any]]:
    for school in schools():
        random = seeded(school.code, _PERIOD)
        people = between(random, 24, 90)
        counts: dict[str, Counter[str]] = {}
        for _ in range(people):
            answers = opinion(school, "parent", mood(school) - _SINCE, random)
            for indicator, vote in answers.items():
                counts.setdefault(indicator, Counter())[vote] += 1
        yield {
            "unit": school.code,
            "population": "parent",
            "respondents": people,
            "counts": {indicator: dict(votes) for indicator, votes in counts.items()},
        }
