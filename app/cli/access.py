"""`xinsheng clients`, `xinsheng keys` and `xinsheng audit`: who may do what, and who did."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.audit.verifying import Verdict, verify
from app.access.principal import OPERATOR
from app.cli.opening import fail, opened, ready, say
from app.clients import service as clients
from app.clients.schemas import ClientOut, SecretMade
from app.core import settings as environment
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.keys import rotation

_Found = TypeVar("_Found")


def add_parsers(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the three to the command line (`commands`: what `add_subparsers` returned)."""
    _add_clients(commands, common)
    _add_keys(commands, common)
    checking = commands.add_parser("audit", help="who did what, and whether that record is whole")
    actions = checking.add_subparsers(title="actions", required=True, metavar="ACTION")
    verifying = actions.add_parser(
        "verify",
        parents=[common],
        help="read the whole audit and compare it with its chain",
        description="Exit status 1 where an entry was changed, removed or put elsewhere. Note the "
        "head that it prints outside of this machine, and give it the next time: then nobody, not "
        "even who holds the secret keys, can have made the audit anew in between.",
    )
    verifying.add_argument("--head", help="a head noted earlier, which must stand in the chain")
    verifying.set_defaults(run=_verify_audit)


def _add_clients(commands: Any, common: argparse.ArgumentParser) -> None:
    client = commands.add_parser("clients", help="programs that may call the API")
    actions = client.add_subparsers(title="actions", required=True, metavar="ACTION")
    create = actions.add_parser("create", parents=[common], help="make one; shows its secret once")
    create.add_argument("name")
    create.add_argument(
        "--scope",
        action="append",
        required=True,
        help="what it may do, such as results:read; may be repeated",
    )
    create.add_argument("--unit", help="code of the unit whose subtree it sees; default: all")
    create.add_argument(
        "--network",
        action="append",
        metavar="CIDR",
        help="where it may call from, such as 203.0.113.0/24; may be repeated; default: anywhere",
    )
    create.add_argument(
        "--expires", type=_time, metavar="DAY", help="from this day (UTC) on it is of no use"
    )
    create.add_argument("--json", action="store_true", help="print JSON")
    create.set_defaults(run=_create_client)
    listing = actions.add_parser("list", parents=[common], help="all of them, and their secrets")
    listing.set_defaults(run=_list_clients)
    secret = actions.add_parser(
        "secret", parents=[common], help="give one a second secret, to change over; shows it once"
    )
    secret.add_argument("client", help="its client_id")
    secret.add_argument(
        "--expires", type=_time, metavar="DAY", help="from this day (UTC) on it is of no use"
    )
    secret.set_defaults(run=_add_secret)
    revoke = actions.add_parser(
        "revoke",
        parents=[common],
        help="end one for good, or one of its secrets, and the tokens got for it",
    )
    revoke.add_argument("client", help="its client_id")
    revoke.add_argument("--secret", type=int, metavar="NUMBER", help="only this secret")
    revoke.set_defaults(run=_revoke_client)


def _add_keys(commands: Any, common: argparse.ArgumentParser) -> None:
    keys = commands.add_parser("keys", help="the secret keys that sign and encrypt")
    actions = keys.add_subparsers(title="actions", required=True, metavar="ACTION")
    listing = actions.add_parser(
        "list", parents=[common], help="the ids of the keys, and what hangs on each"
    )
    listing.set_defaults(run=_list_keys)
    rotating = actions.add_parser(
        "rotate",
        parents=[common],
        help="make a new key that signs from now on; the old ones still verify",
        description="Servers that run on the same file of keys take the new one up by themselves: "
        "first to verify, then to sign. Campaigns' keys are wrapped anew.",
    )
    rotating.set_defaults(run=_rotate_keys)
    retiring = actions.add_parser("retire", parents=[common], help="take an old key away for good")
    retiring.add_argument("key", help="its id, as `xinsheng keys list` shows it")
    retiring.add_argument(
        "--force", action="store_true", help="though open campaigns or invitations hang on it"
    )
    retiring.set_defaults(run=_retire_key)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is written 2027-01-31") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _create_client(arguments: argparse.Namespace) -> None:
    made = _done(_made_client, arguments)
    if arguments.json:
        say(json.dumps({"client_id": made.client_id, "client_secret": made.client_secret}))
    else:
        say(f"client_id      {made.client_id}\nclient_secret  {made.client_secret}")
        say("The secret is not shown again.")


