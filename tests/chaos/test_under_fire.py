"""Results that are read while everybody writes are exact."""

from pathlib import Path

import pytest

from tests.chaos.fire import under_fire


@pytest.mark.process
async def test_every_result_under_fire_is_exact(tmp_path: Path) -> None:
    watched = await under_fire(tmp_path / "data", 4)
    # All of it came to pass, or this has shown nothing.
    assert min(number for name, number in watched.rows() if name != "busy") >= 10
