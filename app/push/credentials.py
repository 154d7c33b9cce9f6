"""Where the server is and who we are there: from the environment or a file, never an argument."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.push.wording import Stopped

FILE = Path("~/.config/xinsheng/credentials")
_NAMES = ("XINSHENG_CLIENT_ID", "XINSHENG_CLIENT_SECRET", "XINSHENG_SERVER")
_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Credentials:
    """A server's address, without a slash at its end, and a client's credentials for it."""

    server: str
    client_id: str
    secret: str = field(repr=False)


def load(
    server: str | None,
    file: Path | None,
    *,
    plain_http: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> Credentials:
    """What the environment says, and where it says nothing the file. Errors: Stopped."""
    said = {name: environment[name] for name in _NAMES if environment.get(name)}
    path = (file or FILE).expanduser()
    if file is not None or (len(said) < len(_NAMES) and path.exists()):
        said = {**_read(path), **said}
    client_id, secret = said.get("XINSHENG_CLIENT_ID"), said.get("XINSHENG_CLIENT_SECRET")
    if not client_id or not secret:
        raise Stopped(
            "没有凭据：请设置环境变量 XINSHENG_CLIENT_ID 和 XINSHENG_CLIENT_SECRET，"
            f"或写入文件 {FILE}（权限 0600）。",
            "There are no credentials: set XINSHENG_CLIENT_ID and XINSHENG_CLIENT_SECRET in the "
            f"environment, or write them to {FILE} (mode 0600).",
        )
    address = (server or said.get("XINSHENG_SERVER") or "").rstrip("/")
    return Credentials(_checked(address, plain_http), client_id, secret)


def _checked(address: str, plain_http: bool) -> str:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.username or parts.query:
        raise Stopped(
            "请用 --server 或 XINSHENG_SERVER 给出服务器地址，例如 https://survey.example.cn 。",
            "Say where the server is by --server or XINSHENG_SERVER, such as "
            "https://survey.example.cn",
        )
    if parts.scheme == "http" and host not in _HERE and not plain_http:
        raise Stopped(
            "http:// 会明文传送密钥和电话号码，请用 https:// （内网确无 TLS 时加 --plain-http）。",
            "Over http:// the secret and the phone numbers would travel in the clear: use "
            "https:// (or say --plain-http, in a network of your own without TLS).",
        )
    return address


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as opened:
            mode = os.fstat(opened.fileno())
            text = opened.read(1 << 16).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Stopped(f"无法读取凭据文件 {path}。", f"{path} cannot be read.") from error
    if stat.S_IMODE(mode.st_mode) & 0o077:
        raise Stopped(
            f"其他用户可以读取 {path}：请先执行 chmod 600 {path} 。",
            f"Others may read {path}: chmod 600 {path} first.",
        )
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip() in _NAMES}
