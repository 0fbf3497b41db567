"""The kinds of posts and the decisions of the audit trail as types of their own.

A check is parsed anew by every INSERT; a type is not. Posts and audit rows are what is written most, and the
three checks that go were a third of the database's work for a post (docs/decisions/0017). What must hold still
does: a type admits its own words only, and the rule about a post's content stays a check.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = """
CREATE TYPE post_kind AS ENUM ('report', 'question', 'instruction', 'urgent', 'notice');
ALTER TABLE timeline_revision
    DROP CONSTRAINT ck_timeline_revision_kind,
    DROP CONSTRAINT ck_timeline_revision_content,
    ALTER COLUMN kind TYPE post_kind USING kind::post_kind,
    ADD CONSTRAINT ck_timeline_revision_content CHECK ((kind = 'notice') = (body IS NULL)
        AND (body IS NULL) = (notice IS NOT NULL) AND (body IS NULL) = (author_id IS NULL));

CREATE TYPE audit_decision AS ENUM ('allowed', 'denied');
ALTER TABLE audit_event
    DROP CONSTRAINT ck_audit_event_decision,
    ALTER COLUMN decision TYPE audit_decision USING decision::audit_decision;
"""

DOWN = """
ALTER TABLE timeline_revision
    DROP CONSTRAINT ck_timeline_revision_content,
    ALTER COLUMN kind TYPE varchar USING kind::varchar,
    ADD CONSTRAINT ck_timeline_revision_kind CHECK (
        kind in ('report', 'question', 'instruction', 'urgent', 'notice')),
    ADD CONSTRAINT ck_timeline_revision_content CHECK ((kind = 'notice') = (body IS NULL)
        AND (kind = 'notice') = (notice IS NOT NULL) AND (kind = 'notice') = (author_id IS NULL));
DROP TYPE post_kind;

ALTER TABLE audit_event
    ALTER COLUMN decision TYPE varchar USING decision::varchar,
    ADD CONSTRAINT ck_audit_event_decision CHECK (decision in ('allowed', 'denied'));
DROP TYPE audit_decision;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
