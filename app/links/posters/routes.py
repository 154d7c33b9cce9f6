"""URLs of posters."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from app.access.principal import Caller
from app.campaigns import service as campaigns
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import Code, Cursor, number_in_cursor, paged
from app.links import service
from app.links.posters import queries, sheets
from app.links.posters.sheets import Locale
from app.units import service as units
from app.units.schemas import Kind

router = APIRouter(prefix="/v1", tags=["links"])

MOST = 500
"""Sheets in one document."""
_HTML: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
_HEADERS = {"Content-Security-Policy": sheets.POLICY}

Language = Annotated[Locale, Query(description="The language of the poster's own words.")]


def _public_url(request: Request) -> str:
    url: str = request.app.state.settings.public_url
    return url


@router.get(
    "/links/{link}/poster",
    response_class=HTMLResponse,
    responses={**_HTML, **replies(NotFound)},
)
async def get_poster(
    link: Annotated[Code, Path(description="The link's code, as its address holds it.")],
    caller: Caller,
    request: Request,
    session: Session,
    lang: Language = "zh-CN",
) -> HTMLResponse:
    """Draw a poster of a link: HTML that a browser prints on one sheet of A4."""
    found = await service.visible(session, caller, link)
    row = await queries.of_link(session, found.id)
    if row is None:
        raise NotFound("The link was revoked, so there is no poster of it: make a new link.")
    sheet = "".join(sheets.document([row], _public_url(request), lang))
    return HTMLResponse(sheet, headers=_HEADERS)


@router.get(
    "/campaigns/{code}/links/posters",
    response_class=StreamingResponse,
    responses={**_HTML, **replies(NotFound)},
)
async def list_posters(
    code: Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")],
    caller: Caller,
    request: Request,
    session: Session,
    population: Annotated[Code, Query(description="The code of one of its populations.")],
    level: Annotated[Kind | None, Query(description="Only links to units of this kind.")] = None,
    within: Annotated[Code | None, Query(description="Only this unit and all below it.")] = None,
    lang: Language = "zh-CN",
    limit: Annotated[int, Query(ge=1, le=MOST, description="Sheets in one document.")] = MOST,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> StreamingResponse:
    """Draw posters of a population's links that are in force, oldest first, as one document.

    Where there are more than `limit`, the reply's `Link` header has the address of the next part.
    """
    campaign = await campaigns.visible(session, caller, code)
    asked = await service.population_of(session, campaign, population, "?population")
    root = await units.visible(session, caller, within) if within else None
    rows = await queries.of_campaign(
        session,
        campaign.id,
        population=asked.position,
        kind=level,
        roots=[one for one in (caller.unit_id, root.id if root else None) if one is not None],
        after=number_in_cursor(cursor) or 0,
        limit=limit,
    )
    if not rows:
        raise NotFound("There are no such links in force that this client can see: make them.")
    shown, following = paged(rows, limit, "id")
    headers = dict(_HEADERS)
    if following is not None:
        url = request.url.include_query_params(cursor=following)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    document = sheets.document(shown, _public_url(request), lang)
    return StreamingResponse(document, headers=headers, media_type="text/html; charset=utf-8")
