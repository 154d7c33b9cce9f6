"""Rules of reconciliation: who sees what of it, and how both sides' numbers are put together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.problems import NotFound
from app.telephone import queries as telephone
from app.telephone.reconciliation import queries
from app.telephone.reconciliation.answered import told
from app.telephone.reconciliation.plans import punctuality
from app.telephone.reconciliation.queries import Scope
from app.telephone.reconciliation.schemas import (
    BatchRow,
    By,
    DayRow,
    Difference,
    Interviews,
    Late,
    Numbers,
    Received,
    ReconciliationOut,
    Source,
    Tallies,
    UnitCalled,
    UnitRow,
    What,
)

MAX_DIFFERENCES = 100
_SUMMED = ("sent", "stored", "replayed", "refused")
_NOTHING = {"live": 0, "superseded": 0, "rows": 0, "respondents": 0}


@dataclass(frozen=True, slots=True)
class View:
    """Who looks at what: a campaign's sources, all or one, exactly or as a contractor may."""

    campaign: Campaign
    source_id: int | None
    exact: bool
    """The bureau's: with how many had answered before."""


@dataclass
class Ledger:
    """What there is of one source."""

    deliveries: list[Any] = field(default_factory=list)
    filed: Counter[int | None] = field(default_factory=Counter)
    """Revisions on file by delivery."""
    counts: defaultdict[Any, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """By what the rows are for; by disposition within."""
    refused: Counter[Any] = field(default_factory=Counter)
    """By what the rows are for."""
    digests: dict[Any, str] = field(default_factory=dict)
    digest: str | None = None
    late: Late = field(default_factory=lambda: Late(interviews=0, longest_seconds=None))
    tallies: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    """What is on file of them: live, superseded, rows, respondents."""
    plan: Any = None
    told: dict[date, int] = field(default_factory=dict)
    """What a contractor is told of who had answered before."""


async def view(
    session: AsyncSession, caller: Principal, code: str, source: str | None = None
) -> View:
    """What the caller may look at: the owner's results:exact sees all, a contractor itself.

    Errors: NotFound for a campaign or a source that the caller cannot see, NotOwner.
    """
    campaign = await campaigns.visible(session, caller, code)
    contractor = caller.may("interviews:write") or caller.may("tallies:write")
    if not (caller.may("results:exact") and await campaigns.owns(session, caller, campaign)):
        if not contractor:
            await campaigns.owned(session, caller, code)
        if not contractor or source not in (None, caller.client_id):
            raise NotFound("A contractor's reconciliation is shown to itself and to the bureau.")
        return View(campaign, caller.id, exact=False)
    if source is None:
        return View(campaign, None, exact=True)
    client = await telephone.client(session, source)
    if client is None:
        raise NotFound("Give the client_id of a contractor of this campaign.")
    return View(campaign, client.id, exact=True)


async def reconciled(
    session: AsyncSession,
    seen: View,
    *,
    by: By | None = None,
    days: tuple[date, date] = (date.min, date.max),
    digest: bool = True,
) -> ReconciliationOut:
    """What was sent, and what is on file of it; the session sees one state of the database.

    `days`, first and last: which rows to give, of those by batch or day.
    """
    as_of = clock.now()
    scope = Scope(seen.campaign.id, seen.source_id, None)
    ledgers = await gathered(session, scope, by=by, digest=digest)
    if seen.source_id is not None and not seen.exact:
        rows = await queries.answered_before(session, seen.campaign.id, seen.source_id)
        ledgers[seen.source_id].told = told(rows, seen.campaign.min_cell, as_of)
    names = await queries.clients_by_id(session, list(ledgers))
    sources = {names[one]: ledger for one, ledger in ledgers.items()}
    sources = dict(sorted(sources.items()))
    described = [_source(name, one, seen.exact, as_of) for name, one in sources.items()]
    return ReconciliationOut(
        campaign=seen.campaign.code,
        sandbox=seen.campaign.sandbox_of is not None,
        as_of=as_of,
        by=by,
        balanced=all(one.balanced for one in described),
        totals=numbers([row for one in ledgers.values() for row in one.deliveries]),
        sources=described,
        rows=await _rows(session, sources, by, days, seen.exact),
    )


async def gathered(
    session: AsyncSession, scope: Scope, *, by: By | None, digest: bool = True
) -> dict[int, Ledger]:
    """All that there is of each source, and of the scope's own at least."""
    await queries.limit_time(session)
    key = by if by in ("day", "unit") else ""
    ledgers: defaultdict[int, Ledger] = defaultdict(Ledger)
    if scope.source_id is not None:
        ledgers[scope.source_id] = Ledger()
    for row in await queries.deliveries(session, scope):
        ledgers[row.source_id].deliveries.append(row)
    for row in await queries.filed(session, scope):
        ledgers[row.source_id].filed[row.delivery_id] += row.revisions
    for row in await queries.counts(session, scope, key):
        ledgers[row.source_id].counts[row.key].append(row)
    for row in await queries.late(session, scope):
        seconds = int(row.longest.total_seconds())
        ledgers[row.source_id].late = Late(interviews=row.interviews, longest_seconds=seconds)
    for row in await queries.tallies(session, scope):
        ledgers[row.source_id].tallies = row._mapping
    for plan, _ in await queries.plans(session, scope.campaign_id, scope.source_id):
        ledgers[plan.source_id].plan = plan
    if key:
        for row in await queries.refused(session, scope, key):
            ledgers[row.source_id].refused[row.key] += row.refused
    if digest:
        await _add_digests(session, scope, key, ledgers)
    return dict(ledgers)


async def _add_digests(
    session: AsyncSession, scope: Scope, key: str, ledgers: dict[int, Ledger]
) -> None:
    for source_id, ledger in ledgers.items():
        if ledger.counts:
            ledger.digest = await queries.digest(session, replace(scope, source_id=source_id))
    if key:
        for row in await queries.digests(session, scope, key):
            ledgers[row.source_id].digests[row.key] = row.digest


def numbers(deliveries: Iterable[Any], kind: str = "interviews") -> Numbers:
    """The sums of what deliveries of a kind were told."""
    summed = dict.fromkeys(("deliveries", "in_progress", *_SUMMED), 0)
    for one in deliveries:
        if one.kind != kind:
            continue
        summed["deliveries"] += 1
        summed["in_progress"] += one.finished_at is None
        for name in _SUMMED:
            summed[name] += getattr(one, name)
    return Numbers(**summed)


def tallies(ledger: Ledger) -> Tallies:
    """What was delivered and is on file of tallies."""
    told = numbers(ledger.deliveries, "tallies").model_dump()
    return Tallies(**told, **{name: ledger.tallies[name] for name in _NOTHING})


def interviews(ledger: Ledger, key: Any) -> Interviews:
    """What is on file under one key."""
    rows = ledger.counts.get(key, [])
    return Interviews(
        interviews=sum(row.interviews for row in rows),
        refused=ledger.refused[key],
        by_disposition=by_disposition(rows),
        digest=ledger.digests.get(key),
    )


def by_disposition(rows: Iterable[Any]) -> dict[str, int]:
    """Interviews by disposition, in its order."""
    summed: Counter[str] = Counter()
    for row in rows:
        summed[row.disposition] += row.interviews
    return dict(sorted(summed.items()))


def _source(name: str, ledger: Ledger, exact: bool, as_of: datetime) -> Source:
    differences = list(_differences(ledger))
    rows = [row for several in ledger.counts.values() for row in several]
    had_answered = sum(row.already_answered for row in rows)
    return Source(
        source=name,
        **numbers(ledger.deliveries).model_dump(),
        interviews=sum(row.interviews for row in rows),
        by_disposition=by_disposition(rows),
        digest=ledger.digest,
        revisions=ledger.filed.total(),
        before_deliveries=ledger.filed[None],
        already_answered=had_answered if exact else None,
        balanced=not differences,
        differences=differences[:MAX_DIFFERENCES],
        late=ledger.late,
        plan=punctuality(ledger.plan, ledger.deliveries, as_of) if ledger.plan else None,
        tallies=tallies(ledger),
    )


def _differences(ledger: Ledger) -> Iterator[Difference]:
    unknown = set(ledger.filed) - {one.id for one in ledger.deliveries} - {None}
    if found := sum(ledger.filed[one] for one in unknown):
        yield Difference(batch=None, received_at=None, what="stored", reported=0, found=found)
    for one in ledger.deliveries:
        if one.kind != "interviews":
            continue
        told: Sequence[tuple[What, int, int]] = (
            ("stored", one.stored, ledger.filed[one.id]),
            ("refused", one.refused, one.refusals),
        )
        for what, reported, found in told:
            if reported != found:
                yield Difference(
                    batch=one.name,
                    received_at=one.received_at,
                    what=what,
                    reported=reported,
                    found=found,
                )


async def _rows(
    session: AsyncSession,
    sources: dict[str, Ledger],
    by: By | None,
    days: tuple[date, date],
    exact: bool,
) -> list[BatchRow | DayRow | UnitRow]:
    match by:
        case "batch":
            return [*_batches(sources, days, exact)]
        case "day":
            return [
                row
                for name, ledger in sources.items()
                for row in day_rows(name, ledger, exact)
                if (row.day is None and days == (date.min, date.max))
                or (row.day is not None and days[0] <= row.day <= days[1])
            ]
        case "unit":
            return [*await _units(session, sources, exact)]
        case None:
            return []


def _batches(
    sources: dict[str, Ledger], days: tuple[date, date], exact: bool
) -> Iterator[BatchRow]:
    for name, ledger in sources.items():
        for one in ledger.deliveries:
            if days[0] <= clock.day_of(one.received_at) <= days[1]:
                row = {**one._mapping, "source": name}
                if not exact:
                    row["already_answered"] = None
                yield BatchRow.model_validate(row)


def day_rows(name: str, ledger: Ledger, exact: bool) -> list[DayRow]:
    """A row for each day on which something was received or ended, in order; None comes last."""
    received: defaultdict[date, list[Any]] = defaultdict(list)
    for one in ledger.deliveries:
        received[clock.day_of(one.received_at)].append(one)
    ended = set(ledger.counts) | set(ledger.refused)
    days = sorted((ended | set(received) | set(ledger.told)) - {None})
    rows = []
    for day in [*days, *({None} & ended)]:
        deliveries = received.get(day, []) if day else []
        had_answered = sum(one.already_answered for one in deliveries) if exact else None
        tallies = sum(one.kind == "tallies" for one in deliveries)
        if day in ledger.told:
            had_answered = ledger.told[day]
        summed = Received(
            **numbers(deliveries).model_dump(), tallies=tallies, already_answered=had_answered
        )
        rows.append(DayRow(source=name, day=day, received=summed, ended=interviews(ledger, day)))
    return rows


async def _units(session: AsyncSession, sources: dict[str, Ledger], exact: bool) -> list[UnitRow]:
    keys = {name: set(one.counts) | set(one.refused) for name, one in sources.items()}
    ids = {one for several in keys.values() for one in several if one is not None}
    known = await queries.units_by_id(session, ids)
    rows = []
    for name, ledger in sources.items():
        for key in keys[name]:
            unit = UnitCalled.model_validate(known[key]) if key is not None else None
            rows.append(
                UnitRow(
                    source=name,
                    unit=unit,
                    **interviews(ledger, key).model_dump(),
                    already_answered=sum(one.already_answered for one in ledger.counts[key])
                    if exact
                    else None,
                )
            )
    return sorted(rows, key=lambda row: (row.source, row.unit is None, row.unit and row.unit.code))
