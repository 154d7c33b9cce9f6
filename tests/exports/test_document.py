"""docs/exports.md holds: its commands fetch a file, and its script reads it as written."""

import asyncio
import contextlib
import io
import os
import re
from pathlib import Path

import pytest

from app.core.settings import Settings
from tests.browser.chromium import serving
from tests.exports.world import every_kind, respond
from tests.telephone.bulk import working

DOCUMENT = (Path(__file__).parents[2] / "docs" / "exports.md").read_text("utf-8")
[COMMANDS] = re.findall(r"^```bash\n(.*?)^```", DOCUMENT, re.M | re.S)
[SCRIPT] = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.M | re.S)


async def test_the_commands_fetch_a_file_and_the_script_reads_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(settings) as admin, working(settings):
        await every_kind(admin)
        await respond(admin, "A1", {"overall": "bad"}, {"overall": "good"}, {"overall": "bad"})
        client = await admin.as_client("responses:read")
        own = {"TOKEN": str(client.token), "CAMPAIGN": "C"}
        own["XINSHENG_SERVER"] = str(admin.http.base_url)
        shell = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", COMMANDS, env={**os.environ, **own}, cwd=tmp_path
        )
        assert await asyncio.wait_for(shell.wait(), 60) == 0
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(SCRIPT, "docs/exports.md", "exec"), {})
    votes, labels = printed.getvalue().splitlines()
    assert votes == "{'不满意': 2, '满意': 1}"
    assert labels == "['Satisfied', 'Dissatisfied', \"Don't know\"]"
