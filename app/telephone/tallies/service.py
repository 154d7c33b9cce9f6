"""Rules of tallies: what a batch may count, which revision counts, who sees it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import sandboxes
from app.campaigns import service as campaigns
from app.core import clock
from app.core.database import Connection, driver_connection
from app.core.problems import FieldError, InvalidInput, NotFound, Problem, pointer
from app.responses.directory import Directory, Rules
from app.responses.tables import Channel
from app.telephone.items import CLOCK_SKEW
from app.telephone.tallies import queries
from app.telephone.tallies.checking import UNKNOWN_UNIT, Checking, Row
from app.telephone.tallies.problems import DoubleCount, OverlappingTally, TallyConflict
from app.telephone.tallies.schemas import TallyIn, TallyRowIn, read_row
from app.telephone.tallies.tables import Tally
from app.telephone.windows import require_taking
from app.units import service as units

MOST_ERRORS = 1000
SHOWN = 100
"""Rows and units that a reply lists."""
_NAMED = 10
_AT_A_TIME = 50


async def deliver(
    session: AsyncSession,
    caller: Principal,
    directory: Directory,
    code: str,
    batch: str,
    sent: TallyIn,
    rows: Sequence[Any],
) -> dict[str, Any]:
    """Take a batch of counts, all of it or nothing; returns the reply, as `TallyReply` has it.

    `rows` as decoded from JSON, not yet looked at. Errors: NotFound, NotOpenYet, Closed,
    InvalidInput, TallyConflict, OverlappingTally, DoubleCount.
    """
    # Until the commit nobody changes the campaign, whose rules the counts were checked by.
    campaign = await campaigns.locked(session, caller, code, shared=True)
    connection = await driver_connection(session)
    await queries.lock_source(connection, campaign.id, caller.id)
    rules = await directory.campaign_by_id(connection, campaign.id)
    assert rules is not None
    former = await queries.latest(session, campaign.id, caller.id, batch)
    repeated = former is not None and former.revision == sent.revision
    if not repeated:
        require_taking(rules)
    checked = await _checked(session, caller, rules, sent, rows)
    digest = await _digest(sent, checked)
    if former is not None and sent.revision <= former.revision:
        if not repeated or digest != former.digest:
            message = f"The latest revision is {former.revision}."
            raise TallyConflict(errors=[FieldError("/revision", "not_higher", message)])
        status, tally = "replayed", former
    else:
        if former is None and not checked:
            message = "There is no such batch yet to withdraw: send its rows."
            raise InvalidInput(errors=[FieldError("/rows", "too_few", message)])
        status = "updated" if former else "accepted"
        tally = await _replace(session, caller, rules, batch, sent, checked, digest, former)
    await queries.note_delivery(connection, tally, status, len(checked))
    detail = {"batch": batch, "revision": sent.revision, "rows": len(checked), "status": status}
    audit.record(session, caller, "tallies.deliver", code, **detail)
    return {
        "batch": batch,
        **sandboxes.mark(campaign),
        "revision": tally.revision,
        "status": status,
        "changed": await _changes(connection, tally if status == "replayed" else former, tally),
        "nested": await queries.nested(connection, rules.id, caller.id, SHOWN),
    }


async def _checked(
    session: AsyncSession, caller: Principal, rules: Rules, sent: TallyIn, rows: Sequence[Any]
) -> list[Row]:
    errors = list(_misplaced(sent.as_of, rules))
    read: list[tuple[int, TallyRowIn]] = []
    async for index in _unhurried(len(rows)):
        try:
            read.append((index, read_row(rows[index], index)))
        except InvalidInput as problem:
            errors += problem.errors
    codes = {one.unit for _, one in read}
    ids = await units.visible_ids(session, caller, codes, within=rules.region_id)
    checking = Checking(rules, ids)
    checked: list[Row] = []
    async for number in _unhurried(len(read)):
        index, one = read[number]
        row, wrong = checking.row(one, index)
        errors += wrong
        if row is not None:
            checked.append(row)
    if errors:
        raise _refusal(errors)
    return checked


async def _unhurried(number: int) -> AsyncIterator[int]:
    """The numbers below one, with pauses: parents are waiting for this process too."""
    for index in range(number):
        if index % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        yield index


def _misplaced(as_of: datetime, rules: Rules) -> Iterable[FieldError]:
    if as_of > clock.now() + CLOCK_SKEW:
        message = "Counts are delivered after they were counted."
        yield FieldError("/as_of", "in_the_future", message)
    elif not rules.opens_at <= as_of < rules.closes_at:
        message = "It must lie from the campaign's opens_at until before its closes_at."
        yield FieldError("/as_of", "outside_window", message)


def _refusal(errors: Sequence[FieldError]) -> Problem:
    listed = errors[:MOST_ERRORS]
    detail = None
    if len(listed) < len(errors):
        detail = f"{len(errors):,} things are wrong; `errors` lists the first {MOST_ERRORS:,}."
    if all(error.code == UNKNOWN_UNIT for error in errors):
        return NotFound(detail, errors=listed)
    return InvalidInput(detail, errors=listed)


async def _digest(sent: TallyIn, rows: Sequence[Row]) -> bytes:
    """What is equal for equal content, whatever its revision, order and spelling."""
    about = [sent.channel, sent.as_of.astimezone(UTC), sent.source_note, sent.method]
    digest = hashlib.sha256(msgspec.json.encode(about))
    ordered = sorted(rows, key=lambda one: (one.unit_id, one.population))
    async for number in _unhurried(len(ordered)):
        one = ordered[number]
        content = [one.unit_id, one.population, one.respondents, one.cells]
        digest.update(msgspec.json.encode(content))
    return digest.digest()


async def _replace(
    session: AsyncSession,
    caller: Principal,
    rules: Rules,
    batch: str,
    sent: TallyIn,
    rows: Sequence[Row],
    digest: bytes,
    former: Tally | None,
) -> Tally:
    """Have a new revision count in place of the former one."""
    connection = await driver_connection(session)
    tally = await queries.insert_tally(
        session,
        {
            "campaign_id": rules.id,
            "source_id": caller.id,
            "batch": batch,
            **sent.model_dump(include={"revision", "as_of", "source_note", "method"}),
            "channel": Channel[sent.channel],
            "digest": digest,
            "rows": len(rows),
            "respondents": sum(one.respondents for one in rows),
        },
    )
    if former is not None:
        await queries.retire(connection, former.id)
    pairs = {(one.unit_id, one.population) for one in rows}
    interviewed, _ = await queries.take(connection, rules.id, caller.id, pairs, "tallies")
    if interviewed:
        raise DoubleCount(**_at(rows, interviewed, "interviewed"))
    if not await queries.insert_rows(connection, tally, clock.day_of(sent.as_of), rows):
        counted = await queries.overlapping(connection, tally, pairs)
        raise OverlappingTally(**_at(rows, counted, "counted_already"))
    if former is not None:
        await queries.release(connection, former.id)
    return tally


def _at(rows: Iterable[Row], pairs: Collection[tuple[int, int]], code: str) -> dict[str, Any]:
    """The arguments of a problem with the rows about these pairs."""
    found = [one for one in rows if (one.unit_id, one.population) in pairs]
    units = sorted({one.unit for one in found})
    more = f" and {len(units) - _NAMED:,} more" if len(units) > _NAMED else ""
    return {
        "detail": f"It is about the units {', '.join(units[:_NAMED])}{more}.",
        "errors": [
            FieldError(pointer(["rows", one.index]), code, "Leave this row out.")
            for one in found[:MOST_ERRORS]
        ],
    }


async def _changes(connection: Connection, former: Tally | None, tally: Tally) -> dict[str, Any]:
    former_id = former.id if former else None
    rows, counts = await queries.changed_in_all(connection, former_id, tally.id)
    return {
        "respondents_before": former.respondents if former else 0,
        "respondents_after": tally.respondents,
        "rows_changed": rows,
        "counts_changed": counts,
        "rows": [
            dict(row) for row in await queries.changed(connection, former_id, tally.id, most=SHOWN)
        ],
    }
