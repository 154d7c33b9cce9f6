"""What monitoring is told: counters and histograms, of all worker processes as one.

Several processes keep them in files of one folder (prometheus-client's multiprocess mode, which
looks for the folder when it is imported); a single one keeps them in its memory.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_KEPT = CollectorRegistry()
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

RESPONSES = Counter(
    "xinsheng_responses",
    "Responses by what became of them: stored, replayed, replaced, refused ones by their reason.",
    ["outcome"],
    registry=_KEPT,
)
BATCH_SECONDS = Histogram(
    "xinsheng_batch_seconds",
    "Time to commit a batch of responses.",
    buckets=_SECONDS,
    registry=_KEPT,
)
BATCH_SIZE = Histogram(
    "xinsheng_batch_responses",
    "Responses committed together.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
    registry=_KEPT,
)
QUEUE = Gauge(
    "xinsheng_intake_queue",
    "Responses that wait to be committed, when a batch last began.",
    multiprocess_mode="livesum",
    registry=_KEPT,
)
QUEUE_ROOM = Gauge(
    "xinsheng_intake_queue_room",
    "Responses that may wait; more are told to come again.",
    multiprocess_mode="livesum",
    registry=_KEPT,
)
REQUESTS = Counter(
    "xinsheng_http_requests",
    "Requests by kind (answer, page, api) and status; answers that were taken are responses.",
    ["kind", "status"],
    registry=_KEPT,
)
REQUEST_SECONDS = Histogram(
    "xinsheng_http_request_seconds",
    "Time to reply, but for answers: a batch's time is theirs.",
    ["kind"],
    buckets=_SECONDS,
    registry=_KEPT,
)
CONNECTIONS = Gauge(
    "xinsheng_connections",
    "Open connections, to the second.",
    multiprocess_mode="livesum",
    registry=_KEPT,
)
CUT_OFF = Counter(
    "xinsheng_connections_cut_off",
    "Connections that were ended with a problem before there was a request: slow, oversized, odd.",
    ["problem"],
    registry=_KEPT,
)
LIMITED = Counter(
    "xinsheng_limited_requests",
    "Requests that were refused since a limit was used up.",
    ["limit"],
    registry=_KEPT,
)


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """Have the worker processes that are started meanwhile count together."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ[_FOLDER] = str(folder)
    try:
        yield
    finally:
        del os.environ[_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def exposition() -> bytes:
    """All of it in Prometheus' text format."""
    folder = os.environ.get(_FOLDER)
    if folder is None:
        return generate_latest(_KEPT)
    _forget_the_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]
    return generate_latest(together)


def _forget_the_dead(folder: Path) -> None:
    # What they counted stays; what they had in hand is gone.
    for file in folder.glob("gauge_live*.db"):
        process = file.stem.rpartition("_")[2]
        if not Path("/proc", process).exists():
            mark_process_dead(process, path=str(folder))  # type: ignore[no-untyped-call]
