"""The background worker beside a server: a process of its own, started again when it dies."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("xinsheng.serving")

_COMMAND = (sys.executable, "-P", "-m", "app.worker")
_STOP_SECONDS = 30
_LOOK_SECONDS = 0.5
_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


@contextmanager
def worker_beside() -> Iterator[None]:
    """Have a background worker run while the context lasts; then it ends in order.

    It reads the environment that this process has now. A thread looks after it, since the main
    thread serves, and it ends with this process, however that ends.
    """
    over = threading.Event()
    # A copy: what the main thread sets meanwhile moves the environment from under a start.
    arguments = (over, dict(os.environ))
    watch = threading.Thread(target=_watch, args=arguments, name="background worker", daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(over: threading.Event, environment: dict[str, str]) -> None:
    pause = _PAUSE
    while not over.is_set():
        began = time.monotonic()
        try:
            _run(over, environment)
        except OSError as error:
            log.error("the background worker cannot be started: %s", error.strerror)
        if time.monotonic() - began > _LONGEST_PAUSE:
            pause = _PAUSE
        if not over.wait(pause):
            log.warning("the background worker has ended and is started again")
        pause = min(2 * pause, _LONGEST_PAUSE)


def _run(over: threading.Event, environment: dict[str, str]) -> None:
    # Linux ends it with the thread that started it: so this thread waits for it, too.
    command = [*_COMMAND, str(os.getpid())]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)
    while process.poll() is None:
        if over.wait(_LOOK_SECONDS):
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
