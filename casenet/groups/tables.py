"""Patient groups, who belongs to them, and the patient's record."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from casenet.database import Base, Instant, Uuid


class PatientGroup(Base):
    """One patient's team.

    last_sequence   The number of the newest revision in the timeline; gapless, moved under this row's lock.
    last_mark       The number of the newest 了解; gapless, likewise.
    team_revision   Grows with every change of a membership of the group: a trigger counts.
    """

    __tablename__ = "patient_group"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    host_facility_id: Mapped[Uuid] = mapped_column(ForeignKey("facility.id"), index=True)
    last_sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    last_mark: Mapped[int] = mapped_column(BigInteger, default=0)
    created_by: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Instant]
    closed_at: Mapped[Instant | None]
    team_revision: Mapped[int] = mapped_column(BigInteger, default=0)


class Membership(Base):
    """A person belongs to a group for a time, with a role (rights) and a function (主治医 …).

    ends_at     Set for cover: a doctor on duty for one night is let in and out by itself.
    """

    __tablename__ = "membership"

    id: Mapped[Uuid] = mapped_column(primary_key=True)
    group_id: Mapped[Uuid] = mapped_column(ForeignKey("patient_group.id"))
    person_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str]
    function: Mapped[str | None]
    invited_by: Mapped[Uuid | None]
    joined_at: Mapped[Instant]
    ends_at: Mapped[Instant | None]
    left_at: Mapped[Instant | None]
    removed_by: Mapped[Uuid | None]

    __table_args__ = (
        Index(
            "uq_membership_now",
            "group_id",
            "person_id",
            unique=True,
            postgresql_where=text("left_at is null"),
        ),
        CheckConstraint(
            "role in ('physician', 'nurse', 'care_manager', 'care_worker', 'pharmacist', 'therapist', "
            "'liaison', 'family', 'observer')",
            name="role",
        ),
    )


class PatientRecord(Base):
    """What is known of the patient, sealed; every change is a new revision, old ones stay.

    patient     Sealed JSON: name, kana, birth_date, sex, address, tel, summary.
    fields      Sealed JSON: answers keyed as in the admission form.
    """

    __tablename__ = "patient_record"

    group_id: Mapped[Uuid] = mapped_column(ForeignKey("patient_group.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    patient: Mapped[bytes] = mapped_column(LargeBinary)
    fields: Mapped[bytes] = mapped_column(LargeBinary)
    author_id: Mapped[Uuid] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Instant]
    is_current: Mapped[bool]

    __table_args__ = (
        Index("uq_patient_record_current", "group_id", unique=True, postgresql_where=text("is_current")),
    )
