"""Tables of what was handed out."""

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base


class IssuedQuestionnaires(Base):
    """How many questionnaires a bureau states it handed out; invitations are counted apart."""

    __tablename__ = "issued_questionnaires"

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    population: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True)
    """For this unit and all below it."""
    channel: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    count: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(
            ["campaign_id", "population"],
            ["campaign_populations.campaign_id", "campaign_populations.position"],
        ),
        CheckConstraint("count >= 0", "count"),
    )
