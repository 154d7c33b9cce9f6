"""URLs of jobs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from app.access.principal import Caller
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import Cursor, Limit, Page
from app.jobs import service
from app.jobs.schemas import JobOut

router = APIRouter(prefix="/v1", tags=["jobs"])

_LOOK_AGAIN_SECONDS = 2


@router.get("/jobs")
async def list_jobs(
    caller: Caller,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[JobOut]:
    """List the jobs that this client caused, the newest first; for 30 days after their end."""
    jobs, following = await service.own(session, caller, cursor=cursor, limit=limit)
    return Page[JobOut](items=[JobOut.model_validate(job) for job in jobs], next=following)


@router.get("/jobs/{job_id}", responses=replies(NotFound))
async def get_job(
    job_id: Annotated[UUID, Path(description="As in `Location` of the reply that queued it.")],
    caller: Caller,
    session: Session,
    response: Response,
) -> JobOut:
    """Read how far a job is, and what came of it; come again after the seconds in Retry-After."""
    job = await service.visible(session, caller, job_id)
    if job.finished_at is None:
        response.headers["Retry-After"] = str(_LOOK_AGAIN_SECONDS)
    return JobOut.model_validate(job)
