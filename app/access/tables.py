"""Tables of access: clients, their secrets and idempotency keys, the audit."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class Client(Base):
    """A program that calls the API: a bureau's, a contractor's, a dashboard."""

    __tablename__ = "clients"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    client_id: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    networks: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """Where it may call from; None: anywhere."""
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class ClientSecret(Base):
    """A secret of a client. Tokens that were got for it end with it."""

    __tablename__ = "client_secrets"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class RevokedToken(Base):
    """An access token that was revoked before its time; kept until it would have expired."""

    __tablename__ = "revoked_tokens"

    jti: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant)


class Ticket(Base):
    """Opens one address once, within a minute, for the token that it was got with.

    For browsers' event streams, which can send no header: a ticket may stand in a URL, and so in
    a log, since it is worth nothing any more by then.
    """

    __tablename__ = "tickets"

    ticket_hash: Mapped[bytes] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(Text)
    """The address that it opens."""
    claims: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What the token says."""
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)

    __table_args__ = ({"prefixes": ["UNLOGGED"]},)


class ServiceKey(Base):
    """A key of the whole deployment, wrapped by the keyring."""

    __tablename__ = "service_keys"

    purpose: Mapped[str] = mapped_column(Text, primary_key=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)


class IdempotencyKey(Base):
    """A request that was carried out, and the reply that it got. Kept for 24 hours."""

    __tablename__ = "idempotency_keys"

    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_mac: Mapped[bytes] = mapped_column(LargeBinary)
    """Keyed hash of address and body: the body itself is never kept."""
    reply: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now(), index=True)


class AuditEntry(Base):
    """Who did what to which object, from where. Only ever appended to."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    client_id: Mapped[int | None] = mapped_column(ForeignKey("clients.id"), index=True)
    """None: the command line, or the service by itself."""
    action: Mapped[str] = mapped_column(Text)
    object: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    number: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    """Its place in the chain, from 1; None for entries from before there was a chain."""
    hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """HMAC over the hash before it and all of the above, under the audit's own key."""


class AuditHead(Base):
    """The end of the audit's chain, so that entries cut off there are missed. A single row."""

    __tablename__ = "audit_head"

    single: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    """HMAC over both, so that only who holds the audit's key can move the end."""

    __table_args__ = (CheckConstraint("single", "single"),)
