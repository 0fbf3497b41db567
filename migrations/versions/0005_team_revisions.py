"""A number for the state of a group's team, which grows with every change of a membership.

A web process remembers who may read a group. Whoever takes a post's number is told this one with it, under the
group's lock, and so knows whether what is remembered still holds (docs/decisions/0017). A trigger counts: nobody
who writes a membership can forget it.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE patient_group ADD COLUMN team_revision bigint NOT NULL DEFAULT 0;
UPDATE patient_group
    SET team_revision = (SELECT count(*) FROM membership WHERE membership.group_id = patient_group.id);

CREATE FUNCTION team_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE patient_group SET team_revision = team_revision + 1 WHERE id IN (old.group_id, new.group_id);
    RETURN NULL;
END $$;
CREATE TRIGGER team_has_changed AFTER INSERT OR UPDATE OR DELETE ON membership
    FOR EACH ROW EXECUTE FUNCTION team_has_changed();
"""

DOWN = """
DROP TRIGGER team_has_changed ON membership;
DROP FUNCTION team_has_changed();
ALTER TABLE patient_group DROP COLUMN team_revision;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
