"""The page's own files, and Apache ECharts: named by what they hold, compressed at first request.

Scripts import each other by relative addresses, so all of the page's own lie under one name, that
of all of them together.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from app.core import encodings

STATIC = Path(__file__).parent / "static"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
_CARRIER = "instaui_echarts"
"""The wheel that carries ECharts; it is never imported."""


@dataclass(frozen=True)
class File:
    """A file that never changes under its name."""

    media_type: str
    body: bytes
    compress: encodings.Compress
    _bodies: dict[str, bytes] = field(default_factory=dict)

    def encoded(self, encoding: str) -> bytes:
        """The body in an encoding; the first time it takes up to half a second."""
        if encoding not in self._bodies:
            self._bodies[encoding] = self.compress(encoding, self.body)
        return self._bodies[encoding]


@cache
def files() -> Mapping[str, File]:
    """Every file by its path below /static/results/, such as 0123456789ab/page.js."""
    own = {
        path.relative_to(STATIC).as_posix(): path.read_bytes()
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in _MEDIA_TYPES
    }
    whole = _digest(*(part for name, body in own.items() for part in (name.encode(), body)))
    charts = echarts().read_bytes()
    found = {
        f"{whole}/{name}": File(_MEDIA_TYPES[Path(name).suffix], body, encodings.smallest)
        for name, body in own.items()
    }
    # A megabyte: as small as can be would take seconds and save a tenth.
    found[f"{_digest(charts)}/echarts.js"] = File("text/javascript", charts, encodings.soon)
    return found


def paths(ending: str) -> list[str]:
    """The paths of the files whose name ends so, such as /page.js: all of that kind."""
    return [path for path in files() if path.endswith(ending)]


def echarts() -> Path:
    """Where Apache ECharts lies. Errors: RuntimeError where its wheel is not installed."""
    spec = find_spec(_CARRIER)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{_CARRIER} is not installed: scripts/install installs what is locked")
    return Path(spec.origin).parent / "static" / "echarts.esm.min.js"


def _digest(*parts: bytes) -> str:
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(8))
        hashed.update(part)
    return hashed.hexdigest()[:12]
