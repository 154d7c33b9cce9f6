"""URLs of the live stream."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse

from app.access import tickets
from app.access.principal import Principal, having, having_or_ticket, in_force
from app.campaigns import service as campaigns
from app.core import clock
from app.core.database import Database, Session
from app.core.problems import Busy, NotFound, replies
from app.core.schemas import Code
from app.results import service
from app.results.live.schemas import PopulationNow, ResultsEvent, TicketOut
from app.results.live.stream import States, Stream, Told
from app.results.problems import NoRelease
from app.results.schemas import ResultsQuery

router = APIRouter(prefix="/v1/campaigns", tags=["results"])

Reader = Annotated[Principal, having("results:exact", "results:read")]
Watcher = Annotated[Principal, having_or_ticket("results:exact", "results:read")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
_ASKED_AGAIN = timedelta(minutes=1)


class EventStream(StreamingResponse):
    """Events as they come. FastAPI's own class would hold the session for as long."""

    media_type = "text/event-stream"


_EXAMPLE = (
    "event: results\n"
    'data: {"campaign":"2026-autumn","as_of":"2026-11-21T08:00:00Z","exact":true,'
    '"populations":[{"population":"parent","respondents":1212,"included":1212,'
    '"rate":0.9473684210526315}]}\n'
    "id: 5c1f0a9be2d34b77\n\n"
)
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`results` events (`release` ones for results:read), each the whole state; "
        "a comment every 15 seconds where nothing is new, or nothing released yet; `end` when the "
        "token ends.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


@router.post("/{code}/stream/tickets", status_code=201, responses=replies(NotFound))
async def make_ticket(code: CampaignCode, caller: Reader, session: Session) -> TicketOut:
    """Get a ticket that opens the stream once within a minute, for browsers' EventSource."""
    campaign = await campaigns.visible(session, caller, code)
    assert caller.token is not None
    path = f"/v1/campaigns/{campaign.code}/stream"
    ticket = await tickets.issue(session, caller.token, path)
    return TicketOut(ticket=ticket, expires_in=int(tickets.LIFETIME.total_seconds()))


@router.get(
    "/{code}/stream",
    response_class=EventStream,
    responses={**_STREAM, **replies(NotFound, Busy)},
)
async def stream(
    code: CampaignCode,
    caller: Watcher,
    request: Request,
    session: Session,
    last_event_id: Annotated[
        str | None,
        Header(max_length=100, description="The id of the last event seen, which browsers send."),
    ] = None,
) -> EventStream:
    """Watch a campaign: its state at once, and each time that it has become another."""
    campaign = await campaigns.visible(session, caller, code)
    exact = caller.may("results:exact")
    root_id = await service.scope(session, caller, campaign, None)
    states: States = request.app.state.states
    database: Database = request.app.state.database
    # Refused as any request, not in the middle of a stream.
    await _event(session, caller, code)

    async def look_up() -> ResultsEvent | None:
        async with database.sessions() as fresh, fresh.begin():
            return await _event(fresh, caller, code)

    opened = Stream(
        states=states,
        campaign_id=campaign.id,
        key=(campaign.id, root_id, exact),
        look_up=look_up,
        may_go_on=_asking(database, caller),
        ending=request.app.state.ending,
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventStream(_written(opened.events(last_event_id)), headers=headers)


async def _written(events: AsyncIterator[Told]) -> AsyncIterator[bytes]:
    async for one in events:
        yield format_sse_event(**one._asdict())


def _asking(database: Database, caller: Principal) -> Callable[[], Awaitable[bool]]:
    """Whether the caller's token is in force still, looked up once a minute."""
    token = caller.token
    asked_at = time.monotonic()

    async def may_go_on() -> bool:
        nonlocal asked_at
        assert token is not None
        if token.expires_at <= clock.now():
            return False
        if time.monotonic() - asked_at < _ASKED_AGAIN.total_seconds():
            return True
        asked_at = time.monotonic()
        async with database.sessions() as fresh:
            return await in_force(fresh, token)

    return may_go_on


async def _event(session: Session, caller: Principal, code: str) -> ResultsEvent | None:
    campaign = await campaigns.visible(session, caller, code)
    query = ResultsQuery(by="population")
    try:
        results, _ = await service.results(session, caller, campaign, query)
    except NoRelease:
        # Whoever watches waits for the first one: a browser that is refused never asks again.
        return None
    return ResultsEvent(
        campaign=campaign.code,
        as_of=results.as_of,
        exact=results.exact,
        release=results.release,
        populations=[
            PopulationNow(
                population=row.population or "",
                respondents=row.respondents,
                included=row.included,
                rate=row.rate,
            )
            for row in results.rows
        ],
    )
