"""The command line's arguments: what is wrong with one is said, and what would be right."""

import sys

import pytest

from app.cli.commands import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("serve --port http", "a port is a number from 1 to 65535"),
        ("serve --port 0", "a port is a number from 1 to 65535"),
        ("serve --workers 65", "from 1 to 64 workers"),
        ("backup --keep week", "a number of days, from 1 to 36500"),
        ("backup --keep-keys -1", "a number of days, from 1 to 36500"),
        ("clients create C --scope admin --expires soon", "a day is written 2027-01-31"),
        ("clients secret C --expires 31/01/2027", "a day is written 2027-01-31"),
    ],
)
def test_what_would_be_right_is_said(
    arguments: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["xinsheng", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.rstrip().endswith(f": {said}")
