"""Tables of jobs: what goes on in the background, as those see it who caused it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class Job(Base):
    """One job. Its entry in the queue (pgqueuer's table) says only that a worker is to look."""

    __tablename__ = "jobs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    client_id: Mapped[int | None] = mapped_column(ForeignKey("clients.id"))
    """Who caused it; None: the command line."""
    caller: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The rest of the principal: what it might do, where it called from, in which request."""
    campaign_id: Mapped[int | None]
    state: Mapped[str] = mapped_column(Text, server_default="queued")
    done: Mapped[int] = mapped_column(server_default="0")
    """How much of it is committed, in units of its kind."""
    total: Mapped[int | None]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What its handler needs to know; never a personal value."""
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    run: Mapped[int] = mapped_column(server_default="0")
    """Counted up whenever a worker takes it: only who has the latest may commit anything of it."""
    tries: Mapped[int] = mapped_column(server_default="0")
    """How often it was taken since it last got on."""
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", "state"),
        CheckConstraint("done >= 0 AND total >= 0", "progress"),
        CheckConstraint(
            "(state IN ('done', 'failed')) = (finished_at IS NOT NULL) "
            "AND (state = 'done') = (result IS NOT NULL) "
            "AND (state = 'failed') = (problem IS NOT NULL)",
            "end",
        ),
        Index(None, "client_id", "created_at"),
        Index(None, "created_at", postgresql_where=text("finished_at IS NULL")),
        Index(None, "finished_at"),
    )
