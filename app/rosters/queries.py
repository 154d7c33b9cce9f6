"""SQL of rosters: bare asyncpg, for lists of a hundred thousand and for those who are answering."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.tables import CampaignKey
from app.core.database import Connection

_ENTRY_COLUMNS = (
    "batch_id",
    "serial",
    "campaign_id",
    "row",
    "entry_mac",
    "fingerprints",
    "sealed",
)
_PROOF_COLUMNS = ("campaign_id", "fingerprint", "batch_id", "serial")


async def entry(connection: Connection, batch: int, serial: int) -> Any:
    """`fingerprints` and `sealed` of an invitation's entry, or None."""
    return await connection.fetchrow(
        "SELECT fingerprints, sealed FROM roster_entries WHERE batch_id = $1 AND serial = $2",
        batch,
        serial,
    )


async def sharing(
    connection: Connection, campaign_id: int, fingerprints: Collection[bytes]
) -> list[Any]:
    """For each entry that has one of these: that `fingerprint`, and all its `fingerprints`."""
    rows: list[Any] = await connection.fetch(
        """
        SELECT roster_proofs.fingerprint, roster_entries.fingerprints
        FROM roster_proofs JOIN roster_entries USING (batch_id, serial)
        WHERE roster_proofs.campaign_id = $1 AND fingerprint = ANY ($2::bytea[])
        """,
        campaign_id,
        list(fingerprints),
    )
    return rows


async def wrapped_key(session: AsyncSession, campaign_id: int) -> bytes | None:
    """A campaign's wrapped identity key; None once it was destroyed."""
    return await session.scalar(
        select(CampaignKey.wrapped).where(
            CampaignKey.campaign_id == campaign_id, CampaignKey.purpose == "identity"
        )
    )


async def known(
    connection: Connection, campaign_id: int, macs: Collection[bytes]
) -> dict[bytes, tuple[int, int]]:
    """Batch and serial of those of these rows that are in a roster whose invitations hold."""
    rows = await connection.fetch(
        """
        SELECT entry_mac, batch_id, serial FROM unnest($2::bytea[]) AS sent (entry_mac)
        JOIN roster_entries USING (entry_mac) JOIN invitation_batches ON batch_id = id
        WHERE roster_entries.campaign_id = $1 AND revoked_at IS NULL
        """,
        campaign_id,
        list(macs),
    )
    return {row["entry_mac"]: (row["batch_id"], row["serial"]) for row in rows}


async def seal_anew(
    connection: Connection, entries: Sequence[tuple[int, int, bytes | None]]
) -> None:
    """Exchange what is sealed of entries; each is a batch, a serial and what there is now."""
    await connection.execute(
        """
        UPDATE roster_entries SET sealed = anew.sealed
        FROM unnest($1::int[], $2::int[], $3::bytea[]) AS anew (batch_id, serial, sealed)
        WHERE roster_entries.batch_id = anew.batch_id AND roster_entries.serial = anew.serial
        """,
        [batch for batch, _, _ in entries],
        [serial for _, serial, _ in entries],
        [sealed for _, _, sealed in entries],
    )


async def forget_revoked(connection: Connection, campaign_id: int, macs: Collection[bytes]) -> None:
    """Drop the entries of these rows whose invitations were revoked: they are invited anew."""
    await connection.execute(
        """
        WITH gone AS (
            DELETE FROM roster_entries USING invitation_batches
            WHERE batch_id = id AND revoked_at IS NOT NULL
            AND roster_entries.campaign_id = $1 AND entry_mac = ANY ($2::bytea[])
            RETURNING batch_id, serial, fingerprints
        )
        DELETE FROM roster_proofs USING gone, unnest(gone.fingerprints) AS one (fingerprint)
        WHERE campaign_id = $1 AND roster_proofs.fingerprint = one.fingerprint
        AND roster_proofs.batch_id = gone.batch_id AND roster_proofs.serial = gone.serial
        """,
        campaign_id,
        list(macs),
    )


async def times_listed(
    connection: Connection, campaign_id: int, fingerprints: Collection[bytes]
) -> dict[bytes, int]:
    """How many entries have each of these that stands in a roster."""
    rows = await connection.fetch(
        """
        SELECT fingerprint, count(*) AS entries
        FROM unnest($2::bytea[]) AS sent (fingerprint) JOIN roster_proofs USING (fingerprint)
        WHERE campaign_id = $1 GROUP BY 1
        """,
        campaign_id,
        list(fingerprints),
    )
    return {row["fingerprint"]: row["entries"] for row in rows}


async def insert(
    connection: Connection, entries: Iterable[Sequence[Any]], proofs: Iterable[Sequence[Any]]
) -> None:
    """Store new entries and their proofs, their columns in the order of the tables."""
    await connection.copy_records_to_table(
        "roster_entries", records=entries, columns=_ENTRY_COLUMNS
    )
    await connection.copy_records_to_table("roster_proofs", records=proofs, columns=_PROOF_COLUMNS)


async def invitations(connection: Connection, batches: Collection[int]) -> list[Any]:
    """`row`, `batch_id` and `serial` of these batches' entries, in order of the rows."""
    rows: list[Any] = await connection.fetch(
        "SELECT row, batch_id, serial FROM roster_entries WHERE batch_id = ANY ($1::int[]) "
        "ORDER BY row, batch_id",
        list(batches),
    )
    return rows
