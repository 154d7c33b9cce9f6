"""What shows who answers: all of it is claimed, and only what we made ourselves is believed."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import clock
from app.core.database import Database
from app.core.keyring import Keyring
from app.identity import accounts, devices
from tests.factories import (
    Api,
    answers,
    campaign_body,
    invitations,
    link,
    open_campaign,
    submission,
    tree,
)

EVERYTHING = ["wechat", "invitation", "device"]


@pytest.fixture
async def asking(admin: Api) -> Api:
    """The admin's API with campaign C, which admits everything, and two children per parent."""
    await tree(admin)
    populations = campaign_body()["populations"]
    populations["parent"]["max_children"] = 2
    await open_campaign(admin, identity=EVERYTHING, populations=populations)
    return admin


def account(api: Api, *values: str, campaign_id: int = 1, ago: timedelta = timedelta()) -> str:
    """An account proof."""
    return accounts.seal(api.app.state.keyring, campaign_id, values, clock.now() - ago)


async def respond(
    api: Api, address: str, proof: str | None = None, **fields: Any
) -> httpx.Response:
    """Answer with an account proof in the cookie, where there is one."""
    cookie = f"other=1; {accounts.COOKIE}={proof}".encode()
    headers = {b"Cookie": cookie} if proof else {}
    body = submission(**fields)
    return await api.http.post(f"/v1/{address}/responses", json=body, headers=headers)


async def told(api: Api, address: str, proof: str | None = None, **fields: Any) -> str:
    """What a response is told: `accepted`, or the slug of its problem."""
    reply = await respond(api, address, proof, **fields)
    document = reply.json()
    return str(document["status"] if reply.is_success else document["type"].rpartition("/")[2])


async def claims(api: Api) -> int:
    """How many claims there are."""
    database: Database = api.app.state.database
    return int(await database.pool.fetchval("SELECT count(*) FROM claims"))


async def test_one_account_answers_once_through_whatever_door(asking: Api) -> None:
    first, second = await invitations(asking, 2)
    parents = f"links/{await link(asking)}"
    assert await told(asking, parents, account(asking, "openid/wx/o1", "unionid/u1")) == "accepted"
    # Under another official account of the same bureau it is the same person.
    other = account(asking, "openid/other/o9", "unionid/u1")
    assert await told(asking, f"invitations/{first}", other) == "already-answered"
    # The refused one has bound nothing: the invitation is free, and so is the other openid.
    assert await claims(asking) == 2
    assert await told(asking, f"invitations/{first}") == "accepted"
    alone = account(asking, "openid/other/o9")
    assert await told(asking, f"invitations/{second}", alone) == "accepted"
    assert await told(asking, parents, alone) == "already-answered"


async def test_a_device_counts_only_where_nothing_else_is_shown(asking: Api) -> None:
    parents = f"links/{await link(asking)}"
    device = devices.issue(asking.app.state.keyring)
    family = [account(asking, f"openid/wx/{name}") for name in ("mother", "father")]
    for proof in family:
        assert await told(asking, parents, proof, device_proof=device) == "accepted"
    assert await told(asking, parents, device_proof=device) == "accepted"
    assert await told(asking, parents, device_proof=device) == "already-answered"
    assert await claims(asking) == 3


async def test_a_teacher_who_is_a_parent_answers_as_both(asking: Api) -> None:
    proof = account(asking, "openid/wx/o1")
    for population in ("parent", "teacher"):
        door = f"links/{await link(asking, population=population)}"
        assert await told(asking, door, proof) == "accepted"
        assert await told(asking, door, proof) == "already-answered"


async def test_a_parent_answers_once_for_each_child(asking: Api) -> None:
    proof = account(asking, "openid/wx/o1")
    first, second = f"links/{await link(asking, 'A1')}", f"links/{await link(asking, 'B1')}"
    assert await told(asking, first, proof) == "accepted"
    # Which is the first child has no number where there is only one.
    assert await told(asking, first, proof, child=1) == "already-answered"
    assert await told(asking, second, proof) == "already-answered"
    assert await told(asking, second, proof, child=2) == "accepted"
    assert await told(asking, first, proof, child=2) == "already-answered"


