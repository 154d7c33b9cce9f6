"""Tables of exports: files that were made, for as long as they are kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, func
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class Export(Base):
    """A file that a job has made. Before it is whole there is no row."""

    __tablename__ = "exports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """That of the job."""
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    campaign_id: Mapped[int] = mapped_column(index=True)
    """No foreign key: its check would hold the campaign for as long as a file is being stored."""
    content: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(Text)
    exact: Mapped[bool]
    """Whether nothing is hidden in it, so that a release's reader may not have it."""
    file_name: Mapped[str] = mapped_column(Text)
    rows: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(BYTEA)
    as_of: Mapped[datetime] = mapped_column(Instant)
    made_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)

    __table_args__ = (
        CheckConstraint("content IN ('responses', 'results')", "content"),
        CheckConstraint("format IN ('csv', 'xlsx', 'parquet')", "format"),
        Index(None, "client_id", "made_at"),
    )


class ExportChunk(Base):
    """A piece of a file; all but the last are of the same size."""

    __tablename__ = "export_chunks"

    export_id: Mapped[UUID] = mapped_column(
        ForeignKey("exports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 0."""
    body: Mapped[bytes] = mapped_column(BYTEA)
