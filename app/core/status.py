"""Whether the process lives and the service is ready, and what each problem type means."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field
from sqlalchemy import text

from app.core.database import Session
from app.core.problems import Busy, NotFound, catalogue, replies
from app.core.schemas import Reply

router = APIRouter(tags=["operating"])


class Status(Reply):
    """The state of the service."""

    status: Literal["ok"] = Field("ok", description="Other states are a 503.")


class ProblemTypeOut(Reply):
    """A problem type: what it means and what to do about it."""

    type: str = Field(description="As in `type` of a problem.", examples=["/problems/busy"])
    status: int = Field(description="The HTTP status that it comes with.", examples=[503])
    title: str = Field(description="What happened, in one line.")
    remedy: str = Field(description="What can be done about it.")


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> Status:
    """Tell whether the process lives."""
    return Status()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses=replies(Busy))
async def readyz(request: Request, session: Session) -> Status:
    """Tell whether the database answers and is migrated."""
    found = await session.scalar(text("SELECT version_num FROM alembic_version"))
    if found != request.app.state.newest_migration:
        raise Busy("The database is not at this program's version: run `xinsheng migrate`.")
    return Status()


@router.get("/problems")
async def list_problem_types() -> list[ProblemTypeOut]:
    """List every problem type."""
    return [
        ProblemTypeOut(
            type=f"/problems/{one.slug}", status=one.status, title=one.title, remedy=one.remedy
        )
        for one in catalogue()
    ]


@router.get("/problems/{slug}", responses=replies(NotFound))
async def get_problem_type(
    slug: Annotated[str, Path(description="The last part of a problem's `type`.")],
) -> ProblemTypeOut:
    """Explain one problem type: the address in every problem document's `type`."""
    for one in await list_problem_types():
        if one.type == f"/problems/{slug}":
            return one
    raise NotFound("There is no such problem type; /problems lists them all.")
