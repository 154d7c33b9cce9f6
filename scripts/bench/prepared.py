"""A database with an open campaign, ready to be served: of its own server, used and thrown away."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app.core import clock
from app.core.database import Database, engine
from app.core.embedded_postgres import EmbeddedPostgres
from app.core.keyring import Keyring
from app.core.settings import load as load_settings
from app.counts.folding import fold
from app.identity import accounts
from app.installation import prepare
from scripts.bench import baselines, load
from scripts.bench.campaign import ANSWERS, body, set_up
from scripts.bench.filling import fill
from scripts.bench.serving import OURS, served

_CAMPAIGN_ID = 1
"""The only one in a database of its own."""


@dataclass(frozen=True)
class Prepared:
    """What a server needs to find, and the invitations that were not used yet."""

    environment: dict[str, str]
    tokens: Iterator[str]
    with_account: bool = False
    """Whether each shows a WeChat account beside the invitation: two proofs to claim."""

    def requests(self, count: int) -> list[bytes]:
        """Responses of so many people who were invited."""
        keyring = Keyring(load_settings(self.environment).secret_keys)
        return [self._request(keyring, next(self.tokens)) for _ in range(count)]

    def _request(self, keyring: Keyring, token: str) -> bytes:
        path, cookie = f"/v1/invitations/{token}/responses", None
        if self.with_account:
            proof = accounts.seal(keyring, _CAMPAIGN_ID, [f"openid/bench/{token}"], clock.now())
            cookie = f"{accounts.COOKIE}={proof}"
        return load.post(path, body(), cookie=cookie)


@contextmanager
def prepared(*, invitations: int, stored: int = 0) -> Iterator[Prepared]:
    """A database with this many invitations, and with so many responses stored and counted."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as database:
        asyncio.run(prepare(database.url()))
        asyncio.run(_create_textbook_table(database.url()))
        environment = {"XINSHENG_DATA_DIR": folder, "BENCH_DATABASE_URL": database.url()}
        with served(OURS, 1, environment) as port:
            tokens = set_up(Path(folder), port, invitations=invitations)
        if stored:
            asyncio.run(_fill(database.url(), stored))
        asyncio.run(_settle(database.url(role="postgres")))
        yield Prepared(environment, iter(tokens))


async def _create_textbook_table(url: str) -> None:
    database = engine(url)
    async with database.begin() as connection:
        await connection.run_sync(baselines.Base.metadata.create_all)
    await database.dispose()


async def _fill(url: str, count: int) -> None:
    database = Database(url, pool_size=1)
    await database.open()
    units = [await database.pool.fetchval("SELECT id FROM units")]
    text = ANSWERS["comment"]
    await fill(url, "bench", count, units=units, choices=len(ANSWERS) - 1, text=text)
    folded = None
    while folded is None or not folded.caught_up:
        folded = await fold(database)
    await database.close()


async def _settle(url: str) -> None:
    # What was made so far is written out before anything is measured.
    connection = await asyncpg.connect(url)
    await connection.execute("CHECKPOINT")
    await connection.close()
