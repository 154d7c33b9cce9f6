"""What monitoring sees of folding."""

import re

from tests.counts.test_folding import database_of, fold_all, prepare
from tests.factories import Api
from tests.results.ledger import Entry, insert


async def metrics(api: Api) -> dict[str, float]:
    reply = await api.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", reply.text, re.M)}


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
