"""URLs of results."""

import hashlib
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from app.access.principal import Principal, having
from app.access.turns import InTurn
from app.campaigns import service as campaigns
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import Code
from app.results import coverage, service, spreadsheet
from app.results.numbers import service as numbers
from app.results.numbers.schemas import NumbersOut, NumbersQuery
from app.results.problems import NoRelease, TooManyResponses
from app.results.ranking import service as ranking
from app.results.ranking.schemas import RankingOut, RankingQuery
from app.results.schemas import CoverageOut, CoverageQuery, ResultsOut, ResultsQuery
from app.results.trends import service as trends
from app.results.trends.schemas import TrendOut, TrendQuery

router = APIRouter(prefix="/v1", tags=["results"])

Reader = Annotated[Principal, having("results:exact", "results:read")]
ExactReader = Annotated[Principal, having("results:exact")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
_CSV = "text/csv"


def _described(*types: Any) -> dict[int | str, dict[str, Any]]:
    header = {"schema": {"type": "string"}}
    table = "With `Accept: text/csv`: a table; `Link` with rel=next leads to the next page."
    return {
        200: {
            "description": "As of now. " + table,
            "headers": {"ETag": {**header, "description": "Hash of the reply without as_of."}},
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
    results, values = await service.results(session, caller, campaign, query)
    table = spreadsheet.results_csv(results.rows, values) if _wants_csv(request) else None
    return _reply(request, results, table)


@router.get(
    "/campaigns/{code}/coverage", response_model=CoverageOut, responses=_described(NotFound)
)
async def get_coverage(
    turn: InTurn,
    code: CampaignCode,
    query: Annotated[CoverageQuery, Query()],
    caller: Reader,
    request: Request,
    session: Session,
) -> Response:
    """Read how far each unit is with each target; respondents are no secret."""
    campaign = await campaigns.visible(session, caller, code)
    found = await coverage.coverage(session, caller, campaign, query)
    table = spreadsheet.coverage_csv(found.rows) if _wants_csv(request) else None
    return _reply(request, found, table)


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
    table = spreadsheet.ranking_csv(found.rows) if _wants_csv(request) else None
    return _reply(request, found, table)


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
    table = spreadsheet.numbers_csv(found.rows) if _wants_csv(request) else None
    return _reply(request, found, table)


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
    table = spreadsheet.trend_csv(found.rows) if _wants_csv(request) else None
    return _reply(request, found, table)


def _reply(
    request: Request,
    reply: ResultsOut | CoverageOut | RankingOut | NumbersOut | TrendOut,
    table: bytes | None,
) -> Response:
    """The reply as JSON, or as the table; 304 where the caller has it."""
    of_one_campaign = None if isinstance(reply, TrendOut) else reply
    lasting = table
    if lasting is None:
        lasting = reply.model_dump_json(exclude={"as_of"}, exclude_unset=True).encode()
    etag = f'"{hashlib.sha256(lasting).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Vary": "Authorization, Accept",
        "Cache-Control": "private, no-cache",
    }
    if of_one_campaign and of_one_campaign.sandbox:  # a table has no other place to say it
        headers["Xinsheng-Sandbox"] = "true"
    if _matches(request, etag):
        return Response(status_code=304, headers=headers)
    if table is None:
        body = reply.model_dump_json(exclude_unset=True)
        return Response(body, headers=headers, media_type="application/json")
    if of_one_campaign and of_one_campaign.next is not None:
        parameters = {**request.query_params, "cursor": of_one_campaign.next}
        headers["Link"] = f'<?{urlencode(parameters)}>; rel="next"'
    return Response(table, headers=headers, media_type=_CSV)


def _matches(request: Request, etag: str) -> bool:
    known = ",".join(request.headers.getlist("If-None-Match")).split(",")
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in known)


def _wants_csv(request: Request) -> bool:
    """Whether the table is preferred: named, and no less welcome than what JSON falls under."""
    quality: dict[str, float] = {}
    for part in ",".join(request.headers.getlist("Accept")).split(","):
        kind, *parameters = (one.strip().lower() for one in part.split(";"))
        quality[kind] = _quality(parameters)
    csv = quality.get(_CSV, 0)
    if "application/json" in quality:
        return csv > quality["application/json"]
    return csv > 0 and csv >= quality.get("application/*", quality.get("*/*", 0))


def _quality(parameters: list[str]) -> float:
    for one in parameters:
        if one.startswith("q="):
            try:
                return float(one[2:])
            except ValueError:
                return 0
    return 1
