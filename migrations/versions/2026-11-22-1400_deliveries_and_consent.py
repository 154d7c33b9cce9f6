"""Deliveries of contractors on file, background jobs, and the consent that a response was given."""

from alembic import op

revision = "20261122_1400"
down_revision = "20261122_1000"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _deliveries()
    _consents()
    _jobs()
    _tallies()
    _bulk()
    _sandbox()
    _reconciliation()
    _releases()
    _tickets()


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


def _consents() -> None:
    op.execute(
        """
        CREATE TABLE consents (
            id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_consents PRIMARY KEY,
            questionnaire_id integer NOT NULL,
            version integer NOT NULL,
            locale text NOT NULL,
            text_sha256 bytea NOT NULL,
            CONSTRAINT fk_consents_questionnaire_id_version FOREIGN KEY (questionnaire_id, version)
                REFERENCES questionnaire_versions (questionnaire_id, version),
            CONSTRAINT uq_consents_questionnaire_id_version_locale
                UNIQUE (questionnaire_id, version, locale)
        )
        """
    )
    op.execute(
        """
        INSERT INTO consents (questionnaire_id, version, locale, text_sha256)
        SELECT questionnaire_id, version, said.key, sha256(convert_to(said.value, 'UTF8'))
        FROM questionnaire_versions, jsonb_each_text(
            CASE jsonb_typeof(definition -> 'consent')
            WHEN 'object' THEN definition -> 'consent' END
        ) AS said
        ORDER BY questionnaire_id, version, said.key
        """
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consents "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    # Responses of before keep null: what was shown to their persons is not known for sure.
    op.execute("ALTER TABLE responses ADD COLUMN consent_id integer")


def _jobs() -> None:
    # The queue's own tables are pgqueuer's to make: see app/jobs/entries.py.
    op.execute(
        """
        CREATE TABLE jobs (
            id uuid CONSTRAINT pk_jobs PRIMARY KEY,
            kind text NOT NULL,
            client_id integer CONSTRAINT fk_jobs_client_id REFERENCES clients,
            caller jsonb NOT NULL,
            campaign_id integer,
            state text NOT NULL DEFAULT 'queued' CONSTRAINT ck_jobs_state CHECK (
                state IN ('queued', 'running', 'done', 'failed')
            ),
            done integer NOT NULL DEFAULT 0,
            total integer,
            parameters jsonb NOT NULL,
            result jsonb,
            problem jsonb,
            run integer NOT NULL DEFAULT 0,
            tries integer NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now(),
            started_at timestamptz,
            finished_at timestamptz,
            CONSTRAINT ck_jobs_progress CHECK (done >= 0 AND total >= 0),
            CONSTRAINT ck_jobs_end CHECK (
                (state IN ('done', 'failed')) = (finished_at IS NOT NULL)
                AND (state = 'done') = (result IS NOT NULL)
                AND (state = 'failed') = (problem IS NOT NULL)
            )
        )
        """
    )
    op.execute("CREATE INDEX ix_jobs_client_id_created_at ON jobs (client_id, created_at)")
    op.execute("CREATE INDEX ix_jobs_created_at ON jobs (created_at) WHERE finished_at IS NULL")
    op.execute("CREATE INDEX ix_jobs_finished_at ON jobs (finished_at)")


def _tallies() -> None:
    op.execute(
        """
        CREATE TABLE tallies (
            id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_tallies PRIMARY KEY,
            campaign_id integer NOT NULL CONSTRAINT fk_tallies_campaign_id REFERENCES campaigns,
            source_id integer NOT NULL CONSTRAINT fk_tallies_source_id REFERENCES clients,
            batch text NOT NULL,
            revision integer NOT NULL CONSTRAINT ck_tallies_revision CHECK (revision >= 1),
            channel smallint NOT NULL,
            as_of timestamptz NOT NULL,
            source_note text,
            method text,
            digest bytea NOT NULL,
            rows integer NOT NULL,
            respondents bigint NOT NULL,
            received_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT uq_tallies_campaign_id_source_id_batch_revision
                UNIQUE (campaign_id, source_id, batch, revision)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE tally_rows (
            tally_id integer NOT NULL CONSTRAINT fk_tally_rows_tally_id REFERENCES tallies,
            unit_id integer NOT NULL CONSTRAINT fk_tally_rows_unit_id REFERENCES units,
            population smallint NOT NULL,
            campaign_id integer NOT NULL,
            source_id integer NOT NULL,
            channel smallint NOT NULL,
            day date NOT NULL,
            live boolean NOT NULL,
            respondents integer NOT NULL
                CONSTRAINT ck_tally_rows_respondents CHECK (respondents >= 0),
            cells integer[] NOT NULL,
            CONSTRAINT pk_tally_rows PRIMARY KEY (tally_id, unit_id, population),
            CONSTRAINT fk_tally_rows_campaign_id_population FOREIGN KEY (campaign_id, population)
                REFERENCES campaign_populations (campaign_id, position)
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_tally_rows_live "
        "ON tally_rows (campaign_id, population, unit_id, channel, source_id) WHERE live"
    )
    op.execute(
        """
        CREATE TABLE source_kinds (
            campaign_id integer NOT NULL,
            source_id integer NOT NULL CONSTRAINT fk_source_kinds_source_id REFERENCES clients,
            unit_id integer NOT NULL CONSTRAINT fk_source_kinds_unit_id REFERENCES units,
            population smallint NOT NULL,
            kind text NOT NULL
                CONSTRAINT ck_source_kinds_kind CHECK (kind IN ('interviews', 'tallies')),
            CONSTRAINT pk_source_kinds PRIMARY KEY (campaign_id, source_id, unit_id, population)
        )
        """
    )
    op.execute(
        """
        INSERT INTO source_kinds
        SELECT DISTINCT campaign_id, source_id, unit_id, population, 'interviews' FROM interviews
        WHERE status IN ('counted', 'already_answered')
        """
    )


def _bulk() -> None:
    op.execute("ALTER TABLE deliveries ADD COLUMN told_updated integer NOT NULL DEFAULT 0")
    op.execute(
        "ALTER TABLE interviews ADD COLUMN language text, ADD COLUMN recording text, "
        "ADD COLUMN recording_sha256 text, ADD COLUMN calls jsonb"
    )
    op.execute(
        """
        CREATE TABLE delivery_chunks (
            delivery_id integer NOT NULL
                CONSTRAINT fk_delivery_chunks_delivery_id REFERENCES deliveries ON DELETE CASCADE,
            number integer NOT NULL,
            sealed bytea NOT NULL,
            CONSTRAINT pk_delivery_chunks PRIMARY KEY (delivery_id, number)
        )
        """
    )
    # What is sealed cannot be packed further.
    op.execute("ALTER TABLE delivery_chunks ALTER COLUMN sealed SET STORAGE EXTERNAL")
    op.execute(
        """
        CREATE TABLE interview_mappings (
            source_id integer NOT NULL
                CONSTRAINT fk_interview_mappings_source_id REFERENCES clients,
            code text NOT NULL,
            mapping jsonb NOT NULL,
            changed_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_interview_mappings PRIMARY KEY (source_id, code)
        )
        """
    )


def _sandbox() -> None:
    op.execute(
        """
        ALTER TABLE campaigns ADD COLUMN sandbox_of integer
            CONSTRAINT uq_campaigns_sandbox_of UNIQUE
            CONSTRAINT fk_campaigns_sandbox_of REFERENCES campaigns
        """
    )


def _reconciliation() -> None:
    op.execute(
        "CREATE INDEX ix_interviews_corrections ON interviews "
        "(campaign_id, source_id, interview_id, revision) WHERE revision > 1"
    )
    op.execute(
        """
        CREATE TABLE delivery_plans (
            campaign_id integer NOT NULL
                CONSTRAINT fk_delivery_plans_campaign_id REFERENCES campaigns,
            source_id integer NOT NULL
                CONSTRAINT fk_delivery_plans_source_id REFERENCES clients,
            first_day date NOT NULL,
            last_day date NOT NULL,
            weekdays smallint[] NOT NULL,
            due_by time NOT NULL,
            interviews integer,
            CONSTRAINT pk_delivery_plans PRIMARY KEY (campaign_id, source_id),
            CONSTRAINT ck_delivery_plans_days CHECK (last_day >= first_day),
            CONSTRAINT ck_delivery_plans_interviews CHECK (interviews >= 1)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE answered_before (
            campaign_id integer NOT NULL,
            source_id integer NOT NULL
                CONSTRAINT fk_answered_before_source_id REFERENCES clients,
            mark bytea NOT NULL,
            day date NOT NULL,
            CONSTRAINT pk_answered_before PRIMARY KEY (campaign_id, source_id, mark)
        )
        """
    )


def _releases() -> None:
    op.execute(
        """
        CREATE TABLE releases (
            campaign_id integer NOT NULL
                CONSTRAINT fk_releases_campaign_id REFERENCES campaigns,
            number integer NOT NULL CONSTRAINT ck_releases_number CHECK (number >= 1),
            as_of timestamptz NOT NULL,
            final boolean NOT NULL,
            min_cell integer NOT NULL,
            respondents bigint NOT NULL,
            included bigint NOT NULL,
            hidden integer NOT NULL,
            digest bytea NOT NULL,
            CONSTRAINT pk_releases PRIMARY KEY (campaign_id, number)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE released_cells (
            campaign_id integer NOT NULL,
            unit_id integer NOT NULL CONSTRAINT fk_released_cells_unit_id REFERENCES units,
            population smallint NOT NULL,
            channel smallint NOT NULL,
            pooled boolean NOT NULL,
            first_release integer NOT NULL,
            last_release integer,
            respondents integer NOT NULL,
            sums bigint[],
            CONSTRAINT pk_released_cells PRIMARY KEY (
                campaign_id, unit_id, population, channel, pooled, first_release
            )
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_released_cells_shown ON released_cells (campaign_id) "
        "WHERE last_release IS NULL"
    )


def _tickets() -> None:
    op.execute(
        """
        CREATE UNLOGGED TABLE tickets (
            ticket_hash bytea CONSTRAINT pk_tickets PRIMARY KEY,
            path text NOT NULL,
            claims jsonb NOT NULL,
            expires_at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX ix_tickets_expires_at ON tickets (expires_at)")
