"""The operator's handbook holds: its commands exist, and both languages say the same."""

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import commands as cli
from app.core import settings

ROOT = Path(__file__).parents[1]
OPERATING = ROOT / "docs" / "operating"
ENGLISH = (OPERATING / "handbook.md").read_text("utf-8")
CHINESE = (OPERATING / "handbook.zh-CN.md").read_text("utf-8")
SETTINGS = set(re.findall(r'"(XINSHENG_[A-Z_]+)"', Path(settings.__file__).read_text("utf-8")))


def blocks(text: str) -> list[str]:
    """Its blocks of code."""
    return re.findall(r"^ *```\w*\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of every `xinsheng …` in a document, in blocks and within sentences."""
    lines = [line for block in blocks(text) for line in block.splitlines()]
    lines += re.findall(r"^ {4}(.*)", text, re.MULTILINE)
    lines += re.findall(r"`([^`\n]+)`", text)
    for line in lines:
        found = re.search(
            r"(?:^|(?:exec|run)[ a-zT-]* app |/bin/|\d\* \* \* +|# )xinsheng ([^)|&#']+)", line
        )
        if found and "…" not in line:
            yield shlex.split(found[1])


def settings_in(text: str) -> set[str]:
    """The names of settings in a document."""
    return set(re.findall(r"XINSHENG_[A-Z_]*[A-Z]", text))


@pytest.mark.parametrize("document", sorted(OPERATING.glob("*.md")), ids=lambda path: path.name)
def test_every_command_is_one_that_the_program_takes(document: Path) -> None:
    found = list(commands(document.read_text("utf-8")))
    assert found
    for arguments in found:
        try:
            cli._parser().parse_args(arguments)
        except SystemExit:
            pytest.fail(f"{document.name}: xinsheng {shlex.join(arguments)}")


def test_the_handbook_shows_every_command() -> None:
    shown = {arguments[0] for arguments in commands(ENGLISH)}
    [choices] = [one.choices for one in cli._parser()._actions if isinstance(one.choices, dict)]
    assert set(choices) - shown <= {"serve", "demo"}


@pytest.mark.parametrize("unheard", ["xinsheng backup --to /mnt", "xinsheng clients make x"])
def test_a_command_that_there_is_none_of_would_be_found(unheard: str) -> None:
    [arguments] = commands(f"Say `{unheard}`.")
    with pytest.raises(SystemExit):
        cli._parser().parse_args(arguments)


def test_both_languages_have_the_same_sections() -> None:
    def outline(text: str) -> list[tuple[str, str]]:
        return re.findall(r"^(##+) ([0-9.]+) ", text, re.MULTILINE)

    assert len(outline(ENGLISH)) >= 15
    assert outline(CHINESE) == outline(ENGLISH)
    assert len(re.findall(r"^#+ ", CHINESE, re.M)) == len(re.findall(r"^#+ ", ENGLISH, re.M))


def test_both_languages_show_the_same_blocks_commands_addresses_and_settings() -> None:
    assert blocks(CHINESE) == blocks(ENGLISH)
    assert list(commands(CHINESE)) == list(commands(ENGLISH))
    for pattern in (r"`((?:GET|POST|PUT) [^`]+)`", r"`(xinsheng_\w+)", r"\]\(([^)]+)\)"):
        chinese, english = (set(re.findall(pattern, text)) for text in (CHINESE, ENGLISH))
        assert {one.replace(".zh-CN", "") for one in chinese} == {
            one.replace(".zh-CN", "") for one in english
        }
    assert settings_in(CHINESE) == settings_in(ENGLISH)


def test_both_languages_have_tables_of_the_same_length() -> None:
    def rows(text: str) -> list[int]:
        return [len(re.findall(r"^\|", part, re.M)) for part in text.split("\n## ")]

    assert sum(rows(ENGLISH)) > 60
    assert rows(CHINESE) == rows(ENGLISH)


def test_the_handbook_names_settings_that_there_are() -> None:
    compose = settings_in((ROOT / "compose.yaml").read_text("utf-8"))
    assert settings_in(ENGLISH) <= SETTINGS | compose
    example = (OPERATING / "environment.example").read_text("utf-8")
    assert settings_in(example) <= SETTINGS
    given = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    assert given
    settings.load({**given, "XINSHENG_SECRET_KEYS": "k" * 32})


def test_addresses_in_the_handbook_are_served() -> None:
    from app.main import create

    made = create(settings.load({"XINSHENG_SECRET_KEYS": "k" * 32}))
    served = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, methods in made.openapi()["paths"].items()
        for method in methods
    }
    named = re.findall(r"`(GET|POST|PUT) (/[^` ]+)`", ENGLISH)
    assert len(named) >= 8
    for method, path in named:
        assert (method, re.sub(r"\{\w+\}", "{}", path)) in served, path


UNITS = sorted(OPERATING.glob("xinsheng*.service")) + sorted(OPERATING.glob("*.timer"))


def unit(path: Path) -> dict[str, dict[str, str]]:
    """A unit's sections; of repeated names the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path, "utf-8")
    return {section: dict(parser[section]) for section in parser.sections()}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_the_units(path: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze")
    for one in UNITS:
        text = one.read_text("utf-8").replace("/opt/xinsheng/.venv/bin/xinsheng", "/bin/true")
        (tmp_path / one.name).write_text(text, "utf-8")
    done = subprocess.run(
        [analyze, "verify", str(tmp_path / path.name)], capture_output=True, text=True, check=False
    )
    said = [line for line in done.stderr.splitlines() if "xinsheng" in line]
    assert said == []


def test_the_service_is_an_ordinary_user_that_ends_in_order() -> None:
    for path in (OPERATING / "xinsheng.service", OPERATING / "xinsheng-backup.service"):
        service = unit(path)["Service"]
        command = shlex.split(service["ExecStart"])
        assert command[0] == "/opt/xinsheng/.venv/bin/xinsheng"
        cli._parser().parse_args(command[1:])
        assert service["User"] == "xinsheng"
        assert service["NoNewPrivileges"] == "yes"
        assert service["ProtectSystem"] == "strict"
        assert service["CapabilityBoundingSet"] == ""
        assert service["KillMode"] == "mixed"
    serving = unit(OPERATING / "xinsheng.service")["Service"]
    # 30 s to finish what was taken, 60 to stop PostgreSQL, 10 if that does not end.
    assert int(serving["TimeoutStopSec"]) >= 100
    assert int(serving["LimitNOFILE"]) >= 8192
    assert serving["Restart"] == "on-failure"


def test_the_wrapper_is_a_shell_script_that_can_be_run() -> None:
    wrapper = OPERATING / "xinsheng"
    assert wrapper.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(wrapper)], check=True)
