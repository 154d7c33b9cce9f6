"""Counts that cannot be true are refused, each with its place; and nothing of their batch taken."""

from typing import Any

import pytest

from tests.factories import Api, open_campaign, tree
from tests.results.ledger import publish
from tests.telephone.deliveries import ago
from tests.telephone.tallies.batches import put, refused, respondents, row, taken

MATRIX = {
    "title": {"zh-CN": "题"},
    "scales": {
        "s": [
            {"value": "yes", "label": {"zh-CN": "是"}, "counts_as": "positive"},
            {"value": "no", "label": {"zh-CN": "否"}, "counts_as": "negative"},
        ]
    },
    "questions": [
        {
            "code": "m",
            "type": "matrix",
            "scale": "s",
            "label": {"zh-CN": "题"},
            "rows": [{"value": "one", "label": {"zh-CN": "一"}}],
            "indicator": True,
        },
        {
            "code": "pick",
            "type": "multiple_choice",
            "label": {"zh-CN": "题"},
            "max_selected": 2,
            "options": [{"value": name, "label": {"zh-CN": name}} for name in "abc"],
        },
        {"code": "stars", "type": "rating", "min": 0, "max": 2, "label": {"zh-CN": "题"}},
        {"code": "hours", "type": "number", "label": {"zh-CN": "题"}},
    ],
}


@pytest.fixture
async def source(admin: Api) -> Api:
    """A source for a campaign with questions of every kind."""
    await tree(admin)
    await admin.made("PUT", "/v1/questionnaires/every-kind", MATRIX)
    await admin.made("POST", "/v1/questionnaires/every-kind/publish")
    population = {"questionnaire": "every-kind", "version": 1}
    await open_campaign(admin, populations={"parent": population})
    return await admin.as_client("tallies:write results:exact", name="dashboard")


def counted(**counts: Any) -> dict[str, Any]:
    """A row of ten parents."""
    return row("A1", 10, counts=counts)


async def test_every_kind_of_closed_question_is_counted(source: Api) -> None:
    counts = {"m.one": {"yes": 6, "no": 2}, "pick": {"a": 9, "b": 7}, "stars": {"0": 1, "2": 8}}
    await taken(source, row("A1", 10, counts=counts))
    rows = (await source.made("GET", "/v1/campaigns/C/results?by=question"))["rows"]
    assert {one["question"]: (one["answered"], one["missing"]) for one in rows} == {
        "m.one": (8, 2),
        "pick": (10, 0),
        "stars": (9, 1),
        "hours": (0, 10),
    }
    assert {one["question"]: one["counts"] for one in rows}["pick"] == {"a": 9, "b": 7, "c": 0}
    # How many answered a multiple choice can be said.
    counts = {"pick": {"a": 4, "b": 4}}
    await taken(source, row("A1", 10, counts=counts, answered={"pick": 5}), revision=2)
    [stored] = (await source.made("GET", "/v1/campaigns/C/tallies/T/rows"))["items"]
    assert stored["answered"] == {"pick": 5}
    [shown] = (await source.made("GET", "/v1/campaigns/C/results?question=pick"))["rows"]
    assert (shown["answered"], shown["missing"]) == (5, 5)


WRONG: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
    (counted(**{"m.one": {"yes": 11}}), {("/counts/m.one/yes", "above_respondents")}),
    (counted(**{"m.one": {"yes": 6, "no": 5}}), {("/counts/m.one", "sum_above_respondents")}),
    (counted(**{"m.one": {"maybe": 1}}), {("/counts/m.one/maybe", "not_an_option")}),
    (counted(m={"yes": 1}), {("/counts/m", "unknown_question")}),
    (counted(hours={"1": 1}), {("/counts/hours", "not_closed")}),
    (counted(stars={"3": 1}), {("/counts/stars/3", "not_an_option")}),
    (counted(stars={"0": 6, "1": 6}), {("/counts/stars", "sum_above_respondents")}),
    (counted(pick=dict.fromkeys("abc", 7)), {("/counts/pick", "sum_above_respondents")}),
    (counted(pick={"a": -1}), {("/counts/pick/a", "greater_than_equal")}),
    (counted(pick={"a": 1.0}), {("/counts/pick/a", "int_type")}),
    (counted(pick={"a": "1"}), {("/counts/pick/a", "int_type")}),
    (counted(pick={"a": True}), {("/counts/pick/a", "int_type")}),
    (counted(pick={"a": None}), {("/counts/pick/a", "int_type")}),
    (counted(pick=[1]), {("/counts/pick", "dict_type")}),
    (row("A1", 10**9 + 1), {("/respondents", "less_than_equal")}),
    (row("A1", 10**30), {("/respondents", "less_than_equal")}),
    (row("nowhere", counts={}), {("/unit", "not_found")}),
    (row("A1", counts={}, population="pupil"), {("/population", "unknown_population")}),
    (row("A1", counts={}, phone="13800000000"), {("/phone", "extra_forbidden")}),
    ({"unit": "A1"}, {(f"/{name}", "missing") for name in ("population", "respondents", "counts")}),
    (
        row("A1", 10, counts={"stars": {"0": 1}}, answered={"stars": 1}),
        {("/answered/stars", "not_multiple_choice")},
    ),
    (row("A1", 10, counts={}, answered={"pick": 1}), {("/answered/pick", "without_counts")}),
    (
        row("A1", 10, counts={"pick": {"a": 9}}, answered={"pick": 10}),
        {("/answered/pick", "too_many_answered")},
    ),
    (
        row("A1", 10, counts={"pick": {"a": 9}}, answered={"pick": 8}),
        {("/answered/pick", "too_few_answered")},
    ),
    (
        row("A1", 10, counts={"pick": dict.fromkeys("abc", 4)}, answered={"pick": 5}),
        {("/answered/pick", "too_few_answered")},
    ),
]


