"""Plans of deliveries: on which days something is to come, and on which it did not."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.core import clock
from app.core.problems import NotFound
from app.telephone import queries as telephone
from app.telephone.reconciliation import queries
from app.telephone.reconciliation.schemas import (
    LateDay,
    PerDay,
    PlanIn,
    PlanOut,
    Punctuality,
    ShortDay,
)
from app.telephone.reconciliation.tables import DeliveryPlan

_DELIVERS = {"interviews:write", "tallies:write", "admin"}


async def put(
    session: AsyncSession, caller: Principal, code: str, client_id: str, plan: PlanIn
) -> tuple[PlanOut, bool]:
    """Create or change a contractor's plan; returns it and whether it is new.

    Errors: NotFound where the campaign is not visible or no contractor has this id, NotOwner.
    """
    campaign = await campaigns.owned(session, caller, code)
    client = await telephone.client(session, client_id)
    if client is None or not _DELIVERS & set(client.scopes):
        raise NotFound("Give the client_id of a client with interviews:write or tallies:write.")
    columns = {
        "campaign_id": campaign.id,
        "source_id": client.id,
        "first_day": plan.first_day,
        "last_day": plan.last_day,
        "weekdays": plan.weekdays,
        "due_by": time.fromisoformat(plan.by),
        "interviews": plan.per_day.interviews,
    }
    created = await queries.upsert_plan(session, columns)
    told = plan.model_dump(mode="json", by_alias=True)
    audit.record(session, caller, "delivery-plan.put", code, client=client_id, plan=told)
    return PlanOut(source=client_id, **plan.model_dump()), created


async def listed(session: AsyncSession, campaign_id: int, source_id: int | None) -> list[PlanOut]:
    """The plans of a campaign, of one contractor or of all."""
    return [
        PlanOut(
            source=client_id,
            first_day=plan.first_day,
            last_day=plan.last_day,
            weekdays=plan.weekdays,
            by=plan.due_by.isoformat(timespec="minutes"),
            per_day=PerDay(interviews=plan.interviews),
        )
        for plan, client_id in await queries.plans(session, campaign_id, source_id)
    ]


def punctuality(plan: DeliveryPlan, deliveries: Sequence[Any], now: datetime) -> Punctuality:
    """How deliveries, in order of receipt, keep to a plan on the days that are due by now."""
    received: defaultdict[date, list[Any]] = defaultdict(list)
    for one in deliveries:
        received[clock.day_of(one.received_at)].append(one)
    found = Punctuality(missing=[], late=[], short=[])
    for day, due in _due(plan, now):
        if not received[day]:
            found.missing.append(day)
            continue
        first_at = received[day][0].received_at
        if first_at > due:
            found.late.append(LateDay(day=day, first_at=first_at))
        # More may come until midnight.
        stored = sum(one.stored for one in received[day] if one.kind == "interviews")
        if plan.interviews and stored < plan.interviews and day < clock.day_of(now):
            found.short.append(ShortDay(day=day, stored=stored))
    return found


def _due(plan: DeliveryPlan, now: datetime) -> Iterator[tuple[date, datetime]]:
    day = plan.first_day
    while day <= plan.last_day:
        due = datetime.combine(day, plan.due_by, clock.SHANGHAI)
        if due > now:
            return
        if day.isoweekday() in plan.weekdays:
            yield day, due
        day += timedelta(days=1)