@pytest.mark.parametrize(
    ("population", "child", "code"),
    [
        ("parent", 3, "too_many_children"),
        ("teacher", 2, "too_many_children"),
        ("parent", 0, "wrong_type"),
        ("parent", 10, "wrong_type"),
        ("parent", "2", "wrong_type"),
    ],
)
async def test_nobody_has_more_children_than_the_campaign_lets(
    asking: Api, population: str, child: object, code: str
) -> None:
    door = f"links/{await link(asking, population=population)}"
    reply = await respond(asking, door, account(asking, "openid/wx/o1"), child=child)
    assert reply.status_code == 422
    assert [(one["pointer"], one["code"]) for one in reply.json()["errors"]] == [("/child", code)]
    assert await claims(asking) == 0


async def test_an_invitation_admits_one_response_for_whichever_child(asking: Api) -> None:
    [token] = await invitations(asking, 1)
    assert await told(asking, f"invitations/{token}") == "accepted"
    assert await told(asking, f"invitations/{token}", child=2) == "already-answered"


async def test_an_account_is_believed_only_as_we_sealed_it_for_this_campaign(asking: Api) -> None:
    await open_campaign(asking, "D", identity=["wechat"])
    door = f"links/{await link(asking, campaign='D')}"
    ours = account(asking, "openid/wx/o1", campaign_id=2)
    strangers = accounts.seal(Keyring((b"x" * 32,)), 2, ["openid/wx/o1"], clock.now())
    altered = ours[:-2] + ("AA" if ours[-2:] != "AA" else "BB")
    late = account(asking, "openid/wx/o1", campaign_id=2, ago=accounts.LASTS)
    elsewhere = account(asking, "openid/wx/o1", campaign_id=1)
    for proof in (strangers, altered, late, elsewhere, "x", "家长", ours[:30], "A" * 2000):
        assert await told(asking, door, proof) == "identity-required"
    # Nor is it taken from where anybody could write it.
    sneaked = {**submission(), "openid": "o1"}
    reply = await asking.http.post(f"/v1/{door}/responses?openid=o1", json=sneaked)
    assert reply.json()["errors"][0]["pointer"] == "/openid"
    assert await told(asking, door, ours) == "accepted"


async def test_where_wechat_is_not_admitted_an_account_proves_nothing(asking: Api) -> None:
    await open_campaign(asking, "D", identity=["invitation"])
    door = f"links/{await link(asking, campaign='D')}"
    proof = account(asking, "openid/wx/o1", campaign_id=2)
    assert await told(asking, door, proof) == "identity-required"


async def test_what_gave_way_is_told_of_its_arrival_and_does_not_come_back(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, on_duplicate="keep_last", identity=["wechat"])
    door = f"links/{await link(admin)}"
    proof = account(admin, "openid/wx/o1")
    former = submission("satisfied")
    headers = {"Cookie": f"{accounts.COOKIE}={proof}"}
    first = await admin.http.post(f"/v1/{door}/responses", json=former, headers=headers)
    assert await told(admin, door, proof, value="dissatisfied") == "replaced"
    again = await admin.http.post(f"/v1/{door}/responses", json=former, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    changed = {**former, "answers": answers("dont_know")}
    reply = await admin.http.post(f"/v1/{door}/responses", json=changed, headers=headers)
    assert reply.json()["type"] == "/problems/submission-conflict"
    receipt = {"receipt": first.json()["receipt"]}
    for _ in range(2):
        read = await admin.http.post("/v1/receipts/read", json=receipt)
        assert (read.json()["status"], read.json()["answers"]) == ("replaced", None)
        withdrawn = await admin.http.post("/v1/receipts/withdraw", json=receipt)
        assert withdrawn.json()["status"] == "replaced"
    results = await admin.made("GET", "/v1/campaigns/C/results?by=question&question=overall")
    assert results["rows"][0]["counts"]["dissatisfied"] == 1
    assert results["rows"][0]["respondents"] == 1


async def test_a_network_leaves_a_mark_that_names_it_to_nobody(asking: Api) -> None:
    door = f"links/{await link(asking)}"
    for _ in range(2):
        device = devices.issue(asking.app.state.keyring)
        assert await told(asking, door, device_proof=device) == "accepted"
    await open_campaign(asking, "D", identity=EVERYTHING)
    elsewhere = f"links/{await link(asking, campaign='D')}"
    device = devices.issue(asking.app.state.keyring)
    assert await told(asking, elsewhere, device_proof=device) == "accepted"
    database: Database = asking.app.state.database
    rows = await database.pool.fetch("SELECT campaign_id, network FROM claims ORDER BY 1")
    marks = [row["network"] for row in rows]
    assert marks[0] == marks[1] != marks[2]
    assert None not in marks
