"""URLs of reconciliation, of statements of delivery and of plans."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi import Response as Extra
from starlette.responses import Response

from app.access import audit
from app.access.principal import Principal, having
from app.access.turns import InTurn
from app.core.database import Database, Session
from app.core.preferences import prefers
from app.core.problems import FieldError, InvalidInput, NotFound, replies
from app.core.schemas import Code
from app.questionnaires.problems import NotOwner
from app.telephone.reconciliation import plans, service, signing, statements
from app.telephone.reconciliation.schemas import (
    By,
    PlanIn,
    PlanOut,
    Plans,
    ReconciliationOut,
    SignedStatement,
    SigningKeys,
)

router = APIRouter(tags=["reconciliation"])

Reader = Annotated[Principal, having("interviews:write", "tallies:write", "results:exact")]
Planner = Annotated[Principal, having("campaigns:write")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
ClientId = Annotated[Code, Path(description="The contractor's client_id.")]
Contractor = Annotated[
    Code | None,
    Query(description="The contractor's client_id. A contractor sees none but itself."),
]
_CSV = "text/csv"


@router.get("/v1/campaigns/{code}/reconciliation", responses=replies(NotFound, NotOwner))
async def get_reconciliation(
    turn: InTurn,
    code: CampaignCode,
    caller: Reader,
    request: Request,
    session: Session,
    by: Annotated[By | None, Query(description="What to give rows for; none by default.")] = None,
    first: Annotated[
        date | None, Query(alias="from", description="The first day of rows by batch or day.")
    ] = None,
    last: Annotated[
        date | None, Query(alias="to", description="The last day of rows by batch or day.")
    ] = None,
    source: Contractor = None,
    digest: Annotated[
        bool, Query(description="False leaves digests out: they take most of the time.")
    ] = True,
) -> ReconciliationOut:
    """Read what contractors sent and what is on file of it, at one instant."""
    if (first or last) and by not in ("batch", "day"):
        message = "Days choose among rows by batch or by day: add `by`, or leave them out."
        raise InvalidInput(errors=[FieldError("?from" if first else "?to", "no_rows", message)])
    seen = await service.view(session, caller, code, source)
    database: Database = request.app.state.database
    # One connection at a time: what follows sees one state of the database, and for long.
    await session.commit()
    async with database.snapshot() as snapshot:
        return await service.reconciled(
            snapshot, seen, by=by, days=(first or date.min, last or date.max), digest=digest
        )


@router.get(
    "/v1/campaigns/{code}/statement",
    response_model=SignedStatement,
    responses={
        200: {
            "description": "Signed. With `Accept: text/csv`: a table, whose last line is the "
            "signature of all bytes before it.",
            "content": {_CSV: {"schema": {"type": "string"}}},
        },
        **replies(NotFound, NotOwner),
    },
)
async def get_statement(
    turn: InTurn,
    code: CampaignCode,
    caller: Reader,
    request: Request,
    session: Session,
    source: Contractor = None,
    until: Annotated[
        date | None, Query(description="The last day of deliveries stated; today by default.")
    ] = None,
) -> Response:
    """Have it stated and signed what a contractor has delivered by the end of a day."""
    seen = await service.view(session, caller, code, source)
    last = statements.last_day(seen, until)
    audit.record(session, caller, "statement.sign", code, source=source or caller.client_id)
    database: Database = request.app.state.database
    await session.commit()
    async with database.snapshot() as snapshot:
        stated = await statements.statement(snapshot, seen, last)
    keyring = request.app.state.keyring
    if _wants_csv(request):
        return Response(statements.as_csv(keyring, stated), media_type=_CSV)
    return Response(statements.as_json(keyring, stated), media_type="application/json")


def _wants_csv(request: Request) -> bool:
    return prefers(request.headers.getlist("Accept"), _CSV, over="application/json")


@router.get("/v1/signing-keys")
async def list_signing_keys(request: Request) -> SigningKeys:
    """List the public keys that verify statements; open to all."""
    return SigningKeys(items=signing.public_keys(request.app.state.keyring))


@router.put(
    "/v1/campaigns/{code}/delivery-plans/{client_id}",
    responses={201: {"model": PlanOut}, **replies(NotFound, NotOwner)},
)
async def put_plan(
    code: CampaignCode,
    client_id: ClientId,
    plan: PlanIn,
    caller: Planner,
    session: Session,
    response: Extra,
) -> PlanOut:
    """Set by when a contractor is to deliver on which days: 201 when it is new."""
    stored, created = await plans.put(session, caller, code, client_id, plan)
    response.status_code = 201 if created else 200
    return stored


@router.get("/v1/campaigns/{code}/delivery-plans", responses=replies(NotFound, NotOwner))
async def list_plans(code: CampaignCode, caller: Reader, session: Session) -> Plans:
    """List the plans of deliveries: the bureau sees all, a contractor its own."""
    seen = await service.view(session, caller, code)
    return Plans(items=await plans.listed(session, seen.campaign.id, seen.source_id))
