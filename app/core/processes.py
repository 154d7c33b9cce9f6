"""How this program's own processes hang together."""

import ctypes
import multiprocessing
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int | None = None) -> None:
    """In a worker process: ask Linux to end it when its parent dies, however that dies.

    `parent`: the process that started this one by other means than multiprocessing.
    """
    if parent is None and multiprocessing.parent_process() is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if parent not in (None, os.getppid()):
        sys.exit(0)  # it died before it could be asked for
