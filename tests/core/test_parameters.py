"""Query parameters: none is passed over in silence."""

import pytest

from tests.factories import Api


@pytest.mark.parametrize(
    ("url", "pointer"),
    [
        ("/v1/units?knd=school", "?knd"),
        ("/v1/campaigns?limit=1&limit=2", "?limit"),
        ("/v1/questionnaires/satisfaction-six?versio=1", "?versio"),
        ("/v1/units/x?a=1", "?a"),
    ],
)
async def test_unknown_and_repeated_parameters_are_named(
    admin: Api, url: str, pointer: str
) -> None:
    reply = await admin.get(url)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
    assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]


async def test_a_stranger_is_told_nothing_of_parameters(api: Api) -> None:
    assert (await api.get("/v1/units?knd=school")).status_code == 401
