"""Docker and Prometheus files: what can be said of them without either."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from app.cli import commands as cli
from app.core import settings
from app.core.embedded_postgres import EmbeddedPostgres
from app.core.metrics import exposition

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
RULES = ROOT / "docs" / "operating" / "prometheus-rules.yml"
SETTINGS = set(re.findall(r'"(XINSHENG_[A-Z_]+)"', Path(settings.__file__).read_text("utf-8")))
OF_COMPOSE_ALONE = {"XINSHENG_DATABASE_PASSWORD"}


def steps(instruction: str) -> list[str]:
    """What the Dockerfile says after an instruction, each time."""
    return [
        one.strip() for one in re.findall(rf"^\s*{instruction} +(.+)$", DOCKERFILE, re.MULTILINE)
    ]


def command(text: str) -> list[str]:
    """A command in exec form. Errors: AssertionError for one that a shell would run."""
    assert text.startswith("["), text
    found: list[str] = yaml.safe_load(text)
    return found


def test_the_image_is_built_of_what_is_there() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    copied = [source for step in steps("COPY") for source in shlex.split(step)[:-1]]
    assert "requirements.lock" in copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source
    assert {one[1:] for one in ignored if one.startswith("!")} == set(copied)
    assert "*" in ignored


def test_the_image_holds_the_locked_dependencies_alone() -> None:
    installs = [step for step in steps("RUN") if "pip install" in step]
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert "requirements.lock" in installs[0]
    assert "--no-deps" in installs[1]
    assert "apt-get" not in DOCKERFILE


def test_the_image_is_of_a_known_version_and_serves_as_nobody_special() -> None:
    for image in [*steps("FROM"), COMPOSE["services"]["database"]["image"]]:
        name, _, tag = image.partition(":")
        assert re.match(r"\d", tag), image
        assert "/" not in name, "no registry is named"
    [user] = steps("USER")
    assert not user.startswith(("0", "root"))
    assert DOCKERFILE.index("\nUSER ") < DOCKERFILE.index("\nCMD ")


def test_the_image_starts_a_command_that_there_is_and_looks_whether_it_is_ready() -> None:
    starts = command(DOCKERFILE[DOCKERFILE.rindex("\nCMD ") + 4 :].strip())
    assert starts[0] == "xinsheng"
    arguments = cli._parser().parse_args(starts[1:])
    assert (arguments.host, arguments.port) == ("0.0.0.0", 8000)
    assert steps("EXPOSE") == ["8000"]
    [health] = re.findall(r"^HEALTHCHECK .*CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    python, option, program = command(health)
    assert (python, option) == ("python", "-c")
    assert "http://127.0.0.1:8000/readyz" in program
    compile(program, "HEALTHCHECK", "exec")


def test_settings_in_the_files_are_ones_that_there_are() -> None:
    set_in_image = set(re.findall(r"(XINSHENG_\w+)=", DOCKERFILE))
    assert "XINSHENG_LOG_LEVEL" in set_in_image
    assert set_in_image <= SETTINGS
    named = set(re.findall(r"XINSHENG_[A-Z_]+", (ROOT / "compose.yaml").read_text("utf-8")))
    assert named <= SETTINGS | OF_COMPOSE_ALONE
    environment = COMPOSE["services"]["app"]["environment"]
    assert set(environment) <= SETTINGS
    given = {
        name: re.sub(r"\$\{\w+:\?set it in \.env(, such as )?([^}]*)\}", r"\2", value) or "x"
        for name, value in environment.items()
    }
    keys = {"XINSHENG_SECRET_KEYS": "k" * 32}
    found = settings.load({**given, **keys})
    assert found.public_url.startswith("https://")
    assert (
        str(found.trusted_proxies[0].network_address)
        == (COMPOSE["networks"]["default"]["ipam"]["config"][0]["gateway"])
    )


def test_no_secret_stands_in_the_files_and_none_is_left_empty() -> None:
    text = (ROOT / "compose.yaml").read_text("utf-8")
    for name in ("POSTGRES_PASSWORD", "XINSHENG_DATABASE_PASSWORD", "XINSHENG_PUBLIC_URL"):
        assert re.findall(rf"\$\{{{name}:\?", text)
        assert not re.findall(rf"\$\{{{name}\}}", text)
    assert "PASSWORD" not in DOCKERFILE
    assert ".env" in (ROOT / ".gitignore").read_text("utf-8").split()


@pytest.mark.parametrize("name", ["app", "database"])
def test_containers_may_do_little_and_end_in_order(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("user", "10001") not in ("root", "0")
    assert int(service["stop_grace_period"].removesuffix("s")) > 30
    for volume in service["volumes"]:
        assert volume.partition(":")[0] in COMPOSE["volumes"]
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_data_lies_where_the_program_and_postgresql_put_it() -> None:
    app, database = (COMPOSE["services"][name] for name in ("app", "database"))
    folders = {volume.partition(":")[2] for volume in app["volumes"]}
    assert folders == set(command(steps("VOLUME")[0]))
    for name in ("XINSHENG_DATA_DIR", "XINSHENG_BACKUP_DIR"):
        [folder] = re.findall(rf"{name}=(\S+)", DOCKERFILE)
        assert folder in folders
    keys = Path(app["environment"]["XINSHENG_SECRET_KEYS_FILE"])
    assert str(keys.parent) in folders
    # From 18 on its image keeps each version in a folder of its own below this one.
    assert database["volumes"] == ["database:/var/lib/postgresql"]
    assert app["depends_on"]["database"]["condition"] == "service_healthy"


def test_alarms_ask_for_figures_that_there_are() -> None:
    rules = [
        rule
        for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]
        for rule in group["rules"]
    ]
    named = set(re.findall(r"xinsheng_[a-z_]+", " ".join(rule["expr"] for rule in rules)))
    told = set(re.findall(r"^# TYPE (\w+)", exposition().decode(), re.MULTILINE))
    told |= {f"{name}_bucket" for name in told}
    told |= set(re.findall(r"xinsheng_\w+", (ROOT / "app/counts/routes.py").read_text("utf-8")))
    assert len(named) >= 6
    assert named <= told
    handbook = (RULES.parent / "handbook.md").read_text("utf-8")
    assert set(re.findall(r"`(xinsheng_[a-z_]+)`", handbook)) <= told
    assert len({rule["alert"] for rule in rules}) == len(rules)


async def test_the_database_of_compose_has_a_role_that_is_no_superuser(
    postgres: EmbeddedPostgres,
) -> None:
    script = COMPOSE["configs"]["role"]["content"].replace(" xinsheng", " xinsheng_compose")
    psql = str(postgres.binaries / "bin" / "psql")
    subprocess.run(
        [psql, "--no-psqlrc", "--set=ON_ERROR_STOP=1", postgres.url("postgres", role="postgres")],
        input=script,
        text=True,
        env={"XINSHENG_DATABASE_PASSWORD": "it's a password"},
        check=True,
        capture_output=True,
    )
    superuser = await asyncpg.connect(postgres.url("postgres", role="postgres"))
    try:
        connection = await asyncpg.connect(
            postgres.url("xinsheng_compose", role="xinsheng_compose")
        )
        may = await connection.fetchrow(
            "SELECT rolsuper, rolcreaterole, pg_has_role('pg_monitor', 'USAGE') AS monitors, "
            "pg_get_userbyid(datdba) AS owner, rolpassword FROM pg_roles, pg_database "
            "WHERE rolname = current_user AND datname = current_database()"
        )
        await connection.close()
        assert (may["rolsuper"], may["rolcreaterole"], may["monitors"]) == (False, False, True)
        assert may["owner"] == "xinsheng_compose"
        assert may["rolpassword"]
    finally:
        await superuser.execute("DROP DATABASE IF EXISTS xinsheng_compose WITH (FORCE)")
        await superuser.execute("DROP ROLE IF EXISTS xinsheng_compose")
        await superuser.close()
