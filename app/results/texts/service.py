"""Rules of reading text answers: whose, in which order, and that each page is audited."""

from struct import Struct
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core.keyring import Keyring, WrongKeyError
from app.core.problems import FieldError, InvalidInput
from app.core.schemas import bad_cursor, from_cursor, to_cursor
from app.counts.layouts import layouts_of
from app.responses.tables import Channel
from app.results.service import asked_about, chosen, scope
from app.results.texts import queries
from app.results.texts.schemas import AnswersOut, AnswersQuery, TextAnswer
from app.units.schemas import UnitRef

LOOKED_AT = 10_000
"""Texts that a page looks through at most, for those that are asked for."""
_POSITION = Struct(">hq16s")
_Position = tuple[int, tuple[int, UUID]]
"""A population, and where in its order."""


async def read(
    session: AsyncSession,
    reading: AsyncSession,
    keyring: Keyring,
    caller: Principal,
    campaign: Campaign,
    query: AnswersQuery,
) -> AnswersOut:
    """A page of what people wrote, audited through `session`; `reading` may be a replica.

    Errors: NotFound for `within`; InvalidInput for an unknown population, a question that is no
    text, and a cursor that is not ours.
    """
    begin, after = _opened(keyring, campaign, query.cursor)
    root_id = await scope(reading, caller, campaign, query.within)
    populations = chosen(await campaigns.populations(reading, campaign.id), query.population)
    asked = asked_about(query.question, await layouts_of(reading, populations))
    if any(place.type != "text" for [place] in asked.places.values()):
        message = "Name a question that is answered in words; results count all others."
        raise InvalidInput(errors=[FieldError("?question", "not_text", message)])
    items: list[TextAnswer] = []
    following: _Position | None = None
    for one in populations:
        if one.position < begin or one.position not in asked.places or following is not None:
            continue
        [place] = asked.places[one.position]
        since = after if one.position == begin else queries.FIRST
        found, end = await _texts(
            reading, campaign, (one.position, place.position), since, root_id, query, len(items)
        )
        items += [_item(row, one.code) for row in found]
        following = None if end is None else (one.position, end)
    _audit(session, caller, campaign, query, len(items))
    return AnswersOut(
        campaign=campaign.code,
        sandbox=campaign.sandbox_of is not None,
        question=query.question,
        items=items,
        next=None if following is None else _sealed(keyring, campaign, following),
    )


async def _texts(
    reading: AsyncSession,
    campaign: Campaign,
    place: tuple[int, int],
    after: queries.Place,
    root_id: int,
    query: AnswersQuery,
    had: int,
) -> tuple[list[Any], queries.Place | None]:
    """What one population says, for a page that has some already; then where to go on."""
    left = query.limit - had
    population, position = place
    rows = await queries.texts(
        reading,
        campaign.id,
        population,
        position,
        after=after,
        most=LOOKED_AT,
        root_id=root_id,
        channel=Channel[query.channel] if query.channel else None,
        clean=query.quality == "clean",
        contains=query.contains,
        limit=left + 1,
    )
    if len(rows) > left:
        last = rows[left - 1] if left else None
        return rows[:left], (last.shuffled, last.submission_id) if last else after
    end = await queries.end_of(reading, campaign.id, position, after=after, most=LOOKED_AT)
    return rows, end


def _item(row: Any, population: str) -> TextAnswer:
    return TextAnswer.model_validate(
        {
            "unit": UnitRef(code=row.code, name=row.name),
            "population": population,
            "channel": Channel(row.channel).name,
            "day": row.day,
            "text": row.body,
        }
    )


def _audit(
    session: AsyncSession, caller: Principal, campaign: Campaign, query: AnswersQuery, items: int
) -> None:
    filters = query.model_dump(exclude_none=True, exclude={"cursor", "contains"})
    # What is looked for may be somebody's name.
    filters |= {"contains": True} if query.contains is not None else {}
    audit.record(
        session,
        caller,
        "answers.read",
        campaign.code,
        **filters,
        first=query.cursor is None,
        items=items,
    )


def _context(campaign: Campaign) -> bytes:
    return b"answers/cursor/%d" % campaign.id


def _sealed(keyring: Keyring, campaign: Campaign, position: _Position) -> str:
    # Encrypted: whoever knows a response's id must not find its text by it.
    population, (shuffled, submission_id) = position
    plain = _POSITION.pack(population, shuffled, submission_id.bytes)
    return to_cursor(keyring.wrap(plain, context=_context(campaign)).hex())


def _opened(keyring: Keyring, campaign: Campaign, cursor: str | None) -> _Position:
    position = from_cursor(cursor)
    if position is None:
        return 0, queries.FIRST
    try:
        plain = keyring.unwrap(bytes.fromhex(position), context=_context(campaign))
    except (ValueError, WrongKeyError) as error:
        raise bad_cursor() from error
    population, shuffled, submission_id = _POSITION.unpack(plain)
    return population, (shuffled, UUID(bytes=submission_id))
