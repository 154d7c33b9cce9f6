"""What the intake is compared with: the handlers that a textbook would write."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import DateTime, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.core.database import engine


class Base(DeclarativeBase):
    pass


class TextbookResponse(Base):
    """A response as a textbook stores it."""

    __tablename__ = "textbook_responses"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    token: Mapped[str] = mapped_column(Text, unique=True)
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    answered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Submission(BaseModel):
    model_config = ConfigDict(extra="forbid")

    submission_id: uuid.UUID
    answers: dict[str, str]
    started_at: datetime | None = None
    locale: str | None = None
    device_proof: str | None = None


class Accepted(BaseModel):
    status: str
    receipt: str


def create() -> FastAPI:
    """`/textbook/{token}` inserts through the ORM; `/nothing/{token}` stores nothing."""
    database = engine(os.environ["BENCH_DATABASE_URL"], pool_size=10)
    sessions = async_sessionmaker(database)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await database.dispose()

    app = FastAPI(lifespan=lifespan)

    async def opened() -> AsyncIterator[AsyncSession]:
        async with sessions() as one:
            yield one

    @app.post("/textbook/{token}", status_code=201)
    async def textbook(
        token: str, sent: Submission, session: Annotated[AsyncSession, Depends(opened)]
    ) -> Accepted:
        row = TextbookResponse(
            id=sent.submission_id, token=token, answers=sent.answers, answered_at=datetime.now(UTC)
        )
        session.add(row)
        await session.commit()
        return Accepted(status="accepted", receipt=str(sent.submission_id))

    @app.post("/nothing/{token}", status_code=201)
    async def nothing(token: str, sent: Submission) -> Accepted:
        return Accepted(status="accepted", receipt=str(sent.submission_id))

    return app
