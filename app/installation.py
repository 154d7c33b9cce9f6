"""Making a database ready to serve: migrations, what ships with the product, the queue, counts."""

from app.core import migrating
from app.core.database import Database
from app.counts import folding
from app.jobs import service as jobs
from app.questionnaires import shipped


async def prepare(url: str, *, unasked: bool = False) -> None:
    """Migrate the database, make its queue, publish what ships with the product. Can be run again.

    `unasked`: nobody has said that a database with pending migrations may be migrated.
    Errors: migrating.DatabaseRefused, also for that.
    """
    await migrating.migrate(url, unasked=unasked)
    database = Database(url, pool_size=1)
    try:
        async with database.sessions.begin() as session:
            await shipped.publish_missing(session)
        await jobs.prepare(database, url)
        await folding.adopt(database)
    finally:
        await database.close()
