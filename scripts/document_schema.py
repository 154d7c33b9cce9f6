"""Writes docs/questionnaire.schema.json from the models of questionnaires; a test compares them.

.venv/bin/python -m scripts.document_schema
"""

import json
from pathlib import Path

from app.questionnaires.json_schema import schema

FILE = Path(__file__).parents[1] / "docs" / "questionnaire.schema.json"


def document() -> str:
    """The whole file."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
