"""What the operator sets from outside: the XINSHENG_… environment variables."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from app.core import secret_keys
from app.core.addresses import Network, networks
from app.core.limits.policies import PER_MINUTE
from app.core.logging import Level
from app.core.thresholds import DEFAULTS, parsed

KEYS_FILE = "secret-keys"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_WECHAT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_VERIFY_FILE = re.compile(r"((?:MP|WW)_verify_[A-Za-z0-9]{1,64}\.txt)=([A-Za-z0-9]{1,64})")


class SettingsError(RuntimeError):
    """A setting is missing or wrong. The message says which, and what would be right."""


@dataclass(frozen=True, kw_only=True)
class WeChatAccount:
    """The official account in whose name people are recognised, and where WeChat is asked."""

    app_id: str
    app_secret: str = field(repr=False)
    api_base: str
    authorize_base: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one deployment; every field has its variable in docs/settings.md."""

    data_dir: Path
    database_url: str | None
    secret_keys: tuple[bytes, ...]
    public_url: str
    database_read_url: str | None = None
    """A replica that long reads go to; None: the database itself."""
    keys_file: Path | None = None
    """Where the secret keys are kept; None where they were given by themselves."""
    log_level: Level = "warning"
    trusted_proxies: tuple[Network, ...] = ()
    """Networks whose word on a client's address is taken."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that it is reached by, besides the one in `public_url`."""
    limits: Mapping[str, int] = field(default_factory=PER_MINUTE.copy)
    """Requests a minute, by policy; see `core.limits.policies`."""
    quality: Mapping[str, float | None] = field(default_factory=lambda: dict(DEFAULTS))
    """What makes responses doubtful, by name; see `core.thresholds`. None: switched off."""
    migrates: bool = False
    """Whether a start may migrate an external database that has something in it."""
    backup_dir: Path | None = None
    """Where backups go; None: `backups` in the data directory."""
    wechat: WeChatAccount | None = None
    """None: nobody is recognised by WeChat."""
    verify_files: Mapping[str, str] = field(default_factory=dict)
    """Files by which WeChat checks that a domain is ours, by name, with their content."""

    @property
    def backups(self) -> Path:
        """Where backups go unless another place is named."""
        return self.backup_dir or self.data_dir / "backups"


def default_data_dir() -> Path:
    """Where data is kept when nobody says: a system folder for root, else the user's own."""
    if os.geteuid() == 0:
        return Path("/var/lib/xinsheng")
    return Path.home() / ".local" / "share" / "xinsheng"


def load(environment: Mapping[str, str] = os.environ, *, make_keys: bool = True) -> Settings:
    """Read the settings.

    Errors: SettingsError naming the variable. With the embedded database the secret keys are
    made on first use and kept in the data directory, readable by its owner alone; without
    `make_keys`, for those who only look, that there are none is an error.
    """
    data_dir = Path(environment.get("XINSHENG_DATA_DIR") or default_data_dir()).absolute()
    database_url = _postgresql(environment.get("XINSHENG_DATABASE_URL"), "XINSHENG_DATABASE_URL")
    keys_file = _keys_file(environment, data_dir, external=database_url is not None)
    return Settings(
        data_dir=data_dir,
        database_url=database_url,
        database_read_url=_postgresql(
            environment.get("XINSHENG_DATABASE_READ_URL"), "XINSHENG_DATABASE_READ_URL"
        ),
        keys_file=keys_file,
        secret_keys=_secret_keys(environment, keys_file, make=make_keys),
        public_url=_public_url(environment),
        log_level=_log_level(environment),
        trusted_proxies=_trusted_proxies(environment),
        allowed_hosts=_allowed_hosts(environment),
        limits=_limits(environment),
        quality=_quality(environment),
        migrates=_migrates(environment),
        backup_dir=_backup_dir(environment),
        wechat=_wechat(environment),
        verify_files=_verify_files(environment),
    )


def _postgresql(url: str | None, name: str) -> str | None:
    if not url:
        return None
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("postgresql", "postgres") and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise SettingsError(f"{name} must look like postgresql://user:password@host:5432/database")
    return url


def _public_url(environment: Mapping[str, str]) -> str:
    url = environment.get("XINSHENG_PUBLIC_URL") or "http://127.0.0.1:8000"
    return _web_address(url, "XINSHENG_PUBLIC_URL", "https://survey.example.org")


def _web_address(given: str, name: str, such_as: str) -> str:
    url = given.rstrip("/")
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise SettingsError(f"{name} must look like {such_as}")
    return url


def _log_level(environment: Mapping[str, str]) -> Level:
    given = (environment.get("XINSHENG_LOG_LEVEL") or "warning").strip().lower()
    levels: tuple[Level, ...] = get_args(Level)
    for level in levels:
        if given == level:
            return level
    raise SettingsError(f"XINSHENG_LOG_LEVEL must be one of {', '.join(levels)}")


def _listed(text: str | None) -> list[str]:
    return [one for one in re.split(r"[,\s]+", text or "") if one]


def _trusted_proxies(environment: Mapping[str, str]) -> tuple[Network, ...]:
    try:
        return networks(_listed(environment.get("XINSHENG_TRUSTED_PROXIES")))
    except ValueError as error:
        raise SettingsError(
            "XINSHENG_TRUSTED_PROXIES must list addresses or networks, such as 127.0.0.1"
        ) from error


