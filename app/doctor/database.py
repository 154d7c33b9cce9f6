"""The database: whether it answers, and is set so that it keeps what it took and stays quick."""

import time
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import migrating
from app.core.keyring import Keyring
from app.counts import folding
from app.doctor import queries
from app.doctor.findings import Finding, failure, fine, warning
from app.doctor.running import Running
from app.jobs import service as jobs
from app.jobs.schemas import Figures
from app.keys import rotation
from app.publications import checking
from app.publications.checking import Checked

CONNECTIONS_OF_A_WORKER = 17
"""Two pools of eight, as `core.database` has them, and one that listens for live results."""
_FOR_JOBS = 9
"""Those of one background worker; see `app.worker`."""
_FOR_COMMANDS = 6
_ENOUGH_LOG_MB = 2048
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
_SETTINGS = (
    *_DURABLE,
    "autovacuum",
    "data_checksums",
    "max_connections",
    "max_wal_size",
    "reserved_connections",
    "server_version",
    "server_version_num",
    "superuser_reserved_connections",
)
_LATE_SECONDS = 60.0
_STUCK_SECONDS = 600.0
_APART_SECONDS = 1.0
_FAR_APART_SECONDS = 30.0
_UNTAKEN_SECONDS = 300.0
_DAYS_OF_USE = 30
_CODES_SHOWN = 5


async def examine(session: AsyncSession, server: Running | None, keyring: Keyring) -> list[Finding]:
    """All checks of a database that answers."""
    found = await queries.settings(session, _SETTINGS)
    strangers = await queries.strangers_connected(session)
    findings = [
        check_version(found),
        check_clock(await _apart(session)),
        *check_durability(found),
        check_encoding(await queries.encoding(session)),
        check_connections(found, strangers, server.workers if server else 1),
        *check_upkeep(found),
    ]
    revision = await queries.revision(session)
    findings.append(check_migrations(revision))
    if revision == migrating.newest():
        findings.append(await _folding(session, server))
        findings.append(check_jobs(await jobs.figures(session)))
        findings.append(check_keys(await rotation.unopened(session, keyring)))
        kept = await queries.keys_kept_long(session, days=_DAYS_OF_USE)
        findings += check_kept_keys(kept)
        findings.append(check_publications(await checking.checked(session, keyring)))
    return findings


async def recent_addresses(session: AsyncSession) -> list[str]:
    """Where the latest hundred audited requests came from; none from a database that is behind."""
    if await queries.revision(session) != migrating.newest():
        return []
    return await queries.recent_addresses(session, most=100)


async def _apart(session: AsyncSession) -> float:
    before = time.time()
    there = await queries.clock_seconds(session)
    after = time.time()
    return max(before - there, there - after, 0.0)


def check_version(settings: Mapping[str, str]) -> Finding:
    """Whether PostgreSQL is new enough."""
    found = f"PostgreSQL {settings['server_version']} answers."
    if int(settings["server_version_num"]) // 10_000 < migrating.MINIMUM_POSTGRES:
        advice = f"Xinsheng needs PostgreSQL {migrating.MINIMUM_POSTGRES} or later."
        return failure("database", found, advice)
    return fine("database", found)


def check_clock(apart: float) -> Finding:
    """Whether the database's clock, which stamps every response, says the same as ours."""
    if apart < _APART_SECONDS:
        return fine("clock", "The database's clock says the same as this machine's.")
    judge = failure if apart >= _FAR_APART_SECONDS else warning
    return judge(
        "clock",
        f"The database's clock and this machine's are {apart:,.0f} s apart.",
        "Have both keep time from the same servers (chrony, or timedatectl set-ntp true).",
    )


def check_durability(settings: Mapping[str, str]) -> Iterator[Finding]:
    """Whether what was acknowledged outlives a power cut."""
    off = [name for name in _DURABLE if settings[name] == "off"]
    if off:
        yield failure(
            "durability",
            f"{' and '.join(off)} off: answers that were acknowledged can be lost.",
            "; ".join(f"ALTER SYSTEM SET {name} = 'on'" for name in off)
            + "; then SELECT pg_reload_conf(). They may also be off for the role or the database "
            "alone (ALTER ROLE … RESET).",
        )
    else:
        yield fine("durability", "What is acknowledged is on the disk.")
    if settings["data_checksums"] == "off":
        yield warning(
            "durability",
            "The database has no checksums: a disk that alters what it stores is not noticed.",
            "Stop PostgreSQL and run pg_checksums --enable once.",
        )


def check_encoding(encoding: str) -> Finding:
    """Whether every name and answer can be stored."""
    if encoding == "UTF8":
        return fine("encoding", "Text is stored as UTF-8.")
    return failure(
        "encoding",
        f"Text is stored as {encoding}, which cannot hold every answer.",
        "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, then move the data by xinsheng "
        "backup and xinsheng restore.",
    )


def check_connections(settings: Mapping[str, str], strangers: int, workers: int) -> Finding:
    """Whether all processes that serve get their connections."""
    reserved = int(settings["superuser_reserved_connections"])
    reserved += int(settings.get("reserved_connections", 0))
    room = int(settings["max_connections"]) - reserved - strangers
    needed = workers * CONNECTIONS_OF_A_WORKER + _FOR_JOBS + _FOR_COMMANDS
    found = f"There is room for {room} connections; {needed} may be taken, commands included."
    if room >= needed:
        return fine("connections", found)
    return failure(
        "connections",
        found,
        f"ALTER SYSTEM SET max_connections = {needed + reserved + strangers + 50}, then restart "
        "PostgreSQL; or serve with fewer --workers.",
    )


