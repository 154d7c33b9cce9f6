"""Proofs of WeChat, rosters, children, doubts about responses, and keys destroyed for good."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0900"
down_revision = "20261122_0600"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _responses()
    _campaigns()
    _rosters()
    _origin_counts()
    _wechat()
    _destructions()
    _doubts()


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
        "campaigns",
        sa.Column("answers_shown_minutes", sa.Integer(), server_default="30", nullable=False),
    )
    op.create_check_constraint("answers_shown_minutes", "campaigns", "answers_shown_minutes >= 0")
    op.add_column(
        "campaign_populations",
        sa.Column("max_children", sa.SmallInteger(), server_default="1", nullable=False),
    )
    op.create_check_constraint(
        "max_children", "campaign_populations", "max_children BETWEEN 1 AND 9"
    )


def _destructions() -> None:
    op.create_table(
        "destructions",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("destroyed_at", _INSTANT, nullable=False),
        sa.Column("erased", postgresql.JSONB(), nullable=False),
        sa.Column("recorded_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("cause IN ('command', 'retention')", name=op.f("ck_destructions_cause")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_destructions_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "cause", name=op.f("pk_destructions")),
    )
    op.execute(
        "INSERT INTO destructions (campaign_id, cause, destroyed_at, erased) "
        "SELECT id, 'retention', erased_at, '{}' FROM campaigns WHERE erased_at IS NOT NULL"
    )
    op.create_table(
        "key_files",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("kept_days", sa.Integer(), nullable=True),
        sa.CheckConstraint("kept_days >= 1", name=op.f("ck_key_files_kept_days")),
        sa.PrimaryKeyConstraint("id", "folder", name=op.f("pk_key_files")),
    )


def _wechat() -> None:
    op.create_table(
        "wechat_exchanges",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_wechat_exchanges")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "wechat_passes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("renewed_at", _INSTANT, nullable=True),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("leased_until", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_wechat_passes")),
        prefixes=["UNLOGGED"],
    )


def _rosters() -> None:
    op.add_column("invitation_batches", sa.Column("roster", sa.Integer(), nullable=True))
    op.create_table(
        "roster_entries",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("entry_mac", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprints", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["invitation_batches.id"], name=op.f("fk_roster_entries_batch_id")
        ),
        sa.PrimaryKeyConstraint("batch_id", "serial", name=op.f("pk_roster_entries")),
        sa.UniqueConstraint(
            "campaign_id", "entry_mac", name=op.f("uq_roster_entries_campaign_id_entry_mac")
        ),
    )
    op.create_table(
        "roster_proofs",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "campaign_id", "fingerprint", "batch_id", "serial", name=op.f("pk_roster_proofs")
        ),
    )


def _origin_counts() -> None:
    op.create_table(
        "origin_counts",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("origin_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        sa.Column("population", sa.SmallInteger(), nullable=False),
        sa.Column("responses", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "campaign_id", "origin_id", "channel", "population", name=op.f("pk_origin_counts")
        ),
    )
    # What is folded is counted here too, or it never would be.
    op.execute("""
        INSERT INTO origin_counts (campaign_id, origin_id, channel, population, responses)
        SELECT campaign_id, origin_id, channel, population, sum(sign) FROM responses
        WHERE origin_id IS NOT NULL AND transaction_id < (SELECT folded_below FROM folding)
        GROUP BY 1, 2, 3, 4
    """)


def _doubts() -> None:
    op.create_index(
        "ix_responses_doubted",
        "responses",
        ["campaign_id", "unit_id"],
        postgresql_where=sa.text("quality IS NOT NULL"),
    )
    op.create_table(
        "judging",
        sa.Column("single", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("seen_below", sa.BigInteger(), nullable=False),
        sa.Column("server", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_judging_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_judging")),
    )
    # What is there already needs no mark: a campaign that was never judged is due anyhow.
    op.execute("""
        INSERT INTO judging (seen_below, server)
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, system_identifier
        FROM pg_control_system()
    """)
    op.create_table(
        "judged_campaigns",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("due", sa.Boolean(), nullable=False),
        sa.Column("thresholds", postgresql.JSONB(), nullable=True),
        sa.Column("judged_at", _INSTANT, nullable=True),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_judged_campaigns_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_judged_campaigns")),
    )
    op.create_table(
        "voids",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=True),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=True),
        sa.Column("voided_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("responses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("restore_reason", sa.Text(), nullable=True),
        sa.Column("restored_by", sa.Integer(), nullable=True),
        sa.Column("restored_at", _INSTANT, nullable=True),
        sa.Column("restored", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answered_again", sa.Integer(), server_default="0", nullable=False),
        sa.Column("withdrawn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("settled", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("num_nonnulls(link_id, batch_id) = 1", name=op.f("ck_voids_origin")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_voids_campaign_id"),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name="fk_voids_link_id"),
        sa.ForeignKeyConstraint(["batch_id"], ["invitation_batches.id"], name="fk_voids_batch_id"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_voids_client_id"),
        sa.ForeignKeyConstraint(["restored_by"], ["clients.id"], name="fk_voids_restored_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voids")),
    )
    op.create_index(op.f("ix_voids_campaign_id"), "voids", ["campaign_id"])
    for origin in ("link_id", "batch_id"):
        op.create_index(
            f"uq_voids_{origin}",
            "voids",
            [origin],
            unique=True,
            postgresql_where=sa.text("restored_at IS NULL"),
        )
