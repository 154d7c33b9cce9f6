"""What the operator sets from outside: the XINSHENG_… environment variables."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

MIN_KEY_BYTES = 32
KEYS_FILE = "secret-keys"


class SettingsError(RuntimeError):
    """A setting is missing or wrong. The message says which, and what would be right."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one deployment; every field has its variable in docs/settings.md."""

    data_dir: Path
    database_url: str | None
    secret_keys: tuple[bytes, ...]
    public_url: str


def default_data_dir() -> Path:
    """Where data is kept when nobody says: a system folder for root, else the user's own."""
    if os.geteuid() == 0:
        return Path("/var/lib/xinsheng")
    return Path.home() / ".local" / "share" / "xinsheng"


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Errors: SettingsError naming the variable. With the embedded database the secret keys are
    made on first use and kept in the data directory, readable by its owner alone.
    """
    data_dir = Path(environment.get("XINSHENG_DATA_DIR") or default_data_dir()).absolute()
    database_url = _database_url(environment)
    return Settings(
        data_dir=data_dir,
        database_url=database_url,
        secret_keys=_secret_keys(environment, data_dir, external=database_url is not None),
        public_url=_public_url(environment),
    )


def _database_url(environment: Mapping[str, str]) -> str | None:
    url = environment.get("XINSHENG_DATABASE_URL")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("postgresql", "postgres") and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise SettingsError(
            "XINSHENG_DATABASE_URL must look like postgresql://user:password@host:5432/database"
        )
    return url


def _public_url(environment: Mapping[str, str]) -> str:
    url = (environment.get("XINSHENG_PUBLIC_URL") or "http://127.0.0.1:8000").rstrip("/")
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise SettingsError("XINSHENG_PUBLIC_URL must look like https://survey.example.org")
    return url


def _secret_keys(
    environment: Mapping[str, str], data_dir: Path, *, external: bool
) -> tuple[bytes, ...]:
    given = environment.get("XINSHENG_SECRET_KEYS")
    if given:
        return _parsed_keys(given, "XINSHENG_SECRET_KEYS")
    if external:
        raise SettingsError(
            "XINSHENG_SECRET_KEYS is required with XINSHENG_DATABASE_URL: one or more keys of at "
            f"least {MIN_KEY_BYTES} bytes, separated by commas; `openssl rand -hex 32` makes one"
        )
    path = data_dir / KEYS_FILE
    try:
        if not path.exists():
            _make_keys_file(path)
        kept = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(f"{path} cannot be used ({reason}): see XINSHENG_DATA_DIR") from error
    return _parsed_keys(kept, f"{path} (or XINSHENG_SECRET_KEYS)")


def _parsed_keys(text: str, source: str) -> tuple[bytes, ...]:
    keys = tuple(
        part.strip().encode(errors="surrogateescape") for part in text.split(",") if part.strip()
    )
    if not keys or any(len(key) < MIN_KEY_BYTES for key in keys):
        raise SettingsError(
            f"{source} needs keys of at least {MIN_KEY_BYTES} bytes, separated by commas"
        )
    return keys


def _make_keys_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written aside and linked, so that two processes starting at once agree on one key.
    draft = path.with_name(f"{KEYS_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
