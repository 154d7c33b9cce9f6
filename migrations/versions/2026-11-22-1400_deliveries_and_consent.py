"""Deliveries of contractors on file, background jobs, and the consent that a response was given."""

from alembic import op

revision = "20261122_1400"
down_revision = "20261122_1000"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _deliveries()


def _deliveries() -> None:
    op.execute(
        """
        CREATE TABLE deliveries (
            id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_deliveries PRIMARY KEY,
            campaign_id integer NOT NULL
                CONSTRAINT fk_deliveries_campaign_id REFERENCES campaigns,
            source_id integer NOT NULL CONSTRAINT fk_deliveries_source_id REFERENCES clients,
            kind text NOT NULL
                CONSTRAINT ck_deliveries_kind CHECK (kind IN ('interviews', 'tallies')),
            form text NOT NULL
                CONSTRAINT ck_deliveries_form CHECK (form IN ('json', 'ndjson', 'csv', 'xlsx')),
            name text NOT NULL,
            job_id uuid,
            received_at timestamptz NOT NULL DEFAULT now(),
            finished_at timestamptz,
            sent integer NOT NULL DEFAULT 0,
            accepted integer NOT NULL DEFAULT 0,
            replayed integer NOT NULL DEFAULT 0,
            updated integer NOT NULL DEFAULT 0,
            already_answered integer NOT NULL DEFAULT 0,
            rejected integer NOT NULL DEFAULT 0,
            CONSTRAINT ck_deliveries_sum CHECK (
                sent = accepted + replayed + updated + already_answered + rejected
            )
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_deliveries_campaign_id_source_id_received_at "
        "ON deliveries (campaign_id, source_id, received_at)"
    )
    op.execute(
        """
        CREATE TABLE refusals (
            delivery_id integer NOT NULL
                CONSTRAINT fk_refusals_delivery_id REFERENCES deliveries ON DELETE CASCADE,
            index integer NOT NULL,
            interview_id text,
            unit text,
            day date,
            problem text NOT NULL,
            errors jsonb NOT NULL DEFAULT '[]',
            CONSTRAINT pk_refusals PRIMARY KEY (delivery_id, index)
        )
        """
    )
    op.execute("ALTER TABLE interviews ADD COLUMN delivery_id integer")
