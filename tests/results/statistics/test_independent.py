"""The statistics against scipy and statsmodels, on thousands of random tables."""

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import proportion_confint, proportions_ztest
from statsmodels.stats.weightstats import DescrStatsW

from app.results.statistics import clusters, mixing, proportions, ranks, spread
from app.results.statistics.clusters import Votes

TABLES = 3000


def tables() -> Iterator[tuple[int, int, int]]:
    """Positive, counted, heads: all sizes, and the edges n = 0, n = N, n > N, none and all."""
    dice = random.Random(8)
    for _ in range(TABLES):
        heads = dice.choice((1, 2, 10, 50, 1000, 200_000))
        n = dice.choice((0, 1, heads - 1, heads, heads + 1, dice.randint(0, heads)))
        positive = dice.choice((0, n, dice.randint(0, max(n, 0))))
        yield positive, max(n, 0), heads


def test_intervals_are_statsmodels_with_as_many_as_the_correction_says() -> None:
    seen = set()
    for positive, n, heads in tables():
        positive = min(positive, n)
        found = proportions.interval(positive / n if n else 0.0, n, heads)
        case = "none" if n == 0 else "over" if n > heads else "all" if n == heads else "some"
        seen.add(case)
        if case in ("none", "over"):
            assert found is None
        elif case == "all":
            assert found == (positive / n, positive / n)
        else:
            effective = n * (heads - 1) / (heads - n)
            expected = proportion_confint(
                positive / n * effective, effective, alpha=0.05, method="wilson"
            )
            assert found == pytest.approx(expected, abs=1e-12)
    assert seen == {"none", "over", "all", "some"}


def test_changes_are_statsmodels_z_test() -> None:
    dice = random.Random(9)
    tested = 0
    for _ in range(TABLES):
        before, after = dice.randint(1, 3000), dice.randint(1, 3000)
        first, second = dice.randint(0, before), dice.randint(0, after)
        found = proportions.difference(first / before, before, second / after, after)
        if 0 < first + second < before + after:
            tested += 1
            expected = proportions_ztest([second, first], [after, before])
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
        else:
            assert found is None
    assert tested > TABLES * 0.9


def persons(dice: random.Random) -> list[tuple[int, int]]:
    """People who agree with themselves more or less, and leave some out."""
    agreement, rate = dice.random(), dice.random()
    people = []
    for _ in range(dice.choice((2, 5, 40, 200))):
        votes = dice.choice((0, 3, 5, 6, 6, 6))
        own = rate if dice.random() > agreement else float(dice.random() < rate)
        people.append((sum(dice.random() < own for _ in range(votes)), votes))
    return people


def votes_of(people: list[tuple[int, int]]) -> Votes:
    p, v = (np.array(column) for column in zip(*people, strict=True))
    return Votes(*(int(n) for n in (p.sum(), v.sum(), p @ p, p @ v, v @ v)))


def test_the_variance_of_a_pooled_rate_is_that_of_a_regression_clustered_by_person() -> None:
    dice = random.Random(10)
    for _ in range(150):
        people = persons(dice)
        votes = votes_of(people)
        if not 0 < votes.p < votes.v:
            continue
        single = [(vote < p, who) for who, (p, v) in enumerate(people) for vote in range(v)]
        outcome, groups = (np.array(column) for column in zip(*single, strict=True))
        if len(set(groups)) < 2:
            continue
        fitted: Any = sm.OLS(outcome.astype(float), np.ones(len(single))).fit(
            cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
        )
        assert votes.p / votes.v == pytest.approx(fitted.params[0])
        assert clusters.linearised_variance(votes) == pytest.approx(
            fitted.bse[0] ** 2, rel=1e-6, abs=1e-15
        )


