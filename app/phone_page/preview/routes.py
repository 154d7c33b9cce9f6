"""The address of previews: what people will see, opened by whoever has the link.

Nothing that is filled in is stored anywhere, nor whether or by whom the link was opened.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.core import clock
from app.core.addresses import client_address, network_of
from app.core.database import Database
from app.core.problems import (
    FieldError,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Problem,
    UnsupportedMediaType,
)
from app.phone_page import forms, languages, pages
from app.phone_page.callers import LARGE, SIZES, Caller
from app.phone_page.forms import Form
from app.phone_page.pages import Keys, Step, Visit
from app.phone_page.preview.pages import unsound
from app.phone_page.replies import keep_size, page, problem_of, refused
from app.questionnaires import previews, publishing
from app.questionnaires import service as questionnaires
from app.questionnaires.problems import InvalidAnswers
from app.questionnaires.schemas import Definition
from app.questionnaires.validator import Validator
from app.responses.directory import Questionnaire
from app.responses.guesses import few_guesses
from app.responses.service import Door

_FORM_TYPE = "application/x-www-form-urlencoded"


async def preview_page(request: Request) -> Response:
    """The page behind a preview link."""
    caller = Caller(request, f"/p/{request.path_params['token']}", _no_door)
    caller.language_asked = request.query_params.get("lang")
    size = request.query_params.get(LARGE)
    caller.large_asked = size if size in SIZES else None
    try:
        with few_guesses(request.scope):
            response = await _reply(caller)
    except ClientDisconnect:
        raise
    except Exception as error:
        response = _refused(caller, problem_of(caller, error))
    keep_size(response, caller)
    return response


async def _no_door(fresh: bool) -> Door:
    raise NotFound("A preview leads to no campaign.")


async def _reply(caller: Caller) -> Response:
    request = caller.request
    if request.method not in ("GET", "HEAD", "POST"):
        raise MethodNotAllowed(headers={"Allow": "GET, HEAD, POST"})
    caller.reception.limits.admit("network", network_of(client_address(request.scope)))
    if request.method == "POST":
        caller.form = await _sent(request)
    code, version, definition = await _found(request)
    # Beside the loop on which parents are served: a large draft takes a while.
    faults = [] if version else await asyncio.to_thread(publishing.refusals, definition)
    visit = _visit(caller, definition)
    if faults:
        return page(caller, unsound(visit, definition, faults), 200)
    asked = await asyncio.to_thread(_compiled, code, version or 0, definition)
    return await asyncio.to_thread(_form, caller, visit, asked)


async def _sent(request: Request) -> Form:
    media_type = request.headers.get("Content-Type", "").partition(";")[0]
    if media_type.strip().lower() != _FORM_TYPE:
        raise UnsupportedMediaType()
    return forms.read(await request.body())


async def _found(request: Request) -> tuple[str, int | None, Definition]:
    shown = previews.opened(request.app.state.keyring, request.path_params["token"])
    if shown is None or clock.now() >= shown.until:
        raise NotFound("There is no such preview, or it is over.")
    database: Database = request.app.state.database
    async with database.sessions() as session:
        found = await questionnaires.previewed(session, shown)
    if found is None:
        raise NotFound("The questionnaire is gone.")
    code, definition = found
    return code, shown.version, definition


def _compiled(code: str, version: int, definition: Definition) -> Questionnaire:
    return Questionnaire(code, version, definition, Validator(definition))


def _visit(caller: Caller, definition: Definition) -> Visit:
    language = languages.choose(
        definition,
        asked=caller.language_asked or (caller.form.one("locale") if caller.form else None),
        accepted=caller.request.headers.get("Accept-Language", ""),
    )
    switch = [(one, name, caller.address(lang=one)) for one, name in language.others]
    return replace(caller.visit, language=language, switch=switch)


def _form(caller: Caller, visit: Visit, asked: Questionnaire) -> Response:
    """The form, empty or with what is wrong with it; or that nothing is."""
    filled = caller.form
    errors: Sequence[FieldError] = ()
    keys = Keys(str(uuid.uuid4()), "", "", None)
    if filled is not None:
        keys = replace(keys, submission_id=str(filled.submission_id))
        try:
            asked.validator.encode(asked.validator.asked(filled.answers(asked.definition)))
        except InvalidAnswers as refusal:
            errors = refusal.errors
        else:
            steps = [Step("preview_again", caller.address())]
            html = pages.message(visit, "preview_accepted", "preview_accepted_text", steps=steps)
            return page(caller, html, 200)
    html = pages.form(visit, asked, keys, filled=filled, errors=errors, preview=True)
    return page(caller, html, InvalidAnswers.status if errors else 200)


def _refused(caller: Caller, problem: Problem) -> Response:
    if isinstance(problem, NotFound):
        html = pages.message(caller.visit, "preview_over", "preview_over_text")
        return page(caller, html, problem.status)
    if isinstance(problem, Malformed | UnsupportedMediaType):
        caller.form = None
    return refused(caller, problem)
