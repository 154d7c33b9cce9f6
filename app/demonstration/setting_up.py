"""What a bureau does before anybody answers: units, campaigns, links and invitations."""

from datetime import datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.schemas import CampaignIn
from app.core import clock
from app.core.keyring import Keyring
from app.demonstration import queries
from app.demonstration.opinions import INVITATIONS, INVITED_SCHOOL, Population
from app.demonstration.places import CITY, PERIOD, rows, schools
from app.links import service as links
from app.links.schemas import InvitationsIn, LinksIn
from app.units.importing import import_units

CAMPAIGNS: dict[Population, str] = {
    "parent": "weifang-2026-autumn-parents",
    "teacher": "weifang-2026-autumn-teachers",
}
_TITLES: dict[Population, str] = {
    "parent": "2026 年秋季潍坊市家长满意度调查（演示）",
    "teacher": "2026 年秋季潍坊市教师满意度调查（演示）",
}
_TARGETS: dict[Population, list[dict[str, object]]] = {
    "parent": [
        # Two thirds of the way: some have reached it, and are ranked, and others not yet.
        {"name": "抽样覆盖", "basis": "students", "share": 0.035},
        {"name": "telephone", "basis": "parents", "share": 0.05, "channel": "phone"},
        {"name": "feedback", "basis": "issued", "share": 0.9, "channel": "invitation"},
    ],
    "teacher": [{"name": "teachers", "basis": "teachers", "share": 0.3}],
}
_OPEN_BEFORE = timedelta(days=14)
_OPEN_AFTER = timedelta(days=180)


class NotLoaded(RuntimeError):
    """The demonstration cannot be loaded. The message says why and what to do."""


async def set_up(session: AsyncSession, caller: Principal, keyring: Keyring) -> None:
    """Everything up to the first answer, in the caller's transaction: all of it or nothing.

    Errors: NotLoaded where units of the same codes are there, which are somebody's own.
    """
    units = rows()
    taken = await queries.first_unit(session, {str(row["code"]) for _, row in units})
    if taken is not None:
        raise NotLoaded(
            f"There is a unit {taken} that the demonstration did not make, and it does not touch "
            "what is yours: start without it (scripts/run --empty), or with another --data-dir."
        )
    await import_units(session, caller, units)
    for population, code in CAMPAIGNS.items():
        await campaigns.put(session, caller, keyring, code, _campaign(population))
        await campaigns.move(session, caller, code, "open")
        wanted = LinksIn(population=population, level="school", within=CITY)
        await links.make_links(session, caller, code, wanted)
    for school in schools():
        if school.code.endswith(INVITED_SCHOOL):
            await links.make_invitations(
                session,
                caller,
                keyring,
                CAMPAIGNS["parent"],
                InvitationsIn(unit=school.code, population="parent", count=INVITATIONS),
                key=f"demonstration-{school.code}",
            )


def _campaign(population: Population) -> CampaignIn:
    today = clock.day_of(clock.now())
    body = {
        "title": _TITLES[population],
        "period": PERIOD,
        "region": CITY,
        "opens_at": datetime.combine(today - _OPEN_BEFORE, time(8), clock.SHANGHAI),
        "closes_at": datetime.combine(today + _OPEN_AFTER, time(22), clock.SHANGHAI),
        "populations": {
            population: {
                "questionnaire": "satisfaction-six",
                "version": 1,
                "targets": _TARGETS[population],
            }
        },
        "headline_channels": ["link"],
        "identity": ["wechat", "invitation", "device"],
        "contact": {"bureau": "潍坊市教育局（演示）", "phone": "0536-0000000"},
    }
    return CampaignIn.model_validate(body)
