"""What two servers might read differently: refused, or read as exactly one request."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.attacks.shielded import Recorder, Shielded, head, refused, shielded
from tests.chaos.wire import Wire

SMUGGLED = head("GET", "/smuggled")
POST = b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

REFUSED = {
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + END,
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + END,
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a length with a sign": POST + b"Content-Length: +5\r\n\r\nhello",
    "a negative length": POST + b"Content-Length: -1\r\n\r\nhello",
    "a hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "a length beyond 64 bits": POST + b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "an empty length": POST + b"Content-Length: \r\n\r\nhello",
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + END,
    "quoted chunked": POST + b'Transfer-Encoding: "chunked"\r\n\r\n' + END,
    "chunked, then identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + END,
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n" + END,
    "chunked, then another": CHUNKED[:-2] + b"Transfer-Encoding: x\r\n\r\n" + END,
    "chunked after a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + END,
    "a folded header": POST + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a folded length": POST + b"Content-Length:\r\n 5\r\n\r\nhello",
    "a folded encoding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + END,
    "a folded first line": b"POST /x HTTP/1.1\r\n Host: 127.0.0.1\r\n\r\n",
    "bare LFs": b"POST /x HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 0\n\n",
    "a bare LF in headers": POST + b"X: a\nContent-Length: 5\r\n\r\nhello",
    "a bare LF at their end": POST + b"Content-Length: 0\r\n\n",
    "a bare CR in headers": POST + b"X: a\rContent-Length: 5\r\n\r\nhello",
    "a space before the colon": POST + b"Content-Length : 5\r\n\r\nhello",
    "one before the encoding's": POST + b"Transfer-Encoding : chunked\r\n\r\n" + END,
    "a header without a name": POST + b": chunked\r\n\r\n",
    "a header without a colon": POST + b"Transfer-Encoding\r\n\r\n",
    "a header's name in UTF-8": POST + "É: v\r\n\r\n".encode(),
    "a NUL in a header": POST + b"X: a\0b\r\n\r\n",
    "a NUL in a header's name": POST + b"X\0: a\r\n\r\n",
    "a NUL in the address": b"GET /a\0b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "bytes beyond ASCII in the address": "GET /é HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode(),
    "a space in the address": b"GET /a b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "HTTP/0.9": b"GET /x\r\n\r\n",
    "HTTP/1.2": b"GET /x HTTP/1.2\r\nHost: 127.0.0.1\r\n\r\n",
    "HTTP/2": b"GET /x HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a method in lower case": b"get /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "tabs": b"GET\t/x\tHTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "no path": b"GET http://127.0.0.1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "CONNECT": head("CONNECT", "127.0.0.1:80"),
    "CONNECT to a path": head("CONNECT", "/x"),
    "Upgrade with a body": head(
        "POST", "/x", "Connection: upgrade", "Upgrade: h2c", f"Content-Length: {len(SMUGGLED)}"
    ),
    "Upgrade with chunks": head(
        "POST", "/x", "Connection: upgrade", "Upgrade: websocket", "Transfer-Encoding: chunked"
    ),
    "a chunk beyond 64 bits": CHUNKED + b"10000000000000005\r\nhello\r\n" + END,
    "a chunk's size with 0x": CHUNKED + b"0x5\r\nhello\r\n" + END,
    "a negative chunk": CHUNKED + b"-5\r\nhello\r\n" + END,
    "a space after a chunk's size": CHUNKED + b"5 \r\nhello\r\n" + END,
    "no CRLF after a chunk": CHUNKED + b"5\r\nhello" + END,
    "a bare LF after a chunk": CHUNKED + b"5\r\nhello\n" + END,
    "bare LFs around a chunk": CHUNKED + b"5\nhello\n0\n\n",
    "a bare LF after an extension": CHUNKED + b"5;a\nhello\r\n" + END,
    "a length among the trailers": CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n",
}

ONE_REQUEST = {
    "a body by length": (POST + b"Content-Length: 34\r\n\r\n" + SMUGGLED[:34], 34),
    "a body with GET": (head("GET", "/x", "Content-Length: 5") + b"hello", 5),
    "a body in chunks": (CHUNKED + b"5\r\nhello\r\n" + END, 5),
    "chunks with extensions": (CHUNKED + b'5;a="b";c\r\nhello\r\n0;d\r\n\r\n', 5),
    "leading zeros": (CHUNKED + b"0000000000000005\r\nhello\r\n" + END, 5),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nAuthorization: x\r\n\r\n", 5),
    "an encoding before chunked": (POST + b"Transfer-Encoding: x, chunked\r\n\r\n" + END, 0),
    "an underscore": (POST + b"Content_Length: 5\r\n\r\n", 0),
    "a length that is to be dropped": (
        POST + b"Connection: keep-alive, content-length\r\nContent-Length: 5\r\n\r\nhello",
        5,
    ),
    "empty lines before": (b"\r\n\r\n" + head("GET", "/x"), 0),
    "two spaces": (b"GET  /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 0),
}
LAST = {
    "after Connection: close": head("GET", "/x", "Connection: close"),
    "after HTTP/1.0": b"GET /x HTTP/1.0\r\n\r\n",
    "after HTTP/1.0 with chunks": b"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + END,
    "after Upgrade": head("GET", "/x", "Connection: upgrade", "Upgrade: websocket"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Shielded]:
    """A server with the usual limits."""
    with shielded(Recorder()) as server:
        yield server


async def _send(wire: Wire, whole: bytes, piecemeal: bool) -> None:
    if not piecemeal:
        wire.send(whole)
        return
    for start in range(0, len(whole), 3):
        wire.send(whole[start : start + 3])
        await asyncio.sleep(0)


@pytest.mark.parametrize("piecemeal", [False, True], ids=["whole", "in pieces"])
@pytest.mark.parametrize("name", REFUSED)
async def test_what_can_be_read_in_two_ways_is_refused(
    server: Shielded, name: str, piecemeal: bool
) -> None:
    server.app.carried_out.clear()
    async with server.wire() as wire:
        await _send(wire, REFUSED[name] + SMUGGLED, piecemeal)
        await refused(wire, "malformed-request", 400)
    async with server.wire() as wire:
        await wire.ask("GET", "/after")
    assert server.app.carried_out == [("GET", "/after", b"")]


@pytest.mark.parametrize("piecemeal", [False, True], ids=["whole", "in pieces"])
@pytest.mark.parametrize("name", ONE_REQUEST)
async def test_what_can_be_read_in_one_way_is_one_request(
    server: Shielded, name: str, piecemeal: bool
) -> None:
    server.app.carried_out.clear()
    whole, size = ONE_REQUEST[name]
    async with server.wire() as wire:
        await _send(wire, whole + head("GET", "/next"), piecemeal)
        reply = (await wire.reply()).json()
        assert (reply["path"], reply["size"]) == ("/x", size)
        assert "authorization" not in reply["headers"]
        assert (await wire.reply()).json()["path"] == "/next"
    assert [(path, len(body)) for _, path, body in server.app.carried_out] == [
        ("/x", size),
        ("/next", 0),
    ]


@pytest.mark.parametrize("at_once", [False, True], ids=["later", "at once"])
@pytest.mark.parametrize("name", LAST)
async def test_what_follows_the_last_request_is_none(
    server: Shielded, name: str, at_once: bool
) -> None:
    server.app.carried_out.clear()
    async with server.wire() as wire:
        wire.send(LAST[name] + SMUGGLED * at_once)
        assert (await wire.reply()).json()["path"] == "/x"
        wire.send(SMUGGLED)
        with suppress(ConnectionError):
            assert await wire.rest() == b""
    assert [path for _, path, _ in server.app.carried_out] == ["/x"]


async def test_those_before_a_malformed_request_have_their_replies_first(
    server: Shielded,
) -> None:
    async with server.wire() as wire:
        wire.send(head("GET", "/one") + head("GET", "/two") + b"GARBAGE\r\n\r\n" + SMUGGLED)
        assert (await wire.reply()).json()["path"] == "/one"
        assert (await wire.reply()).json()["path"] == "/two"
        await refused(wire, "malformed-request", 400)


async def test_a_malformed_body_that_waits_behind_another_request_is_refused_in_its_turn(
    server: Shielded,
) -> None:
    server.app.carried_out.clear()
    async with server.wire() as wire:
        wire.send(head("GET", "/one") + head("GET", "/two") + CHUNKED + b"5\r\nhello" + SMUGGLED)
        assert (await wire.reply()).json()["path"] == "/one"
        assert (await wire.reply()).json()["path"] == "/two"
        await refused(wire, "malformed-request", 400)
    assert [path for _, path, _ in server.app.carried_out] == ["/one", "/two"]


async def test_what_follows_a_refused_body_is_no_request(server: Shielded) -> None:
    server.app.carried_out.clear()
    async with server.wire() as wire:
        wire.send(head("POST", "/early", "Content-Length: 1000", "Connection: close") + SMUGGLED)
        assert (await wire.reply()).json() == {"early": True}
        wire.send(SMUGGLED * 30)
        assert await wire.rest() == b""
    assert server.app.carried_out == [("POST", "/early", b"")]


async def test_what_needs_no_body_is_not_carried_out_with_a_malformed_one(
    server: Shielded,
) -> None:
    server.app.carried_out.clear()
    async with server.wire() as wire:
        wire.send(head("POST", "/early", "Transfer-Encoding: xchunked") + END + SMUGGLED)
        await refused(wire, "malformed-request", 400)
    async with server.wire() as wire:
        await wire.ask("GET", "/after")
    assert server.app.carried_out == [("GET", "/after", b"")]


@pytest.mark.parametrize("split", ["%0d%0a", "%0a", "%0d", "%00", "%0d%0a%0d%0a"])
async def test_a_header_of_a_reply_that_would_be_two_is_not_sent(
    server: Shielded, split: str
) -> None:
    async with server.wire() as wire:
        wire.send(head("GET", f"/split?a{split}X-Injected:b"))
        assert await wire.rest() == b""
