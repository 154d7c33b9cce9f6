"""The documents keep up with the code: every problem type and every setting stands in them."""

import re
from pathlib import Path

import pytest

from app.core import settings
from scripts.document_problems import document
from tests.core.test_problems import all_problems

ROOT = Path(__file__).parents[1]
PROBLEMS = (ROOT / "docs" / "problems.md").read_text("utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
TRANSLATED = sorted([*ROOT.glob("*.zh-CN.md"), *(ROOT / "docs").rglob("*.zh-CN.md")])


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


def test_the_readme_leads_to_every_document() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)\)", README))
    documents = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "operating").glob("*.md")]
    named = {str(one.relative_to(ROOT)) for one in documents if ".zh-CN" not in one.name}
    assert len(named) >= 20
    assert named <= linked


@pytest.mark.parametrize("chinese", TRANSLATED, ids=lambda path: path.name)
def test_a_document_in_two_languages_says_the_same_in_both(chinese: Path) -> None:
    english = chinese.with_name(chinese.name.replace(".zh-CN", ""))
    texts = [one.read_text("utf-8") for one in (chinese, english)]
    for one, other in zip(texts, (english, chinese), strict=True):
        assert f"]({other.name})" in one[:200]
    for pattern in (r"^(#+) ", r"^(```\w*)$", r"^\| *(`[^`]+`)", r"^ *(-|\d+\.) "):
        assert re.findall(pattern, texts[0], re.M) == re.findall(pattern, texts[1], re.M), pattern
    leading = [re.findall(r"\]\(([^)#]+)[)#]", one.replace(".zh-CN", "")) for one in texts]
    assert set(leading[0]) == set(leading[1])
