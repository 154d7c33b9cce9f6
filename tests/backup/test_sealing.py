"""Files of backups: nothing in one can be changed, moved or cut off without being found."""

import io
import json
import zlib
from dataclasses import replace

import pytest

from app.backup.sealing import (
    CHUNK_BYTES,
    BackupRefused,
    Chunk,
    Header,
    Kind,
    Sealer,
    chunks,
    current_key_id,
    read_header,
)
from app.core.keyring import Keyring

KEYRING = Keyring((b"0" * 32,))
HEADER = Header(
    kind="backup",
    id="0f" * 16,
    created_at="2026-11-22T08:30:00+00:00",
    revision="20261122_0200",
    key_id=current_key_id(KEYRING, "backup"),
    salt="ab" * 32,
)
WRITTEN = [
    Chunk(b"T", b'["units", ["id"]]', False),
    Chunk(b"R", b"1\n2\n", False),
    Chunk(b"R", b"3\n", False),
    Chunk(b"E", b"{}", True),
]


def sealed(written: list[Chunk] = WRITTEN, header: Header = HEADER) -> bytes:
    file = io.BytesIO()
    sealer = Sealer(file.write, KEYRING, header)
    for one in written:
        sealer.seal(one.kind, one.payload, last=one.last)
    return file.getvalue()


def read(content: bytes, keyring: Keyring = KEYRING) -> list[Chunk]:
    return list(chunks(io.BytesIO(content), keyring, "it"))


def pieces(content: bytes) -> list[bytes]:
    """The header, and each chunk with its length."""
    file = io.BytesIO(content)
    found = [read_header(file, "it")[1]]
    while prefix := file.read(4):
        found.append(prefix + file.read(int.from_bytes(prefix, "big")))
    return found


def test_what_was_written_is_read() -> None:
    assert read(sealed()) == WRITTEN


def test_a_full_chunk_of_noise_is_read() -> None:
    noise = zlib.compress(bytes(range(256)) * 64)
    noise = (noise * (CHUNK_BYTES // len(noise) + 1))[:CHUNK_BYTES]
    written = [Chunk(b"R", noise, False), Chunk(b"E", b"", True)]
    assert read(sealed(written)) == written


def test_two_files_have_nothing_in_common_but_their_header() -> None:
    one, other = sealed(), sealed(header=replace(HEADER, salt="cd" * 32))
    assert not set(pieces(one)) & set(pieces(other))


def test_no_byte_can_be_changed() -> None:
    content = sealed()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(BackupRefused):
            read(bytes(changed))


def test_it_cannot_be_cut_off_anywhere() -> None:
    content = sealed()
    for length in range(len(content)):
        with pytest.raises(BackupRefused):
            read(content[:length])
    with pytest.raises(BackupRefused, match="cut short"):
        read(content[:-1])
    with pytest.raises(BackupRefused, match="cut short"):
        read(b"".join(pieces(content)[:-1]))


def test_chunks_cannot_be_moved_repeated_left_out_or_added() -> None:
    head, *others = pieces(sealed())
    one, two, three, last = others
    for moved in (
        [one, three, two, last],
        [one, two, two, three, last],
        [one, three, last],
        [last],
        [one, two, three, last, last],
        [one, two, three, last, b"x"],
    ):
        with pytest.raises(BackupRefused):
            read(head + b"".join(moved))


def test_a_chunk_of_another_file_does_not_fit() -> None:
    ours = pieces(sealed())
    other = pieces(sealed(header=replace(HEADER, salt="cd" * 32)))
    with pytest.raises(BackupRefused, match="altered or damaged"):
        read(b"".join([*ours[:2], other[2], *ours[3:]]))
    with pytest.raises(BackupRefused, match="altered or damaged"):
        read(b"".join([other[0], *ours[1:]]))


@pytest.mark.parametrize("kind", ["backup", "keys"])
def test_another_secret_key_is_told_from_a_damaged_file(kind: Kind) -> None:
    header = replace(HEADER, kind=kind, key_id=current_key_id(KEYRING, kind))
    content = sealed(header=header)
    with pytest.raises(BackupRefused, match="XINSHENG_SECRET_KEYS"):
        read(content, Keyring((b"1" * 32,)))
    assert read(content, Keyring((b"1" * 32, b"0" * 32))) == WRITTEN


def test_keys_and_backups_are_sealed_under_unlike_keys() -> None:
    content = sealed()
    line = content.split(b"\n")[1]
    forged = json.dumps({**json.loads(line), "kind": "keys"}, separators=(",", ":")).encode()
    with pytest.raises(BackupRefused, match="altered or damaged"):
        read(content.replace(line, forged))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PGDMP\x01\x0e\x00",
        b"x" * 10_000,
        b"xinsheng backup 1\n",
        b"xinsheng backup 1\nnull\n",
        b"xinsheng backup 1\n[]\n",
        b'xinsheng backup 1\n{"kind":[],"id":1}\n',
        b"xinsheng backup 1\n" + b"[" * 5000 + b"\n",
        b"xinsheng backup 1\n" + json.dumps({**HEADER.__dict__, "created_at": 7}).encode() + b"\n",
        b"xinsheng backup 1\n" + json.dumps({**HEADER.__dict__, "key_id": "zz"}).encode() + b"\n",
        b"xinsheng backup 1\n" + json.dumps({**HEADER.__dict__, "salt": None}).encode() + b"\n",
        sealed().replace(b'"key_id":"', b'"key_id":"0').replace(b'"salt":"', b'"salt":"0'),
    ],
)
def test_files_of_another_form_are_refused(content: bytes) -> None:
    with pytest.raises(BackupRefused):
        read(content)


def test_a_form_of_the_future_is_named_so() -> None:
    with pytest.raises(BackupRefused, match="newer version"):
        read(sealed().replace(b"backup 1\n", b"backup 2\n", 1))