def _allowed_hosts(environment: Mapping[str, str]) -> tuple[str, ...]:
    found = tuple(one.lower() for one in _listed(environment.get("XINSHENG_ALLOWED_HOSTS")))
    if not all(_HOST.fullmatch(one) for one in found):
        raise SettingsError(
            "XINSHENG_ALLOWED_HOSTS must list names without ports, such as survey.example.org"
        )
    return found


def _limits(environment: Mapping[str, str]) -> dict[str, int]:
    limits = dict(PER_MINUTE)
    for one in _listed(environment.get("XINSHENG_LIMITS")):
        name, _, number = one.partition("=")
        if name not in limits or not number.isascii() or not number.isdigit() or int(number) < 1:
            raise SettingsError(
                "XINSHENG_LIMITS must list requests a minute, such as client=30000, proof=600; "
                f"the names are {', '.join(limits)}"
            )
        limits[name] = int(number)
    return limits


def _quality(environment: Mapping[str, str]) -> dict[str, float | None]:
    try:
        return parsed(_listed(environment.get("XINSHENG_QUALITY")))
    except ValueError as error:
        raise SettingsError(
            f"XINSHENG_QUALITY must list thresholds, such as fast=0.2, burst=off; {error}"
        ) from error


def _migrates(environment: Mapping[str, str]) -> bool:
    given = (environment.get("XINSHENG_MIGRATE") or "0").strip()
    if given not in ("0", "1"):
        raise SettingsError("XINSHENG_MIGRATE must be 1 (yes) or 0 (no)")
    return given == "1"


def _backup_dir(environment: Mapping[str, str]) -> Path | None:
    given = environment.get("XINSHENG_BACKUP_DIR")
    return Path(given).absolute() if given else None


def _wechat(environment: Mapping[str, str]) -> WeChatAccount | None:
    app_id = (environment.get("XINSHENG_WECHAT_APP_ID") or "").strip()
    app_secret = (environment.get("XINSHENG_WECHAT_APP_SECRET") or "").strip()
    api_base, authorize_base = "https://api.weixin.qq.com", "https://open.weixin.qq.com"
    if given := environment.get("XINSHENG_WECHAT_API_BASE"):
        api_base = _web_address(given, "XINSHENG_WECHAT_API_BASE", api_base)
    if given := environment.get("XINSHENG_WECHAT_AUTHORIZE_BASE"):
        authorize_base = _web_address(given, "XINSHENG_WECHAT_AUTHORIZE_BASE", authorize_base)
    if not app_id and not app_secret:
        return None
    if not _WECHAT_ID.fullmatch(app_id) or not _WECHAT_ID.fullmatch(app_secret):
        raise SettingsError(
            "XINSHENG_WECHAT_APP_ID and XINSHENG_WECHAT_APP_SECRET belong together: set both, as "
            "mp.weixin.qq.com shows them, or neither"
        )
    return WeChatAccount(
        app_id=app_id, app_secret=app_secret, api_base=api_base, authorize_base=authorize_base
    )


def _verify_files(environment: Mapping[str, str]) -> dict[str, str]:
    files = {}
    for one in _listed(environment.get("XINSHENG_VERIFY_FILES")):
        found = _VERIFY_FILE.fullmatch(one)
        if found is None:
            raise SettingsError(
                "XINSHENG_VERIFY_FILES must list files with their content, such as "
                "MP_verify_abc123.txt=abc123, WW_verify_xyz.txt=xyz"
            )
        files[found[1]] = found[2]
    return files


def _keys_file(environment: Mapping[str, str], data_dir: Path, *, external: bool) -> Path | None:
    if environment.get("XINSHENG_SECRET_KEYS"):
        return None
    if given := environment.get("XINSHENG_SECRET_KEYS_FILE"):
        return Path(given).absolute()
    if external:
        raise SettingsError(
            "XINSHENG_SECRET_KEYS is required with XINSHENG_DATABASE_URL, or "
            "XINSHENG_SECRET_KEYS_FILE: one or more keys of at least "
            f"{secret_keys.MIN_BYTES} bytes, separated by commas; `openssl rand -hex 32` makes one"
        )
    return data_dir / KEYS_FILE


def _secret_keys(
    environment: Mapping[str, str], path: Path | None, *, make: bool
) -> tuple[bytes, ...]:
    if path is None:
        return _parsed_keys(environment.get("XINSHENG_SECRET_KEYS") or "", "XINSHENG_SECRET_KEYS")
    try:
        if not path.exists():
            if not make or environment.get("XINSHENG_SECRET_KEYS_FILE"):
                raise SettingsError(
                    f"{path} is not there: the first start makes the one in the data directory, "
                    "and a restore needs that of the deployment that was backed up"
                )
            secret_keys.make(path)
        kept = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(f"{path} cannot be used ({reason}): see XINSHENG_DATA_DIR") from error
    return _parsed_keys(kept, f"{path} (or XINSHENG_SECRET_KEYS)")


def _parsed_keys(text: str, source: str) -> tuple[bytes, ...]:
    try:
        return secret_keys.parsed(text)
    except ValueError as error:
        raise SettingsError(f"{source} {error}") from error
