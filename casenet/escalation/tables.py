"""Alerts, what happened to them, and each group's policy. What is wrong stands sealed in the post."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from casenet.database import Base, Instant, Uuid


class Alert(Base):
    """One urgent call.

    post_id       The urgent post that says what is the matter, in the same group.
    plan          The steps as they stood when it opened: [{target, facility_id, wait_seconds, with_next}].
    steps_run     Steps run or passed over, over all rounds.
    next_step_at  When the next move is due; the CHECK holds that an alert not closed always has one.
    event_count   The number of the last alert_event.
    """

    __tablename__ = "alert"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    group_id: Mapped[Uuid] = mapped_column(ForeignKey("patient_group.id"))
    post_id: Mapped[Uuid]
    sequence: Mapped[int]
    level: Mapped[str]
    state: Mapped[str]
    plan: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    steps_run: Mapped[int]
    next_step_at: Mapped[Instant | None]
    reminded: Mapped[bool]
    raised_by: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    raised_at: Mapped[Instant]
    answered_by: Mapped[Uuid | None] = mapped_column(ForeignKey("person.id"))
    acknowledged_at: Mapped[Instant | None]
    responding_at: Mapped[Instant | None]
    arrived_at: Mapped[Instant | None]
    closed_at: Mapped[Instant | None]
    closed_by: Mapped[Uuid | None] = mapped_column(ForeignKey("person.id"))
    outcome: Mapped[str | None]
    event_count: Mapped[int]
    version: Mapped[int]

    __table_args__ = (
        CheckConstraint("state in ('resolved', 'cancelled') or next_step_at is not null", name="always_due"),
        CheckConstraint(
            "state in ('open', 'acknowledged', 'responding', 'arrived', 'resolved', 'cancelled')",
            name="state",
        ),
        CheckConstraint("level in ('E1', 'E2', 'E3', 'E4')", name="level"),
        CheckConstraint("(state = 'resolved') = (outcome is not null)", name="outcome"),
        CheckConstraint(
            "state not in ('acknowledged', 'responding', 'arrived') or answered_by is not null",
            name="answered",
        ),
        Index(
            "ix_alert_due", "next_step_at", postgresql_where=text("state not in ('resolved', 'cancelled')")
        ),
        Index("ix_alert_group", "group_id", "raised_at"),
    )


class AlertEvent(Base):
    """What happened to an alert; rows are only ever added (a trigger refuses anything else)."""

    __tablename__ = "alert_event"

    alert_id: Mapped[Uuid] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Instant]
    kind: Mapped[str]
    person_id: Mapped[Uuid | None] = mapped_column(ForeignKey("person.id"))
    channel: Mapped[str | None]
    step: Mapped[int | None]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class EscalationPolicy(Base):
    """Whom a group wants to be asked, in which order; without a row the default holds."""

    __tablename__ = "escalation_policy"

    group_id: Mapped[Uuid] = mapped_column(ForeignKey("patient_group.id"), primary_key=True)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    revision: Mapped[int]
    updated_by: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    updated_at: Mapped[Instant]


class Heartbeat(Base):
    """When a background process last finished a round of its work: proof of work, not of life."""

    __tablename__ = "heartbeat"

    process: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[Instant]
