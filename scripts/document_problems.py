"""Writes docs/problems.md from the problem types that the rooms declare; a test compares the two.

.venv/bin/python -m scripts.document_problems
"""

import importlib
import pkgutil
from pathlib import Path

import app
from app.core.problems import Problem, catalogue

FILE = Path(__file__).parents[1] / "docs" / "problems.md"
HEAD = """\
# Problems

Every failure is a problem document (RFC 9457), `application/problem+json`:

    {"type": "/problems/already-answered", "title": "…", "status": 409, "detail": "…",
     "request_id": "f3a90c1d2b4e5f60",
     "errors": [{"pointer": "/answers/ethics", "code": "…", "message": "…"}]}

`type` is stable: decide by it, never by `title` or `detail`. It is an address too:
`GET /problems/already-answered` explains it, `GET /problems` lists all. `errors` says what is wrong
with which field: `pointer` is a JSON pointer into the body (RFC 6901), `?name` a query parameter,
`/rows/7/kind` a cell of an imported file. Messages never quote what was sent. Name the
`request_id`, which is also the header `X-Request-Id`, when you ask the operator for help.

A 503 and a 429 say in `Retry-After` after how many seconds to send the same again; nothing was
stored.

This file is made by `.venv/bin/python -m scripts.document_problems`.
"""


def document() -> str:
    """The whole file, in order of the types."""
    load_problems()
    own = [one for one in catalogue() if one.__module__.startswith("app.")]
    return "\n".join([HEAD, *(_entry(one) for one in own)])


def load_problems() -> None:
    """Import what declares problems, so that the catalogue has all of them."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if module.name.endswith(".problems"):
            importlib.import_module(module.name)


def _entry(problem: type[Problem]) -> str:
    return f"## {problem.slug}\n\n**{problem.status}** {problem.title}. {problem.remedy}\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
