"""Sealing what others keep for us: AES-256-GCM under the keyring, bound to what it is for."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.keyring import KEY_ID_BYTES, Keyring, Purpose

_NONCE_BYTES = 12


def seal(keyring: Keyring, purpose: Purpose, content: bytes, context: bytes) -> bytes:
    """The content sealed: the key's id, a nonce, and what only `unsealed` reads."""
    subkey = keyring.current(purpose)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return subkey.id + nonce + AESGCM(subkey.key).encrypt(nonce, content, context)


def unsealed(keyring: Keyring, purpose: Purpose, sealed: bytes, context: bytes) -> bytes | None:
    """What was sealed for this purpose and context; None for anything else."""
    key_id, rest = sealed[:KEY_ID_BYTES], sealed[KEY_ID_BYTES:]
    subkey = keyring.find(purpose, key_id)
    if subkey is None:
        return None
    try:
        return AESGCM(subkey.key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError):  # ValueError: cut short
        return None
