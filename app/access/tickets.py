"""Tickets: a token's stand-in for one request that can carry no header."""

import hashlib
import secrets
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import queries
from app.access.problems import Unauthenticated
from app.access.tables import Ticket
from app.access.tokens import Claims
from app.core import clock

LIFETIME = timedelta(seconds=60)


async def issue(session: AsyncSession, claims: Claims, path: str) -> str:
    """A ticket that opens this path once, as the token would that says these claims."""
    ticket = secrets.token_urlsafe(32)
    stored = {
        **asdict(claims),
        "scopes": sorted(claims.scopes),
        "expires_at": claims.expires_at.isoformat(),
    }
    await queries.insert_ticket(
        session,
        Ticket(
            ticket_hash=_hash(ticket),
            path=path,
            claims=stored,
            expires_at=clock.now() + LIFETIME,
        ),
    )
    return ticket


async def redeem(session: AsyncSession, ticket: str, path: str) -> Claims:
    """What the token says that a ticket was got with; the ticket is spent. Errors:
    Unauthenticated, where it is no ticket for this path, was spent, or its minute is over."""
    stored = await queries.take_ticket(session, _hash(ticket), path)
    if stored is None:
        raise Unauthenticated("The ticket was used, is older than a minute, or opens another page.")
    claims = Claims(
        **{
            **stored,
            "scopes": frozenset(stored["scopes"]),
            "expires_at": datetime.fromisoformat(stored["expires_at"]),
        }
    )
    if claims.expires_at <= clock.now():
        raise Unauthenticated()
    return claims


def _hash(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()
