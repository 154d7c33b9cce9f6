"""The state: what it carries, that it fits WeChat, and that nobody reads or makes one."""

import re
from datetime import timedelta

import pytest

from app.core import clock
from app.core.keyring import Keyring
from app.identity.wechat import states

KEYRING = Keyring((b"a" * 32,))
TOKEN_PATH = "/i/" + "A" * 33
"""Longer than an invitation's address is today."""


def made(path: str = "/s/abcd1234", **more: bool | int | str | None) -> tuple[str, str]:
    nonce = states.new_nonce()
    return nonce, states.make(KEYRING, nonce, path, clock.now(), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/s/abcd1234", TOKEN_PATH])
def test_it_carries_where_somebody_came_from(path: str) -> None:
    nonce, text = made(path, again=True, child=9, locale="zh-CN")
    state = states.read(KEYRING, text)
    assert state is not None
    assert (state.path, state.again, state.child, state.locale) == (path, True, 9, "zh-CN")
    assert state.is_of(nonce)
    assert not state.is_of(states.new_nonce())
    assert not state.is_of(None)
    assert timedelta(minutes=9) < state.until - clock.now() <= timedelta(minutes=10)


def test_it_is_within_what_wechat_lets_through_and_says_nothing() -> None:
    _, text = made(TOKEN_PATH, child=9, locale="en-GB-xx")
    assert re.fullmatch(r"[a-zA-Z0-9]{1,128}", text)
    assert made()[1] != made()[1]
    assert "abcd1234" not in made()[1]


def test_a_language_that_does_not_fit_is_left_behind() -> None:
    for locale in ("zh-Hant-TW-x-private", "中文中文中文中文", "a b", "\0\0", "x" * 5000, ""):
        _, text = made(TOKEN_PATH, locale=locale)
        assert len(text) <= 128
        state = states.read(KEYRING, text)
        assert state is not None
        assert state.locale is None


def test_one_that_we_did_not_make_is_none() -> None:
    _, text = made()
    other = Keyring((b"b" * 32,))
    assert states.read(other, text) is None
    for forged in (
        None,
        "",
        "0",
        "x" * 128,
        "0" * 128,
        text + "0",
        text[:-1],
        text[::-1],
        "é" * 50,
    ):
        assert states.read(KEYRING, forged) is None


def test_a_key_behind_the_first_still_reads_it() -> None:
    _, text = made()
    assert states.read(Keyring((b"new" * 16, b"a" * 32)), text) is not None


def test_every_changed_character_makes_it_void() -> None:
    _, text = made()
    for place in range(len(text)):
        changed = text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]
        assert states.read(KEYRING, changed) is None
