"""What errors of the database mean for a caller."""

import pytest
from asyncpg import exceptions

from app.core import database_errors


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ConnectionDoesNotExistError("connection was closed"),
        exceptions.CannotConnectNowError("the database system is starting up"),
        exceptions.CrashShutdownError("another server process ended"),
        exceptions.TooManyConnectionsError("sorry, too many clients already"),
        exceptions.InterfaceError("the pool is closing"),
        # As came when PostgreSQL was killed between a statement and its COMMIT.
        exceptions.InternalClientError("cannot switch to state 11"),
        exceptions.ProtocolError("unexpected message"),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_lost_or_busy_database_is_away(error: Exception) -> None:
    assert isinstance(error, database_errors.RAISED)
    assert database_errors.meaning(error) == "away"


@pytest.mark.parametrize(
    "error",
    [
        exceptions.UndefinedTableError("no such table"),
        exceptions.UniqueViolationError("twice"),
        exceptions.InternalServerError("a defect"),
        KeyError("ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_defect_is_not_taken_for_an_outage(error: Exception) -> None:
    assert database_errors.meaning(error) is None
