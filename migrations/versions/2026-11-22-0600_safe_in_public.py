"""Limits, a chained audit, clients with two secrets, purpose and retention of campaigns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0600"
down_revision = "20261122_0200"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _limits()
    _audit()
    _clients()
    _campaigns()


def _limits() -> None:
    op.create_table(
        "limit_counts",
        sa.Column("minute", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "key", name=op.f("pk_limit_counts")),
        prefixes=["UNLOGGED"],
    )


def _audit() -> None:
    op.create_table(
        "service_keys",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_service_keys")),
    )
    op.create_table(
        "audit_head",
        sa.Column("single", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_audit_head_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_audit_head")),
    )
    op.add_column("audit_entries", sa.Column("address", sa.Text(), nullable=True))
    op.add_column("audit_entries", sa.Column("number", sa.BigInteger(), nullable=True))
    op.add_column("audit_entries", sa.Column("hash", sa.LargeBinary(), nullable=True))
    op.create_unique_constraint("uq_audit_entries_number", "audit_entries", ["number"])
    op.create_index("ix_audit_entries_client_id", "audit_entries", ["client_id"])


def _clients() -> None:
    op.create_table(
        "client_secrets",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.Column("last_used_at", _INSTANT, nullable=True),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_client_secrets_client_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_secrets")),
    )
    op.create_index(op.f("ix_client_secrets_client_id"), "client_secrets", ["client_id"])
    op.execute("""
        INSERT INTO client_secrets (client_id, secret_hash, created_at)
        SELECT id, secret_hash, created_at FROM clients ORDER BY id
    """)
    op.drop_column("clients", "secret_hash")
    op.add_column("clients", sa.Column("networks", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("clients", sa.Column("expires_at", _INSTANT, nullable=True))
    op.create_table(
        "revoked_tokens",
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_revoked_tokens")),
    )


def _campaigns() -> None:
    op.add_column("campaigns", sa.Column("purpose", sa.Text(), nullable=True))
    op.add_column(
        "campaigns",
        sa.Column("retention_days", sa.SmallInteger(), server_default="180", nullable=False),
    )
    op.add_column("campaigns", sa.Column("erased_at", _INSTANT, nullable=True))
    op.create_check_constraint("retention_days", "campaigns", "retention_days >= 1")
    op.add_column(
        "campaign_populations",
        sa.Column("under_14", sa.Boolean(), server_default="false", nullable=False),
    )
