"""Sheets: sealed answers in revisions, the printed document, the links by which hospitals get it.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE sheet (
    id uuid CONSTRAINT pk_sheet PRIMARY KEY,
    group_id uuid NOT NULL CONSTRAINT fk_sheet_group_id_patient_group REFERENCES patient_group,
    kind varchar NOT NULL,
    form_version varchar NOT NULL,
    state varchar NOT NULL,
    version integer NOT NULL,
    facility_id uuid CONSTRAINT fk_sheet_facility_id_facility REFERENCES facility,
    digest bytea,
    created_by uuid NOT NULL CONSTRAINT fk_sheet_created_by_person REFERENCES person,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    released_by uuid CONSTRAINT fk_sheet_released_by_person REFERENCES person,
    released_at timestamptz,
    CONSTRAINT ck_sheet_state
        CHECK (state IN ('draft', 'released', 'sent', 'received', 'returned', 'withdrawn')),
    CONSTRAINT ck_sheet_frozen CHECK (
        state IN ('draft', 'withdrawn') OR (digest IS NOT NULL AND facility_id IS NOT NULL
        AND released_by IS NOT NULL AND released_at IS NOT NULL))
);
CREATE INDEX ix_sheet_group_id ON sheet (group_id);

CREATE TABLE sheet_revision (
    sheet_id uuid CONSTRAINT fk_sheet_revision_sheet_id_sheet REFERENCES sheet,
    revision integer,
    values bytea NOT NULL,
    author_id uuid NOT NULL CONSTRAINT fk_sheet_revision_author_id_person REFERENCES person,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_sheet_revision PRIMARY KEY (sheet_id, revision)
);

CREATE TABLE sheet_document (
    sheet_id uuid CONSTRAINT pk_sheet_document PRIMARY KEY
        CONSTRAINT fk_sheet_document_sheet_id_sheet REFERENCES sheet,
    content bytea NOT NULL,
    sha256 bytea NOT NULL,
    author_id uuid NOT NULL CONSTRAINT fk_sheet_document_author_id_person REFERENCES person,
    created_at timestamptz NOT NULL
);

CREATE TABLE handover (
    id uuid CONSTRAINT pk_handover PRIMARY KEY,
    sheet_id uuid NOT NULL CONSTRAINT fk_handover_sheet_id_sheet REFERENCES sheet,
    number integer NOT NULL,
    state varchar NOT NULL,
    due_at timestamptz,
    lease_until timestamptz,
    fence integer NOT NULL,
    created_by uuid NOT NULL CONSTRAINT fk_handover_created_by_person REFERENCES person,
    created_at timestamptz NOT NULL,
    token_hash bytea CONSTRAINT uq_handover_token_hash UNIQUE,
    code_hash bytea,
    opening bytea,
    tries integer NOT NULL,
    sent_at timestamptz,
    expires_at timestamptz,
    opened_at timestamptz,
    browser_hash bytea,
    received_at timestamptz,
    received_by bytea,
    completeness varchar,
    remind_at timestamptz,
    reminders integer NOT NULL,
    CONSTRAINT uq_handover_sheet_id_number UNIQUE (sheet_id, number),
    CONSTRAINT ck_handover_state CHECK (state IN ('waiting', 'sent', 'opened', 'received', 'closed')),
    CONSTRAINT ck_handover_due CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
    CONSTRAINT ck_handover_completeness CHECK (completeness IN ('complete', 'partly', 'insufficient'))
);
CREATE UNIQUE INDEX uq_handover_live ON handover (sheet_id) WHERE state <> 'closed';
CREATE INDEX ix_handover_due ON handover (due_at) WHERE state = 'waiting';
CREATE INDEX ix_handover_remind ON handover (remind_at) WHERE remind_at IS NOT NULL;
"""

# What was written and what was printed is not the application's to change afterwards.
GRANTS = """
GRANT SELECT, INSERT, UPDATE ON sheet, handover TO casenet_app;
GRANT SELECT, INSERT ON sheet_revision, sheet_document TO casenet_app;
"""

FINAL = """
CREATE FUNCTION sheet_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF old.digest IS NOT NULL AND (new.digest, new.version, new.facility_id, new.released_at)
            IS DISTINCT FROM (old.digest, old.version, old.facility_id, old.released_at) THEN
        RAISE EXCEPTION 'a released sheet does not change';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER sheet_is_frozen BEFORE UPDATE ON sheet FOR EACH ROW EXECUTE FUNCTION sheet_is_frozen();
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GRANTS)
    op.execute(FINAL)


def downgrade() -> None:
    for name in ("handover", "sheet_document", "sheet_revision", "sheet"):
        op.drop_table(name)
    op.execute("DROP FUNCTION sheet_is_frozen()")
