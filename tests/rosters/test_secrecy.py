"""What is stored of a roster leads to nobody who is not known already."""

import json
from typing import Any

from app.core.database import Pool
from tests.factories import Api, submission
from tests.rosters.lists import URL, imported, links, person
from tests.telephone.deliveries import delivered, interview


async def everything(pool: Pool) -> str:
    """All rows of all tables as text; byte strings stand in it as such where they can be read."""
    names = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    parts = []
    for (name,) in names:
        for row in await pool.fetch(f"SELECT * FROM {name}"):
            parts += [_readable(value) for value in row.values()]
    return "\n".join(parts)


def _readable(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1") + value.hex()
    if isinstance(value, list):
        return " ".join(_readable(one) for one in value)
    return str(value)


async def test_a_dump_of_everything_holds_no_phone_number_or_token(campaign: Api) -> None:
    people = {"13811112222": "F-7777", "13833334444": "F-8888"}
    secrets = [*people.values()]
    for (phone, external_id), keep in zip(people.items(), ("true", "false"), strict=True):
        row = person(phone, external_id=external_id)
        made = await imported(campaign, row, callable=keep)
        [invited] = await links(campaign, made["roster"])
        secrets += [phone[3:], invited["token"]]
    await campaign.made("POST", f"/v1/invitations/{invited['token']}/responses", submission())
    contractor = await campaign.as_client("interviews:write")
    await delivered(contractor, interview(phone="13811112222", external_id="F-7777"))
    dump = await everything(campaign.app.state.database.pool)
    assert "roster.import" in dump
    for secret in secrets:
        for spelled in (secret, secret.encode().hex(), secret.encode("utf-16-le").hex()):
            assert spelled not in dump


async def test_rows_of_two_campaigns_have_nothing_in_common(campaign: Api) -> None:
    pool = campaign.app.state.database.pool
    await imported(campaign, person("13811112222", external_id="F-1"))
    body = json.loads((await campaign.get("/v1/campaigns/C")).text)
    made = {name: body[name] for name in body if name not in ("code", "state")}
    await campaign.made("PUT", "/v1/campaigns/D", made)
    await campaign.made("POST", "/v1/campaigns/D/open")
    url = "/v1/campaigns/D/roster"
    await imported(campaign, person("13811112222", external_id="F-1"), url=url)
    rows = await pool.fetch("SELECT entry_mac, fingerprints FROM roster_entries")
    found = [one for mac, proofs in rows for one in (mac, *proofs)]
    assert len(found) == len(set(found)) == 8


async def test_with_the_campaigns_key_its_roster_is_gone(campaign: Api) -> None:
    made = await imported(campaign, person("13811112222", external_id="F-1"), callable="true")
    [invited] = await links(campaign, made["roster"])
    for step in ("close", "archive"):
        await campaign.made("POST", f"/v1/campaigns/C/{step}")
    await campaign.made("POST", "/v1/campaigns/C/destroy-key", {"confirm": "C"})
    pool = campaign.app.state.database.pool
    for table in ("roster_entries", "roster_proofs"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0
    gone = await campaign.get(f"{URL}/{made['roster']}/links.csv")
    assert (gone.status_code, gone.json()["type"]) == (410, "/problems/invitations-gone")
    reply = await campaign.post(f"/v1/invitations/{invited['token']}/responses", submission())
    assert (reply.status_code, reply.json()["type"]) == (410, "/problems/closed")
