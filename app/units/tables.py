"""Tables of units: the tree of regions and schools, and enrolment."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Select,
    SmallInteger,
    Text,
    func,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant

KINDS = ("province", "city", "county", "district", "school", "grade", "class")
"""From the top down; a parent's kind stands before its child's, levels may be skipped."""
STAGES = ("kindergarten", "primary", "junior", "senior", "vocational")


class Unit(Base):
    """A region, a school or a part of one: what every result is counted for."""

    __tablename__ = "units"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    stage: Mapped[str | None] = mapped_column(Text)
    residents: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())

    __table_args__ = (
        CheckConstraint("kind IN ({})".format(", ".join(f"'{kind}'" for kind in KINDS)), "kind"),
        CheckConstraint(
            "stage IN ({})".format(", ".join(f"'{stage}'" for stage in STAGES)), "stage"
        ),
        CheckConstraint("residents >= 0", "residents"),
    )


class UnitAncestor(Base):
    """Every unit with each of its ancestors, itself included at depth 0."""

    __tablename__ = "unit_ancestors"

    unit_id: Mapped[int] = mapped_column(
        ForeignKey("units.id", ondelete="CASCADE"), primary_key=True
    )
    ancestor_id: Mapped[int] = mapped_column(
        ForeignKey("units.id", ondelete="CASCADE"), primary_key=True
    )
    depth: Mapped[int] = mapped_column(SmallInteger)
    """Steps from the unit up to the ancestor."""

    __table_args__ = (Index(None, "ancestor_id", "unit_id"),)


class UnitTree(Base):
    """How often units that had a place were given another one: one row."""

    __tablename__ = "unit_tree"

    single: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    moves: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("single", "single"),)


class Enrolment(Base):
    """How many students, parents and teachers a unit has in a period."""

    __tablename__ = "enrolments"

    unit_id: Mapped[int] = mapped_column(
        ForeignKey("units.id", ondelete="CASCADE"), primary_key=True
    )
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    students: Mapped[int | None]
    parents: Mapped[int | None]
    teachers: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("students >= 0 AND parents >= 0 AND teachers >= 0", "not_negative"),
    )


def subtree(root_id: int) -> Select[int]:
    """The ids of a unit and all below it: the one filter of everything that is read."""
    return select(UnitAncestor.unit_id).where(UnitAncestor.ancestor_id == root_id)


def line(unit_id: int) -> Select[int]:
    """The ids of a unit and all above it."""
    return select(UnitAncestor.ancestor_id).where(UnitAncestor.unit_id == unit_id)
