"""The form of a backup's files: a plain header, then chunks that are compressed and encrypted.

The header is two lines of text: a magic word with the version of the form, and a line of JSON.
Each chunk is its length in four bytes, big-endian, and so many bytes of AES-256-GCM under a key of
the file's own; the header is authenticated with every chunk. The nonce is the chunk's number and
whether it is the last one (the STREAM construction), so no chunk can be changed, left out, moved or
cut off without being found. Plain, a chunk is one byte that says what it holds, and zlib.
"""

import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import BinaryIO, Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.keyring import Keyring, Purpose

Kind = Literal["backup", "keys"]
"""`keys`: campaigns' wrapped keys, apart from all else."""
CHUNK_BYTES = 1 << 20
SALT_BYTES = 32
_PURPOSES: dict[Kind, Purpose] = {"backup": "backup", "keys": "backup-keys"}
_FORM = 1
_MAGIC = re.compile(rb"xinsheng backup ([0-9]{1,9})\n")
_MOST_LINE = 4096
_MOST_SEALED = CHUNK_BYTES + (1 << 16)
_LEVEL = 1  # zlib's higher ones take three times as long for a tenth less


class BackupRefused(RuntimeError):
    """A backup cannot be taken or restored. The message says why and what to do."""


@dataclass(frozen=True)
class Header:
    """What stands at the head of a file, for everybody to read."""

    kind: Kind
    id: str
    """The same in both files of a backup, and in no other."""
    created_at: str
    """ISO 8601, in UTC: of this instant is what the backup holds."""
    revision: str
    """The migration that the database was at."""
    key_id: str
    salt: str

    @property
    def instant(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.created_at)


class Chunk(NamedTuple):
    """One piece of what a file holds."""

    kind: bytes
    payload: bytes
    last: bool


def current_key_id(keyring: Keyring, kind: Kind) -> str:
    """The id of the key that a new file of this kind is made under."""
    return keyring.current(_PURPOSES[kind]).id.hex()


def holds_key(keyring: Keyring, header: Header) -> bool:
    """Whether a file was made under one of these keys."""
    return keyring.find(_PURPOSES[header.kind], bytes.fromhex(header.key_id)) is not None


class Sealer:
    """Writes a file, chunk by chunk, through `write`."""

    def __init__(self, write: Callable[[bytes], object], keyring: Keyring, header: Header) -> None:
        self._write = write
        line = json.dumps(asdict(header), separators=(",", ":")).encode()
        self._head = b"xinsheng backup %d\n%s\n" % (_FORM, line)
        self._cipher = _cipher(keyring, header)
        self._count = 0
        self._write(self._head)

    def seal(self, kind: bytes, payload: bytes, *, last: bool = False) -> None:
        """Append a chunk of at most CHUNK_BYTES; `kind` is one byte."""
        plain = kind + zlib.compress(payload, _LEVEL)
        sealed = self._cipher.encrypt(_nonce(self._count, last), plain, self._head)
        self._write(len(sealed).to_bytes(4, "big") + sealed)
        self._count += 1


def read_header(file: BinaryIO, name: str) -> tuple[Header, bytes]:
    """A file's header, and its bytes; the file then stands at the first chunk.

    Nothing of it is proved before the first chunk was read. Errors: BackupRefused.
    """
    first = file.readline(_MOST_LINE)
    found = _MAGIC.fullmatch(first)
    if found is None:
        raise BackupRefused(f"{name} is no backup of Xinsheng.")
    if int(found[1]) != _FORM:
        raise BackupRefused(f"{name} was made by a newer version of Xinsheng: use that one.")
    second = file.readline(_MOST_LINE)
    try:
        header = Header(**json.loads(second))
        right = header.kind in _PURPOSES and header.instant.tzinfo is not None
        bytes.fromhex(header.key_id), bytes.fromhex(header.salt)
    except (ValueError, TypeError, AttributeError, RecursionError):
        right = False
    if not right:
        raise _altered(name, "its header cannot be read")
    return header, first + second


def chunks(file: BinaryIO, keyring: Keyring, name: str) -> Iterator[Chunk]:
    """All chunks of a file from its beginning, each proved to be the one that was written there.

    Errors: BackupRefused for the wrong keys, and where anything was changed, moved or cut off.
    """
    file.seek(0)
    header, head = read_header(file, name)
    if not holds_key(keyring, header):
        raise BackupRefused(
            f"{name} was made under another secret key than those here: it opens with the keys of "
            "the deployment that was backed up, its XINSHENG_SECRET_KEYS or the file secret-keys "
            "of its data directory."
        )
    cipher = _cipher(keyring, header)
    count, last = 0, False
    while not last:
        sealed = _framed(file, name)
        try:
            plain = cipher.decrypt(_nonce(count, False), sealed, head)
        except InvalidTag:
            last = True
            try:
                plain = cipher.decrypt(_nonce(count, True), sealed, head)
            except InvalidTag:
                raise _altered(name, f"chunk {count + 1} is not what was written") from None
        count += 1
        yield Chunk(plain[:1], zlib.decompress(plain[1:]), last)
    if file.read(1):
        raise _altered(name, "something follows its end")


def _framed(file: BinaryIO, name: str) -> bytes:
    prefix = file.read(4)
    length = int.from_bytes(prefix, "big")
    if len(prefix) == 4 and length > _MOST_SEALED:
        raise _altered(name, "a chunk's length cannot be right")
    sealed = file.read(length)
    if len(prefix) < 4 or len(sealed) < length:
        raise BackupRefused(
            f"{name} is cut short: it ends before its end was written. Use another copy of it, or "
            "an earlier backup."
        )
    return sealed


def _altered(name: str, reason: str) -> BackupRefused:
    return BackupRefused(
        f"{name} was altered or damaged: {reason}. Use another copy of it, or an earlier backup."
    )


def _cipher(keyring: Keyring, header: Header) -> AESGCM:
    subkey = keyring.find(_PURPOSES[header.kind], bytes.fromhex(header.key_id))
    assert subkey is not None, "looked for before"
    hkdf = HKDF(SHA256(), 32, salt=bytes.fromhex(header.salt), info=b"xinsheng/backup file")
    return AESGCM(hkdf.derive(subkey.key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
