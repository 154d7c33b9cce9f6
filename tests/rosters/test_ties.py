"""Ties: who is invited, called or known by a number of the bureau's is one person."""

import asyncio
import random
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.core import clock
from app.core.settings import Settings
from app.identity import accounts
from app.main import create
from tests.factories import Api, link, open_campaign, submission, tree
from tests.rosters.lists import imported, person, tokens
from tests.telephone.deliveries import count, delivered, in_vain, interview, on_file

PHONE = "+8613800000000"
OTHER = "+8613800000001"


@pytest.fixture
async def contractor(campaign: Api) -> Api:
    """A contractor that sees everything."""
    return await campaign.as_client("interviews:write", name="contractor")


async def answer(api: Api, token: str, **fields: Any) -> httpx.Response:
    """Answer by invitation."""
    return await api.post(f"/v1/invitations/{token}/responses", submission(**fields))


async def told(api: Api, token: str, **fields: Any) -> str:
    """What is replied to an answer: `accepted`, `replaced` or a type of problem."""
    reply = (await answer(api, token, **fields)).json()
    return str(reply.get("status") if "receipt" in reply else reply["type"])


ANSWERED = "/problems/already-answered"


async def test_who_answered_by_invitation_and_is_called_has_answered(
    county: Api, contractor: Api
) -> None:
    for token in await tokens(county, person(PHONE), person(OTHER, external_id="F-1")):
        assert await told(county, token) == "accepted"
    await delivered(contractor, interview("V-1", phone="138 0000 0000"))
    await delivered(contractor, interview("V-2", phone=None, external_id="F-1"))
    assert await on_file(contractor, "status") == [("already_answered",)] * 2
    assert await count(contractor) == 2


async def test_who_was_called_and_then_uses_the_invitation_has_answered(
    county: Api, contractor: Api
) -> None:
    invited = await tokens(county, person("13800000000"), person(OTHER, external_id="F-1"))
    await delivered(contractor, interview("V-1", phone=PHONE))
    await delivered(contractor, interview("V-2", phone=None, external_id="F-1"))
    assert [await told(county, token) for token in invited] == [ANSWERED] * 2
    assert await count(contractor) == 2


@pytest.mark.parametrize("first", ["phone", "external_id"])
async def test_phone_and_external_id_of_a_row_are_one_person(
    county: Api, contractor: Api, first: str
) -> None:
    await imported(county, person(PHONE, external_id="F-1"), person(OTHER, external_id="F-2"))
    calls = [interview("V-1", phone=PHONE), interview("V-2", phone=None, external_id="F-1")]
    await delivered(contractor, *(calls if first == "phone" else calls[::-1]))
    assert sorted(await on_file(contractor, "status")) == [("already_answered",), ("counted",)]
    await delivered(contractor, interview("V-3", phone=OTHER))
    assert await count(contractor) == 2


async def test_a_call_from_before_the_import_is_met_all_the_same(
    county: Api, contractor: Api
) -> None:
    await delivered(contractor, interview("V-1", phone=PHONE))
    [token] = await tokens(county, person(PHONE, external_id="F-1"))
    assert await told(county, token) == ANSWERED
    await delivered(contractor, interview("V-2", phone=None, external_id="F-1"))
    assert await count(contractor) == 1


async def test_a_refused_answer_binds_nothing_of_its_person(county: Api, contractor: Api) -> None:
    first, second = await tokens(
        county, person(PHONE, external_id="F-1"), person(PHONE, "A2", external_id="F-2")
    )
    assert [await told(county, one) for one in (first, second)] == ["accepted", ANSWERED]
    await delivered(contractor, interview(phone=None, external_id="F-2"))
    # It shares the phone with whoever answered: one person, as far as anybody can tell.
    assert await on_file(contractor) == [(1, "already_answered")]
    await delivered(contractor, interview("V-2", phone=OTHER))
    assert await count(contractor) == 2


