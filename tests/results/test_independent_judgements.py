"""Coverage, rankings, trends, cross-tabs and numbers once more, by other libraries."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pandas
from scipy import stats
from scipy.stats.contingency import association
from statsmodels.stats.proportion import proportions_ztest
from statsmodels.stats.weightstats import DescrStatsW

from app.core.clock import SHANGHAI
from app.core.settings import Settings
from tests.factories import Api
from tests.results import recomputing as again
from tests.results.recomputing import Group
from tests.results.test_independent_ledger import POPULATIONS, Region, close, differing, prepared
from tests.results.wide_region import ISSUED, PERIODS, REGION, TARGETS

LEVELS = ("city", "county", "district", "school", "grade", "class")
# Of nine, revoked, four had been used, and one of these was withdrawn.
INVITED = {"A1": 3, "B1": 6}


async def test_judgements_are_those_of_other_libraries(admin: Api, settings: Settings) -> None:
    region = await prepared(admin, settings, 6)
    for level in LEVELS:
        await check_coverage(region, level)
        await check_school_year(region, level)
    ranked = 0
    for query in ({}, {"population": "parent"}, {"question": "a"}, {"quality": "clean"}):
        for level in ("county", "school"):
            ranked += await check_ranking(region, level, query)
    assert ranked > 20
    for unit in ("W", "A", "A1", "B1", "B2"):
        for query in ({}, {"question": "a"}, {"question": "many"}, {"channel": "phone"}):
            await check_trend(region, unit, query)
    for unit, query in (("W", {}), ("W", {"quality": "clean"}), ("A", {"channel": "link"})):
        await check_crosstabs(region, unit, query)
        for question in ("hours", "stars"):
            await check_numbers(region, unit, question, query)


def n_of(groups: Sequence[Group]) -> int:
    return sum(one.respondents for one in groups)


def issued_of(unit: str, population: str, channel: str) -> int | None:
    """What was handed out: what a unit states in place of those below; invitations in any case."""
    if channel == "invitation":
        made = [n for one, n in INVITED.items() if unit in again.line(one)]
        return sum(made) if made and population == "parent" else None
    own = [n for *key, n in ISSUED if key == [unit, population, channel]]
    if own:
        return own[0]
    known = [
        n for one in again.below(unit) if (n := issued_of(one, population, channel)) is not None
    ]
    return sum(known) if known else None


def says_issued(unit: str) -> bool:
    return unit in INVITED or any(one == unit for one, *_ in ISSUED)


def silent_of(unit: str) -> list[str]:
    """The topmost units below, beside others, that say nothing of what they handed out."""

    def speaks(one: str) -> bool:
        return says_issued(one) or any(map(speaks, again.below(one)))

    if says_issued(unit) or not speaks(unit):
        return []
    return [
        found for one in again.below(unit) for found in (silent_of(one) if speaks(one) else [one])
    ]


def standing_of(
    groups: Sequence[Group], unit: str, population: str, target: dict[str, Any]
) -> dict[str, Any]:
    channels = {target["channel"]} if target.get("channel") else None
    issued = target["basis"] == "issued"
    if issued and not channels:
        channels = {"paper", "link", "wechat", "onsite", "invitation"}
    groups = [one for one in groups if channels is None or one.channel in channels]
    mine = [one for one in groups if one.population == population]
    responded = n_of([one for one in mine if unit in again.line(one.unit)])
    lacking: list[str] = []
    if target["basis"] == "respondents":
        basis = n_of([one for one in groups if unit in again.line(one.unit)]) or None
    elif issued:
        known = [issued_of(unit, population, one) for one in channels or ()]
        basis = None if set(known) <= {None} else sum(n or 0 for n in known)
        lacking = [
            one for one in silent_of(unit) if any(one in again.line(group.unit) for group in mine)
        ]
    else:
        basis = again.heads(unit, target["basis"])
        lacking = again.lacking(unit, target["basis"])
    if basis is None:
        nothing = dict.fromkeys(("basis", "required", "share", "met", "gap"))
        return {**nothing, "basis_missing": 0, "responded": responded}
    required = max(math.ceil(Fraction(str(target["share"])) * basis), target.get("at_least") or 0)
    outside = n_of([one for one in mine if set(lacking) & set(again.line(one.unit))])
    met = responded >= required and (None if lacking else True)
    return {
        "basis": basis,
        "basis_missing": len(lacking),
        "required": required,
        "responded": responded,
        "share": (responded - outside) / basis if basis else None,
        "met": met,
        "gap": None if met is None else max(required - responded, 0),
    }


async def check_coverage(region: Region, level: str) -> None:
    campaign = await region.api.made("GET", "/v1/campaigns/autumn")
    reply = await region.read("coverage", level=level)
    instant = datetime.fromisoformat(reply["as_of"])
    today = instant.astimezone(SHANGHAI).date()
    opened, closing = (datetime.fromisoformat(campaign[one]) for one in ("opens_at", "closes_at"))
    since = max(today - timedelta(days=6), opened.astimezone(SHANGHAI).date())
    assert reply["pace_since"] == str(since)
    last = (closing - timedelta(microseconds=1)).astimezone(SHANGHAI).date()
    assert len(reply["rows"]) == len(again.of_kind(level)) * sum(map(len, TARGETS.values()))
    for row in reply["rows"]:
        unit, population = row["unit"]["code"], row["population"]
        target = next(one for one in TARGETS[population] if one["name"] == row["target"])
        expected = standing_of(region.groups["autumn"], unit, population, target)
        recent = [one for one in region.groups["autumn"] if since <= one.day <= today]
        came = standing_of(recent, unit, population, target)["responded"]
        pace = Fraction(came, (today - since).days + 1)
        day = None
        foreseen = expected["gap"] and not expected["basis_missing"] and pace
        if foreseen and target["basis"] != "respondents":
            days = -(-expected["gap"] * pace.denominator // pace.numerator)
            day = today + timedelta(days=days) if days <= 366 else None
        expected |= {"pace": float(pace), "expected_on": day and str(day)}
        expected["on_time"] = None if day is None else day <= last
        assert not (found := differing(row, expected)), (row, found)


async def check_school_year(region: Region, level: str) -> None:
    query = {"population": "parent", "basis": "parents", "share": 0.3, "level": level}
    reply = await region.api.made("GET", "/v1/school-years/2026/coverage", params=query)
    target = {"basis": "parents", "share": 0.3}
    for row in reply["rows"]:
        shares: list[Fraction | None] = []
        for code in sorted(PERIODS):
            one = standing_of(region.groups[code], row["unit"]["code"], "parent", target)
            found = next(each for each in row["campaigns"] if each["campaign"] == code)
            names = ("basis", "basis_missing", "responded", "share")
            assert not differing(found, {name: one[name] for name in names})
            known = one["basis"] and not one["basis_missing"]
            share = Fraction(one["responded"], one["basis"]) if known else None
            shares.append(share if one["responded"] else Fraction())
        if again.heads(row["unit"]["code"], "parents") in (0, None):
            assert row["bounds"] is None
            continue
        known_shares = [one for one in shares if one is not None]
        low = min(max(known_shares, default=Fraction()), Fraction(1))
        high = min(sum(known_shares), Fraction(1)) if None not in shares else Fraction(1)
        assert close(row["bounds"], [float(low), float(high)])
        wanted = Fraction(3, 10)
        assert row["met"] == (True if low >= wanted else False if high < wanted else None)


async def check_ranking(region: Region, level: str, query: dict[str, str]) -> int:
    """How many units were ranked."""
    reply = await region.read("ranking", level=level, **query)
    populations = [query["population"]] if "population" in query else POPULATIONS
    question = query.get("question")
    groups = region.groups["autumn"]
    if query.get("quality"):
        groups = [one for one in groups if one.clean]
    rows = {row["unit"]["code"]: row for row in reply["rows"]}
    assert sorted(rows) == again.of_kind(level)
    ranked: dict[str, tuple[Fraction, Any]] = {}
    for unit, row in rows.items():
        mine = [one for one in groups if unit in again.line(one.unit)]
        found = again.estimates(mine, unit, question, populations)
        rate, interval, shares = again.composite_of(found)
        n = sum(one.took_sides for one in found)
        because = ["too_few"] if n < 12 or rate is None else []
        targets = [(one, target) for one in populations for target in TARGETS[one]]
        if any(standing_of(region.groups["autumn"], unit, *one)["met"] is False for one in targets):
            because.append("below_target")
        expected = {
            "rate": rate if rate is None else float(rate),
            "interval": interval,
            "interval_kind": "none" if interval is None else again.kind_of_interval(found),
            "respondents": sum(one.respondents for one in found),
            "n": n,
            "because": because,
            "insufficient": bool(because),
            "shares": {code: float(share) for code, share in shares.items()},
        }
        assert not (
            wrong := {k: (row[k], v) for k, v in expected.items() if not close_or_equal(row[k], v)}
        ), (row, wrong)
        if rate is not None and not because:
            ranked[unit] = rate, interval
    check_ranks(reply, rows, ranked)
    return len(ranked)


def close_or_equal(found: Any, expected: Any) -> bool:
    return bool(found == expected or (not isinstance(expected, list) and close(found, expected)))


def check_ranks(reply: Any, rows: dict[str, Any], ranked: dict[str, Any]) -> None:
    rates = {code: rate for code, (rate, _) in ranked.items()}
    order = dict(zip(rates, rank(list(rates.values())), strict=True))
    assert {code: row["rank"] for code, row in rows.items()} == {**dict.fromkeys(rows), **order}
    for code, (_, mine) in ranked.items():
        others = [one for other, (_, one) in ranked.items() if other != code]
        wanted = None
        if mine is not None:
            above = sum(one is not None and one[0] > mine[1] for one in others)
            beneath = sum(one is not None and one[1] < mine[0] for one in others)
            wanted = [1 + above, len(ranked) - beneath]
        assert rows[code]["rank_range"] == wanted
    lowest = sorted(rates.values())[:10]
    assert {one["unit"]["code"] for one in reply["bottom"]} == {
        code for code, rate in rates.items() if lowest and rate <= lowest[-1]
    }
    weighed = [
        (float(rate), n)
        for code, rate in rates.items()
        if (n := again.heads(code, "students")) is not None
    ]
    mean = spread = None
    if sum(n for _, n in weighed):
        described = DescrStatsW([rate for rate, _ in weighed], [n for _, n in weighed], ddof=0)
        mean, spread = float(described.mean), float(described.std / described.mean)
    equity = reply["equity"]
    assert close(equity["mean"], mean)
    assert close(equity["coefficient_of_variation"], spread)
    for code, row in rows.items():
        siblings = [one for one in rates if REGION[one].parent == REGION[code].parent]
        if REGION[code].parent is None:
            assert row["among_siblings"] is None
            continue
        places = dict(zip(siblings, rank([rates[one] for one in siblings]), strict=True))
        found = row["among_siblings"]
        assert (found["rank"], found["of"]) == (places.get(code), len(siblings))
        assert found["parent"]["code"] == REGION[code].parent


def rank(rates: Sequence[Fraction]) -> list[int]:
    """By scipy, of whole numbers that are in the rates' order, so that ties stay ties."""
    order = sorted(set(rates))
    return [int(one) for one in stats.rankdata([-order.index(rate) for rate in rates], "min")]


