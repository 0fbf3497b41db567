"""People, offices, patient groups, keys, the timeline and the audit trail."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE person (
    id uuid CONSTRAINT pk_person PRIMARY KEY,
    login varchar NOT NULL,
    email varchar NOT NULL,
    name varchar NOT NULL,
    name_kana varchar NOT NULL,
    profession varchar NOT NULL,
    licence varchar,
    password_hash varchar,
    totp_secret bytea,
    totp_step integer,
    enrolled_at timestamptz,
    suspended_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX uq_person_login ON person (lower(login));
CREATE UNIQUE INDEX uq_person_email ON person (lower(email));

CREATE TABLE session (
    id uuid CONSTRAINT pk_session PRIMARY KEY,
    token_hash bytea NOT NULL CONSTRAINT uq_session_token_hash UNIQUE,
    person_id uuid NOT NULL CONSTRAINT fk_session_person_id_person REFERENCES person,
    state varchar NOT NULL CONSTRAINT ck_session_state CHECK (state in ('code', 'full')),
    tries integer NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    device varchar NOT NULL
);
CREATE INDEX ix_session_person_id ON session (person_id);

CREATE TABLE invitation (
    token_hash bytea CONSTRAINT pk_invitation PRIMARY KEY,
    person_id uuid NOT NULL CONSTRAINT fk_invitation_person_id_person REFERENCES person,
    tries integer NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ix_invitation_person_id ON invitation (person_id);

CREATE TABLE guess (
    key bytea CONSTRAINT pk_guess PRIMARY KEY,
    failures integer NOT NULL,
    not_before timestamptz NOT NULL,
    last_at timestamptz NOT NULL
);
CREATE INDEX ix_guess_last_at ON guess (last_at);

CREATE TABLE facility (
    id uuid CONSTRAINT pk_facility PRIMARY KEY,
    kind varchar NOT NULL CONSTRAINT ck_facility_kind CHECK (
        kind in ('clinic', 'home_nursing', 'care_management', 'home_help', 'day_care', 'pharmacy',
                 'hospital', 'municipality')),
    name varchar NOT NULL,
    tel varchar NOT NULL,
    fax varchar NOT NULL,
    address varchar NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE staff (
    id uuid CONSTRAINT pk_staff PRIMARY KEY,
    facility_id uuid NOT NULL CONSTRAINT fk_staff_facility_id_facility REFERENCES facility,
    person_id uuid NOT NULL CONSTRAINT fk_staff_person_id_person REFERENCES person,
    is_administrator boolean NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz
);
CREATE INDEX ix_staff_facility_id ON staff (facility_id);
CREATE UNIQUE INDEX uq_staff_person_now ON staff (person_id) WHERE until IS NULL;

CREATE TABLE patient_group (
    id uuid CONSTRAINT pk_patient_group PRIMARY KEY,
    host_facility_id uuid NOT NULL
        CONSTRAINT fk_patient_group_host_facility_id_facility REFERENCES facility,
    last_sequence bigint NOT NULL,
    last_mark bigint NOT NULL,
    created_by uuid NOT NULL CONSTRAINT fk_patient_group_created_by_person REFERENCES person,
    created_at timestamptz NOT NULL,
    closed_at timestamptz
) WITH (fillfactor = 50);
CREATE INDEX ix_patient_group_host_facility_id ON patient_group (host_facility_id);

CREATE TABLE membership (
    id uuid CONSTRAINT pk_membership PRIMARY KEY,
    group_id uuid NOT NULL CONSTRAINT fk_membership_group_id_patient_group REFERENCES patient_group,
    person_id uuid NOT NULL CONSTRAINT fk_membership_person_id_person REFERENCES person,
    role varchar NOT NULL CONSTRAINT ck_membership_role CHECK (
        role in ('physician', 'nurse', 'care_manager', 'care_worker', 'pharmacist', 'therapist',
                 'liaison', 'family', 'observer')),
    function varchar,
    invited_by uuid,
    joined_at timestamptz NOT NULL,
    ends_at timestamptz,
    left_at timestamptz,
    removed_by uuid
);
CREATE INDEX ix_membership_person_id ON membership (person_id);
CREATE UNIQUE INDEX uq_membership_now ON membership (group_id, person_id) WHERE left_at IS NULL;

CREATE TABLE group_key (
    group_id uuid NOT NULL CONSTRAINT fk_group_key_group_id_patient_group REFERENCES patient_group,
    epoch integer NOT NULL,
    org_id uuid NOT NULL,
    kek_version integer NOT NULL,
    wrapped bytea NOT NULL,
    state varchar NOT NULL CONSTRAINT ck_group_key_state CHECK (
        state in ('pending', 'active', 'old', 'shredded')),
    reason varchar NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_group_key PRIMARY KEY (group_id, epoch)
);
CREATE UNIQUE INDEX uq_group_key_active ON group_key (group_id) WHERE state = 'active';

CREATE TABLE patient_record (
    group_id uuid NOT NULL CONSTRAINT fk_patient_record_group_id_patient_group REFERENCES patient_group,
    revision integer NOT NULL,
    patient bytea NOT NULL,
    fields bytea NOT NULL,
    author_id uuid NOT NULL CONSTRAINT fk_patient_record_author_id_person REFERENCES person,
    created_at timestamptz NOT NULL,
    is_current boolean NOT NULL,
    CONSTRAINT pk_patient_record PRIMARY KEY (group_id, revision)
);
CREATE UNIQUE INDEX uq_patient_record_current ON patient_record (group_id) WHERE is_current;

CREATE TABLE timeline_revision (
    group_id uuid NOT NULL CONSTRAINT fk_timeline_revision_group_id_patient_group REFERENCES patient_group,
    sequence bigint NOT NULL,
    post_id uuid NOT NULL,
    revision integer NOT NULL,
    kind varchar NOT NULL CONSTRAINT ck_timeline_revision_kind CHECK (
        kind in ('report', 'question', 'instruction', 'urgent', 'notice')),
    author_id uuid CONSTRAINT fk_timeline_revision_author_id_person REFERENCES person,
    created_at timestamptz NOT NULL,
    reply_to uuid,
    body bytea,
    notice jsonb,
    CONSTRAINT pk_timeline_revision PRIMARY KEY (group_id, sequence),
    CONSTRAINT uq_timeline_revision_group_id_post_id_revision UNIQUE (group_id, post_id, revision),
    CONSTRAINT ck_timeline_revision_content CHECK ((kind = 'notice') = (body IS NULL)
        AND (kind = 'notice') = (notice IS NOT NULL) AND (kind = 'notice') = (author_id IS NULL))
);

CREATE TABLE post_mark (
    group_id uuid NOT NULL CONSTRAINT fk_post_mark_group_id_patient_group REFERENCES patient_group,
    mark bigint NOT NULL,
    post_id uuid NOT NULL,
    person_id uuid NOT NULL CONSTRAINT fk_post_mark_person_id_person REFERENCES person,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_post_mark PRIMARY KEY (group_id, mark),
    CONSTRAINT uq_post_mark_group_id_post_id_person_id UNIQUE (group_id, post_id, person_id)
);

CREATE TABLE read_mark (
    group_id uuid NOT NULL CONSTRAINT fk_read_mark_group_id_patient_group REFERENCES patient_group,
    person_id uuid NOT NULL CONSTRAINT fk_read_mark_person_id_person REFERENCES person,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_read_mark PRIMARY KEY (group_id, person_id)
) WITH (fillfactor = 50);

CREATE TABLE audit_event (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_audit_event PRIMARY KEY,
    at timestamptz NOT NULL,
    person_id uuid,
    action varchar NOT NULL,
    group_id uuid,
    object_id uuid,
    revision bigint,
    decision varchar NOT NULL CONSTRAINT ck_audit_event_decision CHECK (decision in ('allowed', 'denied')),
    request_id varchar,
    address varchar,
    session_id uuid,
    readers uuid[],
    detail jsonb
);
CREATE INDEX ix_audit_event_group_at ON audit_event (group_id, at);
CREATE INDEX ix_audit_event_person_at ON audit_event (person_id, at);
"""

# The application changes rows and owns nothing. What must stay is not its to delete or rewrite:
# revisions and marks of the timeline, keys, the audit trail.
GRANTS = """
GRANT USAGE ON SCHEMA public TO casenet_app;
GRANT SELECT ON alembic_version TO casenet_app;
GRANT SELECT, INSERT, UPDATE ON
    person, session, invitation, guess, facility, staff, patient_group, membership, read_mark TO casenet_app;
GRANT SELECT, INSERT ON timeline_revision, post_mark, audit_event TO casenet_app;
GRANT SELECT, INSERT ON patient_record, group_key TO casenet_app;
GRANT UPDATE (is_current) ON patient_record TO casenet_app;
GRANT UPDATE (state, kek_version, wrapped) ON group_key TO casenet_app;
GRANT DELETE ON guess TO casenet_app;
"""

NAMES = (
    "audit_event", "read_mark", "post_mark", "timeline_revision", "patient_record", "group_key", "membership",
    "patient_group", "staff", "facility", "guess", "invitation", "session", "person",
)  # fmt: skip


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GRANTS)


def downgrade() -> None:
    for name in NAMES:
        op.drop_table(name)
