"""What goes out of jobs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.core.schemas import ProblemDocument, Reply

State = Literal["queued", "running", "done", "failed"]


class JobOut(Reply):
    """A job that goes on in the background."""

    id: UUID = Field(description="Its address is /v1/jobs/{id}.")
    kind: str = Field(description="What it does.", examples=["interviews"])
    state: State = Field(description="It has ended when it is `done` or `failed`.")
    done: int = Field(description="How much of it is stored for good.", examples=[12_000])
    total: int | None = Field(description="How much there is; null while nobody knows.")
    result: dict[str, Any] | None = Field(description="What came of it, once it is `done`.")
    problem: ProblemDocument | None = Field(description="Why it is `failed`.")
    created_at: datetime = Field(description="When it was queued.")
    started_at: datetime | None = Field(description="When it was begun for the first time.")
    finished_at: datetime | None = Field(description="When it ended; kept for 30 days after.")


@dataclass(frozen=True)
class Figures:
    """How it stands with all jobs."""

    queued: int
    due_seconds: float
    """For how long the first in the queue has been due; 0 where none is."""
    running: int
    failed: int
    """In the last hour."""
