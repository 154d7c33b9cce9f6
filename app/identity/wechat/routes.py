"""URLs of WeChat for programs and for WeChat's own check; people's stand in the phone page."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.core import clock
from app.core.problems import Busy, FieldError, InvalidInput, NotFound, replies
from app.core.settings import Settings
from app.identity.wechat.failures import Refused
from app.identity.wechat.schemas import SignatureOut
from app.identity.wechat.service import WeChat
from app.identity.wechat.signatures import is_ours, sign

router = APIRouter(tags=["answering"])

_LONGEST = 2000


@router.get("/v1/wechat/signature", responses=replies(NotFound))
async def get_signature(
    request: Request,
    url: Annotated[
        str,
        Query(
            max_length=_LONGEST,
            description="The address of one of this service's own pages, as the browser has it; "
            "what follows `#` is left out.",
        ),
    ],
) -> SignatureOut:
    """Sign a page's address for WeChat's script, so that it can set its share card.

    Needs no token. 404 where no WeChat account is set.
    """
    wechat: WeChat | None = request.app.state.wechat
    settings: Settings = request.app.state.settings
    if wechat is None:
        raise NotFound("No WeChat account is set here.")
    if not is_ours(url.partition("#")[0], settings.public_url, settings.allowed_hosts):
        message = "The whole address of a page of this service, such as https://…/s/abcd1234."
        raise InvalidInput(errors=[FieldError("?url", "not_ours", message)])
    try:
        ticket = await wechat.passes.ticket()
    except Refused as error:
        raise Busy("WeChat gives no ticket just now.", retry_after=10) from error
    made = sign(ticket, url, clock.now())
    return SignatureOut(
        app_id=wechat.account.app_id,
        timestamp=made.timestamp,
        nonce=made.nonce,
        signature=made.signature,
    )


def verify_routes(files: Mapping[str, str]) -> list[Route]:
    """The files by which WeChat checks that a domain is ours, at the root."""
    return [Route(f"/{name}", partial(_verify_file, content)) for name, content in files.items()]


async def _verify_file(content: str, request: Request) -> PlainTextResponse:
    return PlainTextResponse(content)
