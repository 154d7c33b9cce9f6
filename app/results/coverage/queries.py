"""SQL of coverage."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.tables import Campaign, CampaignPopulation
from app.links.tables import InvitationBatch
from app.units.tables import Unit, line, subtree

# The topmost units of which nothing is known, beside others of which something is. They count for
# the units above them, up to but excluding the next one that states a number itself.
_SILENT = text("""
    WITH
    within AS MATERIALIZED (SELECT unit_id FROM unit_ancestors WHERE ancestor_id = :root_id),
    stated AS MATERIALIZED (
        SELECT enrolments.unit_id, one.basis
        FROM enrolments JOIN within USING (unit_id)
        CROSS JOIN LATERAL (
            VALUES ('students', students), ('parents', parents), ('teachers', teachers)
        ) AS one (basis, n)
        WHERE period = :period AND one.n IS NOT NULL
        UNION ALL
        SELECT id, 'residents' FROM units JOIN within ON unit_id = id WHERE residents IS NOT NULL
        UNION ALL
        SELECT unit_id, 'issued ' || population
        FROM issued_questionnaires JOIN within USING (unit_id)
        WHERE campaign_id = CAST(:campaign_id AS int)
        UNION ALL
        SELECT unit_id, 'issued ' || population
        FROM invitation_batches JOIN within USING (unit_id)
        WHERE campaign_id = CAST(:campaign_id AS int)
    ),
    speaking AS MATERIALIZED (
        SELECT DISTINCT ancestor_id AS unit_id, basis
        FROM stated JOIN unit_ancestors USING (unit_id)
    ),
    silent AS MATERIALIZED (
        SELECT units.id, units.code, units.kind, above.basis
        FROM units JOIN within ON within.unit_id = units.id
        JOIN speaking AS above ON above.unit_id = units.parent_id
        WHERE above.basis = ANY (:bases)
        AND (above.basis <> 'residents' OR units.kind NOT IN ('school', 'grade', 'class'))
        AND NOT EXISTS (
            SELECT FROM speaking WHERE speaking.unit_id = units.id AND speaking.basis = above.basis
        )
        AND NOT EXISTS (
            SELECT FROM stated
            WHERE stated.unit_id = units.parent_id AND stated.basis = above.basis
        )
    ),
    covered AS (
        SELECT silent.id, silent.basis, min(line.depth) AS depth
        FROM silent
        JOIN unit_ancestors AS line ON line.unit_id = silent.id
        JOIN stated ON stated.unit_id = line.ancestor_id AND stated.basis = silent.basis
        GROUP BY 1, 2
    )
    SELECT units.code AS unit, silent.basis, silent.code, silent.kind
    FROM silent
    JOIN unit_ancestors AS line ON line.unit_id = silent.id AND line.depth > 0
    JOIN units ON units.id = line.ancestor_id AND units.kind = :level
    LEFT JOIN covered ON covered.id = silent.id AND covered.basis = silent.basis
    WHERE line.ancestor_id IN (SELECT unit_id FROM within)
    AND line.depth < coalesce(covered.depth, 32767)
    ORDER BY 1, 2, 3
