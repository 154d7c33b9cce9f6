"""Writes the lists of problems in docs/contractors*.md; a test compares them.

.venv/bin/python -m scripts.document_contractors
"""

from pathlib import Path

from app.core.problems import catalogue
from app.push.problems_met import MET
from scripts.document_problems import load_problems

DOCS = Path(__file__).parents[1] / "docs"
GUIDES = {"en": DOCS / "contractors.md", "zh": DOCS / "contractors.zh-CN.md"}
BEGIN = "<!-- problems: made by .venv/bin/python -m scripts.document_contractors -->\n"
END = "<!-- end of problems -->\n"


def problems(language: str) -> str:
    """The table of the problems that a contractor can meet."""
    load_problems()
    rows = [
        "| type | 状态 | 含义 | 怎么办 |" if language == "zh" else "| type | status | means | do |",
        "|---|---|---|---|",
    ]
    for one in catalogue():
        if one.slug in MET:
            means, remedy = MET[one.slug] if language == "zh" else (f"{one.title}.", one.remedy)
            rows.append(f"| `{one.slug}` | {one.status} | {means} | {remedy} |")
    return "\n".join(rows) + "\n"


def written(guide: str, language: str) -> str:
    """A guide with its list of problems brought up to date."""
    before, begin, rest = guide.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, "the guide has no place for its problems"
    assert end, "the guide's list of problems does not end"
    return f"{before}{begin}\n{problems(language)}\n{end}{after}"


if __name__ == "__main__":
    for language, file in GUIDES.items():
        file.write_text(written(file.read_text("utf-8"), language), "utf-8")
