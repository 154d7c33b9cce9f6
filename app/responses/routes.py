"""URLs of answering: bare ASGI for what parents wait for, FastAPI for the rest."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from starlette.requests import ClientDisconnect, cookie_parser
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core import clock
from app.core.addresses import client_address, network_of
from app.core.database import lent
from app.core.http import error_response
from app.core.problems import NotFound, replies
from app.identity import accounts, devices
from app.responses import receipts, service
from app.responses.directory import Entrance
from app.responses.guesses import check_guesses, count_guess, few_guesses
from app.responses.problems import Closed, LinkRevoked, NotOpenYet
from app.responses.schemas import (
    ArrivalOut,
    ConsentOut,
    LinkView,
    QuestionnaireView,
    ReceiptIn,
    decode_submission,
)
from app.responses.service import Reception
from app.units.schemas import UnitRef

router = APIRouter(tags=["answering"])

_encode = msgspec.json.Encoder().encode
_FindDoor = Callable[..., Awaitable[service.Door]]
"""`service.by_link` or `service.by_invitation`."""


class Answering:
    """The address that takes responses: bare ASGI, since parents wait for it."""

    def __init__(self, find_door: _FindDoor, parameter: str) -> None:
        self._find_door = find_door
        self._parameter = parameter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reception: Reception = scope["app"].state.reception
        name = scope["path_params"][self._parameter]
        if self._parameter == "link":
            scope["standing"] = reception.limits.admit("link", name)
            if not reception.directory.remembers(name):
                check_guesses(scope)
        sent = decode_submission(await _body(receive))
        try:
            stored = await service.respond(
                reception,
                lambda fresh: self._find_door(reception, name, fresh=fresh),
                sent,
                account=_account(scope),
                network=network_of(client_address(scope)),
            )
        except NotFound:
            count_guess(scope)
            raise
        word = "replaced" if stored.replaced else "accepted"
        body = _encode({"status": word, "receipt": stored.receipt})
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        status = 201 if stored.first_time and not stored.replaced else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _account(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"cookie" and accounts.COOKIE.encode() in value:
            if _is_of_another_site(scope):
                return None
            return cookie_parser(value.decode("latin-1")).get(accounts.COOKIE)
    return None


def _is_of_another_site(scope: Scope) -> bool:
    # Old browsers send cookies with what other sites' pages send in a person's name.
    headers = dict(scope["headers"])
    if headers.get(b"sec-fetch-site") == b"cross-site":
        return True
    origin = headers.get(b"origin")
    if origin is None:
        return False
    ours = headers.get(b"host", b""), urlsplit(scope["app"].state.settings.public_url).netloc
    return origin.partition(b"://")[2] not in (ours[0], ours[1].encode())


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect()
        part: bytes = message.get("body", b"")
        body += part
        if not message.get("more_body", False):
            return body


_ANSWERING = {
    "links": ("link", Answering(service.by_link, "link")),
    "invitations": ("token", Answering(service.by_invitation, "token")),
}
HOT_ROUTES = [
    Route(f"/v1/{kind}/{{{parameter}}}/responses", endpoint, methods=["POST"])
    for kind, (parameter, endpoint) in _ANSWERING.items()
]
"""Routes that FastAPI does not see; `app.responses.openapi` describes them."""


class ExpressLane:
    """Middleware that leads responses past the routers and layers that do nothing for them."""

    _path = re.compile("/v1/(links|invitations)/([^/]+)/responses")

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hit = None
        if scope["type"] == "http" and scope["method"] == "POST":
            hit = self._path.fullmatch(scope["path"])
        if hit is None:
            await self.app(scope, receive, send)
            return
        parameter, answering = _ANSWERING[hit[1]]
        scope["path_params"] = {parameter: hit[2]}
        scope["endpoint"] = answering
        try:
            await answering(scope, receive, send)
        except Exception as error:
            reply = await error_response(Request(scope), error)
            await reply(scope, receive, send)


_STATES = {NotOpenYet: "not_open_yet", Closed: "closed", LinkRevoked: "revoked"}


@router.get("/v1/links/{link}", responses=replies(NotFound))
async def get_link(
    link: Annotated[str, Path(description="The link's code.")],
    request: Request,
    response: Response,
    locale: Annotated[
        str | None,
        Query(description="Only texts in this language, else in the questionnaire's own."),
    ] = None,
) -> LinkView:
    """Read what a link asks, for mini-programs and other clients; needs no token."""
    reception: Reception = request.app.state.reception
    # Each reply's device proof is one person's: two who shared it would be one.
    response.headers["Cache-Control"] = "no-store"
    with few_guesses(request.scope, known=reception.directory.remembers(link)):
        entrance = (await service.by_link(reception, link, fresh=True)).entrance
    refusal = service.gate(entrance, clock.now())
    admits_devices = refusal is None and entrance.admits("device")
    return LinkView(
        campaign={"code": entrance.rules.code, "title": entrance.rules.title},
        sandbox=entrance.rules.sandbox,
        purpose=entrance.rules.purpose,
        erased_from=entrance.rules.erased_from,
        unit=UnitRef(code=entrance.unit_code, name=entrance.unit_name),
        population=entrance.population.code,
        state=_STATES[type(refusal)] if refusal else "open",
        device_proof=devices.issue(reception.keyring) if admits_devices else None,
        questionnaire=_view(entrance, locale),
    )


@router.post("/v1/receipts/read", responses=replies(NotFound))
async def read_receipt(sent: ReceiptIn, request: Request) -> ArrivalOut:
    """Read what a receipt proves: that the response arrived, and whether it counts."""
    reception: Reception = request.app.state.reception
    with few_guesses(request.scope):
        async with lent(reception.pool) as connection:
            return _arrival(await receipts.read(connection, reception.directory, sent.receipt))


@router.post("/v1/receipts/withdraw", responses=replies(NotFound, Closed))
async def withdraw_by_receipt(sent: ReceiptIn, request: Request) -> ArrivalOut:
    """Withdraw the response behind a receipt, until the campaign closes."""
    reception: Reception = request.app.state.reception
    with few_guesses(request.scope):
        async with lent(reception.pool) as connection:
            return _arrival(await receipts.withdraw(connection, reception.directory, sent.receipt))


@router.post("/v1/receipts/erase", responses=replies(NotFound))
async def erase_by_receipt(sent: ReceiptIn, request: Request) -> ArrivalOut:
    """Erase what was written in the response behind a receipt.

    Until the campaign closes this withdraws it too. Later its closed answers stay counted: they
    lead to nobody.
    """
    reception: Reception = request.app.state.reception
    with few_guesses(request.scope):
        async with lent(reception.pool) as connection:
            return _arrival(await receipts.erase(connection, reception.directory, sent.receipt))


def _arrival(arrival: receipts.Arrival) -> ArrivalOut:
    return ArrivalOut(
        status=arrival.status,
        campaign=arrival.campaign,
        received_at=arrival.received_at,
        answers=arrival.answers,
        consent=ConsentOut.model_validate(arrival.consent) if arrival.consent else None,
        erased_from=arrival.erased_from,
    )


def _view(entrance: Entrance, locale: str | None) -> QuestionnaireView:
    questionnaire = entrance.population.questionnaire
    document = questionnaire.definition.model_dump(mode="json", by_alias=True, exclude_none=True)
    if locale is not None:
        default = questionnaire.definition.default_locale
        document = _in_language(document, partial(_one, locale=locale, default=default))
    return QuestionnaireView.model_validate(
        {**document, "code": questionnaire.code, "version": questionnaire.version}
    )


_LOCALIZED = frozenset({"title", "intro", "consent", "thanks", "label", "hint"})


def _one(texts: dict[str, str], *, locale: str, default: str) -> dict[str, str]:
    chosen = next((one for one in (locale, default, *texts) if one in texts), default)
    return {chosen: texts[chosen]}


def _in_language(document: Any, choose: Any) -> Any:
    if isinstance(document, list):
        return [_in_language(one, choose) for one in document]
    if not isinstance(document, dict):
        return document
    return {
        name: choose(value) if name in _LOCALIZED else _in_language(value, choose)
        for name, value in document.items()
    }
