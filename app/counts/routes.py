"""The address that monitoring reads."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from app.core import metrics as kept
from app.core.database import Session
from app.core.problems import Busy, replies
from app.counts import queries
from app.jobs import service as jobs
from app.jobs.schemas import Figures

router = APIRouter(tags=["operating"])

_MOST = 1_000_000
_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METRICS = """\
# HELP xinsheng_folding_lag_seconds Time since every stored response was in the running counts.
# TYPE xinsheng_folding_lag_seconds gauge
xinsheng_folding_lag_seconds {seconds:.3f}
# HELP xinsheng_unfolded_responses Rows that results count by themselves, up to a million.
# TYPE xinsheng_unfolded_responses gauge
xinsheng_unfolded_responses {rows}
# HELP xinsheng_jobs Background jobs that wait (queued) or are in hand (running).
# TYPE xinsheng_jobs gauge
xinsheng_jobs{{state="queued"}} {jobs.queued}
xinsheng_jobs{{state="running"}} {jobs.running}
# HELP xinsheng_jobs_due_seconds How long the first background job in the queue has been due.
# TYPE xinsheng_jobs_due_seconds gauge
xinsheng_jobs_due_seconds {jobs.due_seconds:.3f}
# HELP xinsheng_jobs_failed_last_hour Background jobs that failed in the last hour.
# TYPE xinsheng_jobs_failed_last_hour gauge
xinsheng_jobs_failed_last_hour {jobs.failed}
"""
_DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "In Prometheus' text format.",
        "content": {
            "text/plain": {
                "schema": {"type": "string"},
                "example": _METRICS.format(seconds=0.8, rows=12, jobs=Figures(2, 0.5, 1, 0)),
            }
        },
    }
}


@router.get("/metrics", response_class=Response, responses={**_DESCRIBED, **replies(Busy)})
async def metrics(session: Session) -> Response:
    """Tell monitoring whether responses are accepted, how fast, what waits or lags behind.

    Results are exact however far the counts lag behind, but slower.
    """
    lag = await queries.lag(session, most=_MOST)
    figures = _METRICS.format(**lag, jobs=await jobs.figures(session))
    return Response(kept.exposition().decode() + figures, media_type=_MEDIA_TYPE)
