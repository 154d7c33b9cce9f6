"""The processes of a server, and ways to kill them."""

import contextlib
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

from tests.processes import Server


def children(pid: int) -> list[int]:
    """The processes that a process has started, zombies included."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def workers(running: Server) -> list[int]:
    """The worker processes of a server that has several."""
    return [pid for pid in children(running.process.pid) if _says(pid, "spawn_main")]


def _says(pid: int, word: str) -> bool:
    try:
        return word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def postmaster(data_dir: Path) -> int | None:
    """The main process of the embedded server, as its own file has it; None without one."""
    for status in (data_dir / "postgres").glob("cluster-*/postmaster.pid"):
        with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
            return int(status.read_text().split()[0])
    return None


def is_alive(pid: int | None) -> bool:
    """Whether a process runs; a zombie does not."""
    if pid is None:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _kill(*pids: int | None) -> None:
    for pid in pids:
        assert pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def one_worker(running: Server, chance: random.Random) -> None:
    """SIGKILL to one worker process."""
    _kill(chance.choice(workers(running)))


def all_workers(running: Server, chance: random.Random) -> None:
    """SIGKILL to every worker process at once."""
    _kill(*workers(running))


def the_database(running: Server, chance: random.Random) -> None:
    """SIGKILL to the main process of PostgreSQL; its children see that and end."""
    _kill(postmaster(running.data_dir))


def a_backend(running: Server, chance: random.Random) -> None:
    """SIGKILL to one process of PostgreSQL, which makes it end the others and recover."""
    main = postmaster(running.data_dir)
    assert main is not None
    _kill(chance.choice(children(main)))


def the_supervisor(running: Server, chance: random.Random) -> None:
    """SIGKILL to the process that started the others; its workers see that and end."""
    _kill(running.process.pid)
    running.process.wait()


def everything(running: Server, chance: random.Random) -> None:
    """SIGKILL to the server, its workers, and every process of its database."""
    main = postmaster(running.data_dir)
    of_database = [] if main is None else [main, *children(main)]
    running.kill()
    _kill(*of_database)


Kill = Callable[[Server, random.Random], None]
KILLS: dict[str, Kill] = {
    "a worker": one_worker,
    "PostgreSQL": the_database,
    "everything": everything,
    "all workers": all_workers,
    "a PostgreSQL backend": a_backend,
    "the supervisor": the_supervisor,
}
"""Every way to kill, by what is killed."""
FATAL = frozenset({"everything", "the supervisor"})
"""What does not come back by itself."""
