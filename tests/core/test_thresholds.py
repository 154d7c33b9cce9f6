"""XINSHENG_QUALITY: what is taken, and what is said of the rest."""

import re
from pathlib import Path

import pytest

from app.core.settings import SettingsError, load
from app.core.thresholds import DEFAULTS, SIGNS, parsed

KEYS = {"XINSHENG_SECRET_KEYS": "k" * 32}


def test_what_is_left_out_keeps_its_default() -> None:
    quality = load({**KEYS, "XINSHENG_QUALITY": "fast=0.2, burst=off template=25"}).quality
    assert quality == {**DEFAULTS, "fast": 0.2, "burst": None, "template": 25}
    assert load(KEYS).quality == DEFAULTS


@pytest.mark.parametrize("sign", SIGNS)
def test_every_sign_can_be_switched_off(sign: str) -> None:
    assert parsed([f"{sign}=off"])[sign] is None


@pytest.mark.parametrize(
    "wrong",
    ["quick=1", "fast", "fast=", "fast=0", "fast=-1", "fast=nan", "fast=inf", "fast=1e7", "fast=０",
     "straight=7.5", "least=off", "unknown=1_000", "template=ten"],
)  # fmt: skip
def test_what_is_wrong_is_said_by_name(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"^XINSHENG_QUALITY must list thresholds") as refused:
        load({**KEYS, "XINSHENG_QUALITY": wrong})
    name = wrong.partition("=")[0]
    assert name in str(refused.value) or "names are fast, straight" in str(refused.value)


def test_every_threshold_is_argued_with_its_default() -> None:
    document = (Path(__file__).parents[2] / "docs" / "quality.md").read_text("utf-8")
    table = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", document, re.MULTILINE))
    assert {name: float(number) for name, number in table.items()} == DEFAULTS
    assert all(re.search(rf"^### .*{sign}", document, re.MULTILINE) for sign in SIGNS)
