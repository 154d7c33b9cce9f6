"""docs/contractors.md holds: every example runs as written and prints what it says there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from app.core.problems import catalogue
from app.push.problems_met import MET
from scripts.document_contractors import GUIDES, written
from tests.core.test_problems import all_problems
from tests.processes import XINSHENG, Server, server
from tests.push.conftest import Bureau, bureau_of

ENGLISH, CHINESE = (GUIDES[one].read_text("utf-8") for one in ("en", "zh"))
MARK = "--- end of block ---"
FOR_OTHERS = {
    "already-answered",
    "already-corrected",
    "campaign-frozen",
    "cannot-judge",
    "cannot-restore",
    "client-not-in-force",
    "client-refused",
    "county-required",
    "identity-required",
    "import-refused",
    "invitations-gone",
    "invitations-not-admitted",
    "link-revoked",
    "list-not-written",
    "no-more-releases",
    "too-many-exports",
    "not-voided",
    "nothing-to-release",
    "questionnaire-refused",
    "submission-conflict",
    "too-many-responses",
    "too-many-secrets",
    "withdrawn",
    "xlsform-not-writable",
    "xlsform-refused",
}
"""Problems of parents who answer, and of bureaus: no address that a contractor uses has them."""


class Block(NamedTuple):
    """A block of the guide: bash or python, and what it is said to print."""

    language: str
    text: str
    prints: str


def blocks(guide: str) -> Iterator[Block]:
    """What the guide has to run, in order."""
    pattern = r"^```(bash|python)\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?"
    for found in re.finditer(pattern, guide, re.M | re.S):
        yield Block(found[1], found[2], found[3] or "")


def script(found: list[Block]) -> str:
    """All of it in one shell; Python as a file of its own, and the module that others import."""
    lines = ["set -euo pipefail"]
    for number, block in enumerate(found):
        name = re.match(r"# (\w+\.py)\n", block.text)
        if block.language == "bash":
            lines.append(block.text)
        else:
            path = name[1] if name else f"example-{number}.py"
            lines.append(f"cat > {path} <<'END OF FILE'\n{block.text}END OF FILE")
            if not name:
                lines.append(f'"$PYTHON" {path}')
        lines.append(f"echo '{MARK}'")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    """A bureau whose server has a worker, for long deliveries."""
    with server(tmp_path_factory.mktemp("guide") / "data", worker=True) as running:
        yield bureau_of(running)


def walk(running: Server, bureau: Bureau, folder: Path) -> list[str]:
    """What each block prints."""
    found = list(blocks(ENGLISH))
    path = f"{XINSHENG.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash"],
        input=script(found).encode(),
        capture_output=True,
        cwd=folder,
        env={
            **os.environ,
            **bureau.contractor,
            "PATH": path,
            "PYTHON": sys.executable,
            "PYTHONPATH": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "LC_ALL": "C.UTF-8",
            "CAMPAIGN": "C",
            "UNIT": "A1",
            "OTHER_UNIT": "A2",
        },
        timeout=110,
        check=False,
    )
    printed = done.stdout.decode()
    assert done.returncode == 0, f"{printed}\n{done.stderr.decode()}\n{running.said()}"
    return [one.strip() for one in printed.split(MARK)[:-1]]


@pytest.mark.process
def test_every_example_runs_and_prints_what_the_guide_says(bureau: Bureau, tmp_path: Path) -> None:
    found = list(blocks(ENGLISH))
    assert {block.language for block in found} == {"bash", "python"}
    assert len(found) >= 14
    printed = walk(bureau.running, bureau, tmp_path)
    assert len(printed) == len(found)
    for shown, block in zip(printed, found, strict=True):
        if block.prints:
            assert shown == block.prints.strip(), block.text
    held = bureau.ask("GET", "/v1/campaigns/C/results")
    assert sum(row["respondents"] for row in held["rows"]) == 0


def test_both_languages_have_the_same_sections_code_links_and_tables() -> None:
    fenced = r"^```\w+\n.*?^```$"
    assert re.findall(fenced, CHINESE, re.M | re.S) == re.findall(fenced, ENGLISH, re.M | re.S)
    for pattern in (r"^(#+ [0-9.]*)", r"^\|", r"^\| (`[^|]+`) \|"):
        one, other = (re.findall(pattern, text, re.M) for text in (CHINESE, ENGLISH))
        assert one == other
    links = [
        {one.replace(".zh-CN", "") for one in re.findall(r"\]\(([^)]+)\)", text)}
        for text in (CHINESE, ENGLISH)
    ]
    assert links[0] == links[1]
    assert "](contractors.md)" in CHINESE[:100]
    assert "](contractors.zh-CN.md)" in ENGLISH[:100]
    prose = re.sub(rf"{fenced}|`[^`\n]*`|\([^)]*\)|<!--.*?-->", "", CHINESE, flags=re.M | re.S)
    assert len(re.findall(r"[\u4e00-\u9fff]", prose)) > 10 * len(re.findall(r"[A-Za-z]{3,}", prose))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_lists_of_problems_are_as_the_script_makes_them(language: str) -> None:
    guide = GUIDES[language].read_text("utf-8")
    assert written(guide, language) == guide, "run .venv/bin/python -m scripts.document_contractors"


def test_no_problem_that_a_contractor_can_meet_is_left_out() -> None:
    slugs = {one.slug for one in all_problems()}
    assert set(MET) | FOR_OTHERS == slugs, "say in push/problems_met.py what it means"
    assert not set(MET) & FOR_OTHERS
    assert slugs <= {one.slug for one in catalogue()}
    for means, remedy in MET.values():
        assert means.endswith("。")
        assert remedy.endswith("。")
