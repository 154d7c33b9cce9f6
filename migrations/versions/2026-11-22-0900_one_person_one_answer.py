"""Proofs of WeChat, rosters, children, doubts about responses, and keys destroyed for good."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_0900"
down_revision = "20261122_0600"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _responses()
    _campaigns()


def _responses() -> None:
    op.add_column("responses", sa.Column("cause", sa.SmallInteger(), nullable=True))
    op.add_column("claims", sa.Column("network", sa.Integer(), nullable=True))
    op.create_table(
        "voided_claims",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("network", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint(
            "campaign_id", "submission_id", "fingerprint", name=op.f("pk_voided_claims")
        ),
    )


def _campaigns() -> None:
    op.add_column(
        "campaign_populations",
        sa.Column("max_children", sa.SmallInteger(), server_default="1", nullable=False),
    )
    op.create_check_constraint(
        "max_children", "campaign_populations", "max_children BETWEEN 1 AND 9"
    )
