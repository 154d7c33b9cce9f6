"""The public address: what it is, whether it leads here, its certificate, the proxy before it."""

import asyncio
import http.client
import io
import ipaddress
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from urllib.parse import urlsplit

from app.core import clock
from app.core.addresses import is_within
from app.core.settings import Settings
from app.doctor.findings import Finding, failure, fine, warning

_SECONDS = 10.0
_MOST_BYTES = 64 << 10
_RENEW = timedelta(days=14)
_URGENT = timedelta(days=3)
_BROADEST = {4: 8, 6: 16}
"""Bits of the network, by IP version: wider ones hold people who are no proxies."""
_ALIVE = b'"status":"ok"'
_NO_LINE = "the reply is no HTTP"


@dataclass(frozen=True)
class Seen:
    """What came back from the public address."""

    status: int
    headers: Message
    body: bytes
    expires: datetime | None
    """When its certificate does; None without one."""


async def look(public_url: str, *, seconds: float = _SECONDS) -> Seen:
    """Ask the public address for /healthz; nothing is followed, and all of it takes so long.

    Errors: OSError (also for what TLS refuses, and for time), http.client.HTTPException,
    UnicodeError for a name that there cannot be.
    """
    url = urlsplit(public_url)
    name = (url.hostname or "").encode("idna").decode()
    port = f":{url.port}" if url.port else ""
    secure = ssl.create_default_context() if url.scheme == "https" else None
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(
            name, url.port or (443 if secure else 80), ssl=secure
        )
        try:
            writer.write(
                f"GET {url.path}/healthz HTTP/1.1\r\nHost: {_bracketed(name)}{port}\r\n"
                "User-Agent: xinsheng-doctor\r\nConnection: close\r\n\r\n".encode()
            )
            content = b""
            while len(content) < _MOST_BYTES and (piece := await reader.read(_MOST_BYTES)):
                content += piece
            certificate = writer.get_extra_info("peercert")
        finally:
            writer.close()
    return _read(content, certificate["notAfter"] if certificate else None)


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _read(content: bytes, not_after: str | None) -> Seen:
    line, _, rest = content.partition(b"\r\n")
    parts = line.split()
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/") or not parts[1].isdigit():
        raise http.client.BadStatusLine(_NO_LINE)
    file = io.BytesIO(rest)
    headers = http.client.parse_headers(file)
    expires = None
    if not_after is not None:
        expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(not_after), UTC)
    return Seen(int(parts[1]), headers, file.read(), expires)


def check_public_url(settings: Settings) -> Finding:
    """Whether links that are printed now can be opened by others, and over HTTPS."""
    here = is_loopback(settings.public_url)
    if here and settings.trusted_proxies:
        return failure(
            "public-url",
            f"Links begin with {settings.public_url}, though a proxy stands before the server.",
            "Set XINSHENG_PUBLIC_URL to the address that people open, before printing any link.",
        )
    if here:
        return warning(
            "public-url",
            f"Links begin with {settings.public_url}, which leads nowhere from a phone.",
            "Set XINSHENG_PUBLIC_URL to the address that people open, before printing any link.",
        )
    if not settings.public_url.startswith("https:"):
        return warning(
            "public-url",
            f"Links begin with {settings.public_url}: anybody on the way reads what is answered.",
            "Put a proxy with TLS before it (docs/operating/nginx.conf), and set "
            "XINSHENG_PUBLIC_URL to its https address.",
        )
    return fine("public-url", f"Links begin with {settings.public_url}.")


