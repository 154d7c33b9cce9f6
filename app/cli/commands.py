"""What the `xinsheng` command can do, and what each command needs."""

import argparse
import asyncio
import dataclasses
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from app import demonstration, serving, worker
from app.backup import commands as backups
from app.backup.sealing import BackupRefused
from app.cli import access, campaigns, quality
from app.cli.opening import database_server, fail, make_ready, noted, ready, say
from app.core import logging, metrics
from app.core import settings as environment
from app.core.database import Database, database_url
from app.core.embedded_postgres import EmbeddedPostgresError, kept_up
from app.core.keyring import Keyring
from app.core.limits.counting import Limits
from app.core.migrating import DatabaseRefused
from app.core.problems import Problem
from app.core.settings import Settings, SettingsError
from app.counts import recounting
from app.doctor import examining, findings
from app.installation import prepare
from app.jobs.beside import worker_beside
from app.keys.rotation import KeysRefused
from app.push import command as push
from app.responses.service import Reception, receiving
from app.retention.lists import ListRefused

_ABOUT = "Everything an operator does besides calling the API, and a contractor's `push`."
_DIFFERENCES_SHOWN = 10
_REFUSALS = (
    SettingsError,
    EmbeddedPostgresError,
    DatabaseRefused,
    BackupRefused,
    demonstration.NotLoaded,
    serving.NotServed,
    KeysRefused,
    ListRefused,
)


def main() -> None:
    """Run the command line; exit status 0 when it was done, 1 with a reason when not."""
    arguments = _parser().parse_args()
    if arguments.data_dir is not None:
        os.environ["XINSHENG_DATA_DIR"] = str(arguments.data_dir.absolute())
    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    except Problem as problem:
        reasons = [error.message for error in problem.errors] or [problem.detail]
        fail("; ".join([problem.title, *reasons]))
    except _REFUSALS as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data-dir",
        type=Path,
        help="where data is kept; default $XINSHENG_DATA_DIR, else "
        f"{environment.default_data_dir()}",
    )
    parser = argparse.ArgumentParser(prog="xinsheng", description=_ABOUT)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_serving(commands, common)
    migrate = commands.add_parser("migrate", parents=[common], help="bring the database up to date")
    migrate.set_defaults(run=_migrate)
    demo = commands.add_parser("demo", parents=[common], help="load the demonstration")
    demo.set_defaults(run=_demo)
    _add_checks(commands, common)
    backups.add_parsers(commands, common, backup=_backup, restore=_restore)
    access.add_parsers(commands, common)
    campaigns.add_parsers(commands, common)
    quality.add_parsers(commands, common)
    push.add_parser(commands)
    return parser


def _add_serving(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = commands.add_parser("serve", parents=[common], help="serve until Ctrl-C or SIGTERM")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument("--port", type=_port, default=8000)
    serve.add_argument("--workers", type=_workers, default=1, help="processes that serve")
    serve.add_argument("--demo", action="store_true", help="load the demonstration first")
    serve.add_argument(
        "--no-worker", action="store_true", help="leave background jobs to `xinsheng worker`"
    )
    serve.set_defaults(run=_serve)

    working = commands.add_parser(
        "worker",
        parents=[common],
        help="do background jobs, until Ctrl-C or SIGTERM",
        description="Takes jobs from the queue in the database, beside a server that was started "
        "with --no-worker, or to have more of them; any number may run, on any machine. Asked to "
        "end, it stops what it has in hand, which goes on where it was when a worker runs again.",
    )
    working.set_defaults(run=_work)


def _add_checks(commands: Any, common: argparse.ArgumentParser) -> None:
    recount = commands.add_parser(
        "recount",
        parents=[common],
        help="compare the running counts with the stored responses",
        description="Compares every running count with the rows that it counts, beside a running "
        "server if there is one. Exit status 1 where any differs.",
    )
    manner = recount.add_mutually_exclusive_group()
    manner.add_argument("--check", action="store_true", help="only compare; the default")
    manner.add_argument("--repair", action="store_true", help="count anew what differs")
    recount.set_defaults(run=_recount)

    doctor = commands.add_parser(
        "doctor",
        parents=[common],
        help="look at this deployment, and say what to do about it",
        description="Looks at the machine, the public address, the database and the backups, and "
        "changes nothing. Exit status 1 where anything fails.",
    )
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=_doctor)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError("from 1 to 64 workers")
    return int(text)


