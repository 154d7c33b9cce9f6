"""Which test sends which SQL, so that a few tests send all of it to another PostgreSQL."""

import functools
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asyncpg.connection import Connection

_SENDING = ("_get_statement", "execute", "_copy_in", "_copy_out")
"""Of asyncpg's connections: all that take the text of a statement first."""
_QUOTED = re.compile(r"'[^']*'")
_NUMBERS = re.compile(r"\d+")
_LISTS = re.compile(r"\([^()]{0,4}(,\s*[$()0:A-Z_]+)+\)", re.I)
_BLANKS = re.compile(r"\s+")
_sent: set[str] = set()


class Noted(NamedTuple):
    """What is known of a test that was run."""

    seconds: float
    statements: frozenset[str]


@contextmanager
def listening() -> Iterator[None]:
    """While it lasts, what goes to a database from this process is remembered."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _SENDING:
            patch.setattr(Connection, name, _remembering(getattr(Connection, name)))
        yield


def _remembering(send: Any) -> Any:
    @functools.wraps(send)
    async def remembering(self: Any, statement: str, *arguments: Any, **options: Any) -> Any:
        _sent.add(shape(statement))
        return await send(self, statement, *arguments, **options)

    return remembering


@functools.lru_cache(maxsize=10_000)
def shape(statement: str) -> str:
    """A statement without values and numbers: those that differ in nothing else are one."""
    short = _NUMBERS.sub("0", _QUOTED.sub("''", _BLANKS.sub(" ", statement)))
    return _LISTS.sub("(…)", short).strip()


def note(folder: Path, test: str, seconds: float) -> None:
    """Write down what has been sent since the last note, as what this test sends."""
    line = json.dumps([test, seconds, sorted(_sent)])
    _sent.clear()
    with (folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def noted(folder: Path) -> dict[str, Noted]:
    """All notes, by test."""
    lines = [
        line for file in folder.glob("*.jsonl") for line in file.read_text("utf-8").split("\n")
    ]
    found = [json.loads(line) for line in lines if line]
    return {test: Noted(seconds, frozenset(sent)) for test, seconds, sent in sorted(found)}


def few(tests: dict[str, Noted]) -> set[str]:
    """Tests that send all that these send, in little time: always the one that adds most in its."""
    missing = frozenset[str]().union(*(one.statements for one in tests.values()))
    chosen = set()
    while missing:
        best = max(tests, key=lambda test: _worth(tests[test], missing))
        chosen.add(best)
        missing -= tests[best].statements
    return chosen


def _worth(one: Noted, missing: frozenset[str]) -> float:
    return len(one.statements & missing) / (one.seconds + 0.5)
