"""Serving: one server a data directory, uvicorn over it, an orderly end."""

import fcntl
import gc
import os
import re
import resource
import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import uvicorn
from uvicorn.supervisors import Multiprocess

from app.core.protocol.connection import HttpConnection
from app.core.settings import Settings, default_data_dir
from app.demonstration import Shown

_GRACEFUL_SECONDS = 30
_STARTING_SECONDS = 60
_BACKLOG = 2048
_LOCK = "server.lock"


class NotServed(RuntimeError):
    """Serving cannot begin. The message says why and what to do."""


@contextmanager
def only_here(settings: Settings) -> Iterator[None]:
    """Hold the data directory for this server. Errors: NotServed where another one has it."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.data_dir / _LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            raise NotServed(
                f"A server is running on {settings.data_dir} already ({holder}). "
                "Use that one, stop it first, or choose another --data-dir."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} at {settings.public_url}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def running_at(data_dir: Path) -> str | None:
    """The public address of the server that runs on a data directory, if one does."""
    found = holder(data_dir)
    return found.public_url or None if found else None


class Holder(NamedTuple):
    """Who holds a data directory."""

    process: int
    public_url: str


def holder(data_dir: Path) -> Holder | None:
    """The server that runs on a data directory, if one does. Errors: OSError."""
    try:
        with (data_dir / _LOCK).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        said = re.match(r"process (\d+) at (.*)", (data_dir / _LOCK).read_text())
        return Holder(int(said[1]), said[2].strip()) if said else Holder(0, "")
    except FileNotFoundError:
        return None


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """The socket to serve on, which does not listen yet. Errors: NotServed where it is taken."""
    try:
        # Two sockets may be bound to one port as long as neither listens: so listen, and let go.
        with _bound(host, port) as probe:
            probe.listen(1)
        listener = _bound(host, port)
    except OSError as error:
        raise NotServed(
            f"Port {port} on {host} cannot be used ({error.strerror}): choose another --port."
        ) from error
    with listener:
        listener.set_inheritable(True)
        yield listener


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """End in order, with status 0, when asked to: uvicorn raises its signals again when done."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    former = {one: signal.signal(one, end) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class _Config(uvicorn.Config):
    """uvicorn's configuration; every worker process loads its app through it."""

    def load(self) -> None:
        """Load the app, and keep the garbage collector from holding up those who wait.

        What exists by now stays for good: unfrozen, to look through it all takes a tenth of a
        second each time. And a burst's requests are no garbage, however many are under way.
        """
        super().load()
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)


class _Supervisor(Multiprocess):
    """uvicorn's, which notices at once that a worker died while it was asked how it is.

    uvicorn keeps the worker's end of the pipe open in its own process: no end of file comes then,
    and with every worker dead nobody is served until the whole time for an answer has passed.
    """

    def init_processes(self) -> None:
        """Start the workers."""
        super().init_processes()
        self._let_go()

    def keep_subprocess_alive(self) -> None:
        """Start workers anew that have died, or do not answer."""
        super().keep_subprocess_alive()
        self._let_go()

    def _let_go(self) -> None:
        for process in self.processes:
            process.child_conn.close()


def _allow_many_connections() -> None:
    # Each takes an open file. The usual limit of 1024 is for programs that still use select(),
    # and beyond it people would be turned away without a word.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(listener: socket.socket) -> None:
    # Else uvicorn does it once all is up, and where it fails waits for ever, serving nobody.
    try:
        listener.listen(_BACKLOG)
    except OSError as error:
        host, port = listener.getsockname()[:2]
        raise NotServed(
            f"Another program has taken port {port} on {host} meanwhile: choose another --port."
        ) from error


def serve(listener: socket.socket, *, workers: int, app: str = "app.main:create") -> None:
    """Serve until a signal says to stop; what was accepted is finished first.

    `app`: where the function is that builds it, for measuring others served in the same way.
    Errors: NotServed where another has begun to listen there since it was bound.
    """
    _listen(listener)
    _allow_many_connections()
    config = _Config(
        app,
        factory=True,
        workers=workers,
        loop="uvloop",
        http=HttpConnection,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        # Several that start on a busy machine need more than uvicorn's five seconds, and would be
        # ended and started again for ever.
        timeout_worker_healthcheck=_STARTING_SECONDS,
    )
    if workers == 1:
        uvicorn.Server(config).run(sockets=[listener])
    else:
        _Supervisor(config, sockets=[listener]).run()


def welcome(settings: Settings, shown: Shown | None, *, serves: bool = True) -> str:
    """What to open and how to get a token, for people who have just started it."""
    base = settings.public_url
    first = f"Xinsheng 心声 serves at {base}" if serves else f"When it is served at {base}:"
    lines = [first, f"  API documentation   {base}/docs"]
    if shown is None:
        command = 'xinsheng clients create "My bureau" --scope admin'
        if settings.data_dir != default_data_dir():
            command += f" --data-dir {shlex.quote(str(settings.data_dir))}"
        lines.append(f"  A client for it     .venv/bin/{command}")
        return "\n".join(lines)
    lines += [
        f"  Answer as a parent  {shown.link_url}",
        f"  By invitation       {shown.invitation_url}",
        *_as_in_wechat(settings, shown),
        f"  Results as a page   {shown.page_url}",
        f"  … and in the API    {shown.results_url}",
        "",
        "Clients of the demonstration, for POST /oauth/token:",
    ]
    lines += [
        f"  {one.name:<12} {one.client_id} {one.client_secret}  ({one.scope})"
        for one in shown.credentials
    ]
    bureau = shown.credentials[0]
    lines += [
        "",
        "Get a token:",
        f"  curl -u {bureau.client_id}:{bureau.client_secret} "
        f"-d grant_type=client_credentials {base}/oauth/token",
    ]
    return "\n".join(lines)


def _as_in_wechat(settings: Settings, shown: Shown) -> list[str]:
    # A stand-in for WeChat takes any browser for WeChat's own.
    if settings.wechat is None or not settings.wechat.authorize_base.startswith("http://127."):
        return []
    return [
        f"  As if in WeChat     {shown.link_url}?wechat=yes",
        f"   … by invitation    {shown.invitation_url}?wechat=yes",
    ]
