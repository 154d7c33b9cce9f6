"""The public address: what it is, where it leads, its certificate; against real servers."""

import dataclasses
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core.addresses import networks
from app.core.settings import Settings
from app.doctor import address

ALIVE = b'{"status":"ok"}'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings before anything was set."""
    return Settings(
        data_dir=tmp_path,
        database_url=None,
        secret_keys=(b"k" * 32,),
        public_url="http://127.0.0.1:8000",
    )


@contextmanager
def answering(
    status: int = 200,
    body: bytes = ALIVE,
    *,
    headers: dict[str, str] | None = None,
    secure: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """A server that gives one answer; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if secure:
            server.socket = secure.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"{'https' if secure else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def certificate(folder: Path, days: float, name: str = "127.0.0.1") -> ssl.SSLContext:
    """A server's side of TLS, with a certificate of its own that lasts so long."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "survey.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize(
    ("url", "proxies", "state"),
    [
        ("http://127.0.0.1:8000", [], "warning"),
        ("http://localhost", [], "warning"),
        ("http://[::1]:8000", ["127.0.0.1"], "failure"),
        ("https://127.0.0.1", ["127.0.0.1"], "failure"),
        ("http://survey.example.org", ["127.0.0.1"], "warning"),
        ("https://survey.example.org", ["127.0.0.1"], "ok"),
    ],
)
def test_the_public_address_must_be_one_that_people_can_open(
    settings: Settings, url: str, proxies: list[str], state: str
) -> None:
    given = dataclasses.replace(settings, public_url=url, trusted_proxies=networks(proxies))
    found = address.check_public_url(given)
    assert found.state == state
    assert bool(found.advice) == (state != "ok")


async def test_an_address_that_leads_here_is_well() -> None:
    with answering(headers={"Server": "nginx"}) as url:
        seen, [found] = await address.check_reach(url)
    assert found.state == "ok"
    assert seen is not None
    assert seen.headers["server"] == "nginx"
    assert seen.expires is None


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"Welcome to nginx!", "Something else"),
        (404, ALIVE, "Something else"),
        (502, b"Bad Gateway", "no server behind it"),
    ],
)
async def test_an_address_that_leads_elsewhere_is_found(
    status: int, body: bytes, said: str
) -> None:
    with answering(status, body) as url:
        _, [found] = await address.check_reach(url)
    assert found.state == "failure"
    assert said in found.found


async def test_nobody_is_followed_elsewhere() -> None:
    with (
        answering() as elsewhere,
        answering(301, b"", headers={"Location": f"{elsewhere}/healthz"}) as url,
    ):
        _, [found] = await address.check_reach(url)
    assert found.state == "failure"
    assert elsewhere in found.found


async def test_an_address_that_nobody_answers_at_is_a_warning() -> None:
    with answering() as url:
        pass
    seen, [found] = await address.check_reach(url)
    assert seen is None
    assert found.state == "warning"
    assert "/etc/hosts" in found.advice


@pytest.mark.parametrize("name", ["x" * 70 + ".test", "调查.invalid", "[::1]"])
async def test_a_name_that_leads_nowhere_is_a_warning(name: str) -> None:
    seen, [found] = await address.check_reach(f"http://{name}:9")
    assert seen is None
    assert found.state == "warning"


async def test_one_that_never_answers_is_not_waited_for() -> None:
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent,
        pytest.raises(TimeoutError),
    ):
        await address.look(f"http://127.0.0.1:{silent.server_port}", seconds=0.3)


async def test_one_that_does_not_speak_http_is_a_warning() -> None:
    with answering(secure=None) as url:
        seen, [found] = await address.check_reach(url.replace("http:", "https:"))
    assert seen is None
    assert (found.check, found.state) == ("reachable", "warning")


@pytest.mark.parametrize(("days", "state"), [(60, "ok"), (9.5, "warning"), (1.5, "failure")])
async def test_a_certificate_that_ends_soon_is_found(
    days: float, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure = certificate(tmp_path, days)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with answering(secure=secure) as url:
        _, findings = await address.check_reach(url)
    assert [(one.check, one.state) for one in findings] == [
        ("reachable", "ok"),
        ("certificate", state),
    ]
    assert f"{int(days) if days < 59 else 59} days" in findings[1].found


@pytest.mark.parametrize(
    ("days", "name", "trusted", "said"),
    [
        (-1, "127.0.0.1", True, "expired"),
        (60, "127.0.0.2", True, "127.0.0.1"),
        (60, "127.0.0.1", False, "self-signed"),
    ],
)
async def test_a_certificate_that_phones_refuse_is_found(
    days: float,
    name: str,
    trusted: bool,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secure = certificate(tmp_path, days, name)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with answering(secure=secure) as url:
        seen, [found] = await address.check_reach(url)
    assert seen is None
    assert (found.check, found.state) == ("certificate", "failure")
    assert said in found.found.replace("self signed", "self-signed")
