"""Which migration the database must be at."""

from alembic.config import Config
from alembic.script import ScriptDirectory

from app.core import migrating


def test_the_newest_migration_is_the_one_that_alembic_ends_at() -> None:
    head = ScriptDirectory.from_config(Config("alembic.ini")).get_current_head()
    assert migrating.newest() == head
