"""README.zh-CN.md keeps up with README.md: the same sections, code, links and rooms."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGLISH = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text("utf-8")


def code(text: str) -> list[str]:
    """Its lines of code, fenced or indented, without comments of the shell."""
    found, fenced = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
            found.append(line)
        elif fenced:
            found.append(line)
        elif line.startswith("    "):
            found.append(line.partition(" # ")[0].rstrip())
    return found


def links(text: str) -> set[str]:
    """Where it leads, whatever the language."""
    return {one.replace(".zh-CN", "") for one in re.findall(r"\]\(([^)]+)\)", text)}


def test_each_leads_to_the_other() -> None:
    assert "](README.zh-CN.md)" in ENGLISH[:200]
    assert "](README.md)" in CHINESE[:200]
    assert links(CHINESE) == links(ENGLISH)


def test_both_have_the_same_sections() -> None:
    levels = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (CHINESE, ENGLISH)]
    assert len(levels[1]) >= 6
    assert levels[0] == levels[1]


def test_both_show_the_same_code() -> None:
    assert len(code(ENGLISH)) > 100
    assert code(CHINESE) == code(ENGLISH)


def test_both_have_the_same_rooms_and_name_the_same_things() -> None:
    rooms = [re.findall(r"^\| `([a-z_]+/)`", text, re.MULTILINE) for text in (CHINESE, ENGLISH)]
    assert rooms[0] == rooms[1]
    spans = [set(re.findall(r"`([^`\n]+)`", text)) for text in (CHINESE, ENGLISH)]
    assert spans[0] == spans[1]


def test_the_chinese_one_is_chinese() -> None:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`|\([^)]*\)", "", CHINESE, flags=re.M | re.S)
    chinese = re.findall(r"[\u4e00-\u9fff]", prose)
    latin = re.findall(r"[A-Za-z]{3,}", prose)
    assert len(chinese) > 20 * len(latin)
