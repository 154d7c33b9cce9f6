"""The long form of the stuffing in tests/attacks, as a table: see scripts/stuffing."""

import argparse
import asyncio
import random
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.core import clock
from app.core.keyring import Keyring
from app.core.settings import load
from app.identity import accounts
from tests.attacks.stuffing import CLUMSY, Filler, Loot, Manner, Stuffed, loot, questionnaire
from tests.chaos.ledger import assert_counts_are_the_rows, authorised
from tests.factories import INDICATORS, Api, invitations, open_campaign, submission, tree
from tests.processes import XINSHENG, server

MODES = (
    (("invitation",), Manner()),
    (("wechat",), Manner()),
    (("wechat", "invitation"), Manner()),
    (("device",), Manner()),
    (("wechat", "device"), Manner()),
    (("device",), CLUMSY),
)
HONEST = 120
_CONTENT = 0.8
_SCHOOL = "203.0.113.7"
_MOST_TRIES = 20_000


@dataclass
class Row:
    """What came of one campaign."""

    identity: tuple[str, ...]
    clumsy: bool
    stuffed: Stuffed
    flagged: int
    rates: tuple[float | None, float | None, float | None]
    """Of the honest parents; with what was stuffed; of what is not flagged, if anything is."""


def main() -> None:
    """Stuff and print."""
    parser = argparse.ArgumentParser(prog="scripts/stuffing", description=__doc__)
    parser.add_argument("--tries", type=int, default=1800)
    tries = min(parser.parse_args().tries, _MOST_TRIES)
    with tempfile.TemporaryDirectory(prefix="xinsheng-stuffing-") as folder:
        rows = asyncio.run(_stuffed(Path(folder) / "data", tries))
    print("| identity | filler | counted | by what | flagged | rate before | stuffed | clean |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        identity = ", ".join(f"`{one}`" for one in row.identity)
        filler = "clumsy" if row.clumsy else "patient"
        how = ", ".join(f"{name}: {votes}" for name, votes in row.stuffed.by_trick.items())
        rates = ("none" if rate is None else f"{rate:.1%}" for rate in row.rates)
        cells = (identity, filler, str(row.stuffed.counted), how, str(row.flagged), *rates)
        print(f"| {' | '.join(cells)} |")


async def _stuffed(data_dir: Path, tries: int) -> list[Row]:
    environment = {"XINSHENG_TRUSTED_PROXIES": "127.0.0.1"}
    with server(data_dir, "--workers", "1", environment=environment) as running:
        keyring = Keyring(load({"XINSHENG_DATA_DIR": str(data_dir)}).secret_keys)
        async with authorised(running) as api:
            await tree(api)
            populations = {"parent": await questionnaire(api)}
            rows = [
                await _campaign(api, data_dir, keyring, populations, number, tries)
                for number in range(len(MODES))
            ]
        await asyncio.to_thread(assert_counts_are_the_rows, data_dir)
    return rows


async def _campaign(
    api: Api, data_dir: Path, keyring: Keyring, populations: Any, number: int, tries: int
) -> Row:
    (identity, manner), code = MODES[number], f"C{number}"
    await open_campaign(api, code, identity=list(identity), populations=populations)
    has = await loot(api, keyring, number + 1, invited="invitation" in identity, campaign=code)
    await _honest(api, keyring, has, number + 1, identity, code)
    before = await _rate(api, code)
    stuffed = await Filler(api, has, manner).run(tries)
    after = await _rate(api, code)
    command = [str(XINSHENG), "quality", code, "--data-dir", str(data_dir)]
    await asyncio.to_thread(subprocess.check_output, command, timeout=300)
    doubts = await api.made("GET", f"/v1/campaigns/{code}/doubts")
    flagged = sum(row["flagged"] for row in doubts["rows"])
    rates = before, after, await _rate(api, code, quality="clean")
    return Row(identity, manner is CLUMSY, stuffed, flagged, rates)


async def _rate(api: Api, code: str, **filters: str) -> float | None:
    results = await api.made("GET", f"/v1/campaigns/{code}/results", params=filters)
    rate: float | None = results["rows"][0]["rate"]
    return rate


async def _honest(
    api: Api, keyring: Keyring, has: Loot, campaign_id: int, identity: tuple[str, ...], code: str
) -> None:
    """Parents, half of them at school, behind its one address."""
    chance = random.Random(HONEST)  # nosec B311 # no secret
    tokens = []
    if "invitation" in identity:
        tokens = await invitations(api, HONEST, campaign=code)
    for number in range(HONEST):
        headers = {"X-Forwarded-For": _SCHOOL if number % 2 else f"198.51.100.{number}"}
        path, device = f"/v1/links/{has.link}", None
        if tokens and (number % 2 or "wechat" not in identity):
            path = f"/v1/invitations/{tokens.pop()}"
        elif "wechat" in identity:
            proof = accounts.seal(keyring, campaign_id, [f"openid/wx/parent-{number}"], clock.now())
            headers["Cookie"] = f"{accounts.COOKIE}={proof}"
        else:
            view = (await api.http.get(path, headers=headers)).json()
            device = view["device_proof"]
        api.http.cookies.clear()
        body = submission(**_opinion(chance), device_proof=device)
        reply = await api.http.post(f"{path}/responses", json=body, headers=headers)
        assert reply.status_code == 201, reply.text


def _opinion(chance: random.Random) -> dict[str, Any]:
    content = chance.random() < _CONTENT
    usual = "satisfied" if content else "dissatisfied"
    others = ("basically_satisfied", "dont_know", usual, usual)
    answers = {one: usual if chance.random() < 0.7 else chance.choice(others) for one in INDICATORS}
    seconds = 60 * chance.lognormvariate(0, 0.4)
    started_at = (clock.now() - timedelta(seconds=seconds)).isoformat()
    return {"answers": answers, "started_at": started_at}


if __name__ == "__main__":
    main()
