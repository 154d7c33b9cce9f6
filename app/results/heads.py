"""How many persons each unit's populations count: the N of intervals."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.schemas import HeadBasis
from app.campaigns.tables import Campaign, CampaignPopulation
from app.results import queries
from app.results.coverage.queries import silent
from app.units.tables import Unit

_OWN: dict[str, HeadBasis] = {
    "student": "students",
    "parent": "parents",
    "teacher": "teachers",
    "resident": "residents",
    "public": "residents",
}
"""What a population is named, and what it is counted in."""


@dataclass(frozen=True)
class Heads:
    """Persons by unit and population; the unit None is the whole that is read."""

    stated: Mapping[tuple[str | None, str], int]
    """By unit code and basis."""
    bases: Mapping[int, Sequence[str]]
    """What each population is counted in, by its position; the first that is stated counts."""
    lacking: Collection[tuple[str | None, str]] = frozenset()
    """Those of `stated` that are sums, and lack units of which nothing is known."""

    def of(self, unit: str | None, population: int) -> int | None:
        """The persons of a unit's population, where that is known.

        A sum that lacks a school is too small a number: it would make an interval too narrow.
        """
        for basis in self.bases[population]:
            if (unit, basis) in self.stated:
                return None if (unit, basis) in self.lacking else self.stated[unit, basis]
        return None


async def heads_at(
    session: AsyncSession,
    campaign: Campaign,
    populations: Iterable[CampaignPopulation],
    *,
    root_id: int,
    level: str | None,
) -> Heads:
    """The heads of every unit at a level within a unit; of that unit itself without a level."""
    root = await session.get_one(Unit, root_id)
    kind, period = level or root.kind, campaign.period
    found = await queries.bases(session, root_id, level=kind, period=period)
    bases = {one.position: _bases(one) for one in populations}
    counting = {basis for each in bases.values() for basis in each}
    lacks = await silent(
        session, root_id, level=kind, period=period, campaign_id=None, bases=counting
    )
    # Without a level what is read is that unit, which no row names.
    return Heads(
        {
            (code if level else None, basis): n
            for (code, basis), n in found.items()
            if level or code == root.code
        },
        bases,
        {
            (row.unit if level else None, row.basis)
            for row in lacks
            if level or row.unit == root.code
        },
    )


def _bases(population: CampaignPopulation) -> list[str]:
    """By its own name, as `parent` or `parents`; else by what its targets are shares of."""
    own = _OWN.get(population.code.lower().removesuffix("s"))
    named = [own] if own else []
    return list(dict.fromkeys([*named, *(target["basis"] for target in population.targets)]))
