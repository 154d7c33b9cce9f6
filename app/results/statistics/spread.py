"""How unequal units are, as inspections of balanced development ask.

Source: the Ministry of Education's measures for monitoring balanced compulsory education, 差异系数.
"""

import math
from collections.abc import Sequence


def coefficient_of_variation(values: Sequence[float], weights: Sequence[float]) -> float | None:
    """sqrt(Σ (m/M) (x - x̄)²) / x̄ with x̄ the weighted mean, m the weights and M their sum.

    None where nothing has weight, or the mean is 0.
    """
    total = math.fsum(weights)
    if total <= 0:
        return None
    mean = math.fsum(m * x for m, x in zip(weights, values, strict=True)) / total
    if mean == 0:
        return None
    squares = math.fsum(m * (x - mean) ** 2 for m, x in zip(weights, values, strict=True))
    return math.sqrt(squares / total) / mean
