"""URLs of results."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from app.access.principal import Principal, having
from app.access.turns import InTurn
from app.campaigns import service as campaigns
from app.core.database import ReadSession, Session
from app.core.preferences import has_already, prefers
from app.core.problems import NotFound, replies
from app.core.schemas import Code
from app.results import service, spreadsheet
from app.results.coverage import service as coverage
from app.results.coverage.schemas import CoverageOut
from app.results.coverage.school_year import service as school_years
from app.results.coverage.school_year.schemas import SchoolYearOut, SchoolYearQuery
from app.results.crosstabs import service as crosstabs
from app.results.crosstabs.schemas import CrosstabOut, CrosstabQuery
from app.results.numbers import service as numbers
from app.results.numbers.schemas import NumbersOut, NumbersQuery
from app.results.problems import NoRelease, TooManyResponses
from app.results.ranking import service as ranking
from app.results.ranking.schemas import RankingOut, RankingQuery
from app.results.schemas import ResultsOut, ResultsQuery, RowsQuery
from app.results.texts import service as texts
from app.results.texts.schemas import AnswersOut, AnswersQuery
from app.results.trends import service as trends
from app.results.trends.schemas import TrendOut, TrendQuery

router = APIRouter(prefix="/v1", tags=["results"])

Reader = Annotated[Principal, having("results:exact", "results:read")]
ExactReader = Annotated[Principal, having("results:exact")]
AnswersReader = Annotated[Principal, having("responses:read")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
SchoolYear = Annotated[
    int, Path(ge=1900, le=2199, description="2026 is 2026-autumn and 2027-spring.")
]
_CSV = "text/csv"
_ROWS = TypeAdapter(Sequence[Any])
_ROWS_AT_ONCE = 500
_Reply = ResultsOut | CoverageOut | SchoolYearOut | RankingOut | NumbersOut | CrosstabOut | TrendOut


def _described(*types: Any) -> dict[int | str, dict[str, Any]]:
    header = {"schema": {"type": "string"}}
    table = "With `Accept: text/csv`: a table; `Link` with rel=next leads to the next page."
    return {
        200: {
            "description": "As of now. " + table,
            "headers": {
                "ETag": {**header, "description": "Hash of the reply without as_of."},
                "Xinsheng-As-Of": {**header, "description": "`as_of`; with a 304 and a table too."},
                "Xinsheng-Release": {**header, "description": "The number, where it is a release."},
            },
            "content": {_CSV: {"schema": {"type": "string"}}},
        },
        304: {"description": "Nothing has changed since the reply with this ETag."},
        **replies(*types),
    }


@router.get(
    "/campaigns/{code}/results",
    response_model=ResultsOut,
    responses=_described(NotFound, NoRelease),
)
async def get_results(
    turn: InTurn,
    code: CampaignCode,
    query: Annotated[ResultsQuery, Query()],
    caller: Reader,
    request: Request,
    session: Session,
) -> Response:
    """Read a campaign's results: live with results:exact, else the latest release."""
    campaign = await campaigns.visible(session, caller, code)
    results, columns = await service.results(session, caller, campaign, query)
    rows, composite = results.rows, results.composite
    table = await _table(request, lambda: spreadsheet.results_csv(rows, *columns, composite))
    return await _reply(request, results, table)


@router.get(
    "/campaigns/{code}/coverage", response_model=CoverageOut, responses=_described(NotFound)
)
async def get_coverage(
    turn: InTurn,
    code: CampaignCode,
    query: Annotated[RowsQuery, Query()],
    caller: Reader,
    request: Request,
    session: Session,
) -> Response:
    """Read how far each unit is with each target; respondents are no secret."""
    campaign = await campaigns.visible(session, caller, code)
    found = await coverage.coverage(session, caller, campaign, query)
    table = await _table(request, lambda: spreadsheet.coverage_csv(found.rows))
    return await _reply(request, found, table)


@router.get(
    "/school-years/{year}/coverage",
    response_model=SchoolYearOut,
    responses=_described(NotFound),
)
async def get_school_year_coverage(
    turn: InTurn,
    year: SchoolYear,
    query: Annotated[SchoolYearQuery, Query()],
    caller: Reader,
    request: Request,
    session: Session,
) -> Response:
    """Read what part of a population was reached over a school year, as bounds."""
    found = await school_years.school_year(session, caller, year, query)
    table = await _table(request, lambda: spreadsheet.school_year_csv(found))
    return await _reply(request, found, table)


@router.get(
    "/campaigns/{code}/ranking",
    response_model=RankingOut,
    responses=_described(NotFound, NoRelease),
)
async def get_ranking(
    turn: InTurn,
    code: CampaignCode,
    query: Annotated[RankingQuery, Query()],
    caller: Reader,
    request: Request,
    session: Session,
) -> Response:
    """Rank units of one kind by their rates in the campaign's headline channels."""
    campaign = await campaigns.visible(session, caller, code)
    found = await ranking.ranking(session, caller, campaign, query)
    table = None
    if _wants_csv(request):
        ranked = service.chosen(await campaigns.populations(session, campaign.id), query.population)
        codes = [one.code for one in ranked]
        table = await _table(request, lambda: spreadsheet.ranking_csv(found.rows, codes))
    return await _reply(request, found, table)


