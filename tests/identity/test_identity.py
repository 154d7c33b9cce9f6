"""Proofs and fingerprints."""

import pytest

from app.core.keyring import Keyring
from app.identity import devices
from app.identity.fingerprints import Proof, fingerprints, scope_of
from app.identity.phones import e164

KEYRING = Keyring((b"a" * 32,))


def test_a_fingerprint_depends_on_key_scope_kind_value_and_child() -> None:
    phone = Proof("phone", "+8613800000000")
    made = [
        fingerprints(b"k" * 32, "campaign", [phone]),
        fingerprints(b"x" * 32, "campaign", [phone]),
        fingerprints(b"k" * 32, "population/0", [phone]),
        fingerprints(b"k" * 32, "campaign", [Proof("external", phone.value)]),
        fingerprints(b"k" * 32, "campaign", [Proof("phone", "+8613800000001")]),
        fingerprints(b"k" * 32, "campaign", [phone], child="2"),
        fingerprints(b"k" * 32, "campaign", [phone], child="3"),
    ]
    assert len(set(made)) == len(made)
    assert all(len(one) == 16 for each in made for one in each)


def test_the_first_child_is_the_one_without_a_number() -> None:
    phone = [Proof("phone", "+8613800000000")]
    unnumbered = fingerprints(b"k" * 32, "campaign", phone)
    assert fingerprints(b"k" * 32, "campaign", phone, child="1") == unnumbered


def test_an_invitation_admits_one_response_whoever_it_is_for() -> None:
    invitation = [Proof("invitation", "1.0")]
    made = {fingerprints(b"k" * 32, "campaign", invitation, child=one) for one in (None, "2", "3")}
    assert len(made) == 1


def test_fingerprints_come_in_one_order_whatever_the_proofs_did() -> None:
    proofs = [Proof("phone", "+8613800000000"), Proof("wechat", "o-1"), Proof("external", "7")]
    forward = fingerprints(b"k" * 32, "campaign", proofs)
    assert forward == fingerprints(b"k" * 32, "campaign", reversed(proofs))
    assert list(forward) == sorted(forward)


def test_scopes_of_once_per() -> None:
    assert scope_of("campaign", population=1, unit_id=2) == "campaign"
    assert scope_of("population", population=1, unit_id=2) == "population/1"
    assert scope_of("unit", population=1, unit_id=2) == "unit/2"


def test_a_device_proof_is_ours_or_nothing() -> None:
    proof = devices.issue(KEYRING)
    assert devices.device_of(KEYRING, proof)
    assert devices.issue(KEYRING) != proof
    for position in range(len(proof)):
        other = "A" if proof[position] != "A" else "B"
        tampered = proof[:position] + other + proof[position + 1 :]
        # The last characters' spare bits are the only ones that carry nothing.
        if position < len(proof) - 1:
            assert devices.device_of(KEYRING, tampered) != devices.device_of(KEYRING, proof)
    for nonsense in (None, "", "校" * 38, "*" * 38, proof + "A", proof[:-1]):
        assert devices.device_of(KEYRING, nonsense) is None
    assert devices.device_of(Keyring((b"b" * 32,)), proof) is None


def test_a_device_proof_survives_a_rotation_of_the_keys() -> None:
    proof = devices.issue(KEYRING)
    rotated = Keyring((b"b" * 32, b"a" * 32))
    assert devices.device_of(rotated, proof) == devices.device_of(KEYRING, proof)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("+8613800000000", "+8613800000000"),
        ("138 0000 0000", "+8613800000000"),
        ("0086 138-0000-0000", "+8613800000000"),
        ("１３８００００００００", "+8613800000000"),
        ("0536-8789000", "+865368789000"),
        ("+1 202 555 0123", "+12025550123"),
        ("12", None),
        ("88888888", None),
        ("10086", None),
        ("1380000000", None),
        ("12000000000", "+8612000000000"),
        ("not a phone", None),
        ("", None),
        ("1" * 300, None),
        ("138\x0000000000", None),
    ],
)
def test_phone_numbers_have_one_form(given: str, expected: str | None) -> None:
    assert e164(given) == expected
