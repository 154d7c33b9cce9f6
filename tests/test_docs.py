"""The documents keep up with the code: every problem type and every setting stands in them."""

import re
from pathlib import Path

from app.core import settings
from scripts.document_problems import document
from tests.core.test_problems import all_problems

ROOT = Path(__file__).parents[1]
PROBLEMS = (ROOT / "docs" / "problems.md").read_text("utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")


def test_every_problem_type_is_documented() -> None:
    headings = re.findall(r"^## (.+)$", PROBLEMS, re.MULTILINE)
    assert headings == sorted(one.slug for one in all_problems())


def test_the_list_of_problems_is_as_the_script_makes_it() -> None:
    assert document() == PROBLEMS, "run .venv/bin/python -m scripts.document_problems"


def test_every_setting_is_documented_and_no_other() -> None:
    source = Path(settings.__file__).read_text("utf-8")
    used = set(re.findall(r'environment\.get\("(XINSHENG_[A-Z_]+)"\)', source))
    assert len(used) >= 4
    table = set(re.findall(r"^\| `(XINSHENG_[A-Z_]+)` \|", SETTINGS, re.MULTILINE))
    assert table == used
    assert set(re.findall(r"XINSHENG_[A-Z_]+", SETTINGS)) == used


def test_no_other_file_reads_settings_of_its_own() -> None:
    for file in (ROOT / "app").rglob("*.py"):
        if file == Path(settings.__file__):
            continue
        source = file.read_text("utf-8")
        assert not re.search(r"(environ\.get|getenv)\(.{0,5}XINSHENG_", source), file