async def test_withdrawal_frees_all_that_is_the_persons(county: Api, contractor: Api) -> None:
    [token] = await tokens(county, person(PHONE, external_id="F-1"))
    receipt = (await answer(county, token)).json()["receipt"]
    await county.made("POST", "/v1/receipts/withdraw", {"receipt": receipt})
    await delivered(contractor, interview(phone=PHONE))
    assert await count(contractor) == 1
    assert await told(county, token) == ANSWERED
    # The contractor takes it back: nobody answered after all.
    await delivered(contractor, in_vain(phone=PHONE, revision=2))
    assert await count(contractor) == 0
    assert await told(county, token) == "accepted"


async def test_an_interview_that_is_corrected_keeps_its_person(
    county: Api, contractor: Api
) -> None:
    [token] = await tokens(county, person(PHONE, external_id="F-1"))
    await delivered(contractor, interview(phone=None, external_id="F-1"))
    await delivered(contractor, interview("V-1", "dissatisfied", phone=PHONE, revision=2))
    assert await on_file(contractor) == [(1, "counted"), (2, "counted")]
    assert await told(county, token) == ANSWERED


@pytest.mark.parametrize(
    ("once_per", "at_two_units", "in_two_populations"),
    [("campaign", 1, 1), ("population", 1, 2), ("unit", 2, 1)],
)
async def test_one_phone_in_several_rows_is_one_person_within_once_per(
    admin: Api, once_per: str, at_two_units: int, in_two_populations: int
) -> None:
    await tree(admin)
    await open_campaign(admin, once_per=once_per)
    contractor = await admin.as_client("interviews:write")
    parent, teacher = person(OTHER), {**person(OTHER), "population": "teacher"}
    total = 0
    for rows, answers in (
        ([person(PHONE), person(PHONE, "A2")], at_two_units),
        ([parent, teacher], in_two_populations),
    ):
        made = await tokens(admin, *rows)
        assert [await told(admin, one) for one in made].count("accepted") == answers
        total += answers
        for number, row in enumerate(rows):
            place = {name: row[name] for name in ("unit", "population", "phone")}
            await delivered(contractor, interview(f"V-{total}-{number}", **place))
        assert await count(contractor) == total


async def test_each_of_a_parents_children_is_answered_for_once(admin: Api) -> None:
    await tree(admin)
    asked = {"questionnaire": "satisfaction-six", "version": 1, "max_children": 3}
    await open_campaign(admin, populations={"parent": asked})
    first, second = await tokens(admin, person(PHONE), person(PHONE, "A2", child=2))
    contractor = await admin.as_client("interviews:write")
    # What the page says of the child changes nothing of what the roster says.
    assert await told(admin, second, child=1) == "accepted"
    await delivered(contractor, interview("V-1", unit="A2", phone=PHONE, child="2"))
    assert await on_file(contractor) == [(1, "already_answered")]
    await delivered(contractor, interview("V-2", phone=PHONE, child="1"))
    assert await told(admin, first) == ANSWERED
    await delivered(contractor, interview("V-3", phone=PHONE, child="3"))
    assert await count(contractor) == 3


async def test_an_account_shown_with_an_invitation_is_the_persons_for_that_child(
    admin: Api,
) -> None:
    await tree(admin)
    asked = {"questionnaire": "satisfaction-six", "version": 1, "max_children": 2}
    await open_campaign(admin, identity=["invitation", "wechat"], populations={"parent": asked})
    [token] = await tokens(admin, person(PHONE, child=2))
    proof = accounts.seal(admin.app.state.keyring, 1, ["openid/wx0/oABC"], clock.now())
    shown = {"headers": {"Cookie": f"{accounts.COOKIE}={proof}"}}
    await admin.made("POST", f"/v1/invitations/{token}/responses", submission(), **shown)
    url = f"/v1/links/{await link(admin)}/responses"
    for child, status in ((2, 409), (1, 201)):
        reply = await admin.post(url, submission(child=child), **shown)
        assert reply.status_code == status, reply.text


