"""URLs of answering: plain Starlette for what parents wait for, FastAPI for the rest."""

from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response
from starlette.routing import Route

from app.core import clock
from app.core.problems import NotFound, replies
from app.identity import devices
from app.responses import service
from app.responses.directory import Entrance
from app.responses.problems import Closed, LinkRevoked, NotOpenYet
from app.responses.schemas import LinkView, QuestionnaireView, decode_submission
from app.responses.service import Reception
from app.units.schemas import UnitRef

router = APIRouter(tags=["answering"])

_encode = msgspec.json.Encoder().encode


async def respond_by_link(request: Request) -> Response:
    """Answer through a link."""
    reception: Reception = request.app.state.reception
    code = request.path_params["link"]
    return await _respond(
        request, lambda fresh: service.by_link(reception, code, fresh=fresh), reception
    )


async def respond_by_invitation(request: Request) -> Response:
    """Answer by an invitation."""
    reception: Reception = request.app.state.reception
    token = request.path_params["token"]
    return await _respond(
        request, lambda fresh: service.by_invitation(reception, token, fresh=fresh), reception
    )


async def _respond(request: Request, find_door: service.FindDoor, reception: Reception) -> Response:
    sent = decode_submission(await request.body())
    stored = await service.respond(reception, find_door, sent)
    status = 201 if stored.first_time and not stored.replaced else 200
    word = "replaced" if stored.replaced else "accepted"
    body = _encode({"status": word, "receipt": stored.receipt})
    return Response(body, status, media_type="application/json")


HOT_ROUTES = [
    Route("/v1/links/{link}/responses", respond_by_link, methods=["POST"]),
    Route("/v1/invitations/{token}/responses", respond_by_invitation, methods=["POST"]),
]
"""Routes that pass FastAPI by; `app.responses.openapi` describes them."""

_STATES = {NotOpenYet: "not_open_yet", Closed: "closed", LinkRevoked: "revoked"}


@router.get("/v1/links/{link}", responses=replies(NotFound))
async def get_link(
    link: Annotated[str, Path(description="The link's code.")],
    request: Request,
    locale: Annotated[
        str | None,
        Query(description="Only texts in this language, else in the questionnaire's own."),
    ] = None,
) -> LinkView:
    """Read what a link asks, for mini-programs and other clients; needs no token."""
    reception: Reception = request.app.state.reception
    entrance = (await service.by_link(reception, link, fresh=True)).entrance
    refusal = service.gate(entrance, clock.now())
    admits_devices = "device" in entrance.rules.identity
    return LinkView(
        campaign={"code": entrance.rules.code, "title": entrance.rules.title},
        unit=UnitRef(code=entrance.unit_code, name=entrance.unit_name),
        population=entrance.population.code,
        state=_STATES[type(refusal)] if refusal else "open",
        device_proof=devices.issue(reception.keyring) if admits_devices else None,
        questionnaire=_view(entrance, locale),
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
