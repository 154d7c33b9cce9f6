"""A real server of one worker process that several tests share."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.ledger import connected
from tests.factories import Api
from tests.processes import Server


@dataclass(frozen=True)
class Served:
    """A running server, and what it can be asked."""

    running: Server
    api: Api
    link: str
    stored: set[str] = field(default_factory=set)
    """The ids of all that its tests have found stored."""

    @property
    def base(self) -> str:
        """Where it is reached."""
        return self.running.base

    @property
    def data_dir(self) -> Path:
        """Where its data is."""
        return self.running.data_dir

    @property
    def open_files(self) -> int:
        """How many files and connections its process has open."""
        return len(os.listdir(f"/proc/{self.running.process.pid}/fd"))

    @property
    def memory(self) -> int:
        """Bytes of memory that its process has in use."""
        pages = int(Path(f"/proc/{self.running.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def database_connections(self) -> int:
        """How many connections it has to its database."""
        connection = await connected(self.data_dir)
        try:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'xinsheng'"
                )
            )
        finally:
            await connection.close()
