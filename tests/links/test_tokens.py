"""Invitation tokens: what is ours, and nothing else."""

import base64
import string

import pytest

from app.core.keyring import Keyring
from app.links.invitations import parse, token, tokens

OLD, NEW, OTHER = (letter * 32 for letter in (b"o", b"n", b"x"))
KEYRING = Keyring((NEW, OLD))
SIGNER = KEYRING.current("invitation")


def decoded(text: str) -> bytes:
    """The bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@pytest.mark.parametrize("batch", [1, 255, 2**31 - 1])
@pytest.mark.parametrize("serial", [0, 1, 999_999])
def test_a_token_says_which_invitation_it_is(batch: int, serial: int) -> None:
    made = token(SIGNER, batch, serial)
    assert len(made) == 27
    assert decoded(made)[:8] == batch.to_bytes(4, "big") + serial.to_bytes(4, "big")
    assert parse(KEYRING, made) == (batch, serial)


def test_the_tokens_of_a_batch_are_always_the_same_and_all_different() -> None:
    first = list(tokens(SIGNER, 7, 500))
    assert first == list(tokens(SIGNER, 7, 500))
    assert [parse(KEYRING, one) for one in first] == [(7, serial) for serial in range(500)]
    assert not set(first) & set(tokens(SIGNER, 8, 500))


def test_any_changed_byte_spoils_it() -> None:
    content = decoded(token(SIGNER, 258, 772))
    for position in range(len(content)):
        for change in (1, 2, 128, 255):
            changed = bytearray(content)
            changed[position] ^= change
            assert parse(KEYRING, encoded(bytes(changed))) is None


def test_any_changed_character_spoils_it() -> None:
    made = token(SIGNER, 1, 0)
    alphabet = string.ascii_letters + string.digits + "-_"
    for position, character in enumerate(made):
        for other in alphabet:
            if other != character:
                assert parse(KEYRING, made[:position] + other + made[position + 1 :]) is None


def test_one_token_has_one_spelling() -> None:
    made = token(SIGNER, 1, 0)
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    twins = [made[:-1] + last for last in alphabet if decoded(made[:-1] + last) == decoded(made)]
    assert len(twins) == 4
    assert [one for one in twins if parse(KEYRING, one)] == [made]
    with_dashes = next(one for one in tokens(SIGNER, 1, 1_000) if "-" in one and "_" in one)
    assert parse(KEYRING, with_dashes)
    for spelling in (
        with_dashes.replace("-", "+").replace("_", "/"),
        f"{made}=",
        f" {made}",
        f"{made}\n",
        made + "A",
        made[:-1],
        made[:13] + "\n" + made[13:],
        made[:13] + "." + made[14:],
    ):
        assert parse(KEYRING, spelling) is None


def test_what_is_no_token_is_none() -> None:
    wide = "".join(chr(ord(character) + 0xFEE0) for character in "A" * 27)
    for text in ("", "A" * 27, "A" * 28, "x" * 100_000, wide, "é" * 27, "\x00" * 27, "\ud800" * 27):
        assert parse(KEYRING, text) is None
    assert parse(KEYRING, encoded(bytes(19))) is None
    assert parse(KEYRING, encoded(bytes(21))) is None


def test_every_key_of_the_ring_verifies_and_no_other() -> None:
    old = token(Keyring((OLD,)).current("invitation"), 3, 4)
    assert parse(KEYRING, old) == (3, 4)
    assert parse(Keyring((NEW,)), old) is None
    assert parse(KEYRING, token(Keyring((OTHER,)).current("invitation"), 3, 4)) is None
    assert parse(KEYRING, token(KEYRING.current("device-proof"), 3, 4)) is None