async def check_trend(region: Region, unit: str, query: dict[str, str]) -> None:
    asked = {"unit": unit, "campaigns": "spring,autumn", "population": "parent", **query}
    reply = await region.api.made("GET", "/v1/trends", params=asked)
    found = []
    for code, row in zip(("spring", "autumn"), reply["rows"], strict=True):
        groups = region.of(code, within=unit)
        if "channel" in query:
            groups = [one for one in groups if one.channel == query["channel"]]
        [one] = again.estimates(groups, unit, query.get("question"), ["parent"])
        found.append(one)
        assert close(row["n"], one.effective)
        expected = {
            "respondents": one.respondents,
            "rate": one.rate and float(one.rate),
            "interval": one.interval,
        }
        assert not differing(row, expected), (row, expected)
    before, after = found
    change = reply["rows"][1]["change"]
    if query.get("question") == "many" or not (before.total and after.total):
        assert change is None
        return
    n = np.array([after.effective, before.effective])
    rates = np.array([float(after.rate or 0), float(before.rate or 0)])
    assert close(change["difference"], rates[0] - rates[1])
    if 0 < (n @ rates) / n.sum() < 1 - 1e-12:
        z, p = proportions_ztest(n * rates, n)
        assert close(change["z"], float(z))
        assert close(change["p"], float(p))
        assert change["significant"] == (p < 0.05)
    else:
        assert change["z"] is change["p"] is None


