"""Tables of publications: what a bureau answers for in public. A trigger refuses any change."""

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base


class Publication(Base):
    """A numbered publication: its statement, byte by byte, and who signed it."""

    __tablename__ = "publications"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 1, without gaps."""
    release: Mapped[int]
    """The number of the release that its figures are of."""
    corrects: Mapped[int | None]
    """The number of the publication that it stands in the place of; each has one such at most."""
    statement: Mapped[bytes]
    """All that it says, with the digests of its sections, as canonical JSON."""
    key_id: Mapped[str] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(Text)
    """Kept here since the secret that signed may have left the keyring years later."""
    signature: Mapped[str] = mapped_column(Text)
    """Of the statement, by Ed25519, in base64url as the key is."""

    __table_args__ = (
        CheckConstraint("number >= 1", "number"),
        CheckConstraint("corrects < number", "corrects"),
        UniqueConstraint("campaign_id", "corrects"),
        ForeignKeyConstraint(
            ["campaign_id", "release"], ["releases.campaign_id", "releases.number"]
        ),
        ForeignKeyConstraint(
            ["campaign_id", "corrects"], ["publications.campaign_id", "publications.number"]
        ),
    )


class PublicationSection(Base):
    """One section of a publication: lines of JSON, packed with gzip."""

    __tablename__ = "publication_sections"

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    section: Mapped[str] = mapped_column(Text, primary_key=True)
    packed: Mapped[bytes]

    __table_args__ = (
        ForeignKeyConstraint(
            ["campaign_id", "number"], ["publications.campaign_id", "publications.number"]
        ),
    )