def _done(
    work: Callable[[AsyncSession, argparse.Namespace], Awaitable[_Found]],
    arguments: argparse.Namespace,
) -> _Found:
    """Do this in a transaction of its own."""
    settings = environment.load()

    async def done() -> _Found:
        async with opened(settings) as database, database.sessions.begin() as session:
            return await work(session, arguments)

    with ready(settings):
        return asyncio.run(done())


async def _made_client(session: AsyncSession, arguments: argparse.Namespace) -> clients.NewClient:
    scopes = " ".join(arguments.scope).split()
    made = await clients.create(
        session,
        name=arguments.name,
        scopes=scopes,
        unit=arguments.unit,
        networks=arguments.network,
        expires_at=arguments.expires,
    )
    detail = {"name": arguments.name, "scopes": scopes, "unit": arguments.unit}
    audit.record(session, OPERATOR, "client.make", made.client_id, **detail)
    return made


def _list_clients(arguments: argparse.Namespace) -> None:
    for one in _done(_every_client, arguments):
        state = "revoked" if one.revoked_at else f"expires {one.expires_at or 'never'}"
        say(f"{one.client_id}  {one.name}  {' '.join(one.scopes)}  {one.unit or 'all'}  {state}")
        for secret in one.secrets:
            used = f"{secret.last_used_at:%Y-%m-%d %H:%M} UTC" if secret.last_used_at else "never"
            say(f"  secret {secret.id}  of {secret.created_at:%Y-%m-%d}, last used {used}")


async def _every_client(session: AsyncSession, arguments: argparse.Namespace) -> list[ClientOut]:
    return await clients.every(session)


def _add_secret(arguments: argparse.Namespace) -> None:
    made = _done(_made_secret, arguments)
    say(f"secret {made.id}  {made.client_secret}\nIt is not shown again.")


async def _made_secret(session: AsyncSession, arguments: argparse.Namespace) -> SecretMade:
    return await clients.add_secret(session, OPERATOR, arguments.client, arguments.expires)


def _revoke_client(arguments: argparse.Namespace) -> None:
    found = _done(_revoked_client, arguments)
    left = f"has {len(found.secrets)} secrets left"
    say(f"{arguments.client} {'is of no use any more' if found.revoked_at else left}.")


async def _revoked_client(session: AsyncSession, arguments: argparse.Namespace) -> ClientOut:
    if arguments.secret is None:
        return await clients.revoke(session, OPERATOR, arguments.client)
    return await clients.revoke_secret(session, OPERATOR, arguments.client, arguments.secret)


def _verify_audit(arguments: argparse.Namespace) -> None:
    settings = environment.load()
    with ready(settings):
        verdict = asyncio.run(_verified(settings, arguments.head))
    if verdict.fault is not None:
        fail(f"The audit is not what was written: {verdict.fault}.")
    if not verdict.noted:
        fail("The audit agrees with its chain, but the head that was noted is not in it.")
    say(f"{verdict.entries:,} entries are whole and in order.")
    if verdict.unchained:
        say(f"{verdict.unchained:,} are from before the chain, which vouches for them as a whole.")
    say(f"head  {verdict.head or 'none yet'}")


async def _verified(settings: Settings, noted: str | None) -> Verdict:
    async with opened(settings) as database, database.snapshot() as session:
        return await verify(session, Keyring(settings.secret_keys), noted=noted)


def _list_keys(arguments: argparse.Namespace) -> None:
    settings = environment.load()
    with ready(settings):
        for line in asyncio.run(_described_keys(settings)):
            say(line)


async def _described_keys(settings: Settings) -> list[str]:
    async with opened(settings) as database:
        held = await rotation.described(database, Keyring(settings.secret_keys))
    return [
        f"{one.id}  {'signs' if one.signs else 'verifies'}; wraps {one.wrapped:,} keys, "
        f"signed {one.batches:,} batches of invitations in use, "
        f"sealed {one.deliveries:,} deliveries that wait"
        for one in held
    ]


def _rotate_keys(arguments: argparse.Namespace) -> None:
    settings = environment.load()
    with ready(settings):
        asyncio.run(_rotated(settings))


async def _rotated(settings: Settings) -> None:
    async with opened(settings) as database:
        key_id, wrapped = await rotation.rotate(database, settings, progress=say)
    say(f"{key_id} signs from now on; {wrapped:,} keys were wrapped anew.")


def _retire_key(arguments: argparse.Namespace) -> None:
    settings = environment.load()
    with ready(settings):
        asyncio.run(_retired(settings, arguments.key, force=arguments.force))
    say(f"{arguments.key} is gone: what it alone had signed is of no use any more.")


async def _retired(settings: Settings, key_id: str, *, force: bool) -> None:
    async with opened(settings) as database:
        await rotation.retire(database, settings, key_id, force=force)