def check_upkeep(settings: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the database stays small and quick by itself."""
    if settings["autovacuum"] == "off":
        yield failure(
            "upkeep",
            "autovacuum is off: tables swell, and in the end the database stops.",
            "ALTER SYSTEM SET autovacuum = 'on'; then SELECT pg_reload_conf().",
        )
    log = int(settings["max_wal_size"])
    if log < _ENOUGH_LOG_MB:
        yield warning(
            "upkeep",
            f"max_wal_size is {log} MB: on a day of many responses checkpoints follow each other.",
            "ALTER SYSTEM SET max_wal_size = '4GB', checkpoint_timeout = '15min' likewise; then "
            "SELECT pg_reload_conf().",
        )
    elif settings["autovacuum"] == "on":
        yield fine("upkeep", "Autovacuum is on, and checkpoints have room.")


def check_migrations(revision: str | None) -> Finding:
    """Whether the database is at this program's version."""
    newest = migrating.newest()
    if revision == newest:
        return fine("migrations", f"The database is at {revision}, as this program needs.")
    if revision is None:
        return warning(
            "migrations",
            "The database is empty.",
            "Start the server, which makes its tables; or restore a backup.",
        )
    if revision in migrating.known():
        return failure(
            "migrations",
            f"The database is at {revision}, and this program needs {newest}.",
            "Make a backup (xinsheng backup), then bring it up to date (xinsheng migrate).",
        )
    return failure(
        "migrations",
        f"The database is at {revision}, which is newer than this program.",
        "Install the newer program, or restore a backup from before the upgrade.",
    )


def check_keys(unopened: int) -> Finding:
    """Whether the secret keys are those under which the database was made."""
    if not unopened:
        return fine("keys", "They open every key that the database holds.")
    return failure(
        "keys",
        f"{unopened} keys in the database were wrapped under other secret keys than those here: "
        "their campaigns take no answers, or nothing is audited.",
        "Put the secret keys of the deployment that made this database in place, as they lie in "
        "the safe: XINSHENG_SECRET_KEYS_FILE, or secret-keys in the data directory.",
    )


def check_kept_keys(codes: Sequence[str]) -> Iterator[Finding]:
    """Whether campaigns that are long over can still be linked to who answered."""
    if codes:
        shown = ", ".join(codes[:_CODES_SHOWN]) + (", …" if len(codes) > _CODES_SHOWN else "")
        yield warning(
            "campaign-keys",
            f"{len(codes)} campaigns ({shown}) are archived and long delivered, and their identity "
            "keys are still there.",
            "Run xinsheng campaigns destroy-key for each, so that nobody can tell any more who "
            "answered; else it happens when their retention is over.",
        )


def check_publications(found: Checked) -> Finding:
    """Whether what was published is still what was signed."""
    if found.altered:
        shown = ", ".join(found.altered[:_CODES_SHOWN])
        return failure(
            "publications",
            f"{len(found.altered)} publications are not what was signed, or gone: {shown}.",
            "Somebody changed the database by hand. Say so in public, restore a backup from before "
            "beside it (xinsheng restore), and compare the two.",
        )
    if found.by_former_keys:
        shown = ", ".join(found.by_former_keys[:_CODES_SHOWN])
        return fine(
            "publications",
            f"All publications have their digests. Of those signed by keys that are no longer held "
            f"({shown}), compare `public_key` with the one that was printed or kept.",
        )
    return fine("publications", "All publications are what was signed.")


def check_jobs(figures: Figures) -> Finding:
    """Whether a worker takes the background jobs that are due."""
    found = f"{figures.queued} background jobs wait, {figures.running} are in hand"
    if figures.due_seconds < _UNTAKEN_SECONDS:
        return fine("jobs", f"{found}.")
    waited = f"{found}; the first has been due for {figures.due_seconds / 60:,.0f} minutes."
    if figures.running:
        advice = "Have more workers: xinsheng worker, on this machine or another."
        return warning("jobs", waited, advice)
    return failure(
        "jobs",
        waited,
        "No worker takes them: xinsheng serve has one unless it was started with --no-worker, then "
        "start xinsheng worker. If one runs, look into its log for 'the queue'.",
    )


async def _folding(session: AsyncSession, server: Running | None) -> Finding:
    if server is None:
        return fine("folding", "No server runs that would fold new responses into the counts.")
    seconds = await folding.lag_seconds(session)
    return check_folding(seconds, await queries.longest_transaction(session))


def check_folding(seconds: float, longest: float) -> Finding:
    """Whether the running counts keep up; results are exact all the same, but slower."""
    if seconds < _LATE_SECONDS:
        return fine("folding", f"All responses were in the running counts {seconds:.0f} s ago.")
    judge = failure if seconds >= _STUCK_SECONDS else warning
    advice = "Look into the log for 'not folded'."
    if longest >= _LATE_SECONDS:
        advice = (
            f"A transaction has been open on the PostgreSQL server for {longest:,.0f} s, which "
            "holds it up: find it in pg_stat_activity, and end it."
        )
    return judge("folding", f"The running counts are {seconds:,.0f} s behind.", advice)
