"""The way to WeChat and back. Nothing is written on the way there, since WeChat fetches links."""

import hashlib

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.core import clock
from app.core.addresses import client_address, network_of
from app.core.http import request_id
from app.identity import accounts
from app.identity.wechat import states
from app.identity.wechat.failures import STALE, Failure, Refused
from app.identity.wechat.states import State
from app.phone_page import pages
from app.phone_page.callers import AGAIN, ASKED, WITHOUT, Caller, by_path
from app.phone_page.pages import Step
from app.phone_page.replies import (
    keep,
    page,
    problem_of,
    refused,
    sent_on,
    without_wechat,
)

COOKIE = "xinsheng_wechat_nonce"
"""The browser's nonce; behind a dot the mark of the page that WeChat last sent it back to."""
_SECONDS = int(states.LASTS.total_seconds())
_LONGEST_CODE = 512
_STATUS = {
    Failure.no_code: 400,
    Failure.invalid_code: 400,
    Failure.used_code: 400,
    Failure.expired_code: 400,
    Failure.unbound: 400,
    Failure.snapshot: 403,
    Failure.busy: 503,
    Failure.unreachable: 503,
    Failure.quota: 503,
}
"""Others are WeChat's or the operator's: 502."""
_RETRY_AFTER = {"Retry-After": "60"}
_SPENT = (Failure.invalid_code, Failure.used_code, Failure.expired_code)
"""Failures that cost of WeChat's quota and that anybody can bring about."""
_ASK_SCHOOL = (Failure.credential, Failure.unknown)
"""Failures that no second try mends."""


def is_wanted(caller: Caller) -> bool:
    """Whether WeChat is to say who this is, before the page is shown."""
    return (
        caller.wechat is not None
        and caller.in_wechat
        and caller.asked != WITHOUT
        and not caller.recognised
    )


def begin(caller: Caller) -> Response:
    """Send the browser to WeChat, unless it has just come back from there in vain."""
    wechat = caller.wechat
    assert wechat is not None, "only where WeChat is wanted"
    nonce, came_back_to = _nonce(caller.request)
    again = caller.asked == AGAIN
    if came_back_to == _mark(caller.path) and not again:
        # Else two servers that do not share their keys would send people round for ever.
        return _failed(caller, Failure.unbound)
    nonce = nonce if nonce is not None and not came_back_to else states.new_nonce()
    state = states.make(
        caller.reception.keyring,
        nonce,
        caller.path,
        clock.now(),
        again=again,
        child=caller.child,
        locale=caller.language_asked,
    )
    callback = f"{caller.settings.public_url}/wechat/callback"
    response = sent_on(wechat.authorize_url(callback, state))
    keep(response, caller, COOKIE, nonce, _SECONDS)
    return response


async def callback(request: Request) -> Response:
    """Where WeChat sends people back to."""
    state = states.read(request.app.state.reception.keyring, request.query_params.get("state"))
    if state is None:
        return _lost(request)
    caller = by_path(request, state.path)
    caller.returning = True
    caller.child_asked = None if state.child is None else str(state.child)
    caller.language_asked = state.locale
    try:
        return await _returned(caller, state)
    except ClientDisconnect:
        raise
    except Exception as error:
        return refused(caller, problem_of(caller, error))


async def _returned(caller: Caller, state: State) -> Response:
    door = caller.door = await caller.find_door(True)
    wechat, request = caller.wechat, caller.request
    if wechat is None or caller.recognised:
        return sent_on(caller.address())
    nonce, _ = _nonce(request)
    code = request.query_params.get("code", "")
    try:
        if nonce is None or not state.is_of(nonce) or clock.now() >= state.until:
            raise Refused(Failure.unbound)
        if not (0 < len(code) <= _LONGEST_CODE and code.isascii() and code.isprintable()):
            raise Refused(Failure.no_code)
        limits, network = caller.reception.limits, network_of(client_address(request.scope))
        limits.check("codes", network)
        try:
            found = await wechat.exchanges.accounts(nonce, code)
        except Refused as error:
            if error.failure in _SPENT:
                limits.count("codes", network)
            raise
    except Refused as error:
        # Whoever has no nonce at all may have come by somebody else's address: they are told.
        if error.failure in STALE and not state.again and nonce is not None:
            return sent_on(caller.address(**{ASKED: AGAIN}))
        return _failed(caller, error.failure)
    keyring, campaign_id = caller.reception.keyring, door.entrance.rules.id
    proof = accounts.seal(keyring, campaign_id, found, clock.now())
    response = sent_on(caller.address())
    seconds = int(accounts.LASTS.total_seconds())
    keep(response, caller, accounts.COOKIE, accounts.beside(proof, caller.account), seconds)
    keep(response, caller, COOKIE, f"{nonce}.{_mark(caller.path)}", _SECONDS)
    return response


def _nonce(request: Request) -> tuple[str | None, str]:
    nonce, _, came_back_to = request.cookies.get(COOKIE, "").partition(".")
    return (nonce, came_back_to) if states.is_nonce(nonce) else (None, "")


def _mark(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()[:12]


def _failed(caller: Caller, failure: Failure) -> Response:
    """The page that says what WeChat did not do, and how to go on."""
    ask_school = failure in _ASK_SCHOOL
    steps = [] if ask_school else [Step("try_again", caller.address(**{ASKED: AGAIN}))]
    status = _STATUS.get(failure, 502)
    name = f"wechat_{failure.value}"
    html = pages.message(
        caller.visit,
        name,
        f"{name}_text",
        reference=request_id(caller.request) if ask_school else None,
        steps=[*steps, *without_wechat(caller)],
    )
    return page(caller, html, status, _RETRY_AFTER if status == 503 else None)


def _lost(request: Request) -> Response:
    """Somebody comes back with a state that we did not make: there is no page to go on to."""
    caller = by_path(request, request.url.path)
    caller.returning = True
    return page(caller, pages.message(caller.visit, "wechat_lost", "wechat_lost_text"), 400)