async def check_crosstabs(region: Region, unit: str, query: dict[str, str]) -> None:
    for rows, columns in (("a", "rooms.hall"), ("stars", "c"), ("many", "a"), ("c", "many")):
        asked = {"rows": rows, "columns": columns, "within": unit, "population": "parent", **query}
        reply = await region.read("crosstab", **asked)
        wanted = [one for one in region.of(within=unit, population="parent") if one.counts is None]
        wanted = [one for one in wanted if one.clean or "quality" not in query]
        wanted = [one for one in wanted if one.channel == query.get("channel", one.channel)]
        frame = pandas.DataFrame(
            [
                (str(row), str(column))
                for one in wanted
                for row in as_list(one.answers.get(rows))
                for column in as_list(one.answers.get(columns))
            ],
            columns=["row", "column"],
        )
        counts = pandas.crosstab(frame["row"], frame["column"])
        for row in reply["rows"]:
            for value, times in row["counts"].items():
                inside = row["value"] in counts.index and value in counts.columns
                assert times == (counts.loc[row["value"], value] if inside else 0)
            mine = [
                one for one in wanted if row["value"] in map(str, as_list(one.answers.get(rows)))
            ]
            assert row["answered"] == sum(columns in one.answers for one in mine)
            assert row["missing"] == sum(columns not in one.answers for one in mine)
            [said] = again.estimates(mine, None, columns, ["parent"])
            assert close(row["rate"], said.rate and float(said.rate))
            if said.rate is not None and columns != "many":
                assert close(row["interval"], again.wilson(float(said.rate), said.total))
        assert reply["respondents"] == len(wanted)
        assert reply["answered"] == sum({rows, columns} <= one.answers.keys() for one in wanted)
        found = reply["association"]
        if "many" in (rows, columns) or min(counts.shape) < 2:
            assert found is None
            continue
        chi, p, df, expected = stats.chi2_contingency(counts, correction=False)
        assert close([found["chi_square"], found["p"], found["df"]], [chi, p, df])
        assert close(found["cramers_v"], float(association(counts.to_numpy(), "cramer")))
        few = (expected < 5).mean() > 0.2 or (expected < 1).any()
        assert found["low_expected"] == few


