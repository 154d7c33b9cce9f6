"""How often something was asked: counted in memory, minute by minute.

What comes near its limit is added up with other processes' counts; see `sharing`.
"""

import hashlib
from collections.abc import Mapping
from time import time as _now
from typing import NamedTuple

from app.core.metrics import LIMITED
from app.core.problems import Problem

WINDOW_SECONDS = 60
_SHARED_FROM = 16
"""A count is shared from this fraction of its limit on."""
_MOST_KEYS = 200_000
"""Keys that are counted at most, so that a flood of addresses cannot fill the memory."""


class Standing(NamedTuple):
    """How a key stands to its limit in this window."""

    policy: str
    most: int
    used: int
    seconds_left: int

    @property
    def exceeded(self) -> bool:
        """Whether there were more than the limit allows."""
        return self.used > self.most

    def text(self) -> str:
        """The header `RateLimit` (draft-ietf-httpapi-ratelimit-headers)."""
        left = max(0, self.most - self.used)
        return f'"{self.policy}";r={left};t={self.seconds_left}'

    def headers(self) -> dict[str, str]:
        """Both headers, `RateLimit-Policy` and `RateLimit`."""
        return {"RateLimit-Policy": policy_text(self.policy, self.most), "RateLimit": self.text()}


def policy_text(policy: str, most: int) -> str:
    """The header `RateLimit-Policy`: a limit's name, and how much it admits in what time."""
    return f'"{policy}";q={most};w={WINDOW_SECONDS}'


class TooMany(Problem):
    """A limit is used up; the reply says which, and when it is free again."""

    slug, status = "too-many-requests", 429
    title = "That was asked too often"
    remedy = (
        "Wait for the seconds in Retry-After. The RateLimit headers say how many requests are left."
    )

    def __init__(self, standing: Standing | None = None) -> None:
        headers = {}
        if standing is not None:
            LIMITED.labels(standing.policy).inc()
            headers = {"Retry-After": str(standing.seconds_left), **standing.headers()}
        super().__init__(headers=headers)


class _Count:
    """What one key has used in this window."""

    __slots__ = ("elsewhere", "here", "told")

    def __init__(self) -> None:
        self.here = 0
        self.told = 0
        """What of `here` the table knows."""
        self.elsewhere = 0


class Limits:
    """One process's counts of this minute."""

    def __init__(self, per_minute: Mapping[str, int]) -> None:
        self._most = dict(per_minute)
        self._window = 0
        self._counts: dict[tuple[str, str | bytes], _Count] = {}

    def count(self, policy: str, key: str | bytes) -> Standing:
        """Count one, and say how the key stands now."""
        now = self._turned()
        count = self._counts.get((policy, key))
        if count is None:
            count = _Count()
            if len(self._counts) < _MOST_KEYS:
                self._counts[policy, key] = count
        count.here += 1
        return self._standing(policy, count, now)

    def admit(self, policy: str, key: str | bytes) -> Standing:
        """Count one that is about to be done. Errors: TooMany."""
        standing = self.count(policy, key)
        if standing.exceeded:
            raise TooMany(standing)
        return standing

    def check(self, policy: str, key: str | bytes) -> None:
        """Count nothing. Errors: TooMany where the limit is used up."""
        now = self._turned()
        count = self._counts.get((policy, key))
        if count is not None and count.here + count.elsewhere >= self._most[policy]:
            raise TooMany(self._standing(policy, count, now))

    def near(self) -> tuple[int, dict[bytes, int]]:
        """This minute, and by hash of key what other processes don't know yet of counts that
        come near their limit."""
        self._turned()
        return self._window, {
            _digest(*key): count.here - count.told
            for key, count in self._counts.items()
            if (count.here + count.elsewhere) * _SHARED_FROM >= self._most[key[0]]
        }

    def learn(self, minute: int, told: Mapping[bytes, int], totals: Mapping[bytes, int]) -> None:
        """Take in what all processes have counted, after they were told of these."""
        self._turned()
        if minute != self._window:
            return
        for key, count in self._counts.items():
            digest = _digest(*key)
            if digest in totals:
                count.told += told[digest]
                count.elsewhere = totals[digest] - count.told

    def _turned(self) -> float:
        now = _now()
        window = int(now) // WINDOW_SECONDS
        if window != self._window:
            self._window = window
            self._counts = {}
        return now

    def _standing(self, policy: str, count: _Count, now: float) -> Standing:
        left = WINDOW_SECONDS - int(now) % WINDOW_SECONDS
        return Standing(policy, self._most[policy], count.here + count.elsewhere, left)


def _digest(policy: str, key: str | bytes) -> bytes:
    plain = key if isinstance(key, bytes) else key.encode()
    return hashlib.blake2b(policy.encode() + b"\0" + plain, digest_size=16).digest()
