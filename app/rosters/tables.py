"""Tables of rosters: who is invited, in nothing but keyed hashes."""

from sqlalchemy import ARRAY, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base


class RosterEntry(Base):
    """One person of a roster, for one of their children: the invitation, and what else is known.

    All of it is made with the campaign's identity key, and says nothing once that is destroyed.
    """

    __tablename__ = "roster_entries"

    batch_id: Mapped[int] = mapped_column(ForeignKey("invitation_batches.id"), primary_key=True)
    serial: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """With the batch: which invitation it is."""
    campaign_id: Mapped[int]
    row: Mapped[int]
    """Where it stood in the list, so that the bureau finds the person again and nobody else."""
    entry_mac: Mapped[bytes] = mapped_column(BYTEA)
    """Keyed hash of the whole row: is it the same again?"""
    fingerprints: Mapped[list[bytes]] = mapped_column(ARRAY(BYTEA))
    """Of everything that the person can prove: the invitation, the phone, the external id."""
    sealed: Mapped[bytes | None] = mapped_column(BYTEA)
    """The child's number, and the phone where it is to be called; null where there is neither."""

    __table_args__ = (UniqueConstraint("campaign_id", "entry_mac"),)


class RosterProof(Base):
    """Which entries have a phone or an external id."""

    __tablename__ = "roster_proofs"

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    batch_id: Mapped[int] = mapped_column(primary_key=True)
    serial: Mapped[int] = mapped_column(primary_key=True)