async def test_with_keep_last_a_persons_later_answer_by_invitation_stands(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, on_duplicate="keep_last")
    first, second = await tokens(admin, person(PHONE, external_id="F-1"), person(PHONE, "A2"))
    contractor = await admin.as_client("interviews:write")
    replies = [await told(admin, one) for one in (first, second, first)]
    assert replies == ["accepted", "replaced", "replaced"]
    await delivered(contractor, interview(phone=PHONE))
    assert await count(contractor) == 1


async def test_a_revoked_batch_admits_nobody_in_any_process(
    campaign: Api, settings: Settings
) -> None:
    first, second = await tokens(campaign, person(PHONE), person(OTHER))
    assert await told(campaign, first) == "accepted"
    elsewhere = create(replace(settings))
    async with elsewhere.router.lifespan_context(elsewhere):
        transport = httpx.ASGITransport(app=elsewhere, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            [batch] = (await campaign.made("GET", "/v1/campaigns/C/invitations"))["items"]
            other = Api(http, elsewhere, campaign.token)
            await other.made("POST", f"/v1/campaigns/C/invitations/{batch['batch']}/revoke")
            for process in (campaign, other):
                assert await told(process, second) == "/problems/link-revoked"


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_comes_at_once_everybody_is_counted_once(
    campaign: Api, contractor: Api, seed: int
) -> None:
    """Imports, answers by invitation and calls in any order, each person by several ways."""
    dice = random.Random(seed)
    people = [
        person(f"+86139{number:08}", dice.choice(["A1", "A2"]), external_id=f"F-{number}")
        for number in range(24)
    ]
    lists = [people[:8], people[8:16], people[16:]]
    known = lists[0]
    invited = dict(
        zip([one["phone"] for one in known], await tokens(campaign, *known), strict=True)
    )

    async def invite(rows: list[dict[str, Any]]) -> None:
        for row, token in zip(rows, await tokens(campaign, *rows), strict=True):
            await answer(campaign, token)
            invited[row["phone"]] = token

    async def call(number: int, row: dict[str, Any]) -> None:
        place = {name: row[name] for name in ("unit", "phone")}
        await delivered(contractor, interview(f"V-{number}", **place))

    async def call_by_number(number: int, row: dict[str, Any]) -> None:
        named = {"unit": row["unit"], "phone": None, "external_id": row["external_id"]}
        await delivered(contractor, interview(f"X-{number}", **named))

    tries: list[Any] = [answer(campaign, token) for token in invited.values()]
    tries += [invite(rows) for rows in lists[1:]]
    tries += [call(number, row) for number, row in enumerate(people)]
    tries += [call_by_number(number, row) for number, row in enumerate(known)]
    dice.shuffle(tries)
    await asyncio.gather(*tries)
    assert await count(campaign) == len(people)
    for token in invited.values():
        assert await told(campaign, token) == ANSWERED
    assert await count(campaign) == len(people)


BY_PHONE = {"phone": PHONE, "external_id": None}
BY_ID = {"phone": None, "external_id": "F-2"}


@pytest.mark.parametrize(
    ("own", "watched"),
    [(person(None, external_id="F-1"), BY_PHONE), (person(OTHER), BY_ID)],
)
@pytest.mark.parametrize("has_answered", [True, False])
async def test_a_contractor_cannot_tie_anothers_proof_to_an_invitation_of_its_own(
    county: Api,
    contractor: Api,
    has_answered: bool,
    own: dict[str, Any],
    watched: dict[str, Any],
) -> None:
    # An insider is invited, and wants to know whether the person of a phone or an external id
    # has answered: both in one item, then an answer with the invitation.
    [token] = await tokens(county, own)
    if has_answered:
        await delivered(contractor, interview("V-0", **watched))
    both = {name: own.get(name) or watched[name] for name in watched}
    await delivered(contractor, interview("V-1", **both))
    assert await told(county, token) == ANSWERED
