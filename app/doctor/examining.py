"""All checks of a deployment, one after the other; none of them changes anything."""

import dataclasses
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import database_errors
from app.core.database import Database, database_url
from app.core.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from app.core.keyring import Keyring
from app.core.settings import Settings, SettingsError, load
from app.doctor import address, backups, database, machine, replica
from app.doctor.findings import Finding, failure, fine, warning
from app.doctor.running import Running, check_open_files, check_server, running


async def examine() -> list[Finding]:
    """Look at the deployment that the environment describes; wrong settings are a finding too."""
    try:
        settings = load(make_keys=False)
    except SettingsError as error:
        advice = "Put it right, then look again: the other checks need the settings."
        return [failure("settings", f"{error}.", advice)]
    return [fine("settings", "Every setting can be read."), *await examine_with(settings)]


async def examine_with(settings: Settings) -> list[Finding]:
    """Look at everything. What cannot be looked at is a finding too.

    The embedded PostgreSQL is joined, or started for as long as this takes.
    """
    settings = _as_served(settings)
    findings = [
        machine.check_clock(machine.clock_is_synchronised()),
        *machine.check_disks(settings),
        *machine.check_files(settings),
        machine.check_keys(settings),
    ]
    server, found = _server(settings)
    findings += found
    findings.append(check_open_files(server))
    findings.append(address.check_public_url(settings))
    seen = None
    if server is not None or not address.is_loopback(settings.public_url):
        seen, found = await address.check_reach(settings.public_url)
        findings += found
    found, recent = await _examine_database(settings, server)
    findings += [*address.check_proxy(settings, seen, recent), *found]
    findings += backups.check_backups(settings)
    return findings


def _server(settings: Settings) -> tuple[Running | None, list[Finding]]:
    try:
        server = running(settings.data_dir)
    except OSError as error:
        unseen = failure(
            "server",
            f"Whether a server runs cannot be seen ({error.strerror}: {error.filename}).",
            "Run this as the service's own user, or as root.",
        )
        return None, [unseen]
    return server, list(check_server(server, settings))


def _as_served(settings: Settings) -> Settings:
    # Where nobody sets the address, `serve` makes it of its port.
    try:
        server = running(settings.data_dir)
    except OSError:
        return settings
    urls = (settings.public_url, server.public_url) if server else ()
    if server and all(address.is_loopback(one) for one in urls):
        return dataclasses.replace(settings, public_url=server.public_url)
    return settings


async def _examine_database(
    settings: Settings, server: Running | None
) -> tuple[list[Finding], list[str]]:
    """Findings, and where the latest audited requests came from."""
    if settings.database_url is None and not any(settings.data_dir.glob("postgres/cluster-*")):
        advice = "Start the server, which makes one; or give the --data-dir that it uses."
        nothing = warning("database", f"There is no database in {settings.data_dir} yet.", advice)
        return [nothing], []
    try:
        with _brought_up(settings):
            async with _session(database_url(settings)) as session:
                keyring = Keyring(settings.secret_keys)
                findings = await database.examine(session, server, keyring)
                findings += await _examine_replica(settings, session)
                return findings, await database.recent_addresses(session)
    except EmbeddedPostgresError as error:
        return [_unreached(str(error))], []
    except database_errors.RAISED as error:
        return [_unreached(_reason(error))], []


async def _examine_replica(settings: Settings, session: AsyncSession) -> list[Finding]:
    if settings.database_read_url is None:
        return []
    try:
        async with _session(settings.database_read_url) as standby:
            return [await replica.examine(session, standby)]
    except database_errors.RAISED as error:
        return [replica.unreached(_reason(error))]


@contextmanager
def _brought_up(settings: Settings) -> Iterator[None]:
    if settings.database_url is not None:
        yield
        return
    with EmbeddedPostgres(settings.data_dir):
        yield


@asynccontextmanager
async def _session(url: str) -> AsyncIterator[AsyncSession]:
    opened = Database(url, pool_size=1)
    try:
        async with opened.sessions() as session:
            yield session
    finally:
        await opened.close()


def _reason(error: BaseException) -> str:
    # The first line alone: what follows may quote a row.
    cause = getattr(error, "orig", None) or error
    return (str(cause).splitlines() or [""])[0] or type(cause).__name__


def _unreached(reason: str) -> Finding:
    return failure(
        "database",
        f"The database cannot be asked: {reason}",
        "Until it answers, parents are told to come back in a moment. Look whether PostgreSQL "
        "runs, at XINSHENG_DATABASE_URL, the network between, its pg_hba.conf and its log.",
    )
