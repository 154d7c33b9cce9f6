"""Cross-tabs of two questions, against counting by hand and against results."""

import csv
import io
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from scipy.stats import chi2_contingency
from statsmodels.stats.proportion import proportion_confint

from app.core.database import Database
from app.responses.tables import Channel
from app.results.crosstabs import service
from tests.factories import Api, open_campaign, tree
from tests.results.ledger import DEFINITIONS, Entry, insert, publish, random_ledger

URL = "/v1/campaigns/C/crosstab"
GOOD = ("good", "fair")
VALUES = {
    question["code"]: [
        one["value"] for one in question.get("options") or DEFINITIONS["parent"]["scales"]["s"]
    ]
    for question in DEFINITIONS["parent"]["questions"]
    if question["type"].endswith("choice")
} | {"stars": [str(one) for one in range(11)]}


async def prepared(admin: Api, *entries: Entry) -> None:
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    await insert(admin, entries)


async def crosstab(api: Api, rows: str, columns: str, **parameters: Any) -> dict[str, Any]:
    found: dict[str, Any] = await api.made(
        "GET", URL, params={"rows": rows, "columns": columns, **parameters}
    )
    return found


def chose(entry: Entry, question: str) -> set[str]:
    """What a person chose."""
    answer = entry.answers.get(question)
    if answer is None:
        return set()
    return set(answer) if isinstance(answer, list) else {str(answer)}


def by_hand(entries: Iterable[Entry], rows: str, columns: str) -> dict[str, Any]:
    """The counts, person by person."""
    persons = [(chose(one, rows), chose(one, columns)) for one in entries]
    both = [one for one in persons if all(one)]
    return {
        "respondents": len(persons),
        "answered": len(both),
        "missing": {
            "rows": sum(not first and bool(second) for first, second in persons),
            "columns": sum(bool(first) and not second for first, second in persons),
            "both": sum(not any(one) for one in persons),
        },
        "rows": {
            row: {
                "answered": sum(row in first for first, _ in both),
                "missing": sum(row in first and not second for first, second in persons),
                "counts": {
                    column: sum(row in first and column in second for first, second in both)
                    for column in VALUES[columns]
                },
            }
            for row in VALUES[rows]
        },
        "columns": {
            column: {
                "answered": sum(column in second for _, second in both),
                "missing": sum(column in second and not first for first, second in persons),
            }
            for column in VALUES[columns]
        },
    }


def counts_of(found: dict[str, Any]) -> dict[str, Any]:
    """A reply's counts, as `by_hand` has them."""
    return {
        **{name: found[name] for name in ("respondents", "answered", "missing")},
        "rows": {
            row["value"]: {name: row[name] for name in ("answered", "missing", "counts")}
            for row in found["rows"]
        },
        "columns": {
            one["value"]: {name: one[name] for name in ("answered", "missing")}
            for one in found["columns"]
        },
    }


MANY_MORE = """
    INSERT INTO responses (
        campaign_id, submission_id, sequence, sign, unit_id, population, channel, answered_at,
        answers
    )
    SELECT campaign_id, gen_random_uuid(), 0, 1, unit_id, population, channel, answered_at, answers
    FROM responses, generate_series(1, 30000)
"""
PAIRS = [("a", "b"), ("a", "stars"), ("stars", "b"), ("many", "a"), ("b", "many"), ("many", "many")]


async def test_a_random_ledger_is_counted_as_by_hand_and_as_results_do(admin: Api) -> None:
    written, standing = random_ledger(random.Random(31), ["A1", "A2", "B1", "A", "W"], 200)
    await prepared(admin, *written)
    parents = [one for one in standing if one.population == "parent"]
    filters: list[tuple[dict[str, str], list[Entry]]] = [
        ({}, parents),
        ({"within": "A"}, [one for one in parents if one.unit in ("A", "A1", "A2")]),
        ({"channel": "phone"}, [one for one in parents if one.channel == Channel.phone]),
        ({"quality": "clean"}, [one for one in parents if not one.quality]),
    ]
    for parameters, entries in filters:
        for rows, columns in PAIRS:
            found = await crosstab(admin, rows, columns, population="parent", **parameters)
            assert counts_of(found) == by_hand(entries, rows, columns), (rows, columns, parameters)
            for side, question in (("rows", rows), ("columns", columns)):
                assert await of_results(admin, question, parameters) == {
                    one["value"]: one["answered"] + one["missing"] for one in found[side]
                }


async def of_results(api: Api, question: str, parameters: dict[str, str]) -> dict[str, int]:
    reply = await api.made(
        "GET",
        "/v1/campaigns/C/results",
        params={"question": question, "population": "parent", **parameters},
    )
    counts: dict[str, int] = reply["rows"][0]["counts"]
    return counts


