"""How unequal units are, as inspections of balanced development ask.

Source: the Ministry of Education's measures for monitoring balanced compulsory education, 差异系数.
"""

import math
from collections.abc import Sequence


def weighted_mean(values: Sequence[float], weights: Sequence[float]) -> float | None:
    """Σ m x / M, m the weights and M their sum. None where nothing has weight."""
    total = math.fsum(weights)
    if total <= 0:
        return None
    return math.fsum(m * x for m, x in zip(weights, values, strict=True)) / total


def coefficient_of_variation(values: Sequence[float], weights: Sequence[float]) -> float | None:
    """sqrt(Σ (m/M) (x - x̄)²) / x̄ with x̄ the weighted mean, m the weights and M their sum.

    None where nothing has weight, or the mean is 0.
    """
    mean = weighted_mean(values, weights)
    if not mean:
        return None
    variance = weighted_mean([(x - mean) ** 2 for x in values], weights) or 0.0
    return math.sqrt(variance) / mean
