"""Tables of responses: the ledger of answers, their texts, and the claims of persons.

Columns stand in the order that packs them tightest. The hot path writes them with bare SQL in
`queries.py`; these declarations are what migrations and readers go by.
"""

from datetime import datetime
from enum import IntEnum, IntFlag
from uuid import UUID

from sqlalchemy import BigInteger, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, DOUBLE_PRECISION
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class Channel(IntEnum):
    """How a response came in, as stored."""

    wechat = 1
    link = 2
    invitation = 3
    phone = 4
    onsite = 5
    paper = 6


class Cause(IntEnum):
    """Why a row was appended to a response that stood before, as stored."""

    withdrawn = 1
    """By its person, who may answer again."""
    replaced = 2
    """This person's later answer stands in its place, as `keep_last` has it."""
    revised = 3
    """By the contractor that delivered it."""
    voided = 4
    """With everything else that came through its link or batch."""
    restored = 5
    """The voiding was taken back."""
    flagged = 6
    """What makes it doubtful became known, or the thresholds were changed."""


class Doubt(IntFlag):
    """A sign that a response may not be what it seems, as stored: one bit each in `quality`."""

    fast = 1
    straight = 2
    burst = 4
    network = 8
    devices = 16
    succession = 32
    template = 64
    comment = 128


def _transaction_id() -> MappedColumn[int]:
    return mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))


class Response(Base):
    """The ledger of responses: only ever appended to, the sum of the signs is the truth.

    Sequence 0 is the response as it came. A revision appends its former content with sign -1 and
    the new with +1; a withdrawal appends -1. `population` names the questionnaire version, which
    is frozen when the campaign opens.
    """

    __tablename__ = "responses"

    answered_at: Mapped[datetime] = mapped_column(Instant)
    """When it was answered: received online, or the end of the interview."""
    transaction_id: Mapped[int] = _transaction_id()
    """The inserting transaction: below `pg_snapshot_xmin` no further row can appear."""
    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[int]
    origin_id: Mapped[int | None]
    """The link, the batch of invitations or, for the telephone, the client that it came through."""
    seconds: Mapped[int | None] = mapped_column(SmallInteger)
    """From the start of answering to its end, where the client said when it started and it was
    within nine hours."""
    sequence: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    sign: Mapped[int] = mapped_column(SmallInteger)
    population: Mapped[int] = mapped_column(SmallInteger)
    channel: Mapped[int] = mapped_column(SmallInteger)
    quality: Mapped[int | None] = mapped_column(SmallInteger)
    """The `Doubt`s about it; null is clean, and takes no room."""
    answers: Mapped[bytes] = mapped_column(BYTEA)
    """Closed answers by slot of the version's layout, one byte each; 0 is unanswered."""
    numbers: Mapped[list[float] | None] = mapped_column(ARRAY(DOUBLE_PRECISION))
    """Numeric answers by position among the version's numeric questions."""
    locale: Mapped[str | None] = mapped_column(Text)
    cause: Mapped[int | None] = mapped_column(SmallInteger)
    """A `Cause`; null for the response as it came."""
    consent_id: Mapped[int | None]
    """The consent text that its person was shown, of the version's `consents`; null where there
    was none, as on the telephone, where it is read out."""

    __table_args__ = (
        # No foreign keys: the intake's own statement joins the campaign, and each would cost a
        # look-up a row on the path that parents wait for.
        # Sixteen transactions share a key, so that PostgreSQL folds equal keys into a third of
        # the size even where every response came in a transaction of its own.
        Index("ix_responses_transaction_id", text("(transaction_id >> 4)")),
        # Doubts are shown without a look at what is clean; a clean row costs nothing here.
        Index(
            "ix_responses_doubted",
            "campaign_id",
            "unit_id",
            postgresql_where=text("quality IS NOT NULL"),
        ),
    )


class ResponseText(Base):
    """A text answer of a response, apart from the closed ones.

    It is found by the transaction that it shares with its row in the ledger: an index that grows
    at its end is written once, where one by submissions is written all over.
    """

    __tablename__ = "response_texts"

    transaction_id: Mapped[int] = _transaction_id()
    campaign_id: Mapped[int]
    submission_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(SmallInteger)
    position: Mapped[int] = mapped_column(SmallInteger)
    """The position among the version's text questions."""
    body: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index("ix_response_texts_transaction_id", "transaction_id"),
        # The order in which texts are read: one that says nothing of when they came.
        Index(
            "ix_response_texts_shuffled",
            "campaign_id",
            "position",
            text("uuid_hash_extended(submission_id, position::bigint)"),
        ),
    )
    # The statement that writes a row writes the response, whose key keeps both from coming twice.
    __mapper_args__ = {  # noqa: RUF012
        "primary_key": ["campaign_id", "submission_id", "sequence", "position"]
    }


class Claim(Base):
    """One person's proof, taken by one response: the constraint behind "once".

    The fingerprint is an HMAC under the campaign's own key; the rows go when the key goes. What a
    response holds is found as its texts are.
    """

    __tablename__ = "claims"

    transaction_id: Mapped[int] = _transaction_id()
    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    submission_id: Mapped[UUID]
    network: Mapped[int | None]
    """From which network it came: 32 bits of an HMAC under the same key. It shows many answers
    from one network, never which network it was, and goes with the claim."""

    __table_args__ = (Index("ix_claims_transaction_id", text("(transaction_id >> 4)")),)


class VoidedClaim(Base):
    """A claim of a voided response: its person is free to answer again; kept for restoring it."""

    __tablename__ = "voided_claims"

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[UUID] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    network: Mapped[int | None]
