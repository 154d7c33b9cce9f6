"""Results of different versions of one questionnaire: added up honestly, or said not to compare."""

from typing import Any

import pytest

from tests.factories import Api, invitations, open_campaign, submission, tree
from tests.questionnaires.definitions import draft, option, question, single

URL = "/v1/questionnaires/own"
FORMER = [option("a", counts_as="positive"), option("b", counts_as="negative")]
LATER = [option("b", counts_as="positive"), option("c", counts_as="negative")]


def asking(options: list[dict[str, Any]]) -> dict[str, Any]:
    """A questionnaire whose one indicator has these options, and a question that stays."""
    return draft(question("q", "single_choice", options=options, indicator=True), single("same"))


@pytest.fixture
async def two_versions(admin: Api) -> Api:
    """Campaign C asks parents version 1 and teachers version 2, and each has answered b."""
    await tree(admin)
    for options in (FORMER, LATER):
        await admin.made("PUT", URL, asking(options))
        await admin.made("POST", f"{URL}/publish")
    asked = {
        "parent": {"questionnaire": "own", "version": 1},
        "teacher": {"questionnaire": "own", "version": 2},
    }
    await open_campaign(admin, populations=asked)
    for population, value in (("parent", "a"), ("parent", "b"), ("teacher", "b")):
        [token] = await invitations(admin, 1, population=population)
        body = {**submission(), "answers": {"q": value, "same": "a"}}
        await admin.made("POST", f"/v1/invitations/{token}/responses", body)
    return admin


async def rows(api: Api, **parameters: Any) -> dict[Any, Any]:
    found = await api.made("GET", "/v1/campaigns/C/results", params=parameters)
    return {(one.get("population"), one["question"]): one for one in found["rows"]}


async def test_votes_are_united_by_value_and_each_counts_as_its_own_version_says(
    two_versions: Api,
) -> None:
    merged = await rows(two_versions, by="question")
    assert merged[None, "q"]["counts"] == {"a": 1, "b": 2, "c": 0}
    assert merged[None, "q"]["rate"] == 2 / 3  # a of version 1, b of version 2
    assert merged[None, "q"]["comparable"] is False
    assert "comparable" not in merged[None, "same"]
    assert merged[None, "same"]["counts"] == {"a": 3, "b": 0}
    pooled = await rows(two_versions)
    assert pooled[None, None]["rate"] == 2 / 3
    assert "comparable" not in pooled[None, None]
    reply = await two_versions.get(
        "/v1/campaigns/C/results", params={"by": "question"}, headers={"Accept": "text/csv"}
    )
    header, first, second = (line.split(",") for line in reply.text.splitlines())
    assert first[header.index("comparable")] == "false"
    assert second[header.index("comparable")] == "true"


async def test_one_population_alone_compares_with_itself(two_versions: Api) -> None:
    apart = await rows(two_versions, by="population,question")
    assert apart["parent", "q"]["counts"] == {"a": 1, "b": 1}
    assert apart["teacher", "q"]["counts"] == {"b": 1, "c": 0}
    assert (apart["parent", "q"]["rate"], apart["teacher", "q"]["rate"]) == (0.5, 1.0)
    assert not any("comparable" in one for one in apart.values())
    chosen = await rows(two_versions, by="question", population="teacher")
    assert "comparable" not in chosen[None, "q"]
