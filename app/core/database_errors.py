"""What an error of the database means for a caller: away just now, or a value it cannot hold."""

import socket
from typing import Literal

from asyncpg.exceptions import (
    CharacterNotInRepertoireError,
    DataError,
    DatetimeFieldOverflowError,
    IdleInTransactionSessionTimeoutError,
    InsufficientResourcesError,
    InterfaceError,
    InternalClientError,
    InvalidAuthorizationSpecificationError,
    InvalidCachedStatementError,
    InvalidCatalogNameError,
    LockNotAvailableError,
    NumericValueOutOfRangeError,
    OperatorInterventionError,
    OutdatedSchemaCacheError,
    PostgresConnectionError,
    PostgresError,
    ReadOnlySQLTransactionError,
    StringDataRightTruncationError,
    TransactionRollbackError,
    UntranslatableCharacterError,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

RAISED = (
    DBAPIError,
    PoolTimeoutError,
    PostgresError,
    InterfaceError,
    InternalClientError,
    OSError,
)
"""The classes that errors of the database come as, with or without SQLAlchemy around them."""

AWAY = (
    PoolTimeoutError,
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    PostgresConnectionError,
    OperatorInterventionError,  # shut down, starting up, a statement over its time
    InsufficientResourcesError,  # too many connections, disk full
    InvalidAuthorizationSpecificationError,
    InvalidCatalogNameError,
    ReadOnlySQLTransactionError,  # a standby that is not yet the primary
    TransactionRollbackError,  # deadlock, serialization
    LockNotAvailableError,
    IdleInTransactionSessionTimeoutError,
    InvalidCachedStatementError,  # the tables changed under a prepared statement
    OutdatedSchemaCacheError,
    InterfaceError,  # the connection, or the pool, is closed
    InternalClientError,  # it was lost at a moment that confuses asyncpg
)
"""What says that the database cannot be reached, or is too busy to answer."""
_UNSTORABLE = (
    CharacterNotInRepertoireError,  # NUL
    UntranslatableCharacterError,
    NumericValueOutOfRangeError,
    DatetimeFieldOverflowError,
    StringDataRightTruncationError,
)

Meaning = Literal["away", "unstorable"]


def meaning(error: BaseException) -> Meaning | None:
    """Why the database refused; None where our own program is to blame.

    "away": the same request may well pass in a few seconds. "unstorable": a value of the
    request is one that PostgreSQL has no room for, such as a NUL or an integer of 70 bits.
    """
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return "away"
        # SQLAlchemy's own wrapper; asyncpg's error is its cause.
        found = error.orig.__cause__ if error.orig is not None else None
    else:
        found = error
    # asyncpg itself raises the bare DataError for arguments that it cannot encode.
    if isinstance(found, _UNSTORABLE) or type(found) is DataError:
        return "unstorable"
    if isinstance(found, AWAY) or _is_missing_socket(found):
        return "away"
    return None


def _is_missing_socket(error: BaseException | None) -> bool:
    # A Unix socket that is gone; a file that is missing would be named.
    return isinstance(error, FileNotFoundError | PermissionError) and error.filename is None
