"""Runs migrations over the connection that `app.core.migrating` opens."""

from typing import Any

from alembic import context

import app.access.tables
import app.campaigns.tables
import app.core.limits.tables
import app.counts.tables
import app.doubts.tables
import app.exports.tables
import app.identity.wechat.tables
import app.jobs.tables
import app.links.tables
import app.publications.tables
import app.questionnaires.tables
import app.releases.tables
import app.responses.tables
import app.results.coverage.issued.tables
import app.retention.tables
import app.rosters.tables
import app.telephone.reconciliation.tables
import app.telephone.tables
import app.telephone.tallies.tables
import app.units.tables  # noqa: F401 - the tables register themselves
from app.core.database import Base

connection: Any = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
