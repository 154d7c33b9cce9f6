"""Destroys the key of campaign C and is killed when all is done but the commit.

python -m tests.retention.killed
"""

import asyncio
import os
import signal

from app.access.principal import OPERATOR
from app.core import settings as environment
from app.core.database import Database, database_url
from app.core.keyring import Keyring
from app.retention import destroying
from app.retention.lists import Lists


async def main() -> None:
    """Begin, and be killed."""
    settings = environment.load()
    keyring = Keyring(settings.secret_keys)
    database = Database(database_url(settings), keyring=keyring, pool_size=1)
    lists = Lists.of(settings, keyring)
    async with database.sessions.begin() as session:
        await destroying.destroy(session, OPERATOR, lists, code="C", confirm="C")
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main())
