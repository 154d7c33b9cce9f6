"""A secret key stays as long as a delivery waits that it has sealed."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.core import secret_keys
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.keys import rotation
from app.keys.rotation import KeysRefused
from tests.factories import Api
from tests.telephone.bulk import batch, ended, lines, queued, working


async def test_a_key_is_not_retired_while_a_delivery_waits_that_it_sealed(
    contractor: Api, settings: Settings, tmp_path: Path
) -> None:
    job = await queued(contractor, lines(batch(2)))
    database = contractor.app.state.database
    kept = tmp_path / "keys"
    keys = (secret_keys.new(), *settings.secret_keys)
    secret_keys.write(kept, keys)
    both = replace(settings, secret_keys=keys, keys_file=kept)
    held = await rotation.described(database, Keyring(keys))
    assert [one.deliveries for one in held] == [0, 1]
    with pytest.raises(KeysRefused, match="1 deliveries of interviews"):
        await rotation.retire(database, both, held[1].id, force=True)
    async with working(both):
        assert (await ended(contractor, job))["result"]["accepted"] == 2
    held = await rotation.described(database, Keyring(keys))
    assert [one.deliveries for one in held] == [0, 0]
    with pytest.raises(KeysRefused, match="opens"):
        await rotation.retire(database, both, held[1].id, force=True)
    assert secret_keys.read(kept) == keys
