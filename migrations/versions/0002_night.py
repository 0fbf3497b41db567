"""Rosters, alerts and pings: what a call at night stands on.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "shift",
    "roster_override",
    "escalation_policy",
    "alert",
    "alert_event",
    "ping",
    "push_subscription",
    "heartbeat",
)


def upgrade() -> None:
    _rosters()
    _alerts()
    _pings()
    op.execute(
        """
        create function alert_event_is_final() returns trigger language plpgsql as $$
        begin
            raise exception 'alert_event rows are only ever added';
        end $$;
        create trigger alert_event_is_final before update or delete on alert_event
            for each row execute function alert_event_is_final();
        """
    )
    # What happened to an alert, and who was on call, is not the application's to delete.
    op.execute(
        """
        grant select, insert, update on
            shift, roster_override, escalation_policy, alert, ping, push_subscription, heartbeat to casenet_app;
        grant select, insert on alert_event to casenet_app;
        grant delete on push_subscription, ping to casenet_app;
        """
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("drop function alert_event_is_final()")


def _uuid(name: str, *constraints: sa.schema.SchemaItem, nullable: bool = False) -> sa.Column[sa.Uuid]:
    return sa.Column(name, sa.Uuid(), *constraints, nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[sa.String]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[sa.Integer]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")


def _rosters() -> None:
    duties = "duty in ('home_nursing_on_call', 'physician_on_duty', 'partner_physician_on_duty')"
    op.create_table(
        "shift",
        _uuid("id"),
        _uuid("facility_id"),
        _text("duty"),
        _uuid("person_id"),
        _text("rank"),
        _instant("starts_at"),
        _instant("ends_at"),
        _uuid("created_by"),
        _instant("created_at"),
        _instant("withdrawn_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_shift"),
        _refers("shift", "facility_id", "facility"),
        _refers("shift", "person_id", "person"),
        _refers("shift", "created_by", "person"),
        sa.CheckConstraint("ends_at > starts_at", name="ck_shift_period"),
        sa.CheckConstraint("rank in ('first', 'backup')", name="ck_shift_rank"),
        sa.CheckConstraint(duties, name="ck_shift_duty"),
    )
    op.create_index("ix_shift_facility_duty_ends", "shift", ["facility_id", "duty", "ends_at"])
    op.create_index("ix_shift_person_ends", "shift", ["person_id", "ends_at"])
    op.create_table(
        "roster_override",
        _uuid("id"),
        _uuid("facility_id"),
        _text("duty"),
        _uuid("absent_person_id", nullable=True),
        _uuid("person_id", nullable=True),
        _text("rank"),
        _instant("starts_at"),
        _instant("ends_at"),
        _uuid("created_by"),
        _instant("created_at"),
        _instant("withdrawn_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_roster_override"),
        _refers("roster_override", "facility_id", "facility"),
        _refers("roster_override", "absent_person_id", "person"),
        _refers("roster_override", "person_id", "person"),
        _refers("roster_override", "created_by", "person"),
        sa.CheckConstraint("ends_at > starts_at", name="ck_roster_override_period"),
        sa.CheckConstraint("rank in ('first', 'backup')", name="ck_roster_override_rank"),
        sa.CheckConstraint(duties, name="ck_roster_override_duty"),
        sa.CheckConstraint(
            "absent_person_id is not null or person_id is not null", name="ck_roster_override_somebody"
        ),
        sa.CheckConstraint("absent_person_id is distinct from person_id", name="ck_roster_override_another"),
    )
    op.create_index(
        "ix_roster_override_facility_duty_ends", "roster_override", ["facility_id", "duty", "ends_at"]
    )


def _alerts() -> None:
    op.create_table(
        "escalation_policy",
        _uuid("group_id"),
        sa.Column("steps", JSONB(), nullable=False),
        _number("revision"),
        _uuid("updated_by"),
        _instant("updated_at"),
        sa.PrimaryKeyConstraint("group_id", name="pk_escalation_policy"),
        _refers("escalation_policy", "group_id", "patient_group"),
        _refers("escalation_policy", "updated_by", "person"),
    )
    op.create_table(
        "alert",
        _uuid("id"),
        _uuid("group_id"),
        _uuid("post_id"),
        _number("sequence"),
        _text("level"),
        _text("state"),
        sa.Column("plan", JSONB(), nullable=False),
        _number("steps_run"),
        _instant("next_step_at", nullable=True),
        sa.Column("reminded", sa.Boolean(), nullable=False),
        _uuid("raised_by"),
        _instant("raised_at"),
        _uuid("answered_by", nullable=True),
        _instant("acknowledged_at", nullable=True),
        _instant("responding_at", nullable=True),
        _instant("arrived_at", nullable=True),
        _instant("closed_at", nullable=True),
        _uuid("closed_by", nullable=True),
        _text("outcome", nullable=True),
        _number("event_count"),
        _number("version"),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
        _refers("alert", "group_id", "patient_group"),
        _refers("alert", "raised_by", "person"),
        _refers("alert", "answered_by", "person"),
        _refers("alert", "closed_by", "person"),
        # The promise of the whole part, in the schema: nobody can store an alert that waits for nothing.
        sa.CheckConstraint(
            "state in ('resolved', 'cancelled') or next_step_at is not null", name="ck_alert_always_due"
        ),
        sa.CheckConstraint(
            "state in ('open', 'acknowledged', 'responding', 'arrived', 'resolved', 'cancelled')",
            name="ck_alert_state",
        ),
        sa.CheckConstraint("level in ('E1', 'E2', 'E3', 'E4')", name="ck_alert_level"),
        sa.CheckConstraint("(state = 'resolved') = (outcome is not null)", name="ck_alert_outcome"),
        sa.CheckConstraint(
            "state not in ('acknowledged', 'responding', 'arrived') or answered_by is not null",
            name="ck_alert_answered",
        ),
    )
    op.create_index(
        "ix_alert_due",
        "alert",
        ["next_step_at"],
        postgresql_where=sa.text("state not in ('resolved', 'cancelled')"),
    )
    op.create_index("ix_alert_group", "alert", ["group_id", "raised_at"])
    op.create_table(
        "alert_event",
        _uuid("alert_id"),
        _number("n"),
        _instant("at"),
        _text("kind"),
        _uuid("person_id", nullable=True),
        _text("channel", nullable=True),
        _number("step", nullable=True),
        sa.Column("detail", JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", "n", name="pk_alert_event"),
        _refers("alert_event", "alert_id", "alert"),
        _refers("alert_event", "person_id", "person"),
    )
    op.create_table(
        "heartbeat", _text("process"), _instant("at"), sa.PrimaryKeyConstraint("process", name="pk_heartbeat")
    )


def _pings() -> None:
    op.create_table(
        "ping",
        _uuid("id"),
        _text("about"),
        _uuid("about_id"),
        _number("step_no"),
        _number("attempt"),
        _text("channel"),
        _uuid("person_id"),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        _text("state"),
        _instant("due_at"),
        _instant("expires_at"),
        _instant("lease_until", nullable=True),
        _number("fence"),
        _number("tries"),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        _instant("token_used_at", nullable=True),
        _instant("created_at"),
        _instant("sent_at", nullable=True),
        _instant("delivered_at", nullable=True),
        _instant("ended_at", nullable=True),
        _text("reason", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ping"),
        _refers("ping", "person_id", "person"),
        sa.UniqueConstraint(
            "about", "about_id", "step_no", "attempt", "channel", "person_id", name="uq_ping_once"
        ),
        sa.UniqueConstraint("token_hash", name="uq_ping_token_hash"),
        sa.CheckConstraint("about in ('alert', 'sheet', 'test')", name="ck_ping_about"),
        sa.CheckConstraint("channel in ('in_app', 'web_push', 'email')", name="ck_ping_channel"),
        sa.CheckConstraint(
            "state in ('pending', 'sent', 'delivered', 'failed', 'cancelled')", name="ck_ping_state"
        ),
    )
    op.create_index("ix_ping_due", "ping", ["due_at"], postgresql_where=sa.text("state = 'pending'"))
    op.create_table(
        "push_subscription",
        _uuid("id"),
        _uuid("person_id"),
        _text("endpoint"),
        sa.Column("p256dh", sa.LargeBinary(), nullable=False),
        sa.Column("auth", sa.LargeBinary(), nullable=False),
        _instant("created_at"),
        _instant("used_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_push_subscription"),
        _refers("push_subscription", "person_id", "person"),
        sa.UniqueConstraint("endpoint", name="uq_push_subscription_endpoint"),
    )
    op.create_index("ix_push_subscription_person_id", "push_subscription", ["person_id"])
