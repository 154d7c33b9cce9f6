"""Failures on demand: somebody whose name is one of these meets it."""

CODES = {
    "busy": -1,
    "invalid-code": 40029,
    "used-code": 40163,
    "expired-code": 42003,
    "missing-code": 41008,
    "bad-secret": 40125,
    "bad-app": 40013,
    "not-listed": 40164,
    "bad-credential": 40001,
    "daily-quota": 45009,
    "minute-quota": 45011,
    "undocumented": 99999,
}
"""Names, and the errcode that the exchange of their codes gives."""
OTHERS = {
    "busy-once": "errcode -1 the first time",
    "lost-once": "no reply the first time, though the code is used",
    "broken-once": "HTTP 500 the first time",
    "silent": "no reply at all",
    "broken": "HTTP 500",
    "gone": "HTTP 404",
    "no-json": "a page in the place of JSON",
    "no-openid": "JSON without an openid",
    "snapshot": "a virtual user",
    "declines": "no code",
}
TRICKS = {**{name: f"errcode {code}" for name, code in CODES.items()}, **OTHERS}
"""All of them, with what happens."""
