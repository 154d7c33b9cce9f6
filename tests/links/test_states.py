"""States: how many invitations were used, and what came through each link."""

from typing import Any

from app.core import clock
from app.counts.folding import fold
from app.identity import accounts
from tests.factories import Api, answer, invitations, link, open_campaign, submission, tree
from tests.rosters.lists import person, tokens
from tests.telephone.deliveries import delivered, interview

URL = "/v1/campaigns/C/invitations"


async def states(api: Api) -> dict[str, tuple[int, int]]:
    """Answered and unused of each batch, by its unit; as the list and each by itself say."""
    found = {}
    for one in (await api.made("GET", URL))["items"]:
        assert await api.made("GET", f"{URL}/{one['batch']}") == one
        assert one["answered"] + one["unused"] == one["count"]
        found[one["unit"]] = (one["answered"], one["unused"])
    return found


async def through_links(api: Api) -> dict[str, int]:
    """What came through each link, by its unit."""
    listed: Any = await api.made("GET", "/v1/campaigns/C/links")
    return {one["unit"]: one["answered"] for one in listed["items"]}


async def test_what_was_used_is_told_at_once_folded_or_not(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    tokens = await invitations(admin, 4)
    await invitations(admin, 2, "A2")
    assert await states(admin) == {"A1": (0, 4), "A2": (0, 2)}
    await answer(admin, tokens[0])
    made = await admin.made("POST", f"/v1/invitations/{tokens[1]}/responses", submission())
    assert await states(admin) == {"A1": (2, 2), "A2": (0, 2)}
    await fold(admin.app.state.database)
    assert await states(admin) == {"A1": (2, 2), "A2": (0, 2)}
    await admin.made("POST", "/v1/receipts/withdraw", {"receipt": made["receipt"]})
    assert await states(admin) == {"A1": (1, 3), "A2": (0, 2)}
    await answer(admin, tokens[1], "dissatisfied")
    assert await states(admin) == {"A1": (2, 2), "A2": (0, 2)}


async def test_an_answer_that_is_replaced_uses_its_invitation_once(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, on_duplicate="keep_last")
    [token] = await invitations(admin, 1)
    for value in ("satisfied", "dissatisfied", "satisfied"):
        await answer(admin, token, value)
        assert await states(admin) == {"A1": (1, 0)}


async def test_each_link_has_what_came_through_it_in_wechat_or_not(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, identity=["wechat", "device", "invitation"])
    codes = {unit: await link(admin, unit) for unit in ("A1", "A2")}
    view = await admin.made("GET", f"/v1/links/{codes['A1']}")
    url = f"/v1/links/{codes['A1']}/responses"
    await admin.made("POST", url, submission(device_proof=view["device_proof"]))
    proof = accounts.seal(admin.app.state.keyring, 1, ["openid/wx0/oABC"], clock.now())
    cookie = {"Cookie": f"{accounts.COOKIE}={proof}"}
    await admin.made("POST", url, submission(), headers=cookie)
    # Neither an invitation nor a contractor of a link's number is that link.
    await answer(admin, *await invitations(admin, 1))
    contractor = await admin.as_client("interviews:write")
    await delivered(contractor, interview())
    assert await through_links(admin) == {"A1": 2, "A2": 0}
    assert await states(admin) == {"A1": (1, 0)}
    await fold(admin.app.state.database)
    assert await through_links(admin) == {"A1": 2, "A2": 0}
    assert await states(admin) == {"A1": (1, 0)}


async def test_of_a_few_people_who_are_known_it_is_not_told_who_answered(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, min_cell=5)
    for size, shown in ((4, (None, None)), (5, (1, 4))):
        people = [person(f"13{size}{number:08}") for number in range(size)]
        invited = await tokens(admin, *people)
        await answer(admin, invited[0])
        one = (await admin.made("GET", URL))["items"][-1]
        assert (one["answered"], one["unused"]) == shown


async def test_only_batches_that_the_caller_sees_are_told(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    await invitations(admin, 1, "B1")
    [batch] = (await admin.made("GET", URL))["items"]
    county = await admin.as_client("links:write", unit="A")
    assert (await county.get(f"{URL}/{batch['batch']}")).status_code == 404
    assert (await admin.get(f"{URL}/{2**31 - 1}")).status_code == 404
    assert (await admin.get(f"{URL}/0")).status_code == 422
