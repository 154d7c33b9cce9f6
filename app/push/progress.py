"""How far it is: a bar on a terminal, a line now and then elsewhere."""

import sys
import time

from app.push.wording import Said

_WIDTH = 30
_EVERY_SECONDS = 10.0


class Progress:
    """Counts items as they are dealt with."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._began = time.monotonic()
        self._told = self._began
        self._is_terminal = sys.stderr.isatty()

    def add(self, items: int) -> None:
        """So many more are done."""
        self._done += items
        now = time.monotonic()
        if self._is_terminal:
            sys.stderr.write(f"\r\x1b[K{self._bar()} {self._line(now)}")
            sys.stderr.flush()
        elif now - self._told >= _EVERY_SECONDS or self._done >= self._total:
            self._told = now
            sys.stderr.write(f"{self._line(now)}\n")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the bar's line."""
        if self._is_terminal and self._done:
            sys.stderr.write("\n")

    def _bar(self) -> str:
        full = _WIDTH * self._done // max(self._total, 1)
        return "█" * full + "░" * (_WIDTH - full)

    def _line(self, now: float) -> str:
        pace = self._done / max(now - self._began, 0.001)
        share = 100 * self._done // max(self._total, 1)
        numbers = f"{self._done:,}/{self._total:,}"
        return str(
            Said(f"{numbers} 条 {share}% 每秒 {pace:,.0f}", f"{numbers} {share}% {pace:,.0f}/s")
        )
