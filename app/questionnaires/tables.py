"""Tables of questionnaires: the draft, and published versions that never change."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class Questionnaire(Base):
    """A questionnaire as it is being written."""

    __tablename__ = "questionnaires"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    """Its owner; None: visible to all, changed only by clients that see all."""
    draft: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class QuestionnaireVersion(Base):
    """A published version: a trigger refuses any change of it."""

    __tablename__ = "questionnaire_versions"

    questionnaire_id: Mapped[int] = mapped_column(ForeignKey("questionnaires.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    published_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class Consent(Base):
    """One language of a published version's consent text, so that a response can name the text
    that its person was shown. A trigger refuses any change of it."""

    __tablename__ = "consents"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    questionnaire_id: Mapped[int]
    version: Mapped[int]
    locale: Mapped[str] = mapped_column(Text)
    text_sha256: Mapped[bytes] = mapped_column(BYTEA)
    """The SHA-256 of the exact text in UTF-8."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["questionnaire_id", "version"],
            ["questionnaire_versions.questionnaire_id", "questionnaire_versions.version"],
        ),
        UniqueConstraint("questionnaire_id", "version", "locale"),
    )
