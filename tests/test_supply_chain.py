"""What comes in with the program, and what must not go out with it."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.document_licences import FILE, UNKNOWN, document, licence, locked

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-test.lock")
COPYLEFT = re.compile(r"\b[AL]?GPL|General Public|SSPL|BUSL|Commons Clause", re.IGNORECASE)
REMARKS: dict[str, str] = {}
"""Packages under a licence that asks for more, and why they may be used all the same."""
SECRETS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a client's secret": r"\bxs_[A-Za-z0-9_-]{20,}",
    "a cloud's key": r"\bAKIA[0-9A-Z]{16}\b",
    "a token of a code host": r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    "a signed token": r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}",
    "a secret key in hexadecimal": r"(?<![0-9A-Fa-f])[0-9a-f]{64}(?![0-9A-Fa-f])",
}
KNOWN = {"tests/core/test_keyring.py": ["a secret key in hexadecimal"]}
"""What only looks like one: a subkey of a key that stands beside it."""


def committed() -> list[Path]:
    """Every file that is in the repository, or would be by adding all."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("this is no checkout of git")
    paths = [ROOT / name.decode() for name in done.stdout.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def secrets_in(text: str) -> list[str]:
    """The kinds of secrets that a text seems to hold."""
    return [kind for kind, pattern in SECRETS.items() if re.search(pattern, text)]


def test_the_list_of_licences_is_as_the_script_makes_it() -> None:
    assert document() == FILE.read_text("utf-8"), "run scripts/licences"


def test_every_licence_is_known_and_asks_for_nothing_that_we_do_not_give() -> None:
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+) \|$", FILE.read_text("utf-8"), re.MULTILINE)
    found = {name: licence for name, _, licence in rows[1:]}
    assert set(found) == {name for name, _ in locked()}
    assert len(found) > 30
    for name, stated in found.items():
        assert stated != UNKNOWN, name
        alternatives = re.split(r" OR | or ", stated)
        assert name in REMARKS or not all(COPYLEFT.search(one) for one in alternatives), name


def test_a_licence_is_read_wherever_it_stands() -> None:
    from email.message import Message

    def stated(**fields: str) -> str:
        metadata = Message()
        for name, value in fields.items():
            metadata[name.replace("_", "-")] = value
        return licence(metadata)  # type: ignore[arg-type]

    assert stated(License_Expression="MIT", License="x") == "MIT"
    assert stated(License="BSD") == "BSD"
    assert stated(License="line\nline", Classifier="License :: OSI Approved :: X") == "X"
    assert stated() == UNKNOWN
    assert COPYLEFT.search("GNU Affero General Public License v3")
    assert COPYLEFT.search("GPL-3.0-only")


@pytest.mark.parametrize("name", LOCKS)
def test_locks_hold_exact_versions_with_hashes_and_name_no_registry(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    pinned = re.findall(r"^([a-z0-9][\w.-]*)==\S+", text, re.MULTILINE)
    assert len(pinned) > 30
    assert len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) == len(pinned)
    for one in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in one, one.partition(" ")[0]
    assert "://" not in text
    assert "index-url" not in text


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    shipped, tested = (
        dict(re.findall(r"^([a-z0-9][\w.-]*)==([^\s;\\]+)", (ROOT / name).read_text(), re.M))
        for name in LOCKS
    )
    assert {name: tested.get(name) for name in shipped} == shipped


def test_no_secret_is_in_the_repository() -> None:
    files = committed()
    assert len(files) > 200
    held = {
        str(path.relative_to(ROOT)): found
        for path in files
        if path.name not in LOCKS
        and (found := secrets_in(path.read_text("utf-8", errors="replace")))
    }
    assert held == KNOWN
    assert not [path for path in files if path.name == ".env" or path.suffix in (".pem", ".key")]


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN " + "PRIVATE KEY-----",
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        '"client_secret": "xs_' + "Zk3" * 12 + '"',
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "XINSHENG_SECRET_KEYS=" + "0f" * 32,
        "Bearer " + ".".join(["eyJ" + "a" * 20, "eyJ" + "b" * 20, "c" * 43]),
    ],
)
def test_a_secret_would_be_found(secret: str) -> None:
    assert secrets_in(f"something\n{secret}\n")


def test_the_audit_of_dependencies_says_so_where_it_cannot_look() -> None:
    script = ROOT / "scripts" / "audit-dependencies"
    assert script.stat().st_mode & 0o111
    done = subprocess.run(
        [str(script)],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "pip-audit is needed" not in done.stderr:
        pytest.skip("pip-audit is installed, and its data is the network's")
    assert done.returncode == 2
