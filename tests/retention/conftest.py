"""A campaign that people of every kind have answered, and what an attacker knows of them."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from app.core import clock
from app.core.keyring import Keyring
from app.identity import accounts, devices
from app.identity.fingerprints import Proof
from tests.factories import INDICATORS, Api, invitations, link, open_campaign, submission, tree

PHONE = "+8613800000001"
ROSTER_PHONE = "+8613800000002"
PUPIL = "F-20391"
OPENID = "openid/wx0123/oABCdef"


@dataclass
class Answered:
    """A campaign C, and the proofs of those who answered."""

    api: Api
    proofs: list[Proof]
    receipts: list[str]
    """Of those who answered online."""
    token: str
    """An invitation that was answered by."""
    unused: str
    """One that was not."""
    link: str

    async def archive(self) -> None:
        """Close it and archive it."""
        for step in ("close", "archive"):
            await self.api.made("POST", f"/v1/campaigns/C/{step}")

    async def destroy(self) -> Any:
        """Destroy its key; what the reply says."""
        return await self.api.made("POST", "/v1/campaigns/C/destroy-key", {"confirm": "C"})

    async def asked(self, sql: str) -> Any:
        """One value of the database."""
        return await self.api.app.state.database.pool.fetchval(sql)


def interview(interview_id: str = "V-1", phone: str = PHONE) -> dict[str, Any]:
    """An interview that says all it can."""
    return {
        "interview_id": interview_id,
        "unit": "A1",
        "population": "parent",
        "phone": phone,
        "child": "2",
        "sample_id": "s-77",
        "interviewer": "员工 7",
        "disposition": "1.1",
        "ended_at": datetime.now(UTC).isoformat(),
        "answers": dict.fromkeys(INDICATORS, "satisfied"),
    }


async def deliver(api: Api, *interviews: dict[str, Any]) -> Any:
    """Deliver interviews; the reply."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    url = "/v1/campaigns/C/interviews"
    return await api.post(url, {"interviews": list(interviews)}, headers=key)


@pytest.fixture
async def answered(admin: Api) -> Answered:
    """Answers by WeChat, invitation, device and telephone; a roster; one voided claim."""
    await tree(admin)
    await open_campaign(admin, identity=["wechat", "invitation", "device"])
    keyring: Keyring = admin.app.state.keyring
    pool = admin.app.state.database.pool
    campaign_id = await pool.fetchval("SELECT id FROM campaigns")
    code = await link(admin)
    token, unused = await invitations(admin, 2)
    batch = await pool.fetchval("SELECT id FROM invitation_batches")
    proof = devices.issue(keyring)
    cookie = accounts.seal(keyring, campaign_id, [OPENID], clock.now())
    by_account = {"headers": {"Cookie": f"{accounts.COOKIE}={cookie}"}}
    receipts = []
    for url, body, options in (
        (f"/v1/links/{code}/responses", submission(), by_account),
        (f"/v1/links/{code}/responses", submission(device_proof=proof), {}),
        (f"/v1/invitations/{token}/responses", submission(), {}),
    ):
        receipts.append((await admin.made("POST", url, body, **options))["receipt"])
    assert (await deliver(admin, interview())).json()["accepted"] == 1
    await admin.made(
        "POST",
        "/v1/campaigns/C/roster?callable=true",
        content=f"unit,population,phone,external_id\nA1,parent,{ROSTER_PHONE},{PUPIL}\n",
        headers={"Content-Type": "text/csv"},
    )
    await pool.execute(
        "INSERT INTO voided_claims SELECT campaign_id, submission_id, fingerprint, network "
        "FROM claims LIMIT 1"
    )
    proofs = [
        Proof("wechat", OPENID),
        Proof("device", devices.device_of(keyring, proof) or ""),
        Proof("invitation", f"{batch}.0"),
        Proof("phone", PHONE),
        Proof("external", PUPIL),
    ]
    return Answered(admin, proofs, receipts, token, unused, code)
