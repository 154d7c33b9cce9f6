"""Bodies of deliveries as they come in: unpacked and kept within limits while they are received."""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from app.core import workbook
from app.core.keyring import Keyring
from app.core.problems import FieldError, InvalidInput, Malformed, UnsupportedMediaType
from app.telephone.sheets import Header, encoding_of, read_csv, read_xlsx
from app.telephone.spool import Spool, too_large

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
XLSX = workbook.MEDIA_TYPE
FORMS = {JSON: "json", NDJSON: "ndjson", CSV: "csv", XLSX: "xlsx"}
MAX_WHOLE = {"json": 8 << 20, "xlsx": 20 << 20}
"""Bytes of what is read as a whole; others are streamed, up to `spool.MAX_BYTES`."""
MAX_ITEMS = 500_000
_PIECE = 64 << 10
_GZIP = 16 + zlib.MAX_WBITS
_ENCODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True}


@dataclass
class Upload:
    """A body that has been received."""

    form: str
    keyring: Keyring
    digest: bytes = b""
    """SHA-256 of what was sent, unpacked."""
    whole: bytes = b""
    """What is read as a whole: JSON."""
    header: Header | None = None
    """What the first row of a table says."""
    _spools: list[Spool] = field(default_factory=list)

    @property
    def lines(self) -> Spool:
        """The lines of NDJSON; of a table, its rows."""
        return self._spools[-1]

    def new_spool(self) -> Spool:
        """Somewhere to write to; `lines` from now on."""
        self._spools.append(Spool(self.keyring))
        return self._spools[-1]

    async def receive(self, stream: AsyncIterator[bytes], encoding: str) -> None:
        """Take the body. Errors: Malformed, TooLarge, UnsupportedMediaType for the encoding."""
        pieces = _unpacked(stream) if _is_packed(encoding) else stream
        digest = hashlib.sha256()
        if self.form in MAX_WHOLE:
            whole = bytearray()
            async for piece in pieces:
                whole += piece
                if len(whole) > MAX_WHOLE[self.form]:
                    raise too_large(MAX_WHOLE[self.form])
            self.whole = bytes(whole)
            digest.update(self.whole)
        else:
            spool = self.new_spool()
            async for piece in pieces:
                digest.update(piece)
                spool.write(piece)
            spool.end()
        self.digest = digest.digest()

    async def read_table(self) -> None:
        """Read the rows of a table. Errors: Malformed, TooLarge."""
        if self.form == "xlsx":
            self.header = await asyncio.to_thread(read_xlsx, self.whole, self.new_spool())
            self.whole = b""
        elif self.form == "csv":
            await asyncio.to_thread(self._read_csv)

    def _read_csv(self) -> None:
        sent = self.lines
        encoding = encoding_of(sent.pieces())
        self.header = read_csv(sent.pieces(), encoding, self.new_spool())

    def check_number(self) -> None:
        """Errors: InvalidInput where there is nothing, or too much."""
        if self.lines.lines > MAX_ITEMS:
            message = f"Send at most {MAX_ITEMS:,} interviews at once."
            raise InvalidInput(errors=[FieldError("", "too_many", message)])
        if not any(piece.strip() for piece in self.lines.pieces()):
            raise InvalidInput(errors=[FieldError("", "too_few", "Send one interview or more.")])

    def close(self) -> None:
        """Forget everything."""
        for spool in self._spools:
            spool.close()


def form_of(content_type: str) -> str:
    """Which form a Content-Type says. Errors: UnsupportedMediaType."""
    form = FORMS.get(content_type.partition(";")[0].strip().lower())
    if form is None:
        raise UnsupportedMediaType(f"Send one of {', '.join(FORMS)}.")
    return form


def _is_packed(encoding: str) -> bool:
    packed = _ENCODINGS.get(encoding.strip().lower())
    if packed is None:
        raise UnsupportedMediaType(
            "Send Content-Encoding: gzip, or none.", headers={"Accept-Encoding": "gzip, identity"}
        )
    return packed


async def _unpacked(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What gzip holds, a piece at a time, whatever it would unpack to. Errors: Malformed."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        async for packed in stream:
            while packed:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(_GZIP)
                piece = unpacker.decompress(packed, _PIECE)
                while piece:
                    yield piece
                    await asyncio.sleep(0)
                    packed = unpacker.unconsumed_tail
                    piece = unpacker.decompress(packed, _PIECE) if not unpacker.eof else b""
                packed = unpacker.unused_data if unpacker.eof else b""
    except zlib.error as error:
        raise Malformed("What Content-Encoding calls gzip is none that can be unpacked.") from error
    if not unpacker.eof:
        raise Malformed("The gzip ends before its end: send it again, whole.")
