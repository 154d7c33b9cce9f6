"""`xinsheng backup` and `xinsheng restore`: what they take, and what they tell."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asyncpg.exceptions import InterfaceError, PostgresError
from sqlalchemy.exc import DBAPIError

from app.backup import files, register, restoring, taking
from app.backup.sealing import BackupRefused, Kind
from app.core import clock, migrating
from app.core.database import Database, database_url
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.retention import lists
from app.retention.destroying import entries

Run = Callable[[argparse.Namespace], None]
_EVERY_SECONDS = 1.0


def add_parsers(
    commands: Any, common: argparse.ArgumentParser, *, backup: Run, restore: Run
) -> None:
    """Add both commands to the command line (`commands`: what `add_subparsers` returned)."""
    for parser in (_add_backup(commands, common, backup), _add_restore(commands, common, restore)):
        parser.add_argument("--quiet", action="store_true", help="tell no progress")


def _add_backup(
    commands: Any, common: argparse.ArgumentParser, run: Run
) -> argparse.ArgumentParser:
    taking: argparse.ArgumentParser = commands.add_parser(
        "backup",
        parents=[common],
        help="save everything into an encrypted file",
        description="Saves the database as of one instant, beside a running server if there is "
        "one, and campaigns' keys in a file of their own. Both are encrypted under the secret "
        "keys, which are in neither: keep those elsewhere.",
    )
    taking.set_defaults(run=run)
    taking.add_argument(
        "target",
        nargs="?",
        type=Path,
        metavar="FILE_OR_DIR",
        help="where to; default $XINSHENG_BACKUP_DIR, else backups in the data directory",
    )
    _add_keys(taking, "FILE_OR_DIR", "where campaigns' keys go; default beside the backup")
    taking.add_argument(
        "--keep",
        type=_days,
        metavar="DAYS",
        help="afterwards remove our older backups from the same folder; default: keep all",
    )
    taking.add_argument(
        "--keep-keys", type=_days, metavar="DAYS", help="the same for files of campaigns' keys"
    )
    return taking


def _add_restore(
    commands: Any, common: argparse.ArgumentParser, run: Run
) -> argparse.ArgumentParser:
    restoring: argparse.ArgumentParser = commands.add_parser(
        "restore",
        parents=[common],
        help="bring a backup back into an empty database",
        description="Checks every byte of the backup, then stores all of it or nothing, and "
        "counts everything anew. No server may run meanwhile.",
    )
    restoring.set_defaults(run=run)
    restoring.add_argument("source", type=Path, metavar="FILE", help="the backup")
    _add_keys(restoring, "FILE", "campaigns' keys; default the .keys beside the backup, if any")
    choice = restoring.add_mutually_exclusive_group()
    choice.add_argument(
        "--destructions",
        type=Path,
        metavar="FILE",
        help="a list of destroyed keys, besides those beside the backup and in the data directory",
    )
    choice.add_argument(
        "--no-destructions", action="store_true", help="bring keys back that were destroyed since"
    )
    restoring.add_argument("--verify", action="store_true", help="only check the backup")
    return restoring


def _add_keys(parser: argparse.ArgumentParser, metavar: str, help: str) -> None:
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--keys", type=Path, metavar=metavar, help=help)
    choice.add_argument("--no-keys", action="store_true", help="leave campaigns' keys out")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 36_500:
        raise argparse.ArgumentTypeError("a number of days, from 1 to 36500")
    return int(text)


class _Progress:
    """Lines on standard error, one a second at most."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._next = time.monotonic() + _EVERY_SECONDS

    def __call__(self, text: str) -> None:
        if not self._quiet and time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_SECONDS
            print(text, file=sys.stderr, flush=True)

    def share(self, what: str, share: float) -> None:
        """What is being done, and how much of it is behind."""
        self(f"{what}: {share:.0%}")


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except (PostgresError, InterfaceError, DBAPIError) as error:
        raise BackupRefused(f"{what}: the database says: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """What the database said first; the first line of it, since others may quote a row."""
    found, before = error, error.__context__
    while before is not None:
        found = before if isinstance(before, PostgresError) else found
        before = before.__context__
    return (str(found).splitlines() or [type(found).__name__])[0]


def backup(settings: Settings, arguments: argparse.Namespace) -> str:
    """Take a backup, then remove what is older than it should be; returns its file's name.

    Errors: BackupRefused.
    """
    keyring = Keyring(settings.secret_keys)
    targets = _targets(settings, arguments)
    with _explained("Nothing was backed up"):
        made = asyncio.run(_taken(settings, keyring, targets, arguments))
    for one in reversed(made):
        print(f"{one.path}  {_size(one.size)}, {one.rows:,} rows of {one.tables} tables")
    if strangers := made[-1].strangers:
        print(
            f"Left out, not being ours: {', '.join(strangers)}. Back those up by other means.",
            file=sys.stderr,
        )
    for kind, days in (("backup", arguments.keep), ("keys", arguments.keep_keys)):
        if days is not None and kind in targets:
            for path in files.remove_older(targets[kind], keyring, kind, days):
                print(f"{path}  removed, being older than {days} days")
    with _explained("The backup is complete, but not what is recorded of it"):
        asyncio.run(_recorded(settings, keyring, targets, arguments.keep_keys))
    return made[-1].path.name


async def _taken(
    settings: Settings,
    keyring: Keyring,
    targets: dict[Kind, Path],
    arguments: argparse.Namespace,
) -> list[taking.Taken]:
    url, id = database_url(settings), taking.new_id()
    if "keys" in targets:
        await register.announce(url, id, targets["keys"].parent, arguments.keep_keys)
    say = _Progress(quiet=arguments.quiet)
    return await taking.take(
        url,
        keyring,
        targets,
        id=id,
        progress=lambda table, rows, size: say(f"{table}: {rows:,} rows, {_size(size)} of text"),
    )


async def _recorded(
    settings: Settings, keyring: Keyring, targets: dict[Kind, Path], keep_keys: int | None
) -> None:
    """Record which files of keys there are, and bring the lists of destructions up to date."""
    url = database_url(settings)
    if "keys" in targets:
        await register.take_stock(url, keyring, targets["keys"].parent, keep_keys)
    database = Database(url, pool_size=1)
    try:
        async with database.sessions() as session:
            known = await entries(session) if await migrating.is_current(session) else []
    finally:
        await database.close()
    for folder in {path.parent for path in targets.values()}:
        try:
            lists.add(keyring, folder, known)
        except OSError as error:
            raise BackupRefused(
                f"The backup is complete, but not the list of destructions in {folder}: it cannot "
                f"be written ({error.strerror})."
            ) from error


def _targets(settings: Settings, arguments: argparse.Namespace) -> dict[Kind, Path]:
    name = files.default_name(clock.now())
    path = files.place(arguments.target, settings.backups, "backup", name)
    targets: dict[Kind, Path] = {"backup": path}
    if not arguments.no_keys:
        targets["keys"] = files.place(arguments.keys, path.parent, "keys", files.stem_of(path))
    if targets.get("keys") == path:
        raise BackupRefused("A backup and its keys need two names: choose another one for --keys.")
    return targets


@contextmanager
def proved(settings: Settings, arguments: argparse.Namespace) -> Iterator[list[restoring.Proved]]:
    """The backup that is asked for, every byte checked; it says what it is."""
    path: Path = arguments.source
    keys: Path | None = arguments.keys
    if keys is None and not arguments.no_keys:
        beside = path.with_name(files.stem_of(path) + files.SUFFIXES["keys"])
        keys = beside if beside != path and beside.exists() else None
    say = _Progress(quiet=arguments.quiet)
    keyring = Keyring(settings.secret_keys)
    with restoring.proved(keyring, path, keys, progress=say.share) as backup:
        for one in backup:
            rows = sum(one.totals.rows.values())
            print(
                f"{one.path} is whole: {rows:,} rows, as of {one.header.created_at}, "
                f"version {one.header.revision}"
            )
        if len(backup) == 1:
            print(
                "Without the file of its campaigns' keys: results stay what they are, but the "
                "campaigns in it can take no more answers, and nobody's receipt can be read."
            )
        yield backup


def restore(
    settings: Settings, arguments: argparse.Namespace, backup: list[restoring.Proved]
) -> None:
    """Restore what was proved, and count it anew. Errors: BackupRefused, ListRefused."""
    say = _Progress(quiet=arguments.quiet)
    url = database_url(settings)
    listed = _listed(settings, arguments, backup)
    with _explained("Nothing was restored"):
        restored = asyncio.run(restoring.restore(url, backup, progress=say.share, listed=listed))
    for one in restored.again:
        print(
            f"The key of {one.campaign} was destroyed again, and its claims with it, as on "
            f"{one.destroyed_at:%Y-%m-%d %H:%M} UTC."
        )
    print(f"Restored: {restored.rows:,} rows. Counting them anew …", flush=True)
    with _explained("Everything is restored, but not counted; xinsheng recount does that"):
        counted = asyncio.run(restoring.count(url))
    print(
        f"{counted.responses:,} responses of {counted.campaigns} campaigns count, and every count "
        "is what its rows say."
    )


def _listed(
    settings: Settings, arguments: argparse.Namespace, backup: list[restoring.Proved]
) -> set[lists.Entry]:
    """What was destroyed, by all lists that there are; the data directory then has it too."""
    if arguments.no_destructions:
        print("Without the list of destructions: a key that was destroyed since may be back.")
        return set()
    keyring = backup[0].keyring
    kept = lists.Lists.of(settings, keyring)
    folders = dict.fromkeys([*(one.path.parent for one in backup), kept.beside, kept.own])
    paths = [path for folder in folders for path in lists.ours(keyring, folder)]
    if arguments.destructions is not None:
        paths.append(arguments.destructions)
    if not paths:
        print(
            f"No list of destructions (*{lists.SUFFIX}) lies beside {backup[0].path} or in "
            f"{kept.own}: if a campaign's key was destroyed since this backup was made, it is "
            "back. Where you have the list, restore anew with --destructions FILE."
        )
        return set()
    found = {entry for path in paths for entry in lists.read(keyring, path)}
    print(f"{len(found)} destructions are listed in {', '.join(map(str, paths))}.")
    lists.add(keyring, kept.own, found)
    return found


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} bytes"
