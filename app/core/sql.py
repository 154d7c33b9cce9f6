"""Column types that all tables share."""

from sqlalchemy import DateTime

Instant = DateTime(timezone=True)
"""A point in time, stored in UTC."""
