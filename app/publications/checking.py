"""Whether stored publications are still what was signed."""

import asyncio
import base64
import hashlib
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.keyring import Keyring
from app.publications import queries
from app.publications.packing import unpacked
from app.publications.tables import Publication
from app.telephone.reconciliation.signing import public_keys


class Checked(NamedTuple):
    """What was found of all publications, which are named as `campaign/number`."""

    altered: list[str]
    """Not what was signed; or gone, with one of a higher number there."""
    by_former_keys: list[str]
    """Signed by a secret that has left the keyring: here they are only measured by the key that
    is kept with them, which whoever altered them could have put there."""


async def checked(session: AsyncSession, keyring: Keyring) -> Checked:
    """Look through all publications there are, one after the other."""
    ours = {one.key_id: one.public_key for one in public_keys(keyring)}
    found = Checked([], [])
    last: tuple[str, int] = ("", 0)
    async for code, publication, sections in queries.every_publication(session):
        before = last[1] if last[0] == code else 0
        found.altered.extend(f"{code}/{one}" for one in range(before + 1, publication.number))
        name = f"{code}/{publication.number}"
        key = ours.get(publication.key_id, publication.public_key)
        if not await asyncio.to_thread(_is_as_signed, code, publication, sections, key):
            found.altered.append(name)
        elif publication.key_id not in ours:
            found.by_former_keys.append(name)
        last = code, publication.number
    return found


def _is_as_signed(
    code: str, publication: Publication, sections: Mapping[str, bytes], key: str
) -> bool:
    try:
        verifier = Ed25519PublicKey.from_public_bytes(_raw(key))
        verifier.verify(_raw(publication.signature), publication.statement)
        stated = msgspec.json.decode(publication.statement)
        signed = {name: one["sha256"] for name, one in stated["sections"].items()}
        digests = {
            name: hashlib.sha256(unpacked(one)).hexdigest() for name, one in sections.items()
        }
        said = (stated["campaign"], stated["number"], stated["corrects"])
        release = stated["release"]["number"]
    except (InvalidSignature, LookupError, TypeError, ValueError, OSError, EOFError, zlib.error):
        return False
    return (
        said == (code, publication.number, publication.corrects)
        and release == publication.release
        and key == publication.public_key
        and digests == signed
    )


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")
