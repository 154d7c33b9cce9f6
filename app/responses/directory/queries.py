"""SQL of what a process remembers: ways in, campaigns' rules, published versions."""

from typing import Any

from app.core.database import Connection

_RULES = """
SELECT
    campaigns.id, campaigns.code, campaigns.title, campaigns.revision, campaigns.state,
    campaigns.sandbox_of IS NOT NULL AS sandbox,
    campaigns.region_id, campaigns.opens_at, campaigns.closes_at, campaigns.delivery_days,
    campaigns.identity, campaigns.once_per, campaigns.on_duplicate,
    campaigns.contact::text, campaigns.legal::text,
    campaigns.purpose, campaigns.answers_shown_minutes,
    campaigns.closes_at + make_interval(days => delivery_days + retention_days) AS erased_from,
    (SELECT wrapped FROM campaign_keys WHERE campaign_id = campaigns.id AND purpose = 'identity')
        AS identity_key,
    (SELECT wrapped FROM campaign_keys WHERE campaign_id = campaigns.id AND purpose = 'receipt')
        AS receipt_key,
    units.name AS region_name
FROM campaigns JOIN units ON units.id = campaigns.region_id
"""

_POPULATIONS = """
SELECT
    population.position, population.code, population.under_14, population.max_children,
    population.questionnaire_id, population.version, questionnaires.code AS questionnaire
FROM campaign_populations AS population
JOIN questionnaires ON questionnaires.id = population.questionnaire_id
WHERE population.campaign_id = $1 ORDER BY population.position
"""

_LINK = """
SELECT
    links.id, links.campaign_id, links.population, links.unit_id, links.revoked_at IS NOT NULL AS
    revoked, units.code AS unit_code, units.name AS unit_name, campaigns.revision
FROM links JOIN units ON units.id = links.unit_id JOIN campaigns ON campaigns.id = links.campaign_id
WHERE links.code = $1
"""

_BATCH = """
SELECT
    batch.id, batch.campaign_id, batch.population, batch.unit_id, batch.count, batch.roster,
    batch.revoked_at IS NOT NULL AS revoked, units.code AS unit_code, units.name AS unit_name,
    campaigns.revision
FROM invitation_batches AS batch
JOIN units ON units.id = batch.unit_id JOIN campaigns ON campaigns.id = batch.campaign_id
WHERE batch.id = $1
"""


async def link(connection: Connection, code: str) -> Any:
    """A link with its unit and its campaign's revision, or None."""
    return await connection.fetchrow(_LINK, code)


async def batch(connection: Connection, batch_id: int) -> Any:
    """A batch of invitations with its unit and its campaign's revision, or None."""
    return await connection.fetchrow(_BATCH, batch_id)


async def campaign_id(connection: Connection, code: str) -> int | None:
    """The id of a campaign."""
    found: int | None = await connection.fetchval("SELECT id FROM campaigns WHERE code = $1", code)
    return found


async def revision(connection: Connection, campaign_id: int) -> int | None:
    """The present revision of a campaign's rules, or None for no such campaign."""
    found: int | None = await connection.fetchval(
        "SELECT revision FROM campaigns WHERE id = $1", campaign_id
    )
    return found


async def rules(connection: Connection, campaign_id: int) -> tuple[Any, list[Any]]:
    """A campaign's rules and its populations in order."""
    campaign = await connection.fetchrow(_RULES + "WHERE campaigns.id = $1", campaign_id)
    return campaign, await connection.fetch(_POPULATIONS, campaign_id)


async def consents(connection: Connection, questionnaire_id: int, version: int) -> list[Any]:
    """The consent texts of a published version: `id`, `locale`, `text_sha256`."""
    found: list[Any] = await connection.fetch(
        "SELECT id, locale, text_sha256 FROM consents WHERE questionnaire_id = $1 AND version = $2",
        questionnaire_id,
        version,
    )
    return found


async def definition(connection: Connection, questionnaire_id: int, version: int) -> str:
    """The JSON of a published version."""
    found: str = await connection.fetchval(
        "SELECT definition::text FROM questionnaire_versions "
        "WHERE questionnaire_id = $1 AND version = $2",
        questionnaire_id,
        version,
    )
    return found
