"""Rules of the telephone: when deliveries are taken, and what their items are told."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, get_args

from asyncpg.exceptions import DeadlockDetectedError, UniqueViolationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.database import Connection, driver_connection
from app.core.problems import Busy, Problem
from app.responses.directory import Directory, Rules
from app.responses.problems import Closed, NotOpenYet
from app.telephone import queries
from app.telephone.filing import Filing, RulesChanged
from app.telephone.items import Item, Seals, at, check, each
from app.telephone.problems import InterviewConflict
from app.telephone.schemas import InterviewIn, ItemStatus, read_interview, readable_id

_ATTEMPTS = 4
_PAUSE = 0.2


async def deliver(
    session: AsyncSession,
    caller: Principal,
    directory: Directory,
    campaign: Campaign,
    items: Sequence[Any],
) -> dict[str, Any]:
    """Take a delivery of interviews; returns the reply, as `InterviewsOut` describes it.

    `items` as decoded from JSON, not yet looked at; the campaign is one that the caller sees.
    Good items are stored though others are bad. Errors, for all of it: NotOpenYet, Closed, Busy.
    """
    connection = await driver_connection(session)
    sent = await each(read_interview, items)
    await queries.lock_deliveries(connection, campaign.id, caller.id)
    for attempt in range(_ATTEMPTS):
        rules = await directory.campaign(connection, campaign.code)
        seals = _gate(rules)
        assert rules is not None
        checked = await _checked(session, caller, rules, sent)
        filing = Filing(connection, rules, seals, caller.id)
        try:
            filed = await _filed(connection, filing, checked)
        except (DeadlockDetectedError, UniqueViolationError):
            # Another contractor's delivery has the same persons in another order, or a response
            # was flagged as it was revised. What was stored is undone; once more, a little later.
            await asyncio.sleep(_PAUSE * 2**attempt)
            continue
        except RulesChanged:
            # The campaign was changed, and nothing was stored: once more.
            continue
        reply = _reply(caller, items, filed)
        numbers = {status: reply[status] for status in get_args(ItemStatus)}
        audit.record(session, caller, "interviews.deliver", campaign.code, **numbers)
        return reply
    raise Busy()


def _gate(rules: Rules | None) -> Seals:
    """The campaign's seals while it takes deliveries. Errors: NotOpenYet, Closed."""
    now = clock.now()
    if rules is None or rules.state == "archived" or rules.identity_key is None:
        raise Closed("The campaign takes no more interviews.")
    if rules.state == "draft" or now < rules.opens_at:
        raise NotOpenYet()
    if now >= rules.closes_at + timedelta(days=rules.delivery_days):
        raise Closed("The days for delivery after the campaign's closing are over.")
    return Seals(rules.identity_key)


async def _checked(
    session: AsyncSession, caller: Principal, rules: Rules, sent: Sequence[InterviewIn | Problem]
) -> list[Item | Problem]:
    codes = {one.unit for one in sent if not isinstance(one, Problem)}
    units = await queries.unit_ids(
        session, codes, region_id=rules.region_id, seen_from=caller.unit_id
    )
    return await each(partial(check, rules=rules, units=units, now=clock.now()), sent)


async def _filed(
    connection: Connection, filing: Filing, checked: Sequence[Item | Problem]
) -> list[ItemStatus | Problem]:
    filed: list[ItemStatus | Problem] = []
    async with connection.transaction():
        await filing.open([one for one in checked if isinstance(one, Item)])
        for one in checked:
            if isinstance(one, Problem):
                filed.append(one)
                continue
            try:
                filed.append(await filing.add(one))
            except InterviewConflict as problem:
                filed.append(problem)
        await filing.close()
    return filed


def _reply(
    caller: Principal, items: Sequence[Any], filed: Sequence[ItemStatus | Problem]
) -> dict[str, Any]:
    counts = Counter(_status(one) for one in filed)
    return {
        **{status: counts[status] for status in get_args(ItemStatus)},
        "results": [
            _result(caller, index, item, one)
            for index, (item, one) in enumerate(zip(items, filed, strict=True))
        ],
    }


def _status(filed: ItemStatus | Problem) -> ItemStatus:
    return "rejected" if isinstance(filed, Problem) else filed


def _result(
    caller: Principal, index: int, item: Any, filed: ItemStatus | Problem
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "index": index,
        "interview_id": readable_id(item),
        "status": _status(filed),
    }
    if isinstance(filed, Problem):
        result["problem"] = at(index, filed).document(caller.request_id)
    return result
