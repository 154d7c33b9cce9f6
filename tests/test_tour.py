"""The README holds: its tour runs as written, and what it says of the code is there."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Server, server

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
TOUR = README.partition("\n## A tour in five minutes\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```bash\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?", TOUR, re.M | re.S)
"""Each block of commands, and what the README says that it prints."""
MARK = "--- end of block ---"
ON_THE_FIRST_RUN_ONLY = '"created":'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as `scripts/run --empty` starts it."""
    with server(tmp_path_factory.mktemp("tour") / "data with a space") as one:
        yield one


def walk(running: Server) -> list[str]:
    """Run the tour's blocks in one shell, exactly as written; what each of them prints."""
    script = "set -euo pipefail\n" + "".join(f"{one}echo; echo '{MARK}'\n" for one, _ in BLOCKS)
    done = subprocess.run(
        ["bash"],
        input=script.encode(),
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "BASE": running.base, "XINSHENG_DATA_DIR": str(running.data_dir)},
        timeout=90,
        check=False,
    )
    printed = done.stdout.decode()
    assert done.returncode == 0, f"{printed}\n{done.stderr.decode()}\n{running.said()}"
    return [plain(one) for one in printed.split(MARK)[:-1]]


def plain(text: str) -> str:
    """A text as a screen shows it: no byte order mark, no carriage returns, no blank ends."""
    return text.replace("\ufeff", "").replace("\r", "").strip()


@pytest.mark.process
def test_the_tour_prints_what_the_readme_says_and_can_be_taken_again(running: Server) -> None:
    assert len(BLOCKS) >= 10
    expected = [plain(text) for _, text in BLOCKS]
    assert sum(1 for one in expected if one) >= 8
    first, second = walk(running), walk(running)
    for printed in (first, second):
        assert len(printed) == len(BLOCKS)
        for number, (shown, said) in enumerate(zip(printed, expected, strict=True)):
            if said and not (printed is second and ON_THE_FIRST_RUN_ONLY in said):
                assert shown == said, f"block {number}:\n{BLOCKS[number][0]}"
    assert f"{running.base}/s/" in "".join(first)


@pytest.mark.process
def test_a_server_ends_in_order_when_it_is_told_to(tmp_path: Path) -> None:
    with server(tmp_path / "data") as one:
        assert one.stop() == 0
    assert one.base in one.said()


def test_every_room_is_in_the_readmes_table() -> None:
    table = README.partition("| room |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z_]+)/`", table))
    rooms = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    assert named == rooms
    for name in re.findall(r"`([a-z_]+\.py)`", table):
        assert (ROOT / "app" / name).is_file(), name


def test_every_file_that_the_documents_link_to_is_there() -> None:
    documents = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    documents += (ROOT / "docs").rglob("*.md")
    for document in documents:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"
    for script in ("scripts/run", "scripts/test"):
        assert os.access(ROOT / script, os.X_OK)


def test_decisions_are_ten_lines_each() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [one.name[:4] for one in decisions] == [f"{n:04}" for n in range(1, len(decisions) + 1)]
    for one in decisions:
        lines = [line for line in one.read_text("utf-8").splitlines() if line]
        assert lines[0].startswith(f"# {one.name[:4]}: ")
        assert len(lines) <= 10, one.name
        assert all(len(line) <= 120 for line in lines), one.name
