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


async def test_all_that_is_wrong_with_a_query_is_told_at_once(admin: Api) -> None:
    for url, pointers in (
        ("/v1/units?knd=school&limit=0", ["?knd", "?limit"]),
        ("/v1/units?limit=0&knd=school&kind=planet", ["?knd", "?kind", "?limit"]),
        ("/v1/units?limit=0&limit=0", ["?limit", "?limit"]),
        ("/v1/campaigns/C/results?levl=city&by=x", ["?levl", "?by"]),
        ("/v1/campaigns/C/results?levl=city&level=x&limit=0", ["?levl", "?level", "?limit"]),
        ("/v1/trends?within=W&population=parent", ["?within", "?unit", "?campaigns"]),
    ):
        reply = await admin.get(url)
        assert reply.status_code == 422
        assert [error["pointer"] for error in reply.json()["errors"]] == pointers, url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/v1/trends?within=W", "Did you mean unit? "),
        ("/v1/units?unit=W", "Did you mean within? "),
        ("/v1/units?knd=school", "Did you mean kind? "),
        ("/v1/units?colour=red", "The parameters here are "),
        ("/v1/units/x?within=W", "This address takes no parameters."),
        ("/v1/units?" + "kind" * 1000 + "=1", "The parameters here are "),
    ],
)
async def test_the_parameter_that_was_probably_meant_is_named(
    admin: Api, url: str, said: str
) -> None:
    error = (await admin.get(url)).json()["errors"][0]
    assert error["code"] == "unknown_parameter"
    assert error["message"].startswith(said)


async def test_a_stranger_is_told_nothing_of_parameters(api: Api) -> None:
    assert (await api.get("/v1/units?knd=school")).status_code == 401
