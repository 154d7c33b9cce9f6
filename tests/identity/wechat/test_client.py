"""Asking WeChat: every failure by name, repeated where that helps, in the time there is."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.identity.wechat.client import Client
from app.identity.wechat.failures import Failure, Refused
from tests.identity.wechat.people import account
from tests.identity.wechat.stand_in.server import StandIn, openid, unionid
from tests.identity.wechat.stand_in.tricks import TRICKS


@pytest.fixture
async def client(stand_in: StandIn) -> AsyncIterator[Client]:
    """A client as the app has one."""
    made = Client(account(stand_in))
    yield made
    await made.close()


async def refusal(client: Client, code: str) -> Failure:
    """Why a code is not exchanged."""
    with pytest.raises(Refused) as caught:
        await client.exchange(code)
    return caught.value.failure


async def test_a_code_stands_for_a_person(client: Client, stand_in: StandIn) -> None:
    person = await client.exchange(stand_in.new_code("wang"))
    assert (person.openid, person.unionid) == (openid("wang"), unionid("wang"))
    stand_in.unions = False
    assert (await client.exchange(stand_in.new_code("wang"))).unionid is None


async def test_a_code_is_good_once_and_for_five_minutes(client: Client, stand_in: StandIn) -> None:
    code, late = stand_in.new_code("wang"), stand_in.new_code("wang")
    await client.exchange(code)
    assert await refusal(client, code) is Failure.used_code
    stand_in.seconds_later = 301
    assert await refusal(client, late) is Failure.expired_code
    assert await refusal(client, "made-up") is Failure.invalid_code


NAMED = {
    "invalid-code": Failure.invalid_code,
    "used-code": Failure.used_code,
    "expired-code": Failure.expired_code,
    "missing-code": Failure.expired_code,
    "bad-secret": Failure.credential,
    "bad-app": Failure.credential,
    "bad-credential": Failure.credential,
    "not-listed": Failure.credential,
    "daily-quota": Failure.quota,
    "minute-quota": Failure.quota,
    "busy": Failure.busy,
    "undocumented": Failure.unknown,
    "silent": Failure.unreachable,
    "broken": Failure.faulty,
    "gone": Failure.faulty,
    "no-json": Failure.faulty,
    "no-openid": Failure.faulty,
    "snapshot": Failure.snapshot,
}


def test_every_trick_of_the_exchange_is_tried_here() -> None:
    mended = {"busy-once", "broken-once", "lost-once"}
    assert set(NAMED) | mended | {"declines"} == set(TRICKS)


@pytest.mark.parametrize("trick", NAMED)
async def test_every_failure_has_its_name(client: Client, stand_in: StandIn, trick: str) -> None:
    if trick == "silent":
        client.budget = 1.0
    began = time.monotonic()
    assert await refusal(client, stand_in.new_code(trick)) is NAMED[trick]
    assert time.monotonic() - began < client.budget + 10
    tries = {"busy": 3, "broken": 3}.get(trick, 1)
    if trick != "silent":
        assert stand_in.asked["exchange"] == tries


@pytest.mark.parametrize("trick", ["busy-once", "broken-once"])
async def test_what_passes_by_itself_is_asked_again(
    client: Client, stand_in: StandIn, trick: str
) -> None:
    assert (await client.exchange(stand_in.new_code(trick))).openid == openid(trick)
    assert stand_in.asked["exchange"] == 2


async def test_a_code_whose_reply_was_lost_counts_as_used(
    client: Client, stand_in: StandIn
) -> None:
    client.budget = 3.0
    assert await refusal(client, stand_in.new_code("lost-once")) is Failure.used_code


async def test_where_nobody_listens_it_is_unreachable(stand_in: StandIn) -> None:
    nowhere = Client(replace(account(stand_in), api_base="http://127.0.0.1:1"))
    assert await refusal(nowhere, "code") is Failure.unreachable
    await nowhere.close()


async def test_another_secret_is_refused_as_ours_to_mend(client: Client, stand_in: StandIn) -> None:
    stand_in.secret = "changed"
    with pytest.raises(Refused) as caught:
        await client.access_token()
    assert caught.value.failure is Failure.credential


async def test_a_used_up_quota_is_told(client: Client, stand_in: StandIn) -> None:
    stand_in.quota = 1
    await client.exchange(stand_in.new_code("wang"))
    assert await refusal(client, stand_in.new_code("wang")) is Failure.quota
