"""The embedded PostgreSQL; all that others use of it."""

from app.core.embedded_postgres.accounts import EmbeddedPostgresError
from app.core.embedded_postgres.addresses import client_url
from app.core.embedded_postgres.keeping_up import kept_up
from app.core.embedded_postgres.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "client_url", "kept_up"]