def test_the_design_effect_is_that_of_a_regression_with_two_more_persons() -> None:
    dice = random.Random(11)
    compared = 0
    for _ in range(150):
        people = [(p, 6) for p, v in persons(dice) if v == 6]
        if len(people) < 2:
            continue
        single = [
            (vote < p, who)
            for who, (p, v) in enumerate([*people, (6, 6), (0, 6)])
            for vote in range(v)
        ]
        outcome, groups = (np.array(column) for column in zip(*single, strict=True))
        fitted: Any = sm.OLS(outcome.astype(float), np.ones(len(single))).fit(
            cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
        )
        rate = fitted.params[0]
        naive = rate * (1 - rate) / len(single)
        expected = max(fitted.bse[0] ** 2 / naive, 1)
        assert clusters.design_effect(votes_of(people)) == pytest.approx(expected, rel=1e-6)
        compared += expected > 1
    assert compared > 100


def test_pooled_intervals_hold_what_they_promise_where_few_people_answer() -> None:
    """95 % is the promise; the seed is fixed, so that chance decides nothing."""
    dice = np.random.default_rng(12)
    for people, rate, alike in ((5, 0.9, 0.3), (30, 0.97, 0.7), (100, 0.9, 0.3), (100, 0.97, 0.7)):
        spread_of = (1 - alike) / alike
        held = 0
        for _ in range(800):
            own = dice.beta(rate * spread_of, (1 - rate) * spread_of, people)
            positive = dice.binomial(6, own)
            found = clusters.pooled_interval(votes_of([(int(p), 6) for p in positive]))
            assert found is not None
            held += found[0] <= rate <= found[1]
        assert held / 800 > 0.93, (people, rate, alike)


def test_ranks_are_scipys() -> None:
    dice = random.Random(13)
    for _ in range(TABLES):
        rates = [Fraction(dice.randint(0, 20), 20) for _ in range(dice.choice((1, 2, 9, 60)))]
        expected = stats.rankdata([-float(rate) for rate in rates], method="min")
        assert ranks.ranks(rates) == expected.tolist()


def test_the_variation_is_statsmodels_weighted_one() -> None:
    dice = random.Random(14)
    for _ in range(TABLES):
        schools = dice.choice((1, 2, 9, 60))
        values = [dice.random() for _ in range(schools)]
        weights = [dice.randint(1, 3000) for _ in range(schools)]
        described = DescrStatsW(np.array(values), weights=np.array(weights), ddof=0)
        found = spread.coefficient_of_variation(values, weights)
        assert found == pytest.approx(float(described.std / described.mean), abs=1e-12)
        if len(set(weights)) == 1:
            assert found == pytest.approx(float(stats.variation(values)), abs=1e-12)


def test_kishs_design_effect_is_one_and_the_squared_variation_of_the_weights() -> None:
    dice = random.Random(15)
    for _ in range(TABLES):
        weights = [dice.uniform(0.1, 9) for _ in range(dice.choice((1, 2, 9, 60)))]
        expected = 1 + float(stats.variation(weights)) ** 2
        assert clusters.kish_design_effect(weights) == pytest.approx(expected, rel=1e-9)


def test_composites_of_large_samples_are_the_normal_ones() -> None:
    dice = random.Random(16)
    for _ in range(300):
        sizes = [dice.randint(50_000, 100_000) for _ in range(3)]
        positive = [dice.randint(n // 5, 4 * n // 5) for n in sizes]
        weights = np.array([dice.randint(1, 9) for _ in range(3)])
        rates = np.array(positive) / np.array(sizes)
        parts = [
            mixing.Part(float(weight), p / n, proportions.wilson(p / n, n))
            for weight, p, n in zip(weights, positive, sizes, strict=True)
        ]
        described = weights / weights.sum()
        error = np.sqrt((described**2 * rates * (1 - rates) / np.array(sizes)).sum())
        expected = stats.norm.interval(0.95, loc=(described * rates).sum(), scale=error)
        assert mixing.mixed_interval(parts) == pytest.approx(expected, abs=2e-5)
