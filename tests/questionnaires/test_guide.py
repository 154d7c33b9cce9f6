"""The guide for authors holds: its requests run as they stand, and it names all that there is."""

import json
import re
from pathlib import Path
from typing import Any, get_args

from app.questionnaires.comparing import REASONS
from app.questionnaires.schemas import Question
from app.questionnaires.suspicions import WARNINGS
from tests.factories import Api
from tests.phone_page.conftest import Browser

GUIDE = (Path(__file__).parents[2] / "docs" / "questionnaires.md").read_text("utf-8")
BLOCKS = re.findall(r"^```http\n(.*?)^```$(?:\n+```json\n(.*?)^```$)?", GUIDE, re.M | re.S)
"""Each request, and what the guide says of the reply."""


def said_of(reply: Any, said: Any) -> bool:
    """Whether all that the guide says of a reply is so; the reply may hold more."""
    if isinstance(said, dict):
        return all(said_of(reply[name], value) for name, value in said.items())
    if isinstance(said, list):
        return len(said) == len(reply) and all(map(said_of, reply, said))
    return bool(reply == said)


async def test_the_requests_of_the_guide_run_as_they_stand(admin: Api) -> None:
    author = await admin.as_client("questionnaires:write")
    assert len(BLOCKS) >= 5
    assert sum(1 for _, said in BLOCKS if said) == 2
    for request, said in BLOCKS:
        line, _, body = request.partition("\n")
        method, url = line.split()
        reply = await author.made(method, url, json.loads(body) if body else None)
        if said:
            assert said_of(reply, json.loads(said)), reply
        if url.endswith("/preview"):
            page = await Browser(admin).open(reply["url"].removeprefix("http://testserver"))
            assert "您对饭菜满意吗？" in page.text


def test_the_guide_names_every_type_warning_and_reason() -> None:
    types = {
        get_args(one.model_fields["type"].annotation)[0] for one in get_args(get_args(Question)[0])
    }
    table = set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE))
    assert table == types | set(WARNINGS)
    assert len(types) == 8
    for words in ("type", "options", "count as", "range", "how many may be chosen"):
        assert words in GUIDE.partition("## Versions in results")[2]
    assert len(REASONS) == 5