def as_list(answer: Any) -> list[Any]:
    if answer is None:
        return []
    return answer if isinstance(answer, list) else [answer]


async def check_numbers(region: Region, unit: str, question: str, query: dict[str, str]) -> None:
    reply = await region.read("numbers", question=question, within=unit, **query)
    values: dict[str | None, list[float]] = defaultdict(list)
    for one in region.of(within=unit):
        if one.channel != query.get("channel", one.channel) or (
            "quality" in query and not one.clean
        ):
            continue
        said = [float(one.answers[question])] if question in one.answers else []
        if one.counts is not None and question == "stars":
            said = [
                float(value) for value, times in one.votes("stars").items() for _ in range(times)
            ]
        at = again.at_level(one.unit, "school")
        values[at if at and unit in again.line(at) else None] += said
    for row in reply["rows"]:
        check_described(row, values[row["unit"] and row["unit"]["code"]])
    check_described(reply["total"], [value for each in values.values() for value in each])


def check_described(row: dict[str, Any], values: Sequence[float]) -> None:
    assert row["answered"] == len(values)
    if not values:
        assert row["mean"] is row["quantiles"] is None
        return
    expected = {
        "mean": np.mean(values), "sum": np.sum(values), "min": min(values), "max": max(values),
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
    }  # fmt: skip
    assert not differing(row, expected)
    shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    assert close(list(row["quantiles"].values()), list(map(float, np.quantile(values, shares))))