@asynccontextmanager
async def _receiving(settings: Settings) -> AsyncIterator[tuple[Database, Reception]]:
    keyring = Keyring(settings.secret_keys)
    database = Database(database_url(settings), keyring=keyring)
    await database.open()
    try:
        async with receiving(database.pool, keyring, Limits(settings.limits)) as reception:
            yield database, reception
    finally:
        await database.close()


def _serve(arguments: argparse.Namespace) -> None:
    os.environ.setdefault("XINSHENG_PUBLIC_URL", f"http://127.0.0.1:{arguments.port}")
    settings = environment.load()
    with (
        serving.only_here(settings),
        serving.bound(arguments.host, arguments.port) as listener,
        serving.stopped_by_signals(),
        database_server(settings) as embedded,
        kept_up(embedded) if embedded else nullcontext(),
    ):
        make_ready(settings)
        if arguments.demo:
            say(serving.welcome(settings, asyncio.run(_load_demonstration(settings))))
        else:
            say(serving.welcome(settings, None))
        folder = settings.data_dir / "metrics"
        with (
            nullcontext() if arguments.no_worker else worker_beside(),
            metrics.shared(folder) if arguments.workers > 1 else nullcontext(),
        ):
            serving.serve(listener, workers=arguments.workers)


def _work(arguments: argparse.Namespace) -> None:
    settings = environment.load()
    logging.configure(settings.log_level)
    with serving.stopped_by_signals(), ready(settings):
        say("Background jobs are done from now on.")
        asyncio.run(worker.run(settings))


def _migrate(arguments: argparse.Namespace) -> None:
    settings = environment.load()
    with database_server(settings):
        asyncio.run(prepare(database_url(settings)))
    say("The database is up to date.")


def _demo(arguments: argparse.Namespace) -> None:
    settings = environment.load()
    running = serving.running_at(settings.data_dir)
    if running is not None:
        settings = dataclasses.replace(settings, public_url=running)
    with database_server(settings):
        make_ready(settings)
        shown = asyncio.run(_load_demonstration(settings))
        say(serving.welcome(settings, shown, serves=running is not None))


async def _load_demonstration(settings: Settings) -> demonstration.Shown:
    async with _receiving(settings) as (database, reception):
        return await demonstration.load(
            database, reception, reception.keyring, settings, progress=say
        )


def _recount(arguments: argparse.Namespace) -> None:
    settings = environment.load()
    with database_server(settings):
        make_ready(settings)
        differing = asyncio.run(_recounted(settings, repair=arguments.repair))
    if not differing:
        say("Every count is what its rows say.")
    elif arguments.repair:
        say(f"{differing} counts were put right.")
    else:
        fail(f"{differing} counts differ from their rows: xinsheng recount --repair mends them.")


async def _recounted(settings: Settings, *, repair: bool) -> int:
    database = Database(database_url(settings), pool_size=1)
    differing = 0
    try:
        recounts = recounting.repair(database) if repair else recounting.check(database)
        async for one in recounts:
            differing += len(one.differences)
            say(f"{one.campaign}, {one.population}: {one.responses:,} responses counted")
            for difference in one.differences[:_DIFFERENCES_SHOWN]:
                say(f"  {difference}")
            if len(one.differences) > _DIFFERENCES_SHOWN:
                say(f"  and {len(one.differences) - _DIFFERENCES_SHOWN} more")
    finally:
        await database.close()
    return differing


def _doctor(arguments: argparse.Namespace) -> None:
    found = asyncio.run(examining.examine())
    say(findings.as_json(found) if arguments.json else findings.as_text(found))
    if any(one.state == "failure" for one in found):
        sys.exit(1)


def _backup(arguments: argparse.Namespace) -> None:
    settings = environment.load(make_keys=False)  # where there are none, there is nothing
    with database_server(settings):
        taken = backups.backup(settings, arguments)
        asyncio.run(noted(settings, "backup.take", taken))


def _restore(arguments: argparse.Namespace) -> None:
    settings = environment.load(make_keys=False)  # new ones would open nothing
    with backups.proved(settings, arguments) as backup:
        if not arguments.verify:
            with serving.only_here(settings), database_server(settings):
                backups.restore(settings, arguments, backup)
                asyncio.run(noted(settings, "backup.restore", backup[0].path.name))