async def test_counts_that_cannot_be_true_are_refused_with_their_place(source: Api) -> None:
    for wrong, where in WRONG:
        reply = await put(source, row("B1", 1, counts={}), wrong)
        status, kind, found = refused(reply)
        expected = (404, "not-found") if where == {("/unit", "not_found")} else (422,)
        assert (status, kind)[: len(expected)] == expected, wrong
        assert found == {(f"/rows/1{pointer}", code) for pointer, code in where}, wrong
    assert await respondents(source) == 0


async def test_everything_that_is_wrong_is_named_at_once(source: Api) -> None:
    bad = counted(**{"m.one": {"yes": 11, "no": 12}}, pick={"z": 1}, what={})
    repeated = row("A1", 1, counts={})
    reply = await put(source, bad, "not a row", repeated, repeated, as_of=ago(days=9))
    assert refused(reply) == (
        422,
        "invalid-input",
        {
            ("/as_of", "outside_window"),
            ("/rows/0/counts/m.one/no", "above_respondents"),
            ("/rows/0/counts/m.one/yes", "above_respondents"),
            ("/rows/0/counts/pick/z", "not_an_option"),
            ("/rows/0/counts/what", "unknown_question"),
            ("/rows/1", "model_type"),
            ("/rows/2", "repeated"),
            ("/rows/3", "repeated"),
        },
    )
    ahead = await put(source, repeated, as_of=ago(days=-1))
    assert refused(ahead) == (422, "invalid-input", {("/as_of", "in_the_future")})
    many = [counted(**{"m.one": {"yes": 11}}, what={}) for _ in range(2000)]
    document = (await put(source, *many)).json()
    assert len(document["errors"]) == 1000
    assert document["detail"].startswith("5,999 things are wrong")


async def test_a_body_of_another_shape_is_refused(source: Api) -> None:
    url = "/v1/campaigns/C/tallies/T"
    good = {"channel": "phone", "as_of": ago(minutes=1), "rows": [counted()]}
    for change, pointer in (
        ({"revision": 0}, "/revision"),
        ({"revision": "1"}, "/revision"),
        ({"channel": "fax"}, "/channel"),
        ({"as_of": 1}, "/as_of"),
        ({"source_note": "x" * 501}, "/source_note"),
        ({"rows": {}}, "/rows"),
        ({"rows": [{}] * 20_001}, "/rows"),
        ({"more": 1}, "/more"),
    ):
        reply = await source.put(url, {**good, **change})
        assert reply.status_code == 422, change
        assert [one["pointer"] for one in reply.json()["errors"]] == [pointer]
    for body in (b"", b"{", b"[" * 100_000, b'{"a":"\xff"}'):
        headers = {"Content-Type": "application/json"}
        assert (await source.put(url, content=body, headers=headers)).status_code == 400
    headers = {"Content-Type": "text/csv"}
    assert (await source.put(url, content=b"a", headers=headers)).status_code == 415
    large = b'{"rows":[' + b" " * (8 << 20) + b"]}"
    headers = {"Content-Type": "application/json"}
    assert (await source.put(url, content=large, headers=headers)).status_code == 413


async def test_nothing_is_counted_outside_the_sources_subtree(admin: Api, source: Api) -> None:
    county = await admin.as_client("tallies:write", unit="A", name="county")
    assert refused(await put(county, row("B1", counts={})))[0] == 404
    assert refused(await put(county, row("W", counts={})))[0] == 404
    await taken(county, row("A", counts={}), row("A1", counts={}))


async def test_the_same_question_lies_elsewhere_for_another_population(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    source = await admin.as_client("tallies:write", name="dashboard")
    counts = {"a": {"good": 3, "bad": 1, "unsure": 2}}
    rows = [row("A1", 9, counts=counts, population=name) for name in ("parent", "teacher")]
    await taken(source, *rows)
    url = "/v1/campaigns/C/results?by=population&question=a"
    for shown in (await admin.made("GET", url))["rows"]:
        assert shown["counts"] == {"good": 3, "bad": 1, "unsure": 2, "fair": 0}
        assert (shown["rate"], shown["missing"]) == (3 / 4, 3)
