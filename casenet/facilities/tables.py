"""Offices and their staff."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from casenet.database import Base, Instant, Uuid


class Facility(Base):
    """An office, clinic, station or hospital."""

    __tablename__ = "facility"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    tel: Mapped[str]
    fax: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[Instant]

    __table_args__ = (
        CheckConstraint(
            "kind in ('clinic', 'home_nursing', 'care_management', 'home_help', 'day_care', 'pharmacy', "
            "'hospital', 'municipality')",
            name="kind",
        ),
    )


class Staff(Base):
    """A person works at a facility, at one at a time. The facility owns this row: it adds and removes its people."""

    __tablename__ = "staff"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    facility_id: Mapped[Uuid] = mapped_column(ForeignKey("facility.id"), index=True)
    person_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    is_administrator: Mapped[bool]
    since: Mapped[Instant]
    until: Mapped[Instant | None]

    __table_args__ = (
        Index("uq_staff_person_now", "person_id", unique=True, postgresql_where=text("until is null")),
    )
