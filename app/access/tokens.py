"""Access tokens: the only file that touches python-jose.

One algorithm, keys of 32 bytes by construction, the key chosen by its id from our keyring and
never by what the token says of itself, header and claims exactly those that we issue. python-jose
is more lenient in all of this than a token of ours will ever need.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jose import jwk, jwt
from jose.exceptions import JOSEError

from app.access.problems import Unauthenticated
from app.core import clock
from app.core.keyring import Keyring

LIFETIME = timedelta(hours=1)
_ALGORITHM = "HS256"
_ISSUER = "xinsheng"
_AUDIENCE = "xinsheng-api"
_MAX_LENGTH = 2048
# Three parts without padding, the last of 32 bytes: python-jose skips over stray characters.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}")
_CLAIMS: dict[str, type] = {
    "iss": str,
    "aud": str,
    "sub": str,
    "exp": int,
    "iat": int,
    "jti": str,
    "sid": int,
    "scope": str,
}
_REQUIRED = ("iss", "aud", "sub", "exp", "iat", "jti")
_OPTIONS = {f"require_{claim}": True for claim in _REQUIRED} | {"leeway": 0}


@dataclass(frozen=True)
class Claims:
    """What a valid token says: whose it is and what for."""

    client_id: str
    secret_id: int
    """The secret that it was got for, with which it ends."""
    scopes: frozenset[str]
    token_id: str
    expires_at: datetime


def issue(keyring: Keyring, *, client_id: str, secret_id: int, scopes: frozenset[str]) -> str:
    """A signed token for a client, valid for `LIFETIME`."""
    subkey = keyring.current("access-token")
    now = clock.now()
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": client_id,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": secrets.token_urlsafe(12),
        "sid": secret_id,
        "scope": " ".join(sorted(scopes)),
    }
    headers = {"kid": subkey.id.hex()}
    token: str = jwt.encode(claims, subkey.key, algorithm=_ALGORITHM, headers=headers)
    return token


def verify(keyring: Keyring, token: str) -> Claims:
    """What a token says, if it is ours and in force. Errors: Unauthenticated."""
    if len(token) > _MAX_LENGTH or not _COMPACT.fullmatch(token):
        raise Unauthenticated()
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(keyring, token),
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            audience=_AUDIENCE,
            options=_OPTIONS,
        )
        if {name: type(value) for name, value in claims.items()} != _CLAIMS:
            raise ValueError("claims that we do not issue")
        return Claims(
            client_id=claims["sub"],
            secret_id=claims["sid"],
            token_id=claims["jti"],
            scopes=frozenset(claims["scope"].split()),
            expires_at=datetime.fromtimestamp(claims["exp"], tz=clock.now().tzinfo),
        )
    except (JOSEError, ValueError, TypeError, OverflowError, OSError, RecursionError) as error:
        # python-jose lets some of these through for tokens made to harm.
        raise Unauthenticated() from error


def _key(keyring: Keyring, token: str) -> Any:
    header: dict[str, Any] = jwt.get_unverified_header(token)
    kid = header.pop("kid", None)
    if header != {"alg": _ALGORITHM, "typ": "JWT"} or not isinstance(kid, str):
        raise ValueError("a header that we do not issue")
    subkey = keyring.find("access-token", bytes.fromhex(kid))
    if subkey is None:
        raise ValueError("a key that is not ours")
    # A key object: given bytes, python-jose would first try to read them as JSON.
    return jwk.construct(subkey.key, _ALGORITHM)
