"""URLs of the page: what people open, send and are told. Every failure here is a page too."""

import gzip
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from app.core import clock, database_errors
from app.core.addresses import client_address, network_of
from app.core.http import request_id
from app.core.limits.counting import TooMany
from app.core.problems import (
    Busy,
    InternalError,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    UnsupportedMediaType,
)
from app.identity import devices
from app.identity.problems import IdentityRequired
from app.phone_page import forms, languages, pages
from app.phone_page.assets import ASSETS
from app.phone_page.forms import Form
from app.phone_page.pages import Keys, Visit
from app.phone_page.seals import seal, sealed
from app.phone_page.states import state_of, text_for
from app.questionnaires.problems import InvalidAnswers
from app.responses import service
from app.responses.guesses import few_guesses
from app.responses.schemas import SubmissionIn
from app.responses.service import Door, FindDoor, Reception

log = logging.getLogger("xinsheng.phone_page")

COOKIE_SECONDS = 400 * 24 * 3600
"""As long as browsers keep a cookie at all."""
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_FORM_TYPE = "application/x-www-form-urlencoded"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Vary": "Accept-Encoding, Accept-Language, Cookie",
}


@dataclass
class _Caller:
    """Who is at the door, as far as it is known yet: failures are told with what there is."""

    request: Request
    find_door: FindDoor
    link: str | None = None
    """The link's code; None for an invitation."""
    door: Door | None = None
    form: Form | None = None

    @property
    def reception(self) -> Reception:
        reception: Reception = self.request.app.state.reception
        return reception

    @property
    def public_url(self) -> str:
        return str(self.request.app.state.settings.public_url)

    @property
    def cookie(self) -> str | None:
        """The device proof in the browser's cookie, where it is one of ours."""
        proof = self.request.cookies.get(devices.COOKIE)
        return proof if devices.device_of(self.reception.keyring, proof) else None

    @property
    def device_proof(self) -> str | None:
        """What shows the device: its cookie, else what the form carried."""
        return self.cookie or (self.form.one("device_proof") if self.form else None)

    @property
    def visit(self) -> Visit:
        entrance = self.door.entrance if self.door else None
        asked = self.request.query_params.get("lang")
        language = languages.choose(
            entrance.population.questionnaire.definition if entrance else None,
            asked=asked or (self.form.one("locale") if self.form else None),
            accepted=self.request.headers.get("Accept-Language", ""),
        )
        root = urlsplit(self.public_url).path
        return Visit(language, root, entrance)


async def link_page(request: Request) -> Response:
    """The page behind a link."""
    reception: Reception = request.app.state.reception
    code = request.path_params["link"]
    return await _reply(
        _Caller(request, lambda fresh: service.by_link(reception, code, fresh=fresh), code)
    )


async def invitation_page(request: Request) -> Response:
    """The page behind an invitation."""
    reception: Reception = request.app.state.reception
    token = request.path_params["token"]
    return await _reply(
        _Caller(request, lambda fresh: service.by_invitation(reception, token, fresh=fresh))
    )


async def static_file(request: Request) -> Response:
    """A style or script, for ever the same under its name."""
    asset = ASSETS.get(request.path_params["name"])
    if asset is None:
        raise NotFound("There is no such file.")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
    }
    if not _takes_gzip(request):
        return Response(asset.body, headers=headers, media_type=asset.media_type)
    headers["Content-Encoding"] = "gzip"
    return Response(asset.gzipped, headers=headers, media_type=asset.media_type)


PAGE_ROUTES = [
    Route("/s/{link:path}", link_page, methods=_METHODS),
    Route("/i/{token:path}", invitation_page, methods=_METHODS),
    Route("/static/{name}", static_file),
]
"""Routes that pass FastAPI by: they speak HTML, so they stand in no OpenAPI document."""


async def _reply(caller: _Caller) -> Response:
    handlers: dict[str, Callable[[_Caller], Awaitable[Response]]] = {
        "GET": _show,
        "HEAD": _show,
        "POST": _take,
    }
    handle = handlers.get(caller.request.method, _refuse_method)
    known = caller.link is None or caller.reception.directory.remembers(caller.link)
    try:
        with few_guesses(caller.request.scope, known=known):
            return await handle(caller)
    except ClientDisconnect:
        raise
    except Exception as error:
        return _refused(caller, _problem(caller, error))


