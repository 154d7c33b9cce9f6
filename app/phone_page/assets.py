"""What stands beside the page: named by its content, put together and compressed once."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from app.core import encodings

_FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_SCRIPT = ("form.js", "checking.js", "kept.js", "sending.js", "advancing.js", "opening.js")
"""The parts of page.js, in their order: one request on a bad line, several files to read here."""
_FILES = ("page.css", "share.js", "card.png")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that never changes under its name."""

    name: str
    media_type: str
    bodies: dict[str, bytes]
    """By encoding; a picture, which is compressed in itself, has `identity` alone."""


def _asset(plain: str, body: bytes) -> Asset:
    stem, dot, kind = plain.partition(".")
    digest = hashlib.sha256(body).hexdigest()[:12]
    media_type = _MEDIA_TYPES[dot + kind]
    bodies = {encodings.IDENTITY: body}
    if media_type.startswith("text/"):
        bodies = {one: encodings.smallest(one, body) for one in encodings.OFFERED}
    return Asset(f"{stem}.{digest}{dot}{kind}", media_type, bodies)


def _script() -> bytes:
    parts = "\n".join((_FOLDER / part).read_text("utf-8") for part in _SCRIPT)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'.encode()


_ASSETS = {
    "page.js": _asset("page.js", _script()),
    **{plain: _asset(plain, (_FOLDER / plain).read_bytes()) for plain in _FILES},
}
NAMES = {plain: asset.name for plain, asset in _ASSETS.items()}
"""The present name of each file, by its plain name such as page.css."""
ASSETS = {asset.name: asset for asset in _ASSETS.values()}
"""Every file by its present name, such as page.0123456789ab.css."""
