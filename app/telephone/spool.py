"""Bodies of deliveries on their way: sealed chunks, in memory or in a file, read line by line.

A body holds phone numbers, so nothing of it lies anywhere in the clear: chunks are compressed and
encrypted from the start, and those that wait for a background job are the very same.
"""

import secrets
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.keyring import KEY_ID_BYTES, Keyring
from app.core.problems import TooLarge

MAX_BYTES = 50 << 20
"""What a body may hold when it is unpacked."""
MAX_LINE = 128 << 10
_CHUNK = 256 << 10
_IN_MEMORY = 2 << 20
_NONCE = 12
_LENGTH = 4


class Spoilt(Exception):
    """A chunk cannot be opened: its key has left the keyring, or it is not what was sealed."""


class Spool:
    """What is written to it, up to `MAX_BYTES`, once, and as often as wanted what was written."""

    def __init__(self, keyring: Keyring) -> None:
        self.id = uuid4()
        """What its chunks are bound to."""
        self.size = 0
        self.lines = 0
        """How many there are; the last need not end."""
        self.count = 0
        """How many chunks."""
        self._keyring = keyring
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - see close
        self._pending = bytearray()

    def write(self, piece: bytes) -> None:
        """Take more. Errors: TooLarge."""
        self.size += len(piece)
        if self.size > MAX_BYTES:
            raise too_large(MAX_BYTES)
        self.lines += piece.count(b"\n")
        self._pending += piece
        while len(self._pending) >= _CHUNK:
            self._keep(bytes(self._pending[:_CHUNK]))
            del self._pending[:_CHUNK]

    def end(self) -> None:
        """All is written."""
        if self._pending:
            self.lines += not self._pending.endswith(b"\n")
            self._keep(bytes(self._pending))
            self._pending.clear()

    def chunks(self) -> Iterator[bytes]:
        """The sealed chunks, in order."""
        self._file.seek(0)
        while length := self._file.read(_LENGTH):
            yield self._file.read(int.from_bytes(length, "big"))

    def pieces(self) -> Iterator[bytes]:
        """What was written, in pieces."""
        for number, sealed in enumerate(self.chunks()):
            yield opened(self._keyring, self.id, number, sealed)

    def close(self) -> None:
        """Forget everything."""
        self._file.close()

    def _keep(self, plain: bytes) -> None:
        subkey = self._keyring.current("delivery")
        nonce = secrets.token_bytes(_NONCE)
        packed = zlib.compress(plain, 1)
        sealed = AESGCM(subkey.key).encrypt(nonce, packed, _context(self.id, self.count))
        whole = subkey.id + nonce + sealed
        self._file.write(len(whole).to_bytes(_LENGTH, "big") + whole)
        self.count += 1


def opened(keyring: Keyring, spool_id: UUID, number: int, sealed: bytes) -> bytes:
    """What the sealed chunk of this number, counted from 0, holds. Errors: Spoilt."""
    subkey = keyring.find("delivery", sealed[:KEY_ID_BYTES])
    if subkey is None:
        raise Spoilt("the key of a delivery that waits has left the keyring")
    nonce, rest = sealed[KEY_ID_BYTES:][:_NONCE], sealed[KEY_ID_BYTES + _NONCE :]
    try:
        return zlib.decompress(AESGCM(subkey.key).decrypt(nonce, rest, _context(spool_id, number)))
    except InvalidTag as error:
        raise Spoilt("a chunk of a delivery that waits was altered or moved") from error


class Lines:
    """Pieces made lines again, without their ends.

    Of a line that is longer than `MAX_LINE` one byte more than that is kept.
    """

    def __init__(self) -> None:
        self._rest = b""

    def of(self, piece: bytes) -> Iterator[bytes]:
        """The lines that end in this piece."""
        first, *others = piece.split(b"\n")
        rest = (self._rest + first)[: MAX_LINE + 1]
        for following in others:
            yield rest
            rest = following[: MAX_LINE + 1]
        self._rest = rest

    def last(self) -> Iterator[bytes]:
        """The line that has no end, where there is one."""
        if self._rest:
            yield self._rest


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a whole."""
    lines = Lines()
    for piece in pieces:
        yield from lines.of(piece)
    yield from lines.last()


def too_large(limit: int) -> TooLarge:
    """The refusal of a body that unpacks to more than this."""
    return TooLarge(f"The limit here is {limit:,} bytes, unpacked.")


def _context(spool_id: UUID, number: int) -> bytes:
    return spool_id.bytes + number.to_bytes(4, "big")
