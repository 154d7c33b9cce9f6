"""The background worker: one table of what it does when asked, one of what it does by itself."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvloop

from app.core import logging
from app.core.database import Database, database_url, reading
from app.core.keyring import Keyring
from app.core.limits.counting import Limits
from app.core.processes import end_with_parent
from app.core.secret_keys import following
from app.core.settings import Settings, load
from app.exports.jobs import exports, forget
from app.jobs import service as jobs
from app.jobs.attending import Pace
from app.jobs.running import Handler, for_clients_in_force
from app.jobs.working import Errands, work
from app.publications.jobs import publications
from app.releases.jobs import release_nightly
from app.responses.service import Reception, receiving
from app.telephone.jobs import forget_left, interviews


@dataclass(frozen=True)
class Tools:
    """What handlers may need besides the database."""

    settings: Settings
    keyring: Keyring
    reception: Reception
    reading: Database
    """Where long reads go."""


Handlers = Mapping[str, Callable[[Tools], Handler]]
"""By kind: what makes the handler out of the tools."""

HANDLERS: Handlers = {
    "export": lambda tools: for_clients_in_force(exports(tools.reading, tools.settings.data_dir)),
    "publication": lambda tools: for_clients_in_force(publications(tools.keyring)),
    "interviews": lambda tools: interviews(tools.keyring, tools.reception.directory),
}
ERRANDS: Errands = {
    "look-after-jobs": ("17 * * * *", jobs.look_after),
    "forget-exports": ("7 * * * *", forget),
    "forget-left-deliveries": ("27 * * * *", forget_left),
    "release-nightly": ("37 * * * *", release_nightly),
}

_YOUNG = 100_000
"""Objects that are made before the young ones are looked through for cycles."""
_POOL = 4
"""Connections in each of two pools; one more is the queue's. `app.doctor` counts on it."""


@asynccontextmanager
async def _tools(settings: Settings) -> AsyncIterator[tuple[Database, Tools]]:
    keyring = Keyring(settings.secret_keys)
    database = Database(database_url(settings), keyring=keyring, pool_size=_POOL)
    await database.open()
    try:
        async with (
            receiving(database.pool, keyring, Limits(settings.limits)) as reception,
            following(keyring, settings.keys_file),
            reading(settings, database) as replica,
        ):
            yield database, Tools(settings, keyring, reception, replica)
    finally:
        await database.close()


async def run(
    settings: Settings,
    *,
    handlers: Handlers = HANDLERS,
    pace: Pace | None = None,
    stopping: asyncio.Event | None = None,
) -> None:
    """Take jobs until `stopping` is set, or this process is asked to end by SIGTERM or SIGINT.

    Asked again, it ends at once. The database has been made ready, by `installation.prepare`; it
    may be away when this begins, and go away meanwhile.
    """
    stopping = stopping or _asked_to_stop()
    async with _tools(settings) as (database, tools):
        made = {kind: make(tools) for kind, make in handlers.items()}
        url = database_url(settings)
        await work(url, database, made, ERRANDS, stopping=stopping, pace=pace or Pace())


def _asked_to_stop() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopping.set()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(one)

    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop)
    return stopping


def main() -> None:
    """Run beside the server that started this process: its id is the argument."""
    end_with_parent(int(sys.argv[1]))
    settings = load()
    logging.configure(settings.log_level)
    # Thousands of items are in hand at once and go together: to look through all of them, and
    # through all modules, again and again takes a quarter of the time.
    gc.freeze()
    gc.set_threshold(_YOUNG)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings))


if __name__ == "__main__":
    main()