async def test_rates_intervals_shares_and_association_are_those_of_others(admin: Api) -> None:
    written, standing = random_ledger(random.Random(32), ["A1", "B1"], 250)
    await prepared(admin, *written)
    parents = [one for one in standing if one.population == "parent"]
    found = await crosstab(admin, "a", "b")
    assert found["populations"] == ["parent"]
    assert found["asked"] == {
        "rows": {"question": "a", "type": "single_choice"},
        "columns": {"question": "b", "type": "single_choice"},
    }
    for row in found["rows"]:
        counts = row["counts"]
        positive = counts["good"] + counts["fair"]
        taken = positive + counts["bad"]
        assert row["rate"] == pytest.approx(positive / taken)
        expected = proportion_confint(positive, taken, method="wilson")
        assert row["interval"] == pytest.approx(expected)
        assert row["shares"] == {
            value: pytest.approx(times / row["answered"]) for value, times in counts.items()
        }
    assert [one["counts_as"] for one in found["columns"]] == [
        "positive", "negative", "excluded", "positive"
    ]  # fmt: skip
    table = [list(row["counts"].values()) for row in found["rows"]]
    assert sum(map(sum, table)) == found["answered"] < len(parents)
    expected = chi2_contingency(table, correction=False)
    assert found["association"] == {
        "chi_square": pytest.approx(expected.statistic),
        "df": expected.dof,
        "p": pytest.approx(expected.pvalue),
        "cramers_v": pytest.approx((expected.statistic / found["answered"] / 3) ** 0.5),
        "low_expected": bool(
            (expected.expected_freq < 5).mean() > 0.2 or expected.expected_freq.min() < 1
        ),
    }
    assert (found["no_association"], found["interval_kind"]) == (None, "indicative")
    assert (await crosstab(admin, "a", "b", channel="phone"))["interval_kind"] == "sample"


async def test_what_has_no_association_or_rate_says_why(admin: Api) -> None:
    await prepared(
        admin,
        Entry(answers={"a": "good", "b": "bad", "many": ["m0", "m10"], "stars": 3}),
        Entry(answers={"a": "good", "b": "good", "many": ["m0"], "stars": 0}),
        Entry(answers={"a": "unsure", "b": "unsure"}),
    )
    several = await crosstab(admin, "a", "many")
    assert (several["association"], several["no_association"]) == (None, "several_answers")
    assert several["rows"][0]["shares"] == {
        **{f"m{number}": 0 for number in range(11)}, "m0": 1, "m10": 0.5
    }  # fmt: skip
    assert several["rows"][0]["no_interval"] == "no_votes"
    assert several["interval_kind"] == "none"
    itself = await crosstab(admin, "a", "a")
    assert (itself["association"], itself["no_association"]) == (None, "same_question")
    few = await crosstab(admin, "a", "b", within="A1")
    assert few["association"]["low_expected"] is True
    fewer = await crosstab(admin, "a", "stars")
    assert (fewer["association"], fewer["no_association"]) == (None, "too_few_options")
    nobody = await crosstab(admin, "a", "b", within="B1")
    assert (nobody["respondents"], nobody["answered"]) == (0, 0)
    assert nobody["rows"][0]["shares"] is None
    assert nobody["no_association"] == "too_few_options"


async def test_questions_of_several_populations_are_added_up_only_where_they_are_the_same(
    admin: Api,
) -> None:
    await tree(admin)
    both = (await publish(admin))["parent"]
    await open_campaign(admin, populations={"father": both, "mother": both})
    entry = Entry(answers={"a": "good", "b": "bad"})
    same = {"father": DEFINITIONS["parent"], "mother": DEFINITIONS["parent"]}
    entries = [Entry(population=one, answers=entry.answers) for one in ("father", "mother")]
    await insert(admin, entries, definitions=same)
    found = await crosstab(admin, "a", "b")
    assert (found["populations"], found["answered"]) == (["father", "mother"], 2)
    one = await crosstab(admin, "a", "b", population="mother")
    assert (one["populations"], one["answered"]) == (["mother"], 1)


async def test_only_populations_that_are_asked_both_questions_count(admin: Api) -> None:
    await prepared(
        admin,
        Entry(answers={"a": "good", "stars": 3}),
        Entry(population="teacher", answers={"a": "good", "staff": "bad"}),
    )
    assert (await crosstab(admin, "a", "stars"))["populations"] == ["parent"]
    assert (await crosstab(admin, "staff", "a"))["respondents"] == 1
    # The options are the same in another order.
    assert (await crosstab(admin, "a", "a"))["rows"][0]["counts"]["good"] == 2
    reply = await admin.get(URL, params={"rows": "stars", "columns": "staff"})
    assert reply.json()["errors"][0]["code"] == "not_asked_together"


