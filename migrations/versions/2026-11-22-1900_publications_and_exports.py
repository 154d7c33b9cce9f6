"""Publications, exports, and what was handed out of questionnaires."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_1900"
down_revision = "20261122_1400"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _exports()
    _issued()
    _publications()
    _releases()
    _texts()


def _exports() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", postgresql.BYTEA(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("content IN ('responses', 'results')", name=op.f("ck_exports_content")),
        sa.CheckConstraint("format IN ('csv', 'xlsx', 'parquet')", name=op.f("ck_exports_format")),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_exports_client_id_clients")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index(op.f("ix_exports_campaign_id"), "exports", ["campaign_id"])
    op.create_index(op.f("ix_exports_expires_at"), "exports", ["expires_at"])
    op.create_index(op.f("ix_exports_client_id_made_at"), "exports", ["client_id", "made_at"])
    op.create_table(
        "export_chunks",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["exports.id"],
            name=op.f("fk_export_chunks_export_id_exports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("export_id", "number", name=op.f("pk_export_chunks")),
    )
    # It is packed already: to try once more would only cost time.
    op.execute("ALTER TABLE export_chunks ALTER body SET STORAGE EXTERNAL")


def _publications() -> None:
    op.execute(
        """
        CREATE TABLE publications (
            campaign_id integer NOT NULL
                CONSTRAINT fk_publications_campaign_id REFERENCES campaigns,
            number integer NOT NULL CONSTRAINT ck_publications_number CHECK (number >= 1),
            release integer NOT NULL,
            corrects integer CONSTRAINT ck_publications_corrects CHECK (corrects < number),
            statement bytea NOT NULL,
            key_id text NOT NULL,
            public_key text NOT NULL,
            signature text NOT NULL,
            CONSTRAINT pk_publications PRIMARY KEY (campaign_id, number),
            CONSTRAINT uq_publications_campaign_id_corrects UNIQUE (campaign_id, corrects),
            CONSTRAINT fk_publications_campaign_id_release FOREIGN KEY (campaign_id, release)
                REFERENCES releases (campaign_id, number),
            CONSTRAINT fk_publications_campaign_id_corrects FOREIGN KEY (campaign_id, corrects)
                REFERENCES publications (campaign_id, number)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE publication_sections (
            campaign_id integer NOT NULL,
            number integer NOT NULL,
            section text NOT NULL,
            packed bytea NOT NULL,
            CONSTRAINT pk_publication_sections PRIMARY KEY (campaign_id, number, section),
            CONSTRAINT fk_publication_sections_campaign_id_number
                FOREIGN KEY (campaign_id, number) REFERENCES publications (campaign_id, number)
        )
        """
    )
    # It is packed already: to try once more would only cost time.
    op.execute("ALTER TABLE publication_sections ALTER packed SET STORAGE EXTERNAL")
    for table in ("publications", "publication_sections"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _issued() -> None:
    op.execute(
        """
        CREATE TABLE issued_questionnaires (
            campaign_id integer NOT NULL,
            population smallint NOT NULL,
            unit_id integer NOT NULL
                CONSTRAINT fk_issued_questionnaires_unit_id REFERENCES units,
            channel smallint NOT NULL,
            count integer NOT NULL
                CONSTRAINT ck_issued_questionnaires_count CHECK (count >= 0),
            CONSTRAINT pk_issued_questionnaires
                PRIMARY KEY (campaign_id, population, unit_id, channel),
            CONSTRAINT fk_issued_questionnaires_campaign_id_population
                FOREIGN KEY (campaign_id, population)
                REFERENCES campaign_populations (campaign_id, position)
        )
        """
    )


def _releases() -> None:
    # Also the showings that ended since a release are found without reading all before.
    op.execute(
        "CREATE INDEX ix_released_cells_campaign_id_last_release "
        "ON released_cells (campaign_id, last_release)"
    )
    op.execute("DROP INDEX ix_released_cells_shown")


def _texts() -> None:
    op.execute(
        """
        CREATE INDEX ix_response_texts_shuffled ON response_texts (
            campaign_id, position, (uuid_hash_extended(submission_id, position::bigint))
        )
        """
    )
