"""URLs of the page: what people open, send and are told. Every failure here is a page too."""

import uuid
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from app.core import clock, encodings
from app.core.addresses import client_address, network_of
from app.core.problems import Malformed, MethodNotAllowed, NotFound, UnsupportedMediaType
from app.identity import devices
from app.identity.problems import IdentityRequired
from app.phone_page import forms, pages
from app.phone_page.assets import ASSETS
from app.phone_page.callers import LARGE, SIZES, Caller, by_path
from app.phone_page.pages import Keys
from app.phone_page.preview import routes as preview
from app.phone_page.replies import (
    COOKIE_SECONDS,
    another_child,
    keep,
    keep_size,
    page,
    problem_of,
    refused,
)
from app.phone_page.seals import seal, sealed
from app.phone_page.wechat import routes as wechat
from app.questionnaires.problems import InvalidAnswers
from app.responses import service
from app.responses.guesses import few_guesses
from app.responses.schemas import SubmissionIn

_FORM_TYPE = "application/x-www-form-urlencoded"


async def link_page(request: Request) -> Response:
    """The page behind a link."""
    return await _reply(_caller(request, f"/s/{request.path_params['link']}"))


async def invitation_page(request: Request) -> Response:
    """The page behind an invitation."""
    return await _reply(_caller(request, f"/i/{request.path_params['token']}"))


def _caller(request: Request, path: str) -> Caller:
    caller = by_path(request, path)
    caller.child_asked = request.query_params.get("child")
    caller.language_asked = request.query_params.get("lang")
    size = request.query_params.get(LARGE)
    caller.large_asked = size if size in SIZES else None
    return caller


async def static_file(request: Request) -> Response:
    """A style or script, for ever the same under its name."""
    asset = ASSETS.get(request.path_params["name"])
    if asset is None:
        raise NotFound("There is no such file.")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
    }
    encoding = encodings.chosen(request.headers.get("Accept-Encoding", ""), asset.bodies)
    if encoding != encodings.IDENTITY:
        headers["Content-Encoding"] = encoding
    return Response(asset.bodies[encoding], headers=headers, media_type=asset.media_type)


def _page(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    route = Route(path, endpoint)
    route.methods = None  # Any: a page says which ones it takes, on a page.
    return route


PAGE_ROUTES = [
    _page("/s/{link:path}", link_page),
    _page("/i/{token:path}", invitation_page),
    _page("/p/{token:path}", preview.preview_page),
    Route("/wechat/callback", wechat.callback),
    Route("/static/{name}", static_file),
]
"""Routes that pass FastAPI by: they speak HTML, so they stand in no OpenAPI document."""


async def _reply(caller: Caller) -> Response:
    handlers: dict[str, Callable[[Caller], Awaitable[Response]]] = {
        "GET": _show,
        "HEAD": _show,
        "POST": _take,
    }
    handle = handlers.get(caller.request.method, _refuse_method)
    known = caller.link is None or caller.reception.directory.remembers(caller.link)
    try:
        with few_guesses(caller.request.scope, known=known):
            response = await handle(caller)
    except ClientDisconnect:
        raise
    except Exception as error:
        response = refused(caller, problem_of(caller, error))
    keep_size(response, caller)
    return response


async def _refuse_method(caller: Caller) -> Response:
    raise MethodNotAllowed(headers={"Allow": "GET, HEAD, POST"})


async def _show(caller: Caller) -> Response:
    """The form, where it can be answered; writes nothing, since WeChat fetches links unasked."""
    scope, limits = caller.request.scope, caller.reception.limits
    if caller.link is not None:
        # Invitations are never limited so: a whole school sits behind one address.
        limits.admit("network", network_of(client_address(scope)))
    door = caller.door = await caller.find_door(True)
    refusal = service.gate(door.entrance, clock.now())
    if refusal is not None:
        raise refusal
    if wechat.is_wanted(caller):
        return wechat.begin(caller)
    reception = caller.reception
    proof = None
    if door.invitation is None and door.entrance.admits("device") and not caller.recognised:
        proof = caller.cookie or devices.issue(reception.keyring)
    shown = caller.shown(proof)
    if not service.proofs_of(reception, door, shown):
        raise IdentityRequired()
    new = proof is not None and caller.cookie is None
    if not new and await service.has_answered(reception, door, shown):
        html = pages.message(caller.visit, "answered", "answered_text", steps=another_child(caller))
        return page(caller, html, 200)
    opened_at = clock.now().isoformat(timespec="seconds")
    mark = seal(reception.keyring, caller.path, opened_at)
    keys = Keys(str(uuid.uuid4()), opened_at, mark, proof)
    asked = door.entrance.population.questionnaire
    response = page(caller, pages.form(caller.visit, asked, keys), 200)
    if proof is not None and new:
        keep(response, caller, devices.COOKIE, proof, COOKIE_SECONDS)
    return response


async def _take(caller: Caller) -> Response:
    """Store what was filled in, and say what became of it."""
    if caller.request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Malformed("This page takes only what was filled in on it.")
    body = await caller.request.body()
    media_type = caller.request.headers.get("Content-Type", "").partition(";")[0]
    if media_type.strip().lower() != _FORM_TYPE:
        raise UnsupportedMediaType()
    form = caller.form = forms.read(body)
    door = caller.door = await caller.find_door(False)
    if caller.link is not None:
        caller.reception.limits.admit("link", caller.link)
    visit = caller.visit
    definition = door.entrance.population.questionnaire.definition
    sent = SubmissionIn(
        submission_id=form.submission_id,
        answers=service.asked(door, form.answers(definition)),
        started_at=form.started_at,
        locale=visit.language.locale,
        device_proof=caller.device_proof,
        child=caller.child,
    )
    ours = sealed(caller.reception.keyring, caller.path, form.started_at, form.one("seal"))
    opened_at = form.started_at if ours else None
    try:
        stored = await service.respond(
            caller.reception,
            caller.find_door,
            sent,
            account=caller.account,
            network=network_of(client_address(caller.request.scope)),
            opened_at=opened_at,
        )
    except InvalidAnswers:
        # Nobody should correct answers that are no longer taken.
        door = caller.door = await caller.find_door(True)
        refusal = service.gate(door.entrance, clock.now(), opened_at=opened_at)
        if refusal is not None:
            raise refusal from None
        raise
    received_at = clock.now() if stored.first_time else None
    steps = another_child(caller)
    html = pages.thanks(visit, door.entrance, stored.receipt, received_at, steps=steps)
    return page(caller, html, 201 if stored.first_time else 200)
