"""docs/rosters.md holds: its example does what is written, and so does its script."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.factories import Api
from tests.rosters.lists import COLUMNS, links

DOCUMENT = (Path(__file__).parents[2] / "docs" / "rosters.md").read_text("utf-8")
EXCHANGES = re.findall(r"```http\n(.*?)```\n+(?:[^`]*?)```(json|csv)\n(.*?)```", DOCUMENT, re.S)
[SCRIPT] = re.findall(r"```python\n(.*?)```", DOCUMENT, re.S)
VARYING = "…"


def alike(shown: str, said: str) -> bool:
    """Whether a text is as the document says, whatever stands where it leaves something out."""
    pattern = re.escape(said).replace(re.escape(VARYING), r"[^,\"]+")
    return re.fullmatch(pattern, shown) is not None


async def ask(api: Api, request: str) -> str:
    """The body of the reply to a request as the document writes it."""
    head, _, body = request.partition("\n\n")
    first, *headers = head.splitlines()
    method, url = first.split(" ")
    named = dict(line.split(": ") for line in headers)
    reply = await api.request(method, url, content=body.encode(), headers=named)
    return reply.text.removeprefix("\ufeff").replace("\r\n", "\n")


async def test_the_example_is_replied_to_as_written(county: Api) -> None:
    assert len(EXCHANGES) == 5
    for request, kind, said in EXCHANGES:
        shown = await ask(county, request)
        if kind == "json":
            shown, said = (json.dumps(json.loads(one), indent=1) for one in (shown, said))
            said = said.replace(r"\u2026", VARYING)
        assert alike(shown, said), f"{request}\n{shown}"


async def test_the_script_puts_each_link_beside_its_phone(
    county: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = io.StringIO()
    writer = csv.writer(people)
    writer.writerow(COLUMNS)
    for number in range(3):
        writer.writerow(["A1", "parent", f"1380000000{number}", f"F-{number}", ""])
    (tmp_path / "people.csv").write_text(people.getvalue(), "utf-8")
    await ask(county, f"POST /v1/campaigns/C/roster\nContent-Type: text/csv\n\n{people.getvalue()}")
    reply = await county.get("/v1/campaigns/C/roster/1/links.csv")
    (tmp_path / "links.csv").write_bytes(reply.content)
    monkeypatch.chdir(tmp_path)
    exec(compile(SCRIPT, "docs/rosters.md", "exec"), {})
    made = (tmp_path / "messages.csv").read_text("utf-8").splitlines()
    urls = [one["url"] for one in await links(county, 1)]
    assert made == [f"1380000000{number},{url}" for number, url in enumerate(urls)]
