"""Between what the share of persons lies whom several campaigns reached. Pure functions."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple


class Reached(NamedTuple):
    """What one campaign reached."""

    responded: int
    basis: int | None
    """Of how many; None or 0 where that is not known, or there are none."""
    complete: bool
    """Whether the basis is all of them."""


def bounds(campaigns: Sequence[Reached]) -> tuple[Fraction, Fraction] | None:
    """The least and the largest share of persons reached at least once, from 0 to 1.

    [max(a, b, …), min(1, a + b + …)]: those of the smaller campaigns may all be among those of
    the largest, or none of them. A campaign of which the share is not known may have reached
    everybody. None where there are campaigns and no basis at all.
    """
    if campaigns and not any(one.basis for one in campaigns):
        return None
    known = [share for one in campaigns if (share := _share(one)) is not None]
    least = min(max(known, default=Fraction(0)), Fraction(1))
    most = min(sum(known, Fraction(0)), Fraction(1))
    return least, most if len(known) == len(campaigns) else Fraction(1)


def _share(one: Reached) -> Fraction | None:
    if not one.responded:
        return Fraction(0)
    return Fraction(one.responded, one.basis) if one.basis and one.complete else None


def met(found: tuple[Fraction, Fraction] | None, share: Fraction) -> bool | None:
    """Whether a share is reached in any case; False where in no case, None where nobody knows."""
    if found is None:
        return None
    least, most = found
    if least >= share:
        return True
    return False if most < share else None
