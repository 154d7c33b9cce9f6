"""Bringing the server back whenever it dies, for those who serve from it."""

import contextlib
import logging
import threading
from collections.abc import Iterator

from app.core.embedded_postgres.server import EmbeddedPostgres

log = logging.getLogger("xinsheng.postgres")

_INTERVAL = 0.5
_AFTER_FAILURE = 5.0


@contextlib.contextmanager
def kept_up(server: EmbeddedPostgres) -> Iterator[None]:
    """Start a server again whenever it has ended, while the context lasts.

    The server has been started, and the object is not used for anything else meanwhile. Works in
    a thread of its own, since the main thread serves. What goes wrong is logged and tried again.
    """
    over = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(server, over), name="embedded PostgreSQL", daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        over.set()
        # One that is being started is waited for: it must not outlive those who stop it.
        watch.join()


def _watch(server: EmbeddedPostgres, over: threading.Event) -> None:
    pause = _INTERVAL
    while not over.wait(pause):
        pause = _INTERVAL
        try:
            if not server.is_running():
                log.warning("PostgreSQL has ended and is started again")
                server.start()
                log.warning("PostgreSQL is back")
        except Exception as error:
            log.error("PostgreSQL is not back yet: %s", error)
            pause = _AFTER_FAILURE
