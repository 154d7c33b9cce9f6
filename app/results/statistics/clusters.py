"""Votes that come in clusters: the answers of one person to several questions.

Whoever is content with the teaching is mostly content with the safety too, so six votes of one
person are worth less than six persons. How much less is the design effect. Sources: L. Kish (1965),
Survey Sampling, chapters 6 and 8; W. G. Cochran (1977), Sampling Techniques, 6.4 and 11.7, for the
ratio estimator and its linearised variance.
"""

from collections.abc import Sequence
from typing import NamedTuple

from app.results.statistics.proportions import Interval, interval


class Votes(NamedTuple):
    """Sums over persons: p is how many positive votes one gave, v how many that count."""

    p: int
    v: int
    pp: int
    pv: int
    vv: int

    @property
    def persons(self) -> float:
        """As many persons of equally many votes as would weigh the same: Kish's (Σv)² / Σv².

        Never more than have voted, and where each gave one vote or none, just these.
        """
        return self.v * self.v / self.vv if self.vv else 0.0


def linearised_variance(votes: Votes) -> float:
    """The variance of the ratio p / v by Taylor's series, without correction for a small sample.

    Σ(p - Rv)² / (Σv)² with R = Σp / Σv; `votes` has some that count.
    """
    ratio = votes.p / votes.v
    return _squares(ratio, *votes) / votes.v**2


def design_effect(votes: Votes) -> float:
    """How many votes of one person are worth one by itself: 1 or more; `votes` has some.

    The linearised variance over that of as many independent votes, of these persons and of two
    more with an average number of votes, one content with all and one with nothing. They stand for
    what few persons cannot show: one alone varies from nobody, and unanimous ones not at all.
    """
    each = votes.vv / votes.v
    p, v = votes.p + each, votes.v + 2 * each
    pp, pv, vv = votes.pp + each**2, votes.pv + each**2, votes.vv + 2 * each**2
    ratio = p / v
    return max(_squares(ratio, p, v, pp, pv, vv) / (v * ratio * (1 - ratio)), 1.0)


def effective(votes: Votes) -> float:
    """How many independent votes these are worth; 0 where none counts."""
    return votes.v / design_effect(votes) if votes.v else 0.0


def pooled_interval(votes: Votes, heads: int | None = None) -> Interval | None:
    """The interval of Σp / Σv, for persons of a population of `heads`.

    Where each gave one vote, it is that of a single proportion. None where no vote counts, or
    more persons than heads gave some.
    """
    if not votes.v:
        return None
    per_person = votes.v / votes.persons
    return interval(
        votes.p / votes.v,
        votes.persons,
        heads,
        design_effect=design_effect(votes) / per_person,
    )


def kish_design_effect(weights: Sequence[float]) -> float | None:
    """n Σw² / (Σw)²: what unequal weights cost; None without weights."""
    total = sum(weights)
    return len(weights) * sum(weight * weight for weight in weights) / total**2 if total else None


def _squares(ratio: float, p: float, v: float, pp: float, pv: float, vv: float) -> float:
    """Σ(p - Rv)², which rounding must not make negative."""
    return max(pp - 2 * ratio * pv + ratio * ratio * vv, 0.0)
