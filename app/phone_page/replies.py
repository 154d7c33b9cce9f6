"""Replies to people: pages with their headers and cookies, and what went wrong as a page too."""

import base64
import logging

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from app.core import clock, database_errors, encodings
from app.core.http import request_id
from app.core.limits.counting import TooMany
from app.core.problems import Busy, InternalError, Malformed, Problem, TooLarge
from app.identity.problems import IdentityRequired
from app.links import qr
from app.phone_page import pages
from app.phone_page.callers import AGAIN, LARGE_COOKIE, WITHOUT, Caller
from app.phone_page.pages import SDK, Keys, Step
from app.phone_page.states import state_of, text_for
from app.questionnaires.problems import InvalidAnswers

log = logging.getLogger("xinsheng.phone_page")

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'{scripts}; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY.format(scripts=""),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Vary": "Accept-Encoding, Accept-Language, Cookie, User-Agent",
}
_SHARING = _POLICY.format(scripts=f" {SDK}")
"""In WeChat: its own script too, from its one address."""
COOKIE_SECONDS = 400 * 24 * 3600
"""As long as browsers keep a cookie at all."""


def page(caller: Caller, html: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """A page, compressed where the browser can read that."""
    body = html.encode()
    all_headers = {**_HEADERS, **(headers or {})}
    if caller.share is not None:
        all_headers["Content-Security-Policy"] = _SHARING
    encoding = encodings.chosen(caller.request.headers.get("Accept-Encoding", ""))
    if encoding != encodings.IDENTITY:
        body = encodings.quickly(encoding, body)
        all_headers["Content-Encoding"] = encoding
    return Response(body, status, all_headers, media_type="text/html")


def sent_on(address: str) -> Response:
    """A browser sent to another address, which it is to ask for anew each time."""
    headers = {name: _HEADERS[name] for name in ("Cache-Control", "Vary")}
    return RedirectResponse(address, 303, headers)


def keep(response: Response, caller: Caller, name: str, value: str, seconds: int) -> None:
    """Have the browser keep a cookie that no script and no other site sees."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=caller.https,
        httponly=True,
        samesite="lax",
    )


def keep_size(response: Response, caller: Caller) -> None:
    """Have the browser keep the size of print that was asked for; the page's script sets it too."""
    if caller.large_asked is not None:
        response.set_cookie(
            LARGE_COOKIE,
            caller.large_asked,
            max_age=COOKIE_SECONDS,
            path="/",
            secure=caller.https,
            samesite="lax",
        )


def problem_of(caller: Caller, error: Exception) -> Problem:
    """The problem that an exception means; what nobody foresaw is logged."""
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


def refused(caller: Caller, problem: Problem) -> Response:
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
            door.entrance.population.questionnaire,
            keys,
            filled=form,
            errors=problem.errors,
            busy=isinstance(problem, Busy | TooMany),
        )
        return page(caller, html, problem.status, problem.headers)
    if isinstance(problem, IdentityRequired) and _by_wechat_alone(caller):
        return _unrecognised(caller, problem)
    state = state_of(problem)
    entrance = door.entrance if door else None
    html = pages.message(
        caller.visit,
        state,
        text_for(state, entrance, filled=form is not None, now=clock.now()),
        reference=request_id(caller.request) if state == "failed" else None,
        resend=form if isinstance(problem, Busy | TooMany) else None,
        steps=another_child(caller) if state == "answered" else (),
    )
    return page(caller, html, problem.status, problem.headers)


def another_child(caller: Caller) -> list[Step]:
    """The way to answer for another child, where the campaign has it."""
    following = caller.next_child
    return [] if following is None else [Step("another_child", caller.address(child=following))]


def _by_wechat_alone(caller: Caller) -> bool:
    return caller.wechat is not None and not caller.may_go_without


def _unrecognised(caller: Caller, problem: Problem) -> Response:
    """WeChat alone says who answers here, and has not said it, or said it too long ago."""
    if caller.in_wechat:
        steps = [Step("try_again", caller.address(**{"wechat": AGAIN}))]
        html = pages.message(caller.visit, "recognise", "recognise_text", steps=steps)
    else:
        code = base64.b64encode(qr.svg(caller.settings.public_url + caller.path)).decode()
        html = pages.message(
            caller.visit,
            "open_in_wechat",
            "open_in_wechat_text",
            code=f"data:image/svg+xml;base64,{code}",
        )
    return page(caller, html, problem.status, problem.headers)


def without_wechat(caller: Caller) -> list[Step]:
    """The way on without WeChat, where there is one."""
    if not caller.may_go_without:
        return []
    return [Step("go_without", caller.address(**{"wechat": WITHOUT}))]
