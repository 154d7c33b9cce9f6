"""A real PostgreSQL for all tests, a clone of a migrated template for each, the app upon it."""

import gc
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.core.embedded_postgres import EmbeddedPostgres
from app.core.settings import Settings
from app.installation import prepare
from tests import statements
from tests.apps import create, statements_compiled_once
from tests.factories import Api

TEMPLATE = "xinsheng_template"
_ENOUGH_MEMORY = 4 << 30
_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        default=None,
        help="A PostgreSQL installation (the folder that holds bin/) instead of the embedded one.",
    )
    parser.addoption(
        "--statements",
        default=None,
        help="A folder in which to note what SQL each test sends; with --postgres: which notes to "
        "read, and run only as many tests as send all of it.",
    )


@pytest.hookimpl(trylast=True)  # of those that are left when others are deselected
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another PostgreSQL only those tests are run again that ask for a database."""
    if config.getoption("--postgres") is None:
        return
    asking = [item for item in items if "database_url" in getattr(item, "fixturenames", ())]
    folder = config.getoption("--statements")
    if folder is not None:
        notes = statements.noted(Path(folder))
        known = {one.nodeid: notes[one.nodeid] for one in asking if one.nodeid in notes}
        chosen = statements.few(known)
        asking = [item for item in asking if item.nodeid in chosen]
    config.hook.pytest_deselected(items=[item for item in items if item not in asking])
    items[:] = asking


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note what SQL a test sends, where that is wanted."""
    folder = item.config.getoption("--statements")
    if folder is None or item.config.getoption("--postgres") is not None:
        return (yield)
    began = time.monotonic()
    with statements.listening():
        done = yield
    statements.note(Path(folder), item.nodeid, time.monotonic() - began)
    return done


def pytest_collection_finish() -> None:
    """What lives to the end, all modules and tests, is not looked through for garbage each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def _statements_compiled_once() -> Iterator[None]:
    with statements_compiled_once():
        yield


@pytest.fixture(scope="session")
def postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedPostgres]:
    """The server of this test run."""
    installation = request.config.getoption("--postgres")
    binaries = Path(installation) if installation else None
    with (
        _folder(tmp_path_factory) as folder,
        EmbeddedPostgres(folder, binaries=binaries) as server,
    ):
        yield server


@contextmanager
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where its data lies: in memory, where there is enough, since cloning a database a test is
    mostly the making of files."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < _ENOUGH_MEMORY:
        yield tmp_path_factory.mktemp("postgres")
        return
    with tempfile.TemporaryDirectory(prefix="xinsheng-tests-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database to clone."""
    connection = await asyncpg.connect(postgres.url(role="postgres"))
    # These databases live for a second; what must survive a kill is tested with servers of its own.
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        await connection.execute(f"ALTER SYSTEM SET {setting} = off")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER xinsheng")
    await connection.close()
    await prepare(postgres.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """A database of this test's own."""
    name = f"test_{next(_numbers)}"
    # As the superuser: DROP … FORCE must also end autovacuum workers, which nobody else may.
    connection = await asyncpg.connect(postgres.url(role="postgres"))
    try:
        await connection.execute(
            f"CREATE DATABASE {name} TEMPLATE {template} OWNER xinsheng STRATEGY file_copy"
        )
        yield postgres.url(name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings as a deployment would have them."""
    return Settings(
        data_dir=tmp_path,
        database_url=database_url,
        secret_keys=(b"test-key-" + b"0" * 32,),
        public_url="http://testserver",
    )


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The app, started."""
    app = create(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[Api]:
    """A client of the app; not yet authorised."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Api(client, app)


@pytest.fixture
async def admin(api: Api) -> Api:
    """A client that may do everything everywhere."""
    return await api.as_client("admin")
