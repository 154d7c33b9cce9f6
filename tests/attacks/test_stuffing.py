"""What each way of proving who answers stops of a packaged filler, and what it does not."""

import ipaddress
from dataclasses import replace

import pytest

from app.core.settings import Settings
from tests.attacks.stuffing import ACCOUNTS, LEAKED, Filler, loot, questionnaire
from tests.factories import Api, open_campaign, tree

TRIES = 360
TRICKS = 9
CLEARED = TRIES // TRICKS


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Behind a proxy, whose word on addresses is taken."""
    return replace(settings, trusted_proxies=(ipaddress.ip_network("127.0.0.1"),))


@pytest.mark.parametrize(
    ("identity", "counted"),
    [
        (["invitation"], {"a leaked invitation, again": LEAKED}),
        (["wechat"], {"bought": ACCOUNTS}),
        (["wechat", "invitation"], {"bought": ACCOUNTS, "a leaked invitation, again": LEAKED}),
        (["device"], {"cleared cookies": CLEARED}),
        # A chain is as strong as its weakest link.
        (["wechat", "device"], {"bought": ACCOUNTS, "cleared cookies": CLEARED}),
    ],
    ids=str,
)
async def test_a_filler_gets_as_many_votes_as_it_has_real_proofs(
    admin: Api, identity: list[str], counted: dict[str, int]
) -> None:
    await tree(admin)
    populations = {"parent": await questionnaire(admin)}
    await open_campaign(admin, identity=identity, populations=populations)
    has = await loot(admin, admin.app.state.keyring, 1, invited="invitation" in identity)
    found = await Filler(admin, has).run(TRIES)
    by_proof = found.by_trick.copy()
    bought = sum(by_proof.pop(name, 0) for name in list(by_proof) if "bought" in name)
    assert by_proof | ({"bought": bought} if bought else {}) == counted
    results = await admin.made("GET", "/v1/campaigns/C/results")
    assert results["rows"][0]["respondents"] == found.counted == sum(counted.values())
    # Nobody is refused by chance: each other try was told why.
    assert found.told.total() == TRIES
