"""A real server, attacked over one connection, and over thousands."""

import asyncio
import sys

import pytest

from tests.attacks.shielded import head, refused
from tests.attacks.siege import Host, siege
from tests.chaos.ledger import assert_each_once
from tests.chaos.served import Served
from tests.chaos.wire import LOST, Wire

pytestmark = pytest.mark.process

INJECTED = ["%0d%0aX-Injected:%20yes", "%0aX-Injected:%20yes", "%00", "%0d%0a%0d%0aHTTP/1.1 200"]
ADDRESSES = [
    "/s/{}",
    "/i/{}",
    "/v1/links/{}",
    "/v1/units/{}",
    "/v1/campaigns/{}/links?format=csv",
    "/v1/campaigns/C/results?by=unit&format={}",
    "/problems/{}",
    "/{}",
]


@pytest.fixture
async def wire(served: Served) -> Wire:
    """A connection to it."""
    return await Wire.open(served.base)


async def test_a_body_without_an_end_is_refused(served: Served, wire: Wire) -> None:
    async def send() -> None:
        while True:
            wire.send(b"40000\r\n" + b" " * 0x40000 + b"\r\n")
            await wire.drained()
            await asyncio.sleep(0)  # where nothing holds it up, nobody would read the reply

    path = f"/v1/links/{served.link}/responses"
    wire.send(head("POST", path, "Content-Type: application/json", "Transfer-Encoding: chunked"))
    sending = asyncio.create_task(send())
    async with asyncio.timeout(60):
        reply = await wire.reply()
        assert (reply.status, reply.json()["type"]) == (413, "/problems/too-large")
        with pytest.raises(LOST):
            await sending
    wire.close()


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/v1/units/import", "text/csv"),
        ("/v1/campaigns/C/interviews", "application/json"),
        ("/v1/links/x/responses", "application/json"),
    ],
)
async def test_a_body_of_a_size_that_nobody_takes_is_refused_at_once(
    served: Served, wire: Wire, path: str, media_type: str
) -> None:
    headers = [f"Content-Type: {media_type}", "Content-Length: 99999999999"]
    headers += [f"Authorization: Bearer {served.api.token}", "Idempotency-Key: 12345678901234567"]
    wire.send(head("POST", path, *headers))
    async with asyncio.timeout(20):
        await refused(wire, "too-large", 413)
    wire.close()


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("injected", INJECTED)
async def test_nothing_that_is_sent_becomes_a_header_of_the_reply(
    served: Served, wire: Wire, address: str, injected: str
) -> None:
    path = address.format(injected.replace(" ", "%20"))
    authorization = f"Authorization: Bearer {served.api.token}"
    wire.send(head("GET", path, authorization, "Connection: close"))
    async with asyncio.timeout(20):
        told = (await wire.rest()).lower()
    assert told.startswith(b"http/1.1 4")
    assert told.count(b"http/1.1") == 1
    head_, _, _ = told.partition(b"\r\n\r\n")
    assert b"x-injected" not in head_
    assert b"\0" not in head_
    wire.close()


async def test_parents_keep_answering_under_siege(served: Served) -> None:
    found = await siege(served, Host(idle=1500, slow=100, endless=8, deaf=8), seconds=6)
    sys.stderr.write(f"{found.summary()}\n")
    assert found.besieged.asked > 100
    assert found.quiet.share == found.besieged.share == 1
    assert found.bytes_per_idle_connection < 40_000
    await assert_each_once(served.data_dir, served.stored, served.stored)
