"""The keyring: subkeys by purpose, rotation, wrapped keys bound to their place."""

from typing import get_args

import pytest

from app.core.keyring import Keyring, Purpose, WrongKeyError

OLD = b"o" * 32
NEW = b"n" * 32
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def test_subkeys_never_change() -> None:
    """Else every wrapped key, token and invitation out there would die with an upgrade."""
    found = Keyring((b"0123456789abcdef0123456789abcdef",)).current("campaign-key")
    assert found.id.hex() == "7d2a1bf3"
    assert found.key.hex() == "51829b9e53580fe399430f8cfa9718f955bdef9934ca7c5ff1ad3cc1947f1925"


def test_subkeys_differ_by_purpose_and_by_secret() -> None:
    subkeys = [subkey for purpose in PURPOSES for subkey in Keyring((OLD, NEW)).all(purpose)]
    assert len({subkey.key for subkey in subkeys}) == len(PURPOSES) * 2
    assert all(len(subkey.key) == 32 for subkey in subkeys)
    assert len({subkey.id for subkey in subkeys}) == 2


def test_no_subkey_is_its_secret() -> None:
    for purpose in PURPOSES:
        assert Keyring((OLD,)).current(purpose).key != OLD


def test_the_first_key_signs_and_all_verify() -> None:
    before, after = Keyring((OLD,)), Keyring((NEW, OLD))
    assert after.current("invitation") == Keyring((NEW,)).current("invitation")
    old = before.current("invitation")
    assert after.find("invitation", old.id) == old
    assert Keyring((NEW,)).find("invitation", old.id) is None
    assert after.find("invitation", b"") is None


def test_what_was_wrapped_is_unwrapped_in_its_place() -> None:
    keyring = Keyring((OLD,))
    wrapped = keyring.wrap(b"campaign key", context=b"7/identity")
    assert keyring.unwrap(wrapped, context=b"7/identity") == b"campaign key"
    assert b"campaign key" not in wrapped
    assert wrapped != keyring.wrap(b"campaign key", context=b"7/identity")


@pytest.mark.parametrize("context", [b"", b"8/identity", b"7/receipt", b"7/identity "])
def test_a_wrapped_key_moved_elsewhere_does_not_open(context: bytes) -> None:
    keyring = Keyring((OLD,))
    wrapped = keyring.wrap(b"campaign key", context=b"7/identity")
    with pytest.raises(WrongKeyError):
        keyring.unwrap(wrapped, context=context)


def test_a_wrapped_key_that_was_altered_or_cut_does_not_open() -> None:
    keyring = Keyring((OLD,))
    wrapped = keyring.wrap(b"campaign key", context=b"c")
    for index in range(len(wrapped)):
        altered = wrapped[:index] + bytes([wrapped[index] ^ 1]) + wrapped[index + 1 :]
        with pytest.raises(WrongKeyError):
            keyring.unwrap(altered, context=b"c")
        with pytest.raises(WrongKeyError):
            keyring.unwrap(wrapped[:index], context=b"c")


def test_a_wrapped_key_survives_rotation_while_its_secret_is_kept() -> None:
    wrapped = Keyring((OLD,)).wrap(b"campaign key", context=b"c")
    assert Keyring((NEW, OLD)).unwrap(wrapped, context=b"c") == b"campaign key"
    with pytest.raises(WrongKeyError, match="XINSHENG_SECRET_KEYS"):
        Keyring((NEW,)).unwrap(wrapped, context=b"c")
