"""A database with the demonstration in it, loaded once for all tests that begin there."""

import shutil
from pathlib import Path

import asyncpg
import pytest
from fastapi import FastAPI

from app.core.embedded_postgres import EmbeddedPostgres
from app.core.settings import Settings
from app.demonstration import Shown
from app.demonstration.credentials import FILE
from app.installation import prepare
from tests.apps import create
from tests.demonstration.reading import load

DEMONSTRATION = "demonstration_template"


@pytest.fixture(scope="session")
async def demonstration_dir(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The data directory that the database DEMONSTRATION was loaded with."""
    connection = await asyncpg.connect(postgres.url(role="postgres"))
    await connection.execute(f"CREATE DATABASE {DEMONSTRATION} OWNER xinsheng")
    await connection.close()
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("demonstration"),
        database_url=postgres.url(DEMONSTRATION),
        secret_keys=(b"test-key-" + b"0" * 32,),
        public_url="http://testserver",
    )
    await prepare(postgres.url(DEMONSTRATION))
    app = create(settings)
    async with app.router.lifespan_context(app):
        await load(app)
    return settings.data_dir


@pytest.fixture
async def shown(app: FastAPI, demonstration_dir: Path) -> Shown:
    """The demonstration, and its credentials in this test's data directory."""
    shutil.copy(demonstration_dir / FILE, app.state.settings.data_dir)
    return await load(app)
