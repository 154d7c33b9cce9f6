"""What monitoring sees: of folding, of responses, of several workers as one."""

import re
from pathlib import Path

import httpx
import pytest

from tests.counts.test_folding import database_of, fold_all, prepare
from tests.factories import Api, answer, invitations, open_campaign, submission, tree
from tests.processes import server
from tests.results.ledger import Entry, insert


async def metrics(api: Api) -> dict[str, float]:
    reply = await api.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return figures(reply.text)


def figures(text: str) -> dict[str, float]:
    """Every sample by its name and labels."""
    return {name: float(value) for name, value in re.findall(r"^([^# ]+) (\S+)$", text, re.M)}


async def test_the_lag_of_the_counts_is_a_metric(admin: Api) -> None:
    await prepare(admin)
    await fold_all(admin)
    await insert(admin, [Entry(), Entry()])
    shown = await metrics(admin)
    assert shown["xinsheng_unfolded_responses"] == 2
    await database_of(admin).pool.execute(
        "UPDATE folding SET folded_until = now() - interval '1 hour'"
    )
    assert 3600 <= (await metrics(admin))["xinsheng_folding_lag_seconds"] < 3700
    await fold_all(admin)
    shown = await metrics(admin)
    assert shown["xinsheng_unfolded_responses"] == 0
    assert 0 <= shown["xinsheng_folding_lag_seconds"] < 60


async def test_responses_are_counted_by_what_became_of_them(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    before = await metrics(admin)
    [token] = await invitations(admin, 1)
    await answer(admin, token)
    assert (await admin.post(f"/v1/invitations/{token}/responses", submission())).status_code == 409
    assert (await admin.post("/v1/invitations/none/responses", submission())).status_code == 404
    after = await metrics(admin)

    def more(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert more('xinsheng_responses_total{outcome="stored"}') == 1
    assert more('xinsheng_responses_total{outcome="already_answered"}') == 1
    assert more('xinsheng_http_requests_total{kind="answer",status="404"}') == 1
    assert more("xinsheng_batch_responses_sum") == 2
    assert more("xinsheng_batch_seconds_count") == 2
    assert after["xinsheng_intake_queue_room"] == 4096


@pytest.mark.process
def test_several_workers_are_counted_as_one(tmp_path: Path) -> None:
    with server(tmp_path / "data", "--workers", "2") as running:
        name = 'xinsheng_http_requests_total{kind="api",status="404"}'
        seen = []
        for _ in range(40):
            # Connections of their own, so that both workers are asked.
            httpx.get(f"{running.base}/nothing")
            seen.append(figures(httpx.get(f"{running.base}/metrics").text)[name])
        assert seen == list(range(1, 41))
