"""The example in docs/tallies.md is replied to as written."""

import json
import re
from pathlib import Path

from tests.factories import Api
from tests.telephone.deliveries import ago

DOCUMENT = (Path(__file__).parents[3] / "docs" / "tallies.md").read_text("utf-8")
EXCHANGES = re.findall(r"```http\n(.*?)```\n+```json\n(.*?)```", DOCUMENT, re.S)


async def test_the_example_is_replied_to_as_written(campaign: Api) -> None:
    source = await campaign.as_client("tallies:write results:exact", name="dashboard")
    as_of = ago(minutes=9)
    assert len(EXCHANGES) == 3
    for request, said in EXCHANGES:
        head, _, body = request.partition("\n\n")
        method, url = head.split()
        sent = json.loads(body.replace("AS_OF", as_of)) if body else None
        shown = (await source.request(method, url, json=sent)).json()
        expected = json.loads(said)
        varying = {name: shown[name] for name in ("request_id", "as_of") if name in expected}
        assert shown == {**expected, **varying}