@router.get(
    "/campaigns/{code}/numbers",
    response_model=NumbersOut,
    responses=_described(NotFound, TooManyResponses),
)
async def get_numbers(
    turn: InTurn,
    code: CampaignCode,
    query: Annotated[NumbersQuery, Query()],
    caller: ExactReader,
    request: Request,
    session: Session,
) -> Response:
    """Describe the answers to a number or a rating: mean, spread, sum and quantiles by unit."""
    campaign = await campaigns.visible(session, caller, code)
    found = await numbers.numbers(session, caller, campaign, query)
    table = await _table(request, lambda: spreadsheet.numbers_csv(found))
    return await _reply(request, found, table)


@router.get(
    "/campaigns/{code}/crosstab",
    response_model=CrosstabOut,
    responses=_described(NotFound, TooManyResponses),
)
async def get_crosstab(
    turn: InTurn,
    code: CampaignCode,
    query: Annotated[CrosstabQuery, Query()],
    caller: ExactReader,
    request: Request,
    session: Session,
    reading: ReadSession,
) -> Response:
    """Set two questions against each other: how many chose this here and that there."""
    campaign = await campaigns.visible(session, caller, code)
    await session.commit()  # while the other reads, others can have this connection
    found = await crosstabs.crosstab(reading, caller, campaign, query)
    table = await _table(request, lambda: spreadsheet.crosstab_csv(found))
    return await _reply(request, found, table)


@router.get(
    "/campaigns/{code}/answers",
    response_model=AnswersOut,
    responses={
        200: {
            "description": "With `Accept: text/csv`: a table; `Link` with rel=next leads to the "
            "next page.",
            "content": {_CSV: {"schema": {"type": "string"}}},
        },
        **replies(NotFound),
    },
)
async def get_answers(
    turn: InTurn,
    code: CampaignCode,
    query: Annotated[AnswersQuery, Query()],
    caller: AnswersReader,
    request: Request,
    session: Session,
    reading: ReadSession,
) -> Response:
    """Read what people wrote, without a word of who they are; each page is audited."""
    campaign = await campaigns.visible(session, caller, code)
    keyring = request.app.state.keyring
    found = await texts.read(session, reading, keyring, caller, campaign, query)
    headers = {"Vary": "Authorization, Accept", "Cache-Control": "no-store"}
    if not _wants_csv(request):
        body = found.model_dump_json(exclude_unset=True)
        return Response(body, headers=headers, media_type="application/json")
    headers |= _link(request, found.next)
    if found.sandbox:
        headers["Xinsheng-Sandbox"] = "true"
    return Response(spreadsheet.answers_csv(found.items), headers=headers, media_type=_CSV)


@router.get("/trends", response_model=TrendOut, responses=_described(NotFound, NoRelease))
async def get_trends(
    turn: InTurn,
    query: Annotated[TrendQuery, Query()],
    caller: Reader,
    request: Request,
    session: Session,
) -> Response:
    """Follow one unit's rate over campaigns, and test each change since the one before."""
    found = await trends.trend(session, caller, query)
    table = await _table(request, lambda: spreadsheet.trend_csv(found.rows))
    return await _reply(request, found, table)


async def _table(request: Request, write: Callable[[], bytes]) -> bytes | None:
    """The table, where the caller wants one: the largest takes seconds, so beside the loop."""
    return await asyncio.to_thread(write) if _wants_csv(request) else None


async def _reply(request: Request, reply: _Reply, table: bytes | None) -> Response:
    """The reply as JSON, or as the table; 304 where the caller has it."""
    of_one_campaign = None if isinstance(reply, SchoolYearOut | TrendOut) else reply
    lasting = await written(reply) if table is None else table
    etag = f'"{hashlib.sha256(lasting).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Vary": "Authorization, Accept",
        "Cache-Control": "private, no-cache",
        # A table, and a 304, have no other place to say these.
        "Xinsheng-As-Of": reply.as_of.isoformat().replace("+00:00", "Z"),
    }
    if isinstance(reply, ResultsOut | RankingOut) and reply.release is not None:
        headers["Xinsheng-Release"] = str(reply.release)
    if of_one_campaign and of_one_campaign.sandbox:
        headers["Xinsheng-Sandbox"] = "true"
    if has_already(request.headers.getlist("If-None-Match"), etag):
        return Response(status_code=304, headers=headers)
    if table is None:
        as_of = reply.model_dump_json(include={"as_of"}).encode()
        body = as_of.removesuffix(b"}") + b"," + lasting.removeprefix(b"{")
        return Response(body, headers=headers, media_type="application/json")
    if not isinstance(reply, CrosstabOut | TrendOut):
        headers |= _link(request, reply.next)
    return Response(table, headers=headers, media_type=_CSV)


async def written(reply: _Reply) -> bytes:
    """The reply as JSON without `as_of`; its rows come last, some at a time: the most take a
    second, in which this process takes answers too."""
    beside = reply.model_dump_json(exclude={"as_of", "rows"}, exclude_unset=True).encode()
    pieces = []
    for start in range(0, len(reply.rows), _ROWS_AT_ONCE):
        some = reply.rows[start : start + _ROWS_AT_ONCE]
        pieces.append(_ROWS.dump_json(some, exclude_unset=True)[1:-1])
        await asyncio.sleep(0)
    return beside.removesuffix(b"}") + b',"rows":[' + b",".join(pieces) + b"]}"


def _link(request: Request, following: str | None) -> dict[str, str]:
    """The header that leads to the next page of a table, where there is one."""
    if following is None:
        return {}
    parameters = {**request.query_params, "cursor": following}
    return {"Link": f'<?{urlencode(parameters)}>; rel="next"'}


def _wants_csv(request: Request) -> bool:
    return prefers(request.headers.getlist("Accept"), _CSV, over="application/json")
