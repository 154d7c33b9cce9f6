"""A connection: uvicorn's protocol, which waits for nobody for ever and holds nobody's excess."""

import asyncio
import secrets
from typing import Any

import httptools
import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from app.core.metrics import CUT_OFF
from app.core.problems import (
    MEDIA_TYPE,
    Busy,
    HeadersTooLarge,
    MalformedRequest,
    Problem,
    RequestTimeout,
    TooLarge,
    UriTooLong,
)
from app.core.protocol.bounds import Bounds
from app.core.protocol.guard import guard_of
from app.core.protocol.joining import JoiningTransport

_NOTHING, _HEAD, _BODY = range(3)
"""What the client has begun to send, and owes the rest of."""
_BODY_FRAMES = (b"content-length", b"transfer-encoding")
_FRAMING_SHARE = 8


class HttpConnection(HttpToolsProtocol):
    """What uvicorn does, within `bounds`, and what is refused answered by problem documents.

    Most requests arrive in one piece, and all that parents wait for comes this way: so the
    methods above `pause_writing` are all that runs for these, and stand in place of uvicorn's.
    """

    bounds = Bounds()
    transport: JoiningTransport  # type: ignore[assignment]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.url = b""
        self._trailers: list[tuple[bytes, bytes]] = []
        self.headers = self._trailers
        """Those of a head that is being read; else what stands behind a body."""
        self.unfinished = 0
        self._guard = guard_of(server_state, self.bounds)
        self._owes = _HEAD
        self._received = 0
        """Bytes of the reads that the request stands in that has begun."""
        self._delivered = 0
        """Those of them that are body."""
        self._waited = 0.0
        self._quiet = 0.0
        self._unread = 0.0
        self._unsent = 0
        self._is_deaf = False
        self._reason: Problem | None = None
        """Why the head that is being parsed is refused."""
        self._last_word: Problem | None = None
        """What is to be said when those before have their replies."""
        self._task: asyncio.Task[None] | None = None
        """The newest request's, if its head stood in what is being parsed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a new connection."""
        joining = JoiningTransport(transport, self.loop)
        if len(self.connections) >= self._guard.most_connections:
            self._guard.make_way()
            if len(self.connections) >= self._guard.most_connections:
                self.transport = joining
                joining.write(self._reply(Busy()))
                joining.close()
                return
        super().connection_made(joining)  # type: ignore[arg-type]
        self._guard.owing[self] = None
        self._guard.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._forget_unfinished()
        self._guard.owing.pop(self, None)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End in order; what would go on for ever is told that the server ends."""
        ending: asyncio.Event | None = self.app_state.get("ending")
        if ending is not None:
            ending.set()
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Parse what has come."""
        if self._is_deaf or self.transport.is_closing():
            return
        arriving = len(data)
        self._task = None
        if self._owes:
            self._received += arriving
        else:
            # Even an empty line begins a request, and the rest is not waited for for ever.
            self._owes, self._received, self._waited = _HEAD, arriving, 0.0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError:
            self._refuse_unparsed()
            return
        if self.headers is not self._trailers:
            if not self._owes:
                # The next request has begun behind the one that came to its end.
                self._owes, self._received, self._waited = _HEAD, arriving, 0.0
            self._keeps_waiting()
        elif self._owes:
            self._keeps_waiting()

    def on_headers_complete(self) -> None:
        """The head of a request is complete."""
        if self._received > self.bounds.request_line or len(self.headers) > self.bounds.headers:
            self._check_size()
        if self.pipeline and len(self.pipeline) >= self.bounds.pipelined:
            raise self._because(Busy("Too many requests wait on this connection."))
        upgrades = self.parser.should_upgrade()
        if upgrades or self.parser.get_http_version() != "1.1":
            self._check_form()
        super().on_headers_complete()
        if upgrades:
            # The parser takes all that follows for another protocol, which is not spoken here.
            self.cycle.keep_alive = False
            self._is_deaf = True
        self._owes = _BODY
        self._delivered = 0
        self._waited = 0.0
        # What follows a body in pieces is parsed as headers too, and must not become some.
        self.headers = self._trailers

    def on_body(self, body: bytes) -> None:
        """A piece of the body has come."""
        self._delivered += len(body)
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The request has come to its end."""
        self._owes = _NOTHING
        if self.unfinished:
            self._forget_unfinished()
        if self._trailers:
            self._trailers.clear()
        cycle = self.cycle
        if cycle.response_complete:
            self._is_kept()
        else:
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        """A reply was written: turn to the next request."""
        self.server_state.total_requests += 1
        if self._owes == _BODY:
            # Nobody wants the rest: it has a moment to arrive.
            self._waited = 0.0
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._last_word is not None:
            self._end(self._last_word)
        elif not self._owes:
            self._is_kept()

    def _is_kept(self) -> None:
        # In place of uvicorn's timer, which would be made and cancelled for each request.
        self._waited = 0.0
        self._guard.owing[self] = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        task = self._task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _should_upgrade(self) -> bool:
        return False

    def pause_writing(self) -> None:
        """The client does not take what was written."""
        super().pause_writing()
        self._unread = 0.0
        self._guard.owing[self] = None

    def _refuse_unparsed(self) -> None:
        if self._owes == _BODY and self._task is not None and not self.pipeline:
            self._task.cancel()  # before it has begun
        self.refuse(self._reason or MalformedRequest())

    def _because(self, problem: Problem) -> Problem:
        self._reason = problem
        return problem

    def _check_size(self) -> None:
        if len(self.url) > self.bounds.request_line:
            raise self._because(UriTooLong())
        size = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.headers) > self.bounds.headers or size > self.bounds.headers_size:
            raise self._because(HeadersTooLarge())

    def _check_form(self) -> None:
        if self.parser.get_http_version() not in ("1.1", "1.0"):
            raise self._because(MalformedRequest("Speak HTTP/1.1."))
        with_body = any(name in _BODY_FRAMES for name, _ in self.headers)
        if self.parser.should_upgrade() and (with_body or self.parser.get_method() == b"CONNECT"):
            # Its body would be parsed as the next request.
            raise self._because(MalformedRequest("Send it without Upgrade and CONNECT."))

    def _keeps_waiting(self) -> None:
        """More of a request is to come than what was just parsed."""
        self._quiet = 0.0
        self._guard.owing[self] = None
        if self._owes == _HEAD:
            if len(self.url) > self.bounds.request_line:
                self.refuse(UriTooLong())
            elif self._received > self.bounds.request_line + self.bounds.headers_size:
                self.refuse(HeadersTooLarge())
            return
        self.transport.awaits_more = True
        self._guard.unfinished += self._received - self.unfinished
        self.unfinished = self._received
        if self._received - self._delivered * _FRAMING_SHARE > self.bounds.framing:
            self.refuse(TooLarge("Its framing is larger than the body."))
        elif self._guard.unfinished > self.bounds.unfinished:
            self._guard.make_room()

    def _forget_unfinished(self) -> None:
        self._guard.unfinished -= self.unfinished
        self.unfinished = 0
        self.transport.awaits_more = False

    def still_owes(self, elapsed: float) -> bool:
        """Count these seconds where we wait for the client, and end it where they are too many.

        False where we don't wait.
        """
        if self.transport.lingers:
            self._waited += elapsed
            if self._waited >= self.bounds.linger_seconds:
                self.transport.abort()
            return True
        unread = self.flow.write_paused and self._leaves_unread(elapsed)
        if self._is_deaf or not (self._owes or self.cycle.response_complete):
            return unread
        # Nor is it the client's time when we don't read, or have yet to ask for the body.
        if self.flow.read_paused or (self._owes == _BODY and self.cycle.waiting_for_100_continue):
            return True
        self._waited += elapsed
        self._quiet += elapsed
        if self._owes == _NOTHING:
            if self._waited >= self.bounds.kept_seconds:
                self.transport.close()
        elif self._owes == _HEAD:
            if self._waited >= self.bounds.head_seconds:
                self._end_slow_head()
        elif self.cycle.response_complete:
            if self._waited >= self.bounds.linger_seconds:
                self.refuse(RequestTimeout())
        elif self._is_slow():
            self.refuse(RequestTimeout())
        return True

    def _leaves_unread(self, elapsed: float) -> bool:
        former, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        self._unread = 0.0 if self._unsent < former else self._unread + elapsed
        if self._unread >= self.bounds.unread_seconds:
            self.transport.abort()
        return True

    def _end_slow_head(self) -> None:
        if self._received:
            self.refuse(RequestTimeout())
        else:
            self.transport.close()

    def _is_slow(self) -> bool:
        bounds = self.bounds
        due = (self._waited - bounds.grace_seconds) * bounds.pace
        return self._quiet >= bounds.quiet_seconds or self._received < due

    def gives_way(self) -> bool:
        """Whether it waits with nothing under way: just connected and silent, or kept."""
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        if self._owes == _NOTHING:
            return bool(self.transport.get_write_buffer_size() == 0)
        return self._owes == _HEAD and self._waited >= self.bounds.patience_seconds

    def refuse(self, problem: Problem) -> None:
        """Take no more, and end with this, after the replies that those before wait for."""
        self._is_deaf = True
        self._forget_unfinished()
        if self._owes == _BODY and not self.pipeline:
            self._break_off(problem)
        elif self._owes == _BODY:
            self.pipeline.popleft()  # the newest; it has not begun
            self._last_word = problem
        elif self.cycle is None or self.cycle.response_complete:
            self._end(problem)
        else:
            self._last_word = problem

    def _break_off(self, problem: Problem) -> None:
        cycle = self.cycle
        cycle.disconnected = True
        cycle.body = bytearray()
        cycle.message_event.set()
        if cycle.response_started:
            # It has its reply, or a part of one that nothing can be said after.
            self.transport.close()
        else:
            self._end(problem)

    def _end(self, problem: Problem) -> None:
        self._is_deaf = True
        self._last_word = None
        self._waited = 0.0
        self._guard.owing[self] = None
        self.transport.write(self._reply(problem))
        self.transport.linger()

    def _reply(self, problem: Problem) -> bytes:
        CUT_OFF.labels(problem.slug).inc()
        request_id = secrets.token_hex(8)
        body = msgspec.json.encode(problem.document(request_id))
        headers = {
            **{name.decode(): value.decode() for name, value in self.server_state.default_headers},
            "content-type": MEDIA_TYPE,
            "content-length": len(body),
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "x-request-id": request_id,
            **problem.headers,
            "connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return STATUS_LINE[problem.status] + lines.encode() + b"\r\n" + body
