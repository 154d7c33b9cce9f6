"""How this program's own processes hang together."""

import ctypes
import multiprocessing
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """In a worker process: ask Linux to end it when its parent dies, however that dies."""
    if multiprocessing.parent_process() is not None and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
