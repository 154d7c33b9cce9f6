"""Rules of the telephone: deliveries taken at once or in the background, and what is on file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import sandboxes
from app.campaigns.tables import Campaign
from app.core.database import driver_connection
from app.core.problems import Malformed, NotFound, catalogue
from app.jobs import service as jobs
from app.responses.directory import Directory
from app.telephone import queries
from app.telephone.dispositions import ANSWERED
from app.telephone.reading import NO_ITEM, Raw, Reading
from app.telephone.schemas import Call, RevisionOut
from app.telephone.spool import Spool, lines_of
from app.telephone.tables import Delivery as DeliveryRow
from app.telephone.tables import Interview, Refusal
from app.telephone.taking import STATUSES, Delivery, Part, present_rules, take

JOB = "interviews"
"""The kind of jobs that take deliveries."""
AS_JSON = Reading("json")
PART = 1000
_PART_BYTES = 4 << 20


class Waiting(msgspec.Struct, frozen=True):
    """What the job of a delivery is told, as its parameters."""

    delivery: int
    campaign: str
    spool: UUID
    chunks: int
    reading: Reading


async def deliver(
    session: AsyncSession,
    caller: Principal,
    directory: Directory,
    campaign: Campaign,
    parts: Callable[[], Iterable[Part]],
    *,
    name: str,
    reading: Reading = AS_JSON,
) -> dict[str, Any]:
    """Take a delivery of interviews; returns the reply, as `InterviewsOut` describes it.

    `name` is the contractor's own for it; the campaign is one that the caller sees. Good items
    are stored though others are bad. Errors, for all of it: NotOpenYet, Closed, Busy.
    """
    connection = await driver_connection(session)
    await queries.lock_deliveries(connection, campaign.id, caller.id)
    delivery_id = await queries.new_delivery_id(connection)
    delivery = Delivery(delivery_id, campaign.code, caller, reading, keeps_results=True)
    taken = await take(session, directory, delivery, parts)
    await queries.insert_delivery(
        connection,
        delivery_id,
        campaign_id=campaign.id,
        source_id=caller.id,
        form=reading.form,
        name=name,
    )
    await queries.count_up(connection, delivery_id, taken.true, taken.refused)
    await queries.finish(connection, delivery_id)
    numbers: dict[str, int] = {status: taken.told[status] for status in STATUSES}
    audit.record(session, caller, "interviews.deliver", campaign.code, **numbers)
    about = {"delivery": delivery_id, **sandboxes.mark(campaign)}
    return {**about, **numbers, "results": taken.results}


async def hold(session: AsyncSession, campaign_id: int) -> None:
    """Let no interviews be delivered to a campaign until this transaction ends."""
    await queries.hold_deliveries(await driver_connection(session), campaign_id)


async def put_off(
    session: AsyncSession,
    caller: Principal,
    directory: Directory,
    campaign: Campaign,
    spool: Spool,
    *,
    name: str,
    reading: Reading,
) -> dict[str, Any]:
    """Have a job take a delivery; returns the reply, as `DeliveryQueued` describes it.

    Errors: NotOpenYet, Closed.
    """
    connection = await driver_connection(session)
    await present_rules(connection, directory, campaign.code)
    delivery_id = await queries.new_delivery_id(connection)
    await queries.insert_delivery(
        connection,
        delivery_id,
        campaign_id=campaign.id,
        source_id=caller.id,
        form=reading.form,
        name=name,
    )
    waiting = Waiting(delivery_id, campaign.code, spool.id, spool.count, reading)
    job = await jobs.queue(
        session,
        caller,
        kind=JOB,
        parameters=msgspec.to_builtins(waiting),
        campaign_id=campaign.id,
        total=spool.lines,
    )
    await queries.insert_chunks(connection, delivery_id, job.id, spool.chunks())
    about = {"delivery": delivery_id, **sandboxes.mark(campaign)}
    return {**about, "job": f"/v1/jobs/{job.id}"}


def one_part(items: Sequence[Any]) -> Callable[[], Iterable[Part]]:
    """Items as decoded from JSON, at most a thousand, as `deliver` takes them."""
    part = [Raw(index, None, item) for index, item in enumerate(items)]
    return lambda: [part]


def parts_of(
    reading: Reading, lines: Iterable[bytes], first: int = 0, *, most: int = PART
) -> Iterator[list[Raw]]:
    """The items on lines in parts of at most `most`; `first` is the number of the first line."""
    part: list[Raw] = []
    size = 0
    for index, line in enumerate(lines, first):
        stripped = line.strip().removeprefix(b"\xef\xbb\xbf") if index == 0 else line.strip()
        if not stripped:
            continue
        part.append(reading.raw(index, stripped))
        size += len(stripped)
        if len(part) == most or size > _PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def parts_in(spool: Spool, reading: Reading) -> Iterator[Part]:
    """The items of a spool in parts."""
    return parts_of(reading, lines_of(spool.pieces()))


def refusals_url(campaign: str, delivery_id: int) -> str:
    """Where it is told what was refused of a delivery."""
    return f"/v1/campaigns/{campaign}/deliveries/{delivery_id}/refusals"


def numbers_told(delivery: DeliveryRow) -> dict[str, int]:
    """How many items were told what; who had answered is among the accepted and updated."""
    hidden = delivery.already_answered - delivery.told_updated
    return {
        "accepted": delivery.accepted + hidden,
        "replayed": delivery.replayed,
        "updated": delivery.updated + delivery.told_updated,
        "already_answered": 0,
        "rejected": delivery.rejected,
    }


async def own_delivery(
    session: AsyncSession, caller: Principal, campaign: Campaign, delivery_id: int
) -> DeliveryRow:
    """A delivery of interviews of the caller's to a campaign. Errors: NotFound."""
    delivery = await queries.delivery(session, delivery_id, caller.id)
    if delivery is None or delivery.campaign_id != campaign.id:
        raise NotFound()
    return delivery


async def own_history(
    session: AsyncSession, caller: Principal, campaign: Campaign, interview_id: str
) -> list[Interview]:
    """The revisions of an interview of the caller's, the first one first. Errors: NotFound."""
    revisions = await queries.history(session, campaign.id, caller.id, interview_id)
    if not revisions:
        raise NotFound()
    return revisions


def refusal(row: Refusal, request_id: str) -> dict[str, Any]:
    """What was refused, as `RefusalOut` describes it."""
    [kind] = [one for one in catalogue() if one.slug == row.problem]
    document = {**kind(_detail(row)).document(request_id), "errors": row.errors}
    return {"index": row.index, "interview_id": row.interview_id, "problem": document}


def _detail(row: Refusal) -> str | None:
    """What the reply said of an item that could not be read; None: what its problem always says.

    Rows of tables keep it among their errors; lines of JSON have but one way of being none.
    """
    if row.problem != Malformed.slug:
        return None
    return str(row.errors[0]["message"]) if row.errors else NO_ITEM


def told(revision: Interview) -> RevisionOut:
    """A revision as its contractor may know of it: nothing of who else has answered."""
    return RevisionOut(
        revision=revision.revision,
        disposition=revision.disposition,
        attempts=revision.attempts,
        interviewer=revision.interviewer,
        language=revision.language,
        recording=revision.recording,
        recording_sha256=revision.recording_sha256,
        calls=None if revision.calls is None else [Call(**one) for one in revision.calls],
        ended_at=revision.ended_at,
        delivery=revision.delivery_id,
        received_at=revision.received_at,
        status="answered" if revision.disposition in ANSWERED else "no_answers",
    )
