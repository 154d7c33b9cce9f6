"""A packaged filler of the kind that is sold: it votes again and again, as a crowd would.

Every try comes from a random address, with cookies cleared and the timing of people. It knows the
link, as everybody does, has bought a few WeChat accounts and got hold of a few invitations, and
tries whatever else might pass for a proof.
"""

import base64
import json
import random
import secrets
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.core import clock
from app.core.keyring import Keyring
from app.identity import accounts
from tests.factories import INDICATORS, Api, invitations, link

ACCOUNTS = 5
"""WeChat accounts that it has bought."""
LEAKED = 5
"""Invitations that it has found."""
_DEFINITION = Path(__file__).parents[2] / "app/questionnaires/definitions/satisfaction-six.json"
_PRAISE = ("", "", "很好", "老师很负责", "没有意见", "希望越办越好", "满意")
_VALUES = ("satisfied",) * 8 + ("basically_satisfied", "dont_know")


@dataclass(frozen=True)
class Manner:
    """How a filler goes about it."""

    median_seconds: float = 70
    comments: tuple[str, ...] = _PRAISE
    values: tuple[str, ...] = _VALUES
    address: str | None = None
    """None: another one for every try."""


CLUMSY = Manner(
    median_seconds=4,
    comments=("学校管理规范，老师认真负责，非常满意，希望越办越好！",),
    values=("satisfied",),
    address="198.51.100.200",
)
"""A pupil with a script of ten lines."""


@dataclass
class Loot:
    """What the filler has to begin with."""

    link: str
    invitations: list[str]
    accounts: list[str]
    """As the browser of each account holds its proof, once WeChat has told us of it."""
    elsewhere: str
    """The same of another campaign."""


@dataclass
class Stuffed:
    """What came of it."""

    tries: int = 0
    counted: int = 0
    told: "Counter[str]" = field(default_factory=Counter)
    """What the tries were told."""
    by_trick: "Counter[str]" = field(default_factory=Counter)
    """Which tricks got how many votes counted."""


async def questionnaire(api: Api) -> dict[str, Any]:
    """A population's questionnaire: the six indicators and a comment, published."""
    definition = json.loads(_DEFINITION.read_text("utf-8"))
    comment = {"code": "comment", "type": "text", "label": {"zh-CN": "意见"}}
    definition["questions"].append(comment)
    await api.made("PUT", "/v1/questionnaires/six", definition)
    await api.made("POST", "/v1/questionnaires/six/publish")
    return {"questionnaire": "six", "version": 1}


async def loot(
    api: Api, keyring: Keyring, campaign_id: int, *, invited: bool, campaign: str = "C"
) -> Loot:
    """Give the filler what it has."""

    def proof(number: int, campaign: int) -> str:
        return accounts.seal(keyring, campaign, [f"openid/wx/bought-{number}"], clock.now())

    return Loot(
        link=await link(api, campaign=campaign),
        invitations=await invitations(api, LEAKED, campaign=campaign) if invited else [],
        accounts=[proof(number, campaign_id) for number in range(ACCOUNTS)],
        elsewhere=proof(ACCOUNTS, campaign_id + 1),
    )


class Filler:
    """One run of the filler against one campaign."""

    def __init__(self, api: Api, loot: Loot, manner: Manner = Manner(), *, seed: int = 1) -> None:
        self._api = api
        self._manner = manner
        self._loot = loot
        self._chance = random.Random(seed)
        self._tricks: dict[str, Callable[[], Awaitable[Any]]] = {
            "cleared cookies": self._cleared_cookies,
            "a device of its own making": self._made_up_device,
            "a bought account, again": self._bought_account,
            "a bought account, for other children": self._other_children,
            "an account proof of another campaign": self._other_campaign,
            "an account proof of its own making": self._made_up_account,
            "a leaked invitation, again": self._leaked_invitation,
            "a guessed invitation": self._guessed_invitation,
            "an openid in the body": self._openid_in_body,
        }

    async def run(self, tries: int) -> Stuffed:
        """Try so often, each trick in its turn."""
        found = Stuffed()
        names = list(self._tricks)
        for number in range(tries):
            name = names[number % len(names)]
            reply = await self._tricks[name]()
            document = reply.json()
            found.tries += 1
            if reply.status_code == 201:
                found.counted += 1
                found.by_trick[name] += 1
                found.told["accepted"] += 1
            else:
                found.told[str(document["type"]).rpartition("/")[2]] += 1
        return found

    def _vote(self, **fields: Any) -> dict[str, Any]:
        chance = self._chance
        seconds = chance.lognormvariate(0, 0.4) * self._manner.median_seconds
        answers: dict[str, Any] = {one: chance.choice(self._manner.values) for one in INDICATORS}
        if comment := chance.choice(self._manner.comments):
            answers["comment"] = comment
        return {
            "submission_id": str(uuid.uuid4()),
            "answers": answers,
            "started_at": (clock.now() - timedelta(seconds=seconds)).isoformat(),
            **fields,
        }

    async def _post(self, path: str, body: dict[str, Any], account: str | None = None) -> Any:
        headers = {"X-Forwarded-For": self._address()}
        if account is not None:
            headers["Cookie"] = f"{accounts.COOKIE}={account}"
        self._api.http.cookies.clear()
        return await self._api.http.post(path, json=body, headers=headers)

    def _address(self) -> str:
        if self._manner.address is not None:
            return self._manner.address
        # Anywhere in the world but where addresses are private.
        return f"{self._chance.randint(20, 99)}." + ".".join(
            str(self._chance.randint(0, 255)) for _ in range(3)
        )

    async def _by_link(self, account: str | None = None, **fields: Any) -> Any:
        path = f"/v1/links/{self._loot.link}/responses"
        return await self._post(path, self._vote(**fields), account)

    async def _cleared_cookies(self) -> Any:
        headers = {"X-Forwarded-For": self._address()}
        view = await self._api.http.get(f"/v1/links/{self._loot.link}", headers=headers)
        return await self._by_link(device_proof=view.json()["device_proof"])

    async def _made_up_device(self) -> Any:
        return await self._by_link(device_proof=secrets.token_urlsafe(28)[:38])

    async def _bought_account(self) -> Any:
        return await self._by_link(self._chance.choice(self._loot.accounts))

    async def _other_children(self) -> Any:
        child = self._chance.randint(2, 9)
        return await self._by_link(self._chance.choice(self._loot.accounts), child=child)

    async def _other_campaign(self) -> Any:
        return await self._by_link(self._loot.elsewhere)

    async def _made_up_account(self) -> Any:
        return await self._by_link(base64.urlsafe_b64encode(secrets.token_bytes(60)).decode())

    async def _leaked_invitation(self) -> Any:
        if not self._loot.invitations:
            return await self._guessed_invitation()
        token = self._chance.choice(self._loot.invitations)
        return await self._post(f"/v1/invitations/{token}/responses", self._vote())

    async def _guessed_invitation(self) -> Any:
        token = base64.urlsafe_b64encode(secrets.token_bytes(20)).decode().rstrip("=")
        return await self._post(f"/v1/invitations/{token}/responses", self._vote())

    async def _openid_in_body(self) -> Any:
        return await self._by_link(openid=f"o-{self._chance.random()}")
