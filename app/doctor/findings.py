"""What a check found: its state, a sentence that says so, and one that says what to do."""

import json
import textwrap
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["ok", "warning", "failure"]
Check = Literal[
    "settings",
    "clock",
    "disk",
    "files",
    "keys",
    "server",
    "open-files",
    "public-url",
    "reachable",
    "certificate",
    "proxy",
    "database",
    "replica",
    "durability",
    "encoding",
    "connections",
    "upkeep",
    "migrations",
    "folding",
    "jobs",
    "campaign-keys",
    "publications",
    "backups",
    "backup-keys",
]
"""What is looked at, as docs/operating/doctor.md explains it."""
_MARKS: dict[State, str] = {"ok": "ok", "warning": "WARNING", "failure": "FAILURE"}
_HANDBOOK = "docs/operating/doctor.md"
_INDENT = " " * 22


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. Without advice where there is nothing to do."""

    check: Check
    state: State
    found: str
    advice: str = ""

    @property
    def docs(self) -> str:
        """Where the check is explained, from the top of the repository."""
        return f"{_HANDBOOK}#{self.check}"


def fine(check: Check, found: str) -> Finding:
    """It is as it should be, or cannot be known."""
    return Finding(check, "ok", found)


def warning(check: Check, found: str, advice: str) -> Finding:
    """It works, and should be better."""
    return Finding(check, "warning", found, advice)


def failure(check: Check, found: str, advice: str) -> Finding:
    """It does not work, or will lose or disclose something."""
    return Finding(check, "failure", found, advice)


def as_json(findings: Iterable[Finding]) -> str:
    """A JSON array of {check, state, found, advice, docs}."""
    every = [{**asdict(one), "docs": one.docs} for one in findings]
    return json.dumps(every, ensure_ascii=False, indent=2)


def as_text(findings: list[Finding]) -> str:
    """Lines for a terminal, with a summary last."""
    lines = [line for one in findings for line in _lines(one)]
    count = {state: sum(one.state == state for one in findings) for state in _MARKS}
    lines += ["", f"failures: {count['failure']}, warnings: {count['warning']}, ok: {count['ok']}"]
    if count["ok"] < len(findings):
        lines.append(f"Each check is explained in {_HANDBOOK}.")
    return "\n".join(lines)


def _lines(one: Finding) -> Iterable[str]:
    first, *others = _wrapped(one.found)
    yield f"{_MARKS[one.state]:<8} {one.check:<12} {first}"
    for line in others:
        yield _INDENT + line
    for number, line in enumerate(_wrapped(one.advice) if one.advice else []):
        yield f"{_INDENT}{'> ' if number == 0 else '  '}{line}"


def _wrapped(text: str) -> list[str]:
    return [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(part, 76, break_on_hyphens=False, break_long_words=False)
    ] or [""]
