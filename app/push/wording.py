"""What the command says, in Chinese where LANG says so and in English elsewhere."""

import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """A sentence in both languages."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.zh if speaks_chinese() else self.en


class Stopped(Exception):
    """The push cannot go on. The message says why and what to do."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.said = Said(zh, en)


def speaks_chinese() -> bool:
    """Whether the user's environment asks for Chinese."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return value.lower().startswith("zh")
    return False


def tell(zh: str, en: str) -> None:
    """Print a line for the user, apart from what other programs read."""
    sys.stderr.write(f"{Said(zh, en)}\n")
    sys.stderr.flush()