""")


def issued_to(population: int) -> str:
    """The basis, as `silent` names it, of what was handed out to a population by position."""
    return f"issued {population}"


async def silent(
    session: AsyncSession,
    root_id: int,
    *,
    level: str,
    period: str | None,
    campaign_id: int | None,
    bases: Collection[str],
) -> list[Any]:
    """What sums lack: `unit` at the level, `basis`, and `code` and `kind` of a unit below of which
    nothing is known; the topmost such, within `root_id`."""
    parameters = {
        "root_id": root_id,
        "level": level,
        "period": period,
        "campaign_id": campaign_id,
        "bases": list(bases),
    }
    return list(await session.execute(_SILENT, parameters))


# Stated numbers as those of enrolment: each counts for every unit above it, up to but excluding
# the next that states one itself. Invitations are counted where they were made.
_ISSUED = text("""
    WITH
    within AS MATERIALIZED (SELECT unit_id FROM unit_ancestors WHERE ancestor_id = :root_id),
    stated AS MATERIALIZED (
        SELECT unit_id, population, channel, count AS n
        FROM issued_questionnaires WHERE campaign_id = :campaign_id
    ),
    covered AS (
        SELECT stated.unit_id, stated.population, stated.channel, min(line.depth) AS depth
        FROM stated
        JOIN unit_ancestors AS line ON line.unit_id = stated.unit_id AND line.depth > 0
        JOIN stated AS above ON above.unit_id = line.ancestor_id
        AND (above.population, above.channel) = (stated.population, stated.channel)
        GROUP BY 1, 2, 3
    ),
    counted AS (
        SELECT unit_id, population, channel, n, coalesce(covered.depth, 32767) AS depth
        FROM stated LEFT JOIN covered USING (unit_id, population, channel)
        UNION ALL
        SELECT unit_id, population, :invitation,
            CASE WHEN revoked_at IS NULL THEN count ELSE coalesce(used.n, 0) END, 32767
        FROM invitation_batches LEFT JOIN (
            SELECT * FROM unnest(CAST(:batches AS int[]), CAST(:answered AS bigint[]))
        ) AS used (id, n) USING (id)
        WHERE campaign_id = :campaign_id
    )
    SELECT units.code AS unit, population, channel, sum(counted.n) AS n
    FROM counted
    JOIN within USING (unit_id)
    JOIN unit_ancestors AS line USING (unit_id)
    JOIN units ON units.id = line.ancestor_id AND units.kind = :level
    WHERE line.ancestor_id IN (SELECT unit_id FROM within) AND line.depth < counted.depth
    GROUP BY 1, 2, 3
""")


async def issued(
    session: AsyncSession,
    campaign_id: int,
    root_id: int,
    *,
    level: str,
    invitation: int,
    answered: Mapping[int, int],
) -> list[Any]:
    """What was handed out: `unit` at the level within `root_id`, `population`, `channel`, `n`.

    `answered`: of revoked batches, how many of their invitations were used.
    """
    parameters = {
        "campaign_id": campaign_id,
        "root_id": root_id,
        "level": level,
        "invitation": invitation,
        "batches": list(answered),
        "answered": list(answered.values()),
    }
    return list(await session.execute(_ISSUED, parameters))


async def revoked_batches(session: AsyncSession, campaign_id: int) -> list[int]:
    """The ids of a campaign's batches of invitations that were revoked."""
    statement = select(InvitationBatch.id).where(
        InvitationBatch.campaign_id == campaign_id, InvitationBatch.revoked_at.is_not(None)
    )
    return list(await session.scalars(statement))


async def roots(session: AsyncSession) -> list[int]:
    """The ids of all units that stand below none."""
    return list(await session.scalars(select(Unit.id).where(Unit.parent_id.is_(None))))


async def campaigns_asking(
    session: AsyncSession, root_id: int, *, population: str, periods: Sequence[str], most: int
) -> list[tuple[Campaign, CampaignPopulation]]:
    """Campaigns of these periods that ask a population anywhere in a unit's subtree, by code; at
    most so many. Neither drafts nor sandboxes."""
    region = Campaign.region_id
    statement = (
        select(Campaign, CampaignPopulation)
        .join(CampaignPopulation, CampaignPopulation.campaign_id == Campaign.id)
        .where(
            CampaignPopulation.code == population,
            Campaign.period.in_(periods),
            Campaign.state != "draft",
            Campaign.sandbox_of.is_(None),
            or_(region.in_(line(root_id)), region.in_(subtree(root_id))),
        )
        .order_by(Campaign.code)
        .limit(most)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def invited(session: AsyncSession, campaign_id: int) -> list[int]:
    """The populations of a campaign that invitations were ever made for, by position."""
    statement = (
        select(InvitationBatch.population)
        .where(InvitationBatch.campaign_id == campaign_id)
        .distinct()
    )
    return list(await session.scalars(statement))


async def touched(session: AsyncSession, region_id: int, root_id: int, level: str) -> set[str]:
    """The codes of units of a kind within `root_id` that a region lies in, or that lie in it."""
    statement = select(Unit.code).where(
        Unit.kind == level,
        Unit.id.in_(subtree(root_id)),
        or_(Unit.id.in_(subtree(region_id)), Unit.id.in_(line(region_id))),
    )
    return set(await session.scalars(statement))
