"""Tests of counts fold by themselves."""

import pytest

from app.counts import folding


@pytest.fixture(autouse=True)
def _no_folding_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "INTERVAL", 3600.0)
