"""The keyring: one subkey per purpose from each secret key; the first signs, all verify."""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Purpose = Literal[
    "access-token",
    "account-proof",
    "backup",
    "backup-keys",
    "campaign-key",
    "delivery",
    "destructions",
    "device-proof",
    "invitation",
    "opened-page",
    "preview",
    "replay",
    "statement",
    "wechat-code",
    "wechat-state",
    "wechat-stored",
]
KEY_ID_BYTES = 4
_NONCE_BYTES = 12


class WrongKeyError(RuntimeError):
    """What was to be unwrapped was wrapped by a key that this keyring does not hold."""


@dataclass(frozen=True)
class Subkey:
    """A key of 32 bytes for one purpose, and the short id that says which secret made it."""

    id: bytes
    key: bytes


class Keyring:
    """Subkeys derived by HKDF-SHA256 (RFC 5869) from the deployment's secret keys."""

    def __init__(self, secret_keys: tuple[bytes, ...]) -> None:
        self._secrets = secret_keys
        self._subkeys: dict[Purpose, tuple[Subkey, ...]] = {}

    def renew(self, secret_keys: tuple[bytes, ...]) -> None:
        """Hold these secret keys from now on."""
        if secret_keys != self._secrets:
            self._secrets = secret_keys
            self._subkeys = {}

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The short ids of the secret keys, in order: the first signs."""
        return tuple(
            hashlib.sha256(b"key-id\0" + key).digest()[:KEY_ID_BYTES] for key in self._secrets
        )

    def current(self, purpose: Purpose) -> Subkey:
        """The subkey that signs and encrypts."""
        return self.all(purpose)[0]

    def all(self, purpose: Purpose) -> tuple[Subkey, ...]:
        """Every subkey that verifies, the current one first."""
        if purpose not in self._subkeys:
            self._subkeys[purpose] = tuple(self._derived(purpose))
        return self._subkeys[purpose]

    def find(self, purpose: Purpose, key_id: bytes) -> Subkey | None:
        """The subkey with this id, or None where its secret has left the keyring."""
        return next((one for one in self.all(purpose) if one.id == key_id), None)

    def wrap(self, plain: bytes, *, context: bytes) -> bytes:
        """Encrypt a key for storage: key id, nonce, AES-256-GCM bound to its context."""
        subkey = self.current("campaign-key")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return subkey.id + nonce + AESGCM(subkey.key).encrypt(nonce, plain, context)

    @staticmethod
    def wrapped_by(wrapped: bytes) -> bytes:
        """The id of the secret key under which something was wrapped."""
        return wrapped[:KEY_ID_BYTES]

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        """Decrypt what `wrap` made. Errors: WrongKeyError."""
        key_id, rest = wrapped[:KEY_ID_BYTES], wrapped[KEY_ID_BYTES:]
        subkey = self.find("campaign-key", key_id)
        if subkey is None:
            raise WrongKeyError("no key in XINSHENG_SECRET_KEYS opens this campaign's key")
        try:
            return AESGCM(subkey.key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:  # ValueError: cut short
            raise WrongKeyError("a campaign's wrapped key was altered or moved") from error

    def _derived(self, purpose: Purpose) -> Iterator[Subkey]:
        for key_id, secret in zip(self.ids, self._secrets, strict=True):
            info = f"xinsheng/{purpose}".encode()
            yield Subkey(key_id, HKDF(SHA256(), 32, salt=None, info=info).derive(secret))
