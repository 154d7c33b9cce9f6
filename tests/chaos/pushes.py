"""A push that is killed, or whose server or database is, and started again until it is done."""

import contextlib
import os
import random
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from app.push.state import State
from tests.chaos.killing import FATAL, KILLS, is_alive, postmaster
from tests.processes import XINSHENG, Server, free_port, server
from tests.push.conftest import as_ndjson, bureau_of
from tests.push.files import wave

THE_CLIENT = "the client"
KINDS = (THE_CLIENT, "PostgreSQL", "a PostgreSQL backend", "everything", "the supervisor")
PART = 1000
PARTS_A_KILL = 3
"""So many more than are sent from one kill to the next."""
_SECONDS = 120
_MOMENT = 0.2
"""Seconds, in which no more than a part is sent: what is killed next must still be needed."""


@dataclass
class Pushed:
    """What a push came to that was killed so often."""

    items: int
    killed: list[tuple[str, int]] = field(default_factory=list)
    """What was killed, and how many parts the client knew to be acknowledged then."""
    starts: int = 1
    said: str = ""
    """What the last run said."""

    def counted(self, status: str) -> int:
        """How many items were told this status."""
        found = re.search(rf"([\d,]+)  {status}\n", self.said)
        assert found is not None, self.said
        return int(found[1].replace(",", ""))


class _Running:
    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.chance = chance
        self.port = free_port()
        self._servers = ExitStack()
        self.server: Server
        self.push: subprocess.Popen[bytes]
        self.environment: dict[str, str] = {}

    def serve(self) -> None:
        """Start the server, in the place of the one that was killed."""
        self._servers.close()
        starting = server(self.data_dir, port=self.port)
        self.server = self._servers.enter_context(starting)

    def end(self) -> None:
        """End what was started."""
        if self.push.poll() is None:
            self.push.kill()
            self.push.wait()
        self._servers.close()

    def start(self) -> None:
        """Start the push, anew or again."""
        command = [str(XINSHENG), "push", str(self.folder / "wave.ndjson"), "--campaign", "C"]
        with (self.folder / "said").open("wb") as said:
            self.push = subprocess.Popen(
                [*command, "--as", "interviews"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return (self.folder / "said").read_text("utf-8")

    def acknowledged(self) -> int:
        """Parts that the client knows to be acknowledged."""
        for path in (self.folder / "state").glob("xinsheng/push-*.json"):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                return msgspec.json.decode(path.read_bytes(), type=State).parts
        return 0

    def get_on(self, since: int) -> None:
        """Wait until one more part is acknowledged, and some moment of the next one."""
        began = time.monotonic()
        ends_at = began + _SECONDS
        while self.acknowledged() <= since:
            assert self.push.poll() is None, self.said()
            assert time.monotonic() < ends_at, f"{self.said()}\n{self.server.said()}"
            time.sleep(0.01)
        time.sleep(self.chance.random() * min(time.monotonic() - began, _MOMENT))

    def kill(self, kind: str) -> None:
        """Kill this, and see that it comes back."""
        if kind == THE_CLIENT:
            self.push.kill()
            self.push.wait()
            self.start()
            return
        former = postmaster(self.data_dir)
        KILLS[kind](self.server, self.chance)
        if kind in FATAL:
            self.serve()
        elif kind == "PostgreSQL":
            ends_at = time.monotonic() + _SECONDS
            while not is_alive(found := postmaster(self.data_dir)) or found == former:
                assert time.monotonic() < ends_at, self.server.said()
                time.sleep(0.05)


def pushed(folder: Path, kinds: Sequence[str], *, seed: int) -> Iterator[Pushed]:
    """Push a file while each of `kinds` is killed in turn; yields when all is done.

    The server still runs then, so that it can be looked at: its data lies in `folder/data`.
    """
    running = _Running(folder, random.Random(seed))
    done = Pushed(items=PART * PARTS_A_KILL * (len(kinds) + 1))
    running.serve()
    try:
        bureau = bureau_of(running.server)
        state = {"XDG_STATE_HOME": str(folder / "state"), "LC_ALL": "C.UTF-8"}
        running.environment = {**os.environ, **bureau.contractor, **state}
        (folder / "wave.ndjson").write_bytes(as_ndjson(wave(done.items)))
        running.start()
        for kind in kinds:
            running.get_on(running.acknowledged())
            done.killed.append((kind, running.acknowledged()))
            running.kill(kind)
            done.starts += kind == THE_CLIENT
        assert running.push.wait(_SECONDS) == 0, running.said()
        done.said = running.said()
        yield done
    finally:
        running.end()
