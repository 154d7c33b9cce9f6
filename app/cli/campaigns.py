"""`xinsheng campaigns`: what an operator does to a campaign besides the API."""

import argparse
import asyncio
import sys
from typing import Any

from app.access.principal import OPERATOR
from app.cli.opening import fail, opened, ready, say
from app.core import settings as environment
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.retention import destroying
from app.retention.lists import Lists
from app.retention.schemas import DestructionOut


def add_parsers(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add it to the command line (`commands`: what `add_subparsers` returned)."""
    campaigns = commands.add_parser("campaigns", help="the end of a campaign's key")
    actions = campaigns.add_subparsers(title="actions", required=True, metavar="ACTION")
    destroying = actions.add_parser(
        "destroy-key",
        parents=[common],
        help="destroy an archived campaign's identity key for good",
        description="After that nobody can match a phone number, account, invitation or device "
        "to a response. Counts, answers and receipts stay. Repeated, it tells what the first time "
        "did.",
    )
    destroying.add_argument("code", help="the campaign's code")
    destroying.add_argument("--yes", action="store_true", help="don't ask")
    destroying.set_defaults(run=_destroy_key)


def _destroy_key(arguments: argparse.Namespace) -> None:
    if not arguments.yes:
        _ask(arguments.code)
    settings = environment.load(make_keys=False)
    with ready(settings):
        done = asyncio.run(_destroyed(settings, arguments.code))
    erased = ", ".join(f"{count:,} {name}" for name, count in done.erased.items())
    say(
        f"The key of {done.campaign} was destroyed on {done.destroyed_at:%Y-%m-%d %H:%M} UTC"
        + (f", and with it {erased}." if erased else ".")
    )
    if done.last_copy_expires_at is None:
        say("When its last copy expires is not known.")
    else:
        say(f"Its last copy expires on {done.last_copy_expires_at:%Y-%m-%d %H:%M} UTC.")
    say(done.note)


def _ask(code: str) -> None:
    if not sys.stdin.isatty():
        fail("This cannot be undone: say that it is meant with --yes.")
    try:
        said = input(f"This cannot be undone. Type {code} to destroy the key: ")
    except EOFError:
        said = ""
    if said.strip() != code:
        fail("Nothing was destroyed.")


async def _destroyed(settings: Settings, code: str) -> DestructionOut:
    lists = Lists.of(settings, Keyring(settings.secret_keys))
    async with opened(settings) as database:
        async with database.sessions.begin() as session:
            done = await destroying.destroy(session, OPERATOR, lists, code=code, confirm=code)
        await database.open()
        await destroying.wipe(database)
        return done
