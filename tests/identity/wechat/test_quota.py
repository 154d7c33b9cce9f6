"""WeChat's quota is everybody's: whoever makes codes up is stopped before WeChat is asked."""

import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from app.core.limits import counting
from app.core.limits.policies import PER_MINUTE
from app.core.settings import Settings
from tests.factories import Api
from tests.identity.wechat.people import Phone
from tests.identity.wechat.stand_in.server import StandIn


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that let a network have five codes refused in a minute, which stands still."""
    minute = time.time() // 60 * 60 + 1
    monkeypatch.setattr(counting, "_now", lambda: minute)
    return replace(settings, limits={**PER_MINUTE, "codes": 5})


async def test_made_up_codes_cannot_use_it_up(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    state = parse_qs(urlsplit(await wang.sent_to(url)).query)["state"][0]
    statuses = []
    for number in range(12):
        reply = await wang.open(f"/wechat/callback?code=made-up-{number}&state={state}")
        statuses.append(reply.status_code)
    assert statuses[-1] == 429
    assert "请过几秒再试一次" in reply.text
    assert stand_in.asked["exchange"] <= 6
