"""The style and the script beside the page: named by their content, compressed once."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that never changes under its name."""

    name: str
    media_type: str
    body: bytes
    gzipped: bytes


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:12]
    name = f"{path.stem}.{digest}{path.suffix}"
    return Asset(name, _MEDIA_TYPES[path.suffix], body, gzip.compress(body, 9, mtime=0))


_FILES = {path.name: _read(path) for path in sorted(_FOLDER.iterdir())}
NAMES = {plain: asset.name for plain, asset in _FILES.items()}
"""The present name of each file, by its plain name such as page.css."""
ASSETS = {asset.name: asset for asset in _FILES.values()}
"""Every file by its present name, such as page.0123456789ab.css."""
