"""Writing the audit: who did what to which object, from where; each entry chained to the last.

The chain is an HMAC under a key of the audit's own, so whoever can write to the database alone
can neither change an entry nor take one out without it being found.
"""

import getpass
import json
import secrets
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.orm import SessionTransaction

from app.access.audit import queries
from app.access.audit.chain import Entry, hash_of, origin, sealed
from app.access.principal import OPERATOR, Principal
from app.core import clock
from app.core.keyring import Keyring

KEY_CONTEXT = b"service/audit"
_WAITING = "audit"


def record(
    session: AsyncSession, caller: Principal, action: str, target: str, **detail: Any
) -> None:
    """Write down who did what to which object, in the transaction that does it, not in a savepoint.

    `action` is a noun and a verb, such as campaign.open. `detail` is JSON, and free of what
    belongs to a person.
    """
    if caller is OPERATOR:
        detail["user"] = _user()
    deed = (caller.id or None, action, target)
    _append(session, deed, detail, caller.request_id, caller.address)


def record_service(session: AsyncSession, action: str, target: str, **detail: Any) -> None:
    """Write down what the service did by itself."""
    _append(session, (None, action, target), detail, "", None)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # a container's user may have no name


def _append(
    session: AsyncSession,
    deed: tuple[int | None, str, str],
    detail: dict[str, Any],
    request_id: str,
    address: str | None,
) -> None:
    assert not session.in_nested_transaction(), "a savepoint that is undone would leave its entry"
    # Fractions as texts: the database may spell numbers in another way, and the hash would break.
    plain = json.loads(json.dumps(detail), parse_float=str)
    entry = Entry(clock.now(), *deed, plain, request_id, address or None)
    if _WAITING not in session.info:
        session.info[_WAITING] = []
        # The chain is locked until the commit: so as late as can be, and nobody waits for long.
        event.listen(session.sync_session, "before_commit", _write)
        event.listen(session.sync_session, "after_soft_rollback", _forget)
    session.info[_WAITING].append(entry)


def _forget(session: SyncSession, undone: SessionTransaction) -> None:
    # Of a savepoint, or of what failed within one, everything before it is still done.
    if not undone.nested and not session.in_nested_transaction():
        session.info[_WAITING] = []


def _write(session: SyncSession) -> None:
    entries: list[Entry] = session.info[_WAITING]
    if not entries or session.in_nested_transaction():
        return
    session.info[_WAITING] = []
    keyring: Keyring = session.info["keyring"]
    wrapped = queries.audit_key(session) or queries.keep_audit_key(
        session, keyring.wrap(secrets.token_bytes(32), context=KEY_CONTEXT)
    )
    key = keyring.unwrap(wrapped, context=KEY_CONTEXT)
    head = queries.lock_head(session)
    if head is None:
        queries.begin_chain(session, sealed(key, 0, origin(key, queries.unchained(session))))
        head = queries.lock_head(session)
        assert head is not None
    number, last = head.number, head.hash
    for entry in entries:
        number, last = number + 1, hash_of(key, last, number + 1, entry)
        queries.insert_entry(session, number, last, entry)
    queries.move_head(session, sealed(key, number, last))
