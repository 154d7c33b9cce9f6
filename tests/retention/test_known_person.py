"""Who knows a person, and has the whole database and the secret keys, finds nothing any more."""

import hashlib
import hmac
import itertools
import re
import uuid
from collections.abc import Iterable, Iterator
from typing import get_args

import asyncpg

from app.access.audit import KEY_CONTEXT
from app.core.embedded_postgres import EmbeddedPostgres
from app.core.keyring import Keyring, Purpose, WrongKeyError
from app.core.settings import Settings
from app.identity.fingerprints import Proof, fingerprints
from tests.retention.conftest import PHONE, PUPIL, ROSTER_PHONE, Answered

SCOPES = ["campaign", *(f"{kind}/{n}" for kind in ("population", "unit") for n in range(6))]
CHILDREN = (None, "1", "2", "3")


async def everything(found: Answered) -> list[bytes]:
    """Every value in every table, as bytes."""
    pool = found.api.app.state.database.pool
    tables = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    values: set[bytes] = set()
    for (table,) in tables:
        for row in await pool.fetch(f"SELECT * FROM {table}"):
            values.update(_bytes_of(row.values()))
    return sorted(values)


def _bytes_of(values: Iterable[object]) -> Iterator[bytes]:
    for value in values:
        if isinstance(value, bytes):
            yield value
        elif isinstance(value, uuid.UUID):
            yield value.bytes
        elif isinstance(value, list | tuple):
            yield from _bytes_of(value)
        elif value is not None:
            yield str(value).encode()


def keys_to_try(
    keyring: Keyring, secret_keys: tuple[bytes, ...], values: list[bytes]
) -> set[bytes]:
    """Whatever could be a key: all that is stored, the deployment's, and what these unwrap."""
    keys = {*secret_keys, *values}
    for purpose in get_args(Purpose):
        keys.update(subkey.key for subkey in keyring.all(purpose))
    contexts = [f"campaign/{n}/{kind}" for n in range(5) for kind in ("identity", "receipt")]
    for value, context in itertools.product(values, [KEY_CONTEXT, *map(str.encode, contexts)]):
        try:
            keys.add(keyring.unwrap(value, context=context))
        except WrongKeyError:
            continue
    rooms = ("interviews/content", "interviews/submission_id", "rosters/row", "rosters/sealed")
    derived = [name.encode() for name in rooms]
    return keys | {hmac.digest(key, name, "sha256") for key in keys for name in derived}


def traces(keys: set[bytes], proof: Proof) -> set[bytes]:
    """The first 16 bytes of whatever could have been made of a person's proof."""
    found = {hashlib.sha256(proof.value.encode()).digest()[:16]}
    for key in keys:
        found.add(hmac.digest(key, proof.value.encode(), "sha256")[:16])
        for scope, child in itertools.product(SCOPES, CHILDREN):
            found.update(fingerprints(key, scope, [proof], child=child))
    return found


def windows(values: list[bytes]) -> set[bytes]:
    """Every 16 bytes in a row of all that is stored, those that texts spell in hex too."""
    spelled = [bytes.fromhex(run.decode()) for one in values for run in _HEX.findall(one)]
    return {
        value[start : start + 16]
        for value in [*values, *spelled]
        for start in range(max(len(value) - 15, 0))
    }


_HEX = re.compile(rb"(?:[0-9a-f]{2}){16,}")


async def matched(found: Answered, settings: Settings) -> set[str]:
    """By which kinds of proof somebody with everything finds a known person's response."""
    values = await everything(found)
    keys = keys_to_try(found.api.app.state.keyring, settings.secret_keys, values)
    stored = windows(values)
    kinds: set[str] = {proof.kind for proof in found.proofs if stored & traces(keys, proof)}
    source = await found.asked("SELECT source_id FROM interviews")
    named = f"{source}/V-1".encode()
    if stored & {hmac.digest(key, named, "sha256")[:16] for key in keys}:
        kinds.add("interview")
    return kinds


async def test_after_the_key_is_destroyed_nobody_is_found_who_was_found_before(
    answered: Answered, settings: Settings
) -> None:
    await answered.archive()
    assert await matched(answered, settings) == {
        "wechat",
        "device",
        "invitation",
        "phone",
        "interview",
        "external",
    }
    await answered.destroy()
    assert await matched(answered, settings) == set()
    left = b" ".join(await everything(answered))
    for personal in (PHONE, PHONE[3:], ROSTER_PHONE[3:], PUPIL, "s-77", "员工 7", "oABCdef"):
        assert personal.encode() not in left


async def test_the_key_is_gone_from_the_files_of_the_database_too(
    answered: Answered, postgres: EmbeddedPostgres
) -> None:
    wrapped = await answered.asked("SELECT wrapped FROM campaign_keys WHERE purpose = 'identity'")
    receipt = await answered.asked("SELECT wrapped FROM campaign_keys WHERE purpose = 'receipt'")
    name = await answered.asked("SELECT current_database()")
    root = await asyncpg.connect(postgres.url(name, role="postgres"))

    async def on_disk() -> bytes:
        await root.execute("CHECKPOINT")
        content: bytes = await root.fetchval(
            "SELECT pg_read_binary_file(pg_relation_filepath('campaign_keys'))"
        )
        return content

    before = await on_disk()
    assert wrapped in before
    await answered.archive()
    await answered.destroy()
    after = await on_disk()
    await root.close()
    assert wrapped not in after
    assert receipt in after
