"""Access tokens: what python-jose has been tricked with, tried on ours as real attacks."""

import base64
import hashlib
import hmac
import json
import time
import zlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jose import jwe

from app.access import tokens
from app.access.problems import Unauthenticated
from app.core.keyring import Keyring, Purpose
from tests.factories import Api

KEYRING = Keyring((b"k" * 32,))
SUBKEY = KEYRING.current("access-token")
HEADER = {"alg": "HS256", "typ": "JWT", "kid": SUBKEY.id.hex()}
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
OTHER_PURPOSES: tuple[Purpose, ...] = ("campaign-key", "device-proof", "invitation", "replay")


def claims(**changes: Any) -> dict[str, Any]:
    """What we would issue, but for the changes; a change to `...` takes the claim out."""
    now = int(time.time())
    issued = {
        "iss": "xinsheng",
        "aud": "xinsheng-api",
        "sub": "xc_1",
        "iat": now,
        "exp": now + 60,
        "jti": "j",
        "sid": 1,
        "scope": "results:read",
    }
    return {name: value for name, value in {**issued, **changes}.items() if value is not ...}


def part(content: Any) -> str:
    """Base64url of bytes, or of anything else as JSON."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forged(header: Any, payload: Any, key: bytes = SUBKEY.key, hashed: str = "HS256") -> str:
    """A token signed by HMAC with whatever header, payload and key."""
    signed = f"{part(header)}.{part(payload)}"
    return f"{signed}.{part(hmac.digest(key, signed.encode(), HASHES[hashed]))}"


def refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verify(KEYRING, token)


def test_a_token_says_what_it_was_issued_for() -> None:
    scopes = frozenset({"results:read", "links:write"})
    token = tokens.issue(KEYRING, client_id="xc_1", secret_id=1, scopes=scopes)
    found = tokens.verify(KEYRING, token)
    assert found.client_id == "xc_1"
    assert found.scopes == scopes
    assert 3590 < found.expires_at.timestamp() - time.time() <= 3600


def test_the_forger_of_these_tests_can_make_a_good_token() -> None:
    assert tokens.verify(KEYRING, forged(HEADER, claims())).client_id == "xc_1"


def test_every_token_has_an_id_of_its_own() -> None:
    made = {
        tokens.issue(KEYRING, client_id="xc_1", secret_id=1, scopes=frozenset()) for _ in range(100)
    }
    assert len(made) == 100


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", " none", None, 0, [], {}])
def test_algorithm_none_is_refused_in_every_spelling(alg: Any) -> None:
    unsigned = f"{part({**HEADER, 'alg': alg})}.{part(claims())}."
    refused(unsigned)
    refused(unsigned + "A" * 43)
    refused(forged({**HEADER, "alg": alg}, claims()))


@pytest.mark.parametrize("alg", ["HS384", "HS512", "hs256", "HS256 ", "HS1", ["HS256"]])
def test_another_hmac_with_our_own_key_is_refused(alg: Any) -> None:
    hashed = alg if alg in ("HS384", "HS512") else "HS256"
    refused(forged({**HEADER, "alg": alg}, claims(), hashed=hashed))


def test_a_missing_algorithm_is_refused() -> None:
    refused(forged({"typ": "JWT", "kid": HEADER["kid"]}, claims()))


@pytest.mark.parametrize("alg", ["RS256", "RS512", "ES256", "PS256", "EdDSA", "dir", "A256GCM"])
def test_the_header_of_an_asymmetric_algorithm_over_our_hmac_is_refused(alg: str) -> None:
    refused(forged({**HEADER, "alg": alg}, claims()))


def test_a_signature_by_a_key_pair_of_the_attackers_is_refused() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_numbers()
    own_key = {
        "kty": "RSA",
        "n": part(public.n.to_bytes(256, "big")),
        "e": part(public.e.to_bytes(3, "big")),
    }
    for extra in ({}, {"jwk": own_key}, {"jku": "http://127.0.0.1/keys"}, {"x5u": "http://x/"}):
        signed = f"{part({**HEADER, 'alg': 'RS256', **extra})}.{part(claims())}"
        signature = private.sign(signed.encode(), PKCS1v15(), SHA256())
        refused(f"{signed}.{part(signature)}")


def _public_keys() -> list[bytes]:
    made = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key(),
        ec.generate_private_key(ec.SECP256R1()).public_key(),
    )
    forms = (
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.OpenSSH, PublicFormat.OpenSSH),
    )
    return [key.public_bytes(*form) for key in made for form in forms]


def test_a_public_key_as_hmac_secret_is_refused() -> None:
    for key in _public_keys():
        refused(forged(HEADER, claims(), key))
        refused(forged({**HEADER, "alg": "RS256"}, claims(), key))


@pytest.mark.parametrize(
    "key", [b"", bytes(32), b"secret", b"k" * 32, SUBKEY.id, SUBKEY.id.hex().encode(), b"null"]
)
def test_an_empty_or_guessed_key_is_refused(key: bytes) -> None:
    refused(forged(HEADER, claims(), key))


def test_a_subkey_for_another_purpose_is_refused() -> None:
    for purpose in OTHER_PURPOSES:
        other = KEYRING.current(purpose)
        refused(forged({**HEADER, "kid": other.id.hex()}, claims(), other.key))


@pytest.mark.parametrize(
    "kid",
    [
        ...,
        None,
        "",
        0,
        1.5,
        True,
        [],
        {},
        [HEADER["kid"]],
        "abc",
        "zz",
        "00000000",
        HEADER["kid"] + "00",
        HEADER["kid"][:-2],
        "../../../../dev/null",
        "' OR 1=1 --",
        "钥匙",
        chr(0),
        "f" * 1000,
    ],
)
def test_a_key_id_that_is_not_ours_is_refused(kid: Any) -> None:
    header = {name: value for name, value in {**HEADER, "kid": kid}.items() if value is not ...}
    refused(forged(header, claims()))


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"typ": "at+jwt"},
        {"typ": None},
        {"cty": "JWT"},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    ],
)
def test_a_header_that_we_would_not_issue_is_refused(extra: dict[str, Any]) -> None:
    refused(forged({**HEADER, **extra}, claims()))


def test_a_compressed_bomb_is_refused_without_being_unpacked() -> None:
    bomb = zlib.compress(bytes(16 << 20), 9)
    encrypted = jwe.encrypt(b"x", b"k" * 32, algorithm="dir", encryption="A256GCM", zip="DEF")
    header = part({"alg": "dir", "enc": "A256GCM", "zip": "DEF"})
    began = time.perf_counter()
    refused(encrypted.decode())
    refused(".".join([header, "", "", part(bomb), ""]))
    refused(forged({**HEADER, "zip": "DEF"}, bomb))
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "iat", "exp", "jti", "scope"])
def test_every_claim_is_required(claim: str) -> None:
    refused(forged(HEADER, claims(**{claim: ...})))
    refused(forged(HEADER, claims(**{claim: None})))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "another"},
        {"iss": ["xinsheng"]},
        {"iss": ""},
        {"aud": "another"},
        {"aud": ["xinsheng-api"]},
        {"aud": ["another", "xinsheng-api"]},
        {"aud": {"xinsheng-api": 1}},
        {"aud": ""},
        {"sub": 1},
        {"sub": ["xc_1"]},
        {"sub": {}},
        {"jti": 7},
        {"iat": "now"},
        {"iat": 1.5},
        {"iat": []},
        {"scope": ["admin"]},
        {"scope": {"admin": True}},
        {"scope": 1},
        {"exp": -1},
        {"exp": 0},
        {"exp": "soon"},
        {"exp": "99999999999"},
        {"exp": 99999999999.5},
        {"exp": True},
        {"exp": []},
        {"exp": {}},
        {"exp": 10**12},
        {"exp": 2**62},
        {"exp": 2**63},
        {"exp": 10**100},
        {"exp": -(10**100)},
        {"nbf": int(time.time()) + 1000},
        {"nbf": 0},
        {"nbf": "later"},
        {"at_hash": "x"},
        {"admin": True},
    ],
)
def test_claims_of_the_wrong_value_or_type_are_refused(change: dict[str, Any]) -> None:
    refused(forged(HEADER, claims(**change)))


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "9" * 1000])
def test_numbers_beyond_numbers_are_refused(number: str) -> None:
    payload = json.dumps(claims(exp="EXP")).replace('"EXP"', number).encode()
    refused(forged(HEADER, payload))


def test_an_expired_token_is_refused() -> None:
    refused(forged(HEADER, claims(exp=int(time.time()) - 2)))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_change_to_any_part_is_refused(place: int) -> None:
    token = tokens.issue(KEYRING, client_id="xc_1", secret_id=1, scopes=frozenset({"results:read"}))
    # All but the last letter, some of whose bits mean nothing.
    for index in range(0, len(token.split(".")[place]) - 1, 3):
        parts = token.split(".")
        letters = list(parts[place])
        letters[index] = "A" if letters[index] != "A" else "B"
        parts[place] = "".join(letters)
        refused(".".join(parts))


def test_a_payload_under_anothers_signature_is_refused() -> None:
    header, _, signature = tokens.issue(
        KEYRING, client_id="xc_1", secret_id=1, scopes=frozenset({"results:read"})
    ).split(".")
    refused(f"{header}.{part(claims(scope='admin'))}.{signature}")


@pytest.mark.parametrize("stray", ["!", "=", " ", chr(10), chr(0), "é", "汉"])
def test_stray_characters_are_refused(stray: str) -> None:
    good = forged(HEADER, claims())
    for token in (good + stray, stray + good, good.replace(".", f"{stray}.", 1)):
        refused(token)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "a.b.c", "a.b.c.d.e", "Bearer", "null", "{}", "." * 2000]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    refused(token)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b'"x"', b"1", b"{", bytes([255, 254]), b"[" * 1400, b'{"a":' * 300],
    ids=range(9),
)
def test_parts_that_are_no_objects_are_refused(content: bytes) -> None:
    refused(forged(content, claims()))
    refused(forged(HEADER, content))


def test_a_huge_token_is_refused_before_it_is_read() -> None:
    bombs = [forged(HEADER, b"[" * (1 << 20)), forged(b"[" * (1 << 20), claims())]
    began = time.perf_counter()
    for bomb in bombs:
        refused(bomb)
    assert time.perf_counter() - began < 2


def test_of_names_that_come_twice_no_reading_lets_an_attacker_in() -> None:
    kid = HEADER["kid"].encode()
    twice = b'{"alg":"none","alg":"HS256","typ":"JWT","kid":"%s"}' % kid
    refused(f"{part(twice)}.{part(claims())}." + "A" * 43)
    reverse = b'{"alg":"HS256","alg":"none","typ":"JWT","kid":"%s"}' % kid
    refused(forged(reverse, claims()))


def test_tokens_of_the_former_key_are_good_until_it_leaves_the_keyring() -> None:
    token = tokens.issue(KEYRING, client_id="xc_1", secret_id=1, scopes=frozenset())
    rotated = Keyring((b"n" * 32, b"k" * 32))
    assert tokens.verify(rotated, token).client_id == "xc_1"
    fresh = tokens.issue(rotated, client_id="xc_2", secret_id=1, scopes=frozenset())
    assert tokens.verify(Keyring((b"n" * 32,)), fresh).client_id == "xc_2"
    with pytest.raises(Unauthenticated):
        tokens.verify(Keyring((b"n" * 32,)), token)


WRONG_AUTHORIZATIONS = (
    b"",
    b"Bearer",
    b"Bearer ",
    b"Bearer a.b.c",
    b"Basic eGNfMTp4c18y",
    b"Token x",
    b"Bearer " + b"x" * 5000,
    b"Bearer " + bytes([255, 254]),
    b"Bearer " + forged({**HEADER, "alg": "none"}, claims()).encode(),
)


async def test_without_a_valid_token_every_request_is_a_401(api: Api) -> None:
    replies = [await api.http.get("/v1/units")]
    for authorization in WRONG_AUTHORIZATIONS:
        headers = [(b"Authorization", authorization)]
        replies.append(await api.http.get("/v1/units", headers=headers))
    for reply in replies:
        assert reply.status_code == 401
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        assert reply.json()["type"] == "/problems/unauthenticated"
        assert reply.json()["request_id"] == reply.headers["X-Request-Id"]
