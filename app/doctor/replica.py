"""The replica that long reads go to: whether it answers, and follows the database."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import migrating
from app.doctor import queries
from app.doctor.findings import Finding, failure, fine, warning

_FAR_BEHIND_MB = 64


def unreached(reason: str) -> Finding:
    """What to say of a replica that cannot be asked."""
    return failure(
        "replica",
        f"The replica cannot be asked: {reason}",
        "Until it answers, exports wait, and cross-tabs, texts and sections of publications are "
        "refused for a moment. Look at XINSHENG_DATABASE_READ_URL, or unset it: then the database "
        "itself is read.",
    )


async def examine(session: AsyncSession, replica: AsyncSession) -> Finding:
    """Look at the replica, which is read through a session of its own, beside the database."""
    receives = await queries.receives(replica)
    position = await queries.written_up_to(session)
    behind_mb = await queries.megabytes_behind(replica, position)
    return check_replica(await queries.revision(replica), receives, behind_mb)


def check_replica(revision: str | None, receives: bool | None, behind_mb: float) -> Finding:
    """What a replica at this migration, so many MB behind, means; `receives` None: it is none."""
    if receives is None:
        return warning(
            "replica",
            "XINSHENG_DATABASE_READ_URL leads to a server that follows no other one.",
            "What is read there may be old, or of another database: set it to a standby of the "
            "database, or unset it.",
        )
    if not receives:
        return warning(
            "replica",
            f"Nothing is streamed to the replica, which is {behind_mb:,.1f} MB behind: what is "
            "read there grows older.",
            "Look at its log: whether it reaches the database, and has its slot or the log still.",
        )
    if behind_mb > _FAR_BEHIND_MB:
        return warning(
            "replica",
            f"The replica is {behind_mb:,.0f} MB behind the database: what is read there is old.",
            "Look for a long query that holds it up, and at the network between.",
        )
    if revision != migrating.newest():
        return warning(
            "replica",
            f"The replica is at {revision}, and this program needs {migrating.newest()}.",
            "Wait a moment after a migration; else look whether it follows this database.",
        )
    return fine("replica", f"The replica follows, {behind_mb:,.1f} MB behind.")
