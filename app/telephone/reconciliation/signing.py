"""Signing statements: Ed25519 (RFC 8032), so that whoever holds the public key can verify them."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.core.keyring import Keyring
from app.telephone.reconciliation.schemas import Signature, SigningKey


def canonical(document: Any) -> bytes:
    """A document of texts and whole numbers in its one form: keys sorted, no spaces, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signed(keyring: Keyring, content: bytes) -> Signature:
    """The signature of these bytes, by the key that signs now."""
    subkey = keyring.current("statement")
    value = Ed25519PrivateKey.from_private_bytes(subkey.key).sign(content)
    return Signature(algorithm="Ed25519", key_id=subkey.id.hex(), value=_base64url(value))


def public_keys(keyring: Keyring) -> list[SigningKey]:
    """What verifies the signatures of every secret in the keyring, the current one first."""
    keys = []
    for subkey in keyring.all("statement"):
        public = Ed25519PrivateKey.from_private_bytes(subkey.key).public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        raw = _base64url(public.public_bytes_raw())
        keys.append(
            SigningKey(key_id=subkey.id.hex(), algorithm="Ed25519", public_key=raw, pem=pem)
        )
    return keys


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