async def _refuse_method(caller: _Caller) -> Response:
    raise MethodNotAllowed(headers={"Allow": "GET, HEAD, POST"})


async def _show(caller: _Caller) -> Response:
    """The form, where it can be answered; writes nothing, since WeChat fetches links unasked."""
    scope, limits = caller.request.scope, caller.reception.limits
    if caller.link is not None:
        # Invitations are never limited so: a whole school sits behind one address.
        limits.admit("network", network_of(client_address(scope)))
    door = caller.door = await caller.find_door(True)
    refusal = service.gate(door.entrance, clock.now())
    if refusal is not None:
        raise refusal
    reception = caller.reception
    proof = None
    if door.invitation is None and door.entrance.admits("device"):
        proof = caller.cookie or devices.issue(reception.keyring)
    shown = service.Shown(device=proof)
    if not service.proofs_of(reception, door, shown):
        raise IdentityRequired()
    known = door.invitation is not None or caller.cookie is not None
    if known and await service.has_answered(reception, door, shown):
        return _page(caller, pages.message(caller.visit, "answered", "answered_text"), 200)
    opened_at = clock.now().isoformat(timespec="seconds")
    mark = seal(reception.keyring, caller.request.url.path, opened_at)
    keys = Keys(str(uuid.uuid4()), opened_at, mark, proof)
    response = _page(caller, pages.form(caller.visit, door.entrance, keys), 200)
    if proof is not None and caller.cookie is None:
        response.set_cookie(
            devices.COOKIE,
            proof,
            max_age=COOKIE_SECONDS,
            path="/",
            secure=caller.public_url.startswith("https:"),
            httponly=True,
            samesite="lax",
        )
    return response


async def _take(caller: _Caller) -> Response:
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
    )
    path, mark = caller.request.url.path, form.one("seal")
    ours = sealed(caller.reception.keyring, path, form.started_at, mark)
    opened_at = form.started_at if ours else None
    try:
        stored = await service.respond(
            caller.reception,
            caller.find_door,
            sent,
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
    html = pages.thanks(visit, door.entrance, stored.receipt, received_at)
    return _page(caller, html, 201 if stored.first_time else 200)


def _problem(caller: _Caller, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        kind = TooLarge if error.status_code == TooLarge.status else Malformed
        return kind(headers=dict(error.headers or {}))
    meaning = database_errors.meaning(error)
    if meaning == "away":
        return Busy()
    if meaning == "unstorable":
        return Malformed()
    extra = {"request_id": request_id(caller.request)}
    log.error("unhandled error", exc_info=error, extra=extra)
    return InternalError()


def _refused(caller: _Caller, problem: Problem) -> Response:
    """The page that tells of a problem; the form again where that can mend it."""
    form, door = caller.form, caller.door
    if form and door and isinstance(problem, InvalidAnswers | Busy | TooMany):
        keys = Keys(
            str(form.submission_id),
            form.one("started_at") or "",
            form.one("seal") or "",
            form.one("device_proof"),
        )
        html = pages.form(
            caller.visit,
            door.entrance,
            keys,
            filled=form,
            errors=problem.errors,
            busy=isinstance(problem, Busy | TooMany),
        )
    else:
        state = state_of(problem)
        entrance = door.entrance if door else None
        html = pages.message(
            caller.visit,
            state,
            text_for(state, entrance, filled=form is not None, now=clock.now()),
            reference=request_id(caller.request) if state == "failed" else None,
            resend=form if isinstance(problem, Busy | TooMany) else None,
        )
    return _page(caller, html, problem.status, problem.headers)


def _page(
    caller: _Caller, html: str, status: int, headers: dict[str, str] | None = None
) -> Response:
    body = html.encode()
    all_headers = {**_HEADERS, **(headers or {})}
    if _takes_gzip(caller.request):
        body = gzip.compress(body, 5)
        all_headers["Content-Encoding"] = "gzip"
    return Response(body, status, all_headers, media_type="text/html")


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "")
