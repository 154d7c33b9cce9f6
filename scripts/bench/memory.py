"""Memory of a worker: when it has just started, under load, and after many responses.

    .venv/bin/python -m scripts.bench.memory [--responses 1000000]

In MiB: RSS is all that is resident, PSS counts what is shared with other processes in parts, USS
is the worker's own. "under load" is the highest that was seen while 64 connections sent.
"""

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from scripts.bench import load
from scripts.bench.prepared import prepared
from scripts.bench.serving import OURS, machine, served

_CONNECTIONS = 64
_STEP = 20_000
_SHOWN = 10
"""Lines of the table while responses come in."""
_PAUSE = 0.2
_MIB = 1 << 20

Memory = tuple[int, int, int]
"""RSS, PSS and USS in bytes."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--responses", type=int, default=1_000_000)
    responses = parser.parse_args().responses
    with prepared(invitations=responses) as database:
        before = children_of_this()
        with (
            served(OURS, 1, database.environment) as port,
            ThreadPoolExecutor(1) as threads,
        ):
            [worker] = children_of_this() - before
            print(f"{machine()}; one worker, {_CONNECTIONS} connections")
            print(f"{'':<28}{'RSS':>8}{'PSS':>8}{'USS':>8}{'under load: RSS':>18}")
            _report("idle", memory_of(worker))
            for first in range(0, responses, _STEP):
                requests = database.requests(min(_STEP, responses - first))
                sending = threads.submit(load.run, port, requests, _CONNECTIONS)
                highest = max(_sampled(worker, sending))
                assert sending.result().statuses == {201: len(requests)}
                done = first + len(requests)
                if done * _SHOWN // responses > first * _SHOWN // responses:
                    _report(f"after {done:,}", memory_of(worker), highest)
            time.sleep(5)
            _report("five seconds later", memory_of(worker))


def children_of_this() -> set[int]:
    """The processes that this one has started."""
    me = os.getpid()
    return {int(one) for one in Path(f"/proc/{me}/task/{me}/children").read_text().split()}


def memory_of(pid: int) -> Memory:
    """What a process holds."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, size, _ = line.split()
        sizes[name] = int(size) * 1024
    own = sizes["Private_Clean:"] + sizes["Private_Dirty:"]
    return sizes["Rss:"], sizes["Pss:"], own


def resident(pid: int, name: str = "VmRSS") -> int:
    """Bytes of a process in memory: `VmRSS` now, `VmHWM` the most there ever were."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [said] = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(said) << 10


def _sampled(pid: int, sending: "Future[load.Measured]") -> Iterator[int]:
    yield memory_of(pid)[0]
    while not sending.done():
        time.sleep(_PAUSE)
        yield memory_of(pid)[0]


def _report(moment: str, memory: Memory, highest: int | None = None) -> None:
    line = f"{moment:<28}" + "".join(f"{size / _MIB:>8.0f}" for size in memory)
    print(line + (f"{highest / _MIB:>18.0f}" if highest else ""), flush=True)


if __name__ == "__main__":
    main()
