"""Access tokens: the only file that touches python-jose.

One algorithm, keys of 32 bytes by construction, every claim required, the key chosen by its id
from our keyring and never by what the token says of itself.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jose import jwt
from jose.exceptions import JOSEError

from app.access.problems import Unauthenticated
from app.core import clock
from app.core.keyring import Keyring

LIFETIME = timedelta(hours=1)
_ALGORITHM = "HS256"
_ISSUER = "xinsheng"
_AUDIENCE = "xinsheng-api"
_MAX_LENGTH = 2048
_REQUIRED = ("iss", "aud", "sub", "exp", "iat", "jti")
_OPTIONS = {f"require_{claim}": True for claim in _REQUIRED} | {"leeway": 0}


@dataclass(frozen=True)
class Claims:
    """What a valid token says: whose it is and what for."""

    client_id: str
    scopes: frozenset[str]
    expires_at: datetime


def issue(keyring: Keyring, *, client_id: str, scopes: frozenset[str]) -> str:
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
        "scope": " ".join(sorted(scopes)),
    }
    headers = {"kid": subkey.id.hex()}
    token: str = jwt.encode(claims, subkey.key, algorithm=_ALGORITHM, headers=headers)
    return token


def verify(keyring: Keyring, token: str) -> Claims:
    """What a token says, if it is ours and in force. Errors: Unauthenticated."""
    if len(token) > _MAX_LENGTH:
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
        return Claims(
            client_id=_text(claims["sub"]),
            scopes=frozenset(_text(claims["scope"]).split()),
            expires_at=datetime.fromtimestamp(int(claims["exp"]), tz=clock.now().tzinfo),
        )
    except (JOSEError, KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
        # python-jose lets some of these through for tokens made to harm.
        raise Unauthenticated() from error


def _key(keyring: Keyring, token: str) -> bytes:
    header: dict[str, Any] = jwt.get_unverified_header(token)
    if header.get("alg") != _ALGORITHM:
        raise ValueError("another algorithm")
    subkey = keyring.find("access-token", bytes.fromhex(_text(header.get("kid"))))
    if subkey is None:
        raise ValueError("a key that is not ours")
    return subkey.key


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a claim of the wrong type")
    return value