async def test_what_differs_between_populations_asks_for_one_of_them_and_numbers_say_so(
    admin: Api,
) -> None:
    await tree(admin)
    label = {"zh-CN": "题"}
    populations = {}
    for number in (2, 3):
        options = [{"value": f"v{one}", "label": label} for one in range(number)]
        question = {"type": "single_choice", "options": options, "label": label}
        stars = {"code": "s", "type": "rating", "min": 1, "max": number, "label": label}
        body = {
            "title": label,
            "questions": [{**question, "code": code} for code in "pq"] + [stars],
        }
        await admin.made("PUT", f"/v1/questionnaires/of-{number}", body)
        await admin.made("POST", f"/v1/questionnaires/of-{number}/publish")
        populations[f"p{number}"] = {"questionnaire": f"of-{number}", "version": 1}
    await open_campaign(admin, populations=populations)
    reply = await admin.get(URL, params={"rows": "p", "columns": "q"})
    assert reply.status_code == 422
    [error] = reply.json()["errors"]
    assert (error["pointer"], error["code"]) == ("?population", "not_comparable")
    assert len((await crosstab(admin, "p", "q", population="p3"))["rows"]) == 3
    numbers = "/v1/campaigns/C/numbers?question=s"
    assert (await admin.made("GET", numbers))["comparable"] is False
    assert "comparable" not in await admin.made("GET", f"{numbers}&population=p3")


async def test_respondents_of_tallies_are_left_out_and_told(admin: Api) -> None:
    await prepared(admin, Entry(answers={"a": "good", "b": "bad"}))
    tally = {
        "revision": 1,
        "channel": "phone",
        "as_of": datetime.now(UTC).isoformat(),
        "rows": [
            {
                "unit": "B1",
                "population": "parent",
                "respondents": 7,
                "counts": {"a": {"good": 7}, "b": {"good": 7}},
            }
        ],
    }
    await admin.made("PUT", "/v1/campaigns/C/tallies/one", tally)
    found = await crosstab(admin, "a", "b")
    assert (found["respondents"], found["tallied"], found["answered"]) == (1, 7, 1)
    assert (await crosstab(admin, "a", "b", within="A"))["tallied"] == 0


async def test_a_crosstab_comes_as_a_table_and_is_not_sent_twice(admin: Api) -> None:
    await prepared(
        admin,
        Entry(answers={"a": "good", "b": "bad"}),
        Entry(answers={"a": "good", "b": "good"}),
        Entry(answers={"a": "good"}),
        Entry(answers={"b": "good"}),
    )
    asked = {"rows": "a", "columns": "b"}
    reply = await admin.get(URL, params=asked, headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))
    assert [line["value"] for line in lines] == [*VALUES["a"], ""]
    assert (lines[0]["answered"], lines[0]["missing"], lines[0]["rate"]) == ("2", "1", "0.5")
    assert (lines[0]["counts.bad"], lines[0]["shares.bad"]) == ("1", "0.5")
    assert (lines[0]["interval_kind"], lines[0]["no_interval"]) == ("indicative", "")
    assert (lines[1]["interval_kind"], lines[1]["no_interval"]) == ("none", "no_votes")
    # Whoever did not answer the rows is in none of them, and not in their totals.
    assert (lines[-1]["answered"], lines[-1]["missing"]) == ("2", "1")
    assert [lines[-1][f"counts.{value}"] for value in GOOD] == ["1", "0"]
    etag = (await admin.get(URL, params=asked)).headers["ETag"]
    again = await admin.get(URL, params=asked, headers={"If-None-Match": etag})
    assert again.status_code == 304


async def test_beyond_the_budget_or_its_time_the_next_step_is_named(
    admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepared(admin, Entry(answers={"many": ["m0", "m1"], "b": "bad"}))
    database: Database = admin.app.state.database
    await database.pool.execute(MANY_MORE)
    asked = {"rows": "many", "columns": "many", "within": "A"}
    assert (await crosstab(admin, **asked))["respondents"] == 30_001
    monkeypatch.setattr(service, "SECONDS", 0.001)
    reply = await admin.get(URL, params=asked)
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/too-many-responses")
    assert "export" in reply.json()["detail"]
    # The campaign's responses are counted, wherever they were given.
    monkeypatch.setattr(service, "MAX_RESPONSES", 30_000)
    reply = await admin.get(URL, params={**asked, "within": "B1"})
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/too-many-responses")
    assert "30,000" in reply.json()["detail"]


async def test_who_may_not_read_is_told_so_and_what_has_no_options_is_named(admin: Api) -> None:
    await prepared(admin)
    asked = {"rows": "a", "columns": "b"}
    for scope, status in (("responses:read", 403), ("results:read", 403), ("results:exact", 200)):
        client = await admin.as_client(scope)
        assert (await client.get(URL, params=asked)).status_code == status
    county = await admin.as_client("results:exact", unit="A")
    assert (await county.get(URL, params={**asked, "within": "B"})).status_code == 404
    for question, code in (
        ("hours", "not_closed"),
        ("comment", "not_closed"),
        ("unit", "unknown_question"),
    ):
        for side in asked:
            reply = await admin.get(URL, params={**asked, side: question})
            assert reply.status_code == 422
            [error] = reply.json()["errors"]
            assert (error["pointer"], error["code"]) == (f"?{side}", code)
    assert (await admin.get(URL, params={"rows": "a"})).status_code == 422