def is_loopback(public_url: str) -> bool:
    """Whether an address leads to this machine alone."""
    name = urlsplit(public_url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


async def check_reach(public_url: str) -> tuple[Seen | None, list[Finding]]:
    """Whether the public address leads to a Xinsheng, with a certificate that lasts."""
    try:
        seen = await look(public_url)
    except ssl.SSLCertVerificationError as error:
        bad = failure(
            "certificate",
            f"The certificate of {public_url} is refused: {error.verify_message}.",
            "Renew it, with its whole chain (fullchain.pem) and for this very name. Where a bureau "
            "has an authority of its own, its phones must know it, and this machine too "
            "(SSL_CERT_FILE).",
        )
        return None, [bad]
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        reason = str(error) or type(error).__name__
        unreached = warning(
            "reachable",
            f"{public_url}/healthz could not be asked from this machine: {reason}.",
            "Open it on a phone, outside this network. If that fails too, look at the name's "
            "address, the firewall and the proxy. If it works, this machine does not know its "
            "own name: put it into /etc/hosts, so that this check can work.",
        )
        return None, [unreached]
    findings = [_judged(public_url, seen)]
    if seen.expires is not None:
        findings.append(check_certificate(seen.expires - clock.now()))
    return seen, findings


def _judged(public_url: str, seen: Seen) -> Finding:
    if seen.status == 200 and _ALIVE in seen.body:
        return fine("reachable", f"{public_url} leads to Xinsheng.")
    if 300 <= seen.status < 400:
        return failure(
            "reachable",
            f"{public_url} sends people on to {seen.headers.get('Location', 'nowhere')}.",
            "Set XINSHENG_PUBLIC_URL to the address that people end up at.",
        )
    if seen.status in (502, 503, 504):
        return failure(
            "reachable",
            f"A proxy answers at {public_url}, but no server behind it (status {seen.status}).",
            "Start the server, and look at the address that the proxy passes on to.",
        )
    return failure(
        "reachable",
        f"Something else than Xinsheng answers at {public_url} (status {seen.status}).",
        "Look where the name leads, and at the proxy's rules for this name.",
    )


def check_certificate(left: timedelta) -> Finding:
    """How long the certificate lasts."""
    found = f"The certificate is good for another {left.days} days."
    if left >= _RENEW:
        return fine("certificate", found)
    judge = failure if left < _URGENT else warning
    advice = "Renew it, and look why that was not done by itself (certbot renew --dry-run)."
    return judge("certificate", found, advice)


def check_proxy(settings: Settings, seen: Seen | None, recent: Sequence[str]) -> Iterator[Finding]:
    """Whether people's addresses come through the proxy.

    `recent`: the addresses in the latest entries of the audit.
    """
    trusted = settings.trusted_proxies
    if not trusted:
        yield _without_trust(settings, seen)
        return
    broad = [one for one in trusted if one.prefixlen < _BROADEST[one.version]]
    if broad:
        yield failure(
            "proxy",
            f"XINSHENG_TRUSTED_PROXIES holds {broad[0]}: anybody there may claim any address.",
            "List the proxies' own addresses alone, such as 127.0.0.1.",
        )
    elif recent and all(is_within(one, trusted) for one in recent):
        yield warning(
            "proxy",
            f"All of the last {len(recent)} requests in the audit came from the proxy itself.",
            "Have the proxy send X-Forwarded-For (docs/operating/nginx.conf). If these were your "
            "own calls on this machine, all is well.",
        )
    else:
        what = "people's own addresses are seen" if recent else "no request stands in the audit yet"
        yield fine("proxy", f"Trusted proxies are set, and {what}.")


def _without_trust(settings: Settings, seen: Seen | None) -> Finding:
    named = (
        [seen.headers[name] for name in ("Via", "Server") if name in seen.headers] if seen else []
    )
    if not named and not settings.public_url.startswith("https:"):
        return fine("proxy", "There is no sign of a proxy before the server.")
    what = named[0] if named else "What ends TLS"
    return warning(
        "proxy",
        f"{what} stands before the server, and XINSHENG_TRUSTED_PROXIES is empty: everybody "
        "seems to come from the proxy's address, to the limits and in the audit.",
        "Set XINSHENG_TRUSTED_PROXIES to the proxy's address, 127.0.0.1 on the same machine.",
    )
