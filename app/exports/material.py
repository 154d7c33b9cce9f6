"""What goes into a file: its tables, and where their rows come from."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime

from app.exports.columns import Batch, Table

Rows = Callable[[Table], AsyncGenerator[Batch, None]]


@dataclass(frozen=True)
class Material:
    """All of an export, as of one state of the database."""

    as_of: datetime
    exact: bool
    """Whether nothing is hidden in it."""
    tables: tuple[Table, ...]
    total: int | None
    """Rows in all tables; None where nobody knows yet."""
    rows: Rows
    """The rows of one of the tables, some at a time. Asked for one table after the other."""
    release: int | None = None
    """The number of the release that it is of."""
