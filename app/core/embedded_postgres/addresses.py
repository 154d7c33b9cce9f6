"""How clients reach the embedded PostgreSQL: its role, its database and the URL of its socket."""

import os
from pathlib import Path
from urllib.parse import quote

from app.core.embedded_postgres.accounts import EmbeddedPostgresError

ROLE = "xinsheng"
DATABASE = "xinsheng"
SUPERUSER = "postgres"
PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"

_MAX_SOCKET_PATH = 107
_opened: dict[tuple[int, str], int] = {}


def client_url(data_dir: Path, database: str = DATABASE, *, role: str = ROLE) -> str:
    """The URL of the embedded server on that data directory, for asyncpg, libpq and SQLAlchemy.

    Claims nothing and starts nothing. Where the socket's path is too long, or holds what clients
    take for something else, the URL leads through this process: it works in this process and in
    its children, for as long as this process lives.
    Errors: EmbeddedPostgresError in that case when no server was ever started there.
    """
    host = socket_folder(data_dir.absolute() / "postgres" / "socket")
    return f"postgresql://{quote(role)}@/{quote(database, '')}?host={quote(host, '')}&port={PORT}"


def socket_folder(folder: Path) -> str:
    """A path to the socket's folder that every client understands; errors as `client_url`."""
    path = str(folder)
    short = len(os.fsencode(folder / SOCKET_NAME)) <= _MAX_SOCKET_PATH
    # Clients take a comma or colon for the end of one host in a list.
    if short and path.isprintable() and not set(",:") & set(path):
        return path
    try:
        return f"/proc/{os.getpid()}/fd/{_open(path)}"
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{folder} cannot be opened: {error.strerror}. Start the embedded PostgreSQL there, "
            "as a user who may use it."
        ) from error


def _open(path: str) -> int:
    # One per process: a forked child's URL must not depend on its parent's life.
    key = (os.getpid(), path)
    opened = _opened.get(key)
    if opened is None or not os.path.samestat(os.fstat(opened), os.stat(path)):
        opened = _opened[key] = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    return opened
