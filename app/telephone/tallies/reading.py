"""Reading batches of counts: their own source sees them, and who owns the campaign."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.access.tables import Client
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core.database import driver_connection
from app.core.problems import NotFound
from app.core.schemas import bad_cursor, from_cursor, to_cursor
from app.responses.directory import Rules
from app.responses.tables import Channel
from app.telephone import queries as telephone
from app.telephone.tallies import queries
from app.telephone.tallies.tables import Tally

Page = tuple[list[dict[str, Any]], str | None]
"""Items, and the cursor of the next page."""


async def batches(
    session: AsyncSession, caller: Principal, campaign: Campaign, *, after: int, limit: int
) -> list[Any]:
    """The latest revision of each batch that the caller sees, with its source: `limit + 1`."""
    source_id = None if await _sees_all(session, caller, campaign) else caller.id
    return await queries.batches(
        session, campaign.id, source_id=source_id, after=after, limit=limit
    )


async def history(
    session: AsyncSession, caller: Principal, campaign: Campaign, batch: str, source: str | None
) -> tuple[list[Tally], Client]:
    """A batch's revisions, the latest first, and its source.

    `source` None: the caller itself. Errors: NotFound, also for what the caller cannot see.
    """
    client = await telephone.client(session, source or caller.client_id)
    if client is not None and client.id != caller.id:
        client = client if await _sees_all(session, caller, campaign) else None
    found = await queries.revisions(session, campaign.id, client.id, batch) if client else []
    if client is None or not found:
        raise NotFound("There is no such batch that this client can see; name its ?source.")
    return found, client


async def _sees_all(session: AsyncSession, caller: Principal, campaign: Campaign) -> bool:
    """Whether the caller sees every source's: it owns the campaign and reads exact results."""
    return caller.may("results:exact") and await campaigns.owns(session, caller, campaign)


def revision_of(found: list[Tally], revision: int | None) -> tuple[Tally, Tally | None]:
    """One of a batch's revisions, or the latest, and the one before. Errors: NotFound."""
    numbers = [one.revision for one in found]
    if revision is not None and revision not in numbers:
        raise NotFound("This batch has no such revision.")
    place = 0 if revision is None else numbers.index(revision)
    return found[place], found[place + 1] if place + 1 < len(found) else None


async def rows(
    session: AsyncSession, rules: Rules, tally: Tally, *, cursor: str | None, limit: int
) -> Page:
    """The rows of a revision, as `TallyRowIn` describes them."""
    connection = await driver_connection(session)
    found = await queries.rows_of(connection, tally.id, after=_place(cursor), most=limit + 1)
    layouts = {one.position: one.questionnaire.validator.layout for one in rules.populations}
    items = []
    for row in found:
        places = [
            place
            for place in layouts[row["position"]].places
            if place.values and place.answered(row["cells"])
        ]
        items.append(
            {
                "unit": row["unit"],
                "population": row["population"],
                "respondents": row["respondents"],
                "counts": {place.code: place.counts(row["cells"]) for place in places},
                "answered": {
                    place.code: place.answered(row["cells"])
                    for place in places
                    if place.type == "multiple_choice"
                },
            }
        )
    return _paged(items, limit)


async def changes(
    session: AsyncSession, tally: Tally, former: Tally | None, *, cursor: str | None, limit: int
) -> Page:
    """What a revision changed, row by row, as `RowChange` describes it."""
    connection = await driver_connection(session)
    found = await queries.changed(
        connection, former.id if former else None, tally.id, after=_place(cursor), most=limit + 1
    )
    return _paged([dict(row) for row in found], limit)


def _paged(items: list[dict[str, Any]], limit: int) -> Page:
    if len(items) <= limit:
        return items, None
    last = items[limit - 1]
    return items[:limit], to_cursor(f"{last['unit']}/{last['population']}")


def _place(cursor: str | None) -> tuple[str, str]:
    unit, separator, population = (from_cursor(cursor) or "/").partition("/")
    if not separator:
        raise bad_cursor()
    return unit, population


def described(tally: Tally) -> dict[str, Any]:
    """A revision, as `TallyRevision` has it."""
    names = ("revision", "as_of", "source_note", "method", "rows", "respondents", "received_at")
    return {
        **{name: getattr(tally, name) for name in names},
        "channel": Channel(tally.channel).name,
    }


def batch_out(tally: Tally, source: Client) -> dict[str, Any]:
    """A batch, as `TallyBatch` has it."""
    return {
        **described(tally),
        "batch": tally.batch,
        "source": {"client_id": source.client_id, "name": source.name},
        "state": "live" if tally.rows else "withdrawn",
    }
