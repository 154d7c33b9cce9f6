"""Where each line of code lives: the rules of the house, so that they need not be remembered."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from importlinter import cli

ROOT = Path(__file__).parents[1]
MAX_LINES = 400
PRIVATE = {"queries", "routes", "jobs"}
"""Modules that only their own room imports."""
INDEXES = {("app.main", "routes"), ("app.worker", "jobs")}
"""Who else may: the lists of all URLs and of all jobs."""
KNOW_HTTP = {
    "app.main",
    "app.core.database",
    "app.core.parameters",
    "app.core.addresses",
    "app.core.bodies",
    "app.core.edge",
    "app.core.http",
    "app.core.openapi",
    "app.core.reference",
    "app.core.status",
    "app.access.principal",
    "app.access.turns",
    "app.phone_page.callers",
    "app.phone_page.replies",
    "app.responses.guesses",
}
"""Modules besides `routes` that may import FastAPI or Starlette."""
KNOW_SQL = {"queries", "tables"}
"""Modules, besides those of core, that may hold SQL."""
STATEMENTS = {"select", "insert", "update", "delete", "text", "func", "union", "union_all"}
SQL = re.compile(
    r"\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+(RECURSIVE\s+)?\w+\s+AS)"
)
TALKS = {"execute", "executemany", "scalar", "scalars", "fetch", "fetchrow", "fetchval"}
"""Methods that send something to the database."""
WORDS = {
    "common",
    "data",
    "helper",
    "helpers",
    "info",
    "manager",
    "managers",
    "misc",
    "util",
    "utils",
}
"""What may not be part of a module's name: it says nothing."""


@dataclass(frozen=True)
class Module:
    """A Python file and what stands in it."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        """The package right below `app`, or the module itself."""
        return self.name.split(".")[1]

    @property
    def role(self) -> str:
        """The last part of the name: `routes`, `service`, …"""
        return self.name.rpartition(".")[2]

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every module, or name in a module, that is imported, and the line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.path}:{node.lineno}: a relative import"
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def _modules(folder: str) -> Iterator[Module]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield Module(name, path, ast.parse(path.read_text("utf-8")))


APP = [module for module in _modules("app") if module.name != "app"]


def _place(module: Module, line: int) -> str:
    return f"{module.path.relative_to(ROOT)}:{line}"


def test_a_room_imports_only_rooms_below_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    # It would switch off all loggers that there are, for the tests to come.
    monkeypatch.setattr(cli, "_configure_logging", lambda verbose: None)
    status = cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_queries_routes_and_jobs_are_private_to_their_room() -> None:
    trespasses = []
    for module in APP:
        for name, line in module.imports():
            parts = name.split(".")
            private = PRIVATE & set(parts[2:4])
            if parts[0] != "app" or not private or parts[1] == module.room:
                continue
            if not any((module.name, one) in INDEXES for one in private):
                trespasses.append(f"{_place(module, line)} imports {name}")
    assert trespasses == []


def test_only_routes_know_http() -> None:
    trespasses = [
        f"{_place(module, line)} imports {name}"
        for module in APP
        for name, line in module.imports()
        if name.split(".")[0] in ("fastapi", "starlette")
        and module.role != "routes"
        and module.name not in KNOW_HTTP
    ]
    assert trespasses == []


def test_only_queries_and_tables_know_sql() -> None:
    trespasses = []
    for module in APP:
        if module.role in KNOW_SQL or module.room == "core":
            continue
        for name, line in module.imports():
            if name.startswith("sqlalchemy") and name.rpartition(".")[2] in STATEMENTS:
                trespasses.append(f"{_place(module, line)} imports {name}")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and SQL.match(str(node.value)):
                trespasses.append(f"{_place(module, node.lineno)} holds SQL")
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in TALKS
            ):
                trespasses.append(f"{_place(module, node.lineno)} calls .{node.func.attr}()")
    assert trespasses == []


def test_services_and_queries_never_commit() -> None:
    trespasses = [
        f"{_place(module, node.lineno)} calls .{node.func.attr}()"
        for module in APP
        if module.role in ("service", "queries", "schemas", "tables")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("commit", "rollback")
    ]
    assert trespasses == []


def test_tables_have_no_methods() -> None:
    trespasses = [
        _place(module, member.lineno)
        for module in APP
        if module.role == "tables"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        for member in node.body
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert trespasses == []


@pytest.mark.parametrize("folder", ["app", "tests", "scripts", "migrations"])
def test_files_are_short_enough_to_be_read(folder: str) -> None:
    long = [
        f"{module.path.relative_to(ROOT)}: {lines} lines"
        for module in _modules(folder)
        if (lines := len(module.path.read_text("utf-8").splitlines())) > MAX_LINES
        and "versions" not in module.path.parts
    ]
    assert long == []


@pytest.mark.parametrize("folder", ["app", "tests", "scripts"])
def test_no_module_has_a_name_that_says_nothing(folder: str) -> None:
    nameless = [
        str(module.path.relative_to(ROOT))
        for module in _modules(folder)
        if WORDS & set(re.split(r"[._]", module.name.lower()))
    ]
    assert nameless == []


@pytest.mark.parametrize("folder", ["app", "tests", "scripts"])
def test_every_module_says_what_it_holds(folder: str) -> None:
    silent = [
        str(module.path.relative_to(ROOT))
        for module in _modules(folder)
        if module.tree.body and not ast.get_docstring(module.tree)
    ]
    assert silent == []


def test_every_public_function_and_class_says_what_it_does() -> None:
    silent = [
        f"{_place(module, node.lineno)} {node.name}"
        for module in APP
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and module.role != "problems"  # these have a title
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_tests_stand_in_the_folder_of_their_room() -> None:
    rooms = {module.room for module in APP}
    others = {"attacks", "browser", "chaos", "fuzz", "process"}
    strangers = [
        path.name
        for path in (ROOT / "tests").iterdir()
        if path.is_dir() and path.name not in rooms | others and path.name != "__pycache__"
    ]
    assert strangers == []
