"""What a backup holds: every table of ours but those named here, in the order to restore them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from graphlib import CycleError, TopologicalSorter

import app.access.tables
import app.campaigns.tables
import app.core.limits.tables
import app.counts.tables
import app.doubts.tables
import app.exports.tables
import app.identity.wechat.tables
import app.jobs.tables
import app.links.tables
import app.publications.tables
import app.questionnaires.tables
import app.releases.tables
import app.responses.tables
import app.results.coverage.issued.tables
import app.retention.tables
import app.rosters.tables
import app.telephone.reconciliation.tables
import app.telephone.tables
import app.telephone.tallies.tables
import app.units.tables  # noqa: F401 - the tables register themselves
from app.backup.sealing import BackupRefused
from app.core.database import Base

LEFT_OUT = {
    "alembic_version": "the header of the file says it",
    "running_counts": "counted anew from the responses",
    "origin_counts": "goes with the running counts",
    "folded_campaigns": "goes with the running counts",
    "folding": "names transactions of one server, which don't travel",
    "judging": "names a transaction of one server, which doesn't travel",
    "judged_campaigns": "responses are judged anew; their flags stand with them",
    "exports": "can be made again, and are kept for days only",
    "export_chunks": "go with the exports",
}
"""Tables that a backup does without, and why. So it does without UNLOGGED ones: figures of the
moment, which PostgreSQL itself throws away when it crashes."""
FORMER: frozenset[str] = frozenset()
"""Tables of ours that later migrations took away: a database that is behind still has them."""
KEYS = frozenset({"campaign_keys"})
"""Tables that go into the file of keys: without them nobody can tell who answered what."""
IN_USE = ("clients", "units", "campaigns", "responses")
"""A database where none of these has a row holds nothing that anybody made."""
TRANSACTION = "transaction_id"
"""Columns of this name hold a transaction of the server that wrote the row."""
TABLE, ROWS, END = b"T", b"R", b"E"
"""Kinds of chunks: a table begins, some of its rows as text, all is told."""


@dataclass(frozen=True)
class Table:
    """A table and those columns that are stored, in order."""

    name: str
    columns: tuple[str, ...]

    def encoded(self) -> bytes:
        """As the chunk that stands before its rows."""
        return json.dumps([self.name, self.columns]).encode()

    @classmethod
    def decoded(cls, payload: bytes) -> "Table":
        """What `encoded` made."""
        name, columns = json.loads(payload)
        return cls(name, tuple(columns))


@dataclass(frozen=True)
class Totals:
    """What stands in the last chunk: how much there must be."""

    rows: dict[str, int] = field(default_factory=dict)
    """By table."""
    sequences: dict[str, int] = field(default_factory=dict)
    """The last number that each sequence gave."""

    def encoded(self) -> bytes:
        """As the last chunk."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, payload: bytes) -> "Totals":
        """What `encoded` made."""
        return cls(**json.loads(payload))


def ours() -> frozenset[str]:
    """The names of all tables of this program, and of its earlier versions."""
    return FORMER | set(Base.metadata.tables) | {"alembic_version"}


def in_order(tables: Iterable[Table], needs: Mapping[str, set[str]]) -> list[Table]:
    """Tables in an order in which each comes after those that its foreign keys name (`needs`).

    Errors: BackupRefused where there is no such order.
    """
    by_name = {table.name: table for table in sorted(tables, key=lambda one: one.name)}
    graph = {name: needs.get(name, set()) & set(by_name) - {name} for name in by_name}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise BackupRefused("Tables refer to each other in a circle: report this.") from error
