"""Forget the heartbeat of a task that is no more: silent for ever, it would keep the lamp red.

Due alerts and due pings have one task now, alerts.advance.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM heartbeat WHERE process = 'alerts.send'")


def downgrade() -> None:
    """The old workers write it anew."""
