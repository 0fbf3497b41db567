"""Shifts and changes of plan. Withdrawn, not deleted: who was on call that night stays answerable."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from casenet.database import Base, Instant, Uuid


class ShiftRow(Base):
    """One person's planned time on one duty of one facility."""

    __tablename__ = "shift"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    facility_id: Mapped[Uuid] = mapped_column(ForeignKey("facility.id"))
    duty: Mapped[str]
    person_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    rank: Mapped[str]
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    created_by: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Instant]
    withdrawn_at: Mapped[Instant | None]

    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="period"),
        CheckConstraint("rank in ('first', 'backup')", name="rank"),
        CheckConstraint(
            "duty in ('home_nursing_on_call', 'physician_on_duty', 'partner_physician_on_duty')", name="duty"
        ),
        Index("ix_shift_facility_duty_ends", "facility_id", "duty", "ends_at"),
        Index("ix_shift_person_ends", "person_id", "ends_at"),
    )


class OverrideRow(Base):
    """A change of plan: add, replace or remove; `created_at` orders them."""

    __tablename__ = "roster_override"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    facility_id: Mapped[Uuid] = mapped_column(ForeignKey("facility.id"))
    duty: Mapped[str]
    absent_person_id: Mapped[Uuid | None] = mapped_column(ForeignKey("person.id"))
    person_id: Mapped[Uuid | None] = mapped_column(ForeignKey("person.id"))
    rank: Mapped[str]
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    created_by: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Instant]
    withdrawn_at: Mapped[Instant | None]

    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="period"),
        CheckConstraint("rank in ('first', 'backup')", name="rank"),
        CheckConstraint("absent_person_id is not null or person_id is not null", name="somebody"),
        CheckConstraint("absent_person_id is distinct from person_id", name="another"),
        Index("ix_roster_override_facility_duty_ends", "facility_id", "duty", "ends_at"),
    )
